"""Slides of the lessons, as HTML decks that need no server and no network: make slides.

    python tools/slides.py [--out build/slides] [2 …]
    python tools/slides.py --tag 2             give the cells of a lesson their slide tags (metadata slideshow)

A deck follows the slide tags in the notebook, which a teacher may change in JupyterLab's property inspector; without
one a cell is left out. On a slide stand headings, first paragraphs, lists, diagrams, code and results; what more the
prose says is in the speaker's notes (key S).
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat

import build_site
import diagrams
import notebooks

TEMPLATE = notebooks.ROOT / "docs" / "slides"
LONG = 16  # lines; the code of a longer cell stays in the notebook, its result is shown


def tag(nb) -> None:
    """Set each cell's slide type: 'slide' at a heading of level 1 or 2, 'subslide', '-' (goes on), or 'skip'."""
    before, further = None, False
    for cell in nb.cells:
        heading = re.match(r"#+ ", cell.source) if cell.cell_type == "markdown" else None
        if heading:
            further = cell.source.lower().startswith("## going further") or (further and len(heading[0]) > 3)
        if further or "optional" in cell.metadata.get("tags", []):
            kind = "skip"
        elif heading:
            kind = "slide" if len(heading[0]) <= 3 else "subslide"
        elif cell.cell_type == "markdown" or before == "code":
            kind = "subslide"
        else:
            kind = "-"
        cell.metadata["slideshow"] = {"slide_type": kind}
        before = cell.cell_type


def split(source: str) -> tuple[str, str]:
    """What of a Markdown cell stands on the slide, and what is for the speaker: paragraphs after the first."""
    blocks, shown, notes, prose = re.split(r"\n\s*\n", source.strip()), [], [], 0
    for block in blocks:
        plain = not re.match(r"(#+ |[-*|>] |\d+\. |<|!\[|\||```)", block.strip())
        prose += plain
        (notes if plain and prose > 1 else shown).append(block)
    return "\n\n".join(shown), "\n\n".join(notes)


def deck(nb, drawn: dict):
    """A notebook as nbconvert's slides take it."""
    nb = build_site.prepared(nb, drawn)
    cells = []
    for cell in nb.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "skip")
        if kind == "skip":
            continue
        if cell.cell_type == "code":
            if len(cell.source.splitlines()) > LONG and cell.outputs:
                cell.metadata["transient"] = {"remove_source": True}
            cells.append(cell)
            continue
        cell.source, said = split(cell.source)
        cells.append(cell)
        if said:
            cells.append(nbformat.v4.new_markdown_cell(said, metadata={"slideshow": {"slide_type": "notes"}}))
    nb.cells = cells
    return nb


def build(out: Path, lessons: dict[Path, object], drawn: dict) -> list[Path]:
    """Write a deck for each {path: notebook}, and reveal.js beside them."""
    import sphinx_revealjs
    from nbconvert import SlidesExporter

    exporter = SlidesExporter(
        template_file=str(TEMPLATE / "deck.html.j2"),
        reveal_url_prefix="reveal",
        reveal_theme="white",
    )
    out.mkdir(parents=True, exist_ok=True)
    source = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
    shutil.copytree(source, out / "reveal", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.map"))
    written = []
    for path, nb in lessons.items():
        page, _ = exporter.from_notebook_node(deck(nb, drawn), {"metadata": {"name": path.stem}})
        target = out / f"{path.stem}.html"
        target.write_text(page, encoding="utf-8")
        written.append(target)
    return written


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lessons", nargs="*")
    parser.add_argument("--out", type=Path, default=notebooks.ROOT / "build" / "slides")
    parser.add_argument("--tag", action="store_true", help="set the slide tags; changes the notebooks")
    options = parser.parse_args(arguments)
    lessons = {path: nbformat.read(path, 4) for path in notebooks.find(options.lessons) if "further" not in path.parts}
    if options.tag:
        for path, nb in lessons.items():
            tag(nb)
            nbformat.write(nb, path)
        return 0
    if not build_site.has_browser():
        print("No Chromium: diagrams are left out.", file=sys.stderr)
    written = build(options.out, lessons, diagrams.draw(lessons) if build_site.has_browser() else {})
    print(*written, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
