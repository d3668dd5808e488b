"""Build a static, searchable site of the executed notebooks and the pages in docs/: make site.

    python tools/build_site.py [--out site] [--lesson 2]

It works from a folder, without a server or network. Diagrams are drawn by JupyterLab in a headless browser; where
there is none, their prose stands alone. Code and data that a page links are copied beside the pages.
"""

import argparse
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import nbformat

import diagrams
import notebooks

sys.path.insert(0, str(notebooks.ROOT))
from course_utils.doctor import NEEDS  # noqa: E402

ROOT, HERE = notebooks.ROOT, notebooks.ROOT / "docs" / "site"
LINK = re.compile(r"(\]\()((?:\.\./|\./)?[^)\s#]+?)(#[^)\s]*)?(\))")
WIDGET = "application/vnd.jupyter.widget-view+json"
INDEX = """# {title}

{promise}

```{{toctree}}
:maxdepth: 1
:caption: Lessons

{lessons}
```

```{{toctree}}
:maxdepth: 1
:caption: About the course

README
{pages}
```
"""


def has_browser() -> bool:
    """Whether a Chromium is there to draw diagrams."""
    return any(map(shutil.which, NEEDS["chromium"].programs))


def pages() -> list[Path]:
    """The Markdown pages of the site, paths within the checkout."""
    found = [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/teaching/*.md"), *ROOT.glob("data/**/README.md")]
    return [ROOT / "README.md", *sorted(found)]


def linked(text: str, home: Path, folder: Path, known: set[Path]) -> str:
    """Copy into `folder` each file that a page links and that is no page itself; a link to a folder leads to its sheet."""

    def replace(match):
        start, address, anchor, end = match[1], match[2], match[3] or "", match[4]
        target = Path(os.path.normpath(home / unquote(address)))
        if re.match(r"[a-z]+:", address) or target in known or not target.exists() or ROOT not in target.parents:
            return match[0]
        if target.is_dir():
            sheet = target / "README.md"
            return f"{start}{os.path.relpath(sheet, home)}{anchor}{end}" if sheet in known else match[0]
        if target.suffix not in (".ipynb", ".md"):
            copy = folder / target.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(target, copy)
        return match[0]

    return LINK.sub(replace, text)


def prepared(nb, drawn: dict):
    """A notebook as the site shows it: diagrams as pictures, no widgets, no error text of its own."""
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = diagrams.FENCE.sub(lambda found: picture(found[1], drawn), cell.source)
        else:
            cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]
    return nb


def picture(source: str, drawn: dict) -> str:
    """A diagram as an HTML figure; nothing where it could not be drawn, since its prose stands beside it."""
    if source not in drawn:
        return ""
    svg, alt = drawn[source]
    address = diagrams.address(svg)
    return f'<figure class="diagram"><img alt="{html.escape(alt, quote=True)}" src="{address}"></figure>'


KEYBOARD = [  # what scrolls can be reached by keyboard, headings have a level, an empty corner of a table is no header
    (re.compile(r"<pre>"), '<pre tabindex="0">'),
    (re.compile(r'<div class="table-wrapper '), '<div tabindex="0" class="table-wrapper '),
    (re.compile(r'<table border="1" class="dataframe'), '<table tabindex="0" border="1" class="dataframe'),
    (re.compile(r'<p class="caption" role="heading">'), '<p class="caption" role="heading" aria-level="2">'),
    (re.compile(r"<th></th>"), "<td></td>"),
]


def reachable(page: str) -> str:
    """A page of the site with what assistive technology needs and the theme or pandas leave out."""
    for pattern, better in KEYBOARD:
        page = pattern.sub(better, page)
    return page


def lay_out(folder: Path, lessons: dict[Path, object], drawn: dict) -> None:
    """Write what Sphinx reads into `folder`."""
    known = {*lessons, *pages()}
    static = folder / "_static"
    static.mkdir()
    shutil.copy(HERE / "conf.py", folder)
    shutil.copy(HERE / "course.css", static)
    for page in pages():
        target = folder / page.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = linked(page.read_text(encoding="utf-8"), page.parent, folder, known)
        target.write_text(text, encoding="utf-8")
    for path, nb in lessons.items():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = linked(cell.source, path.parent, folder, known)
        nbformat.write(prepared(nb, drawn), target)
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("\n")
    text = INDEX.format(
        title=readme[0].lstrip("# "),
        promise=readme[2],
        lessons="\n".join(path.relative_to(ROOT).with_suffix("").as_posix() for path in lessons),
        pages="\n".join(p.relative_to(ROOT).with_suffix("").as_posix() for p in pages()[1:]),
    )
    (folder / "index.md").write_text(text, encoding="utf-8")


def build(out: Path, lessons: dict[Path, object], drawn: dict) -> list[str]:
    """Build the site into `out`; Sphinx's warnings, in which a broken link is one."""
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory("-site", ignore_cleanup_errors=True) as own:
        folder = Path(own, "source")
        folder.mkdir()
        lay_out(folder, lessons, drawn)
        command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-d", str(Path(own, "doctrees"))]
        done = subprocess.run([*command, str(folder), str(out)], capture_output=True, text=True, cwd=own)
    said = [line.replace(f"{folder}{os.sep}", "") for line in done.stderr.splitlines() if line.strip()]
    if done.returncode:
        raise RuntimeError("\n".join(["Sphinx stopped:", *said[-15:]]))
    for page in out.rglob("*.html"):
        page.write_text(reachable(page.read_text(encoding="utf-8")), encoding="utf-8")
    return said


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--lesson", action="append", default=[], help="only this lesson; may be repeated")
    options = parser.parse_args(arguments)
    try:
        import myst_nb  # noqa: F401
    except ImportError:
        sys.exit("The layer 'site' is not installed. Run: make site")
    paths = notebooks.find(options.lesson)
    lessons = {path: nbformat.read(path, 4) for path in paths}
    if not has_browser():
        print("No Chromium: diagrams are left out, their prose stands alone.", file=sys.stderr)
    warnings = build(options.out, lessons, diagrams.draw(lessons) if has_browser() else {})
    print(*warnings, sep="\n", file=sys.stderr)
    print(f"{options.out / 'index.html'}: {len(lessons)} lessons, {len(pages())} pages, {len(warnings)} warnings.")
    return bool(warnings)


if __name__ == "__main__":
    sys.exit(main())
