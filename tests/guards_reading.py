"""Guards: a notebook can be read without sight, and a reader finds the way in it."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

from cells import code_cells, headings, markdown_cells, prose, shown, stored_widgets
from notebooks import where

MERMAID = re.compile(r"^```mermaid\s*\n(.*?)^```", re.MULTILINE | re.DOTALL)


class _Figures(HTMLParser):
    """Collects what is wrong with the figures and sounds of a piece of HTML."""

    def __init__(self, text):
        super().__init__()
        self.found, self._svg, self._sound, self._words = [], None, False, 0
        self.feed(text)
        self.close()
        if self._sound and self._words < 3:
            self.found.append("a sound without a line of text (duration, transcript)")

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "img" and len((values.get("alt") or "").strip()) < 10:
            self.found.append("a picture without alternative text")
        elif tag == "svg" and self._svg is None:
            self._svg = values.get("aria-hidden") == "true" or bool(values.get("aria-label"))
        elif tag == "title" and self._svg is not None:
            self._svg = True
        elif tag in ("audio", "video"):
            self._sound = True

    def handle_endtag(self, tag):
        if tag == "svg":
            if self._svg is False:
                self.found.append("an SVG without aria-label or title")
            self._svg = None

    def handle_data(self, data):
        self._words += len(data.split())


def alternative_text(nb, path):
    found = []
    for index, cell in markdown_cells(nb):
        what = [f for f in _Figures(prose(cell)).found]
        alts = re.findall(r"!\[([^\]]*)\]", prose(cell))
        what += ["a picture without alternative text" for alt in alts if len(alt) < 10]
        for diagram in MERMAID.findall(cell.source):
            if not ("accTitle" in diagram and "accDescr" in diagram):
                what.append("a mermaid diagram without accTitle and accDescr")
        found += [(where(nb, index), w) for w in what]
    for index, cell in code_cells(nb):
        for output in cell.outputs:
            data = output.get("data", {})
            page = data.get("text/html", "")
            found += [(where(nb, index), w) for w in _Figures(page).found]
            pictures = [kind for kind in data if kind.startswith("image/")]
            if pictures and not re.search(r"<img\b[^>]*\balt=", page):
                found.append((where(nb, index), f"an {pictures[0]} output without alternative text"))
    for model in stored_widgets(nb):
        state = model.get("state", {})
        if model.get("model_name") == "ImageModel":
            found.append(("the stored widgets", "an Image widget, which has no alternative text"))
        elif "HTML" in model.get("model_name", ""):
            found += [("the stored widgets", w) for w in _Figures(state.get("value") or "").found]
    return [f'{place} has {what}: use `show(fig, alt="…")`, or give one.' for place, what in dict.fromkeys(found)]


def heading_levels(nb, path):
    found, last, tops = [], 0, 0
    for index, level, title in headings(nb):
        tops += level == 1
        if level == 1 and tops > 1:
            found.append(f"{where(nb, index)} has a second H1, {title!r}: make it an H2.")
        elif level > last + 1:
            found.append(f"{where(nb, index)}: the heading {title!r} skips from level {last} to {level}.")
        last = level
    for index, cell in code_cells(nb):
        if any(kind == "text/html" and re.search(r"<h1\b", text) for kind, text in shown(cell)):
            found.append(f"{where(nb, index)} puts out an H1: a notebook has one, in its first cell.")
    return found if tops else [*found, "There is no H1: begin the first cell with one."]


def links_exist(nb, path):
    anchors = {re.sub(r"\s+", "-", re.sub(r"[*_`]", "", title).strip()) for _, _, title in headings(nb)}
    found = []
    for index, cell in markdown_cells(nb):
        text = prose(cell)
        targets = re.findall(r"\]\(\s*<?([^)\s>]+)", text) + re.findall(r"^\[[^\]]+\]:\s*(\S+)", text, re.MULTILINE)
        targets += re.findall(r"""(?:href|src)=["']([^"']+)["']""", text)
        for target in targets:
            file, _, anchor = unquote(target).partition("#")
            if re.match(r"[a-z][a-z0-9+.-]*:", target) or (not file and anchor in anchors):
                continue
            if not file:
                found.append(f"{where(nb, index)} links to #{anchor}, and no heading here is called so.")
            elif not (path.parent / file).exists():
                found.append(f"{where(nb, index)} links to {file}, which is not there: correct the link.")
    return found


GUARDS = [alternative_text, heading_levels, links_exist]
