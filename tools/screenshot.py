"""Look at a notebook as JupyterLab shows it: screenshots of a copy, in a headless browser.

python tools/screenshot.py 2 out.png                 what is in view at first
python tools/screenshot.py 2 out.png --full          all of it, in out-1.png, out-2.png, …
python tools/screenshot.py 2 out.png --cell 7        cell 7 (from 1, prose counted)

By default the cells are run first, so that widgets are live; --as-is shows what is committed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import headless
import notebooks

OUTER = ".jp-Notebook .jp-WindowedPanel-outer"
PIECE = 1800  # pixels of height of one picture
BARE = """async () => {
  const commands = jupyterapp.commands;
  await commands.execute('application:set-mode', {mode: 'single-document'});
  if (!jupyterapp.shell.leftCollapsed) await commands.execute('application:toggle-left-area');
}"""


def pieces(page) -> list[tuple[float, float]]:
    """(top, height) of parts of the notebook of at most PIECE pixels, cut between cells where that is possible."""
    spans = page.evaluate(
        """selector => {
          const outer = document.querySelector(selector);
          const zero = outer.getBoundingClientRect().top - outer.scrollTop;
          return [...outer.querySelectorAll('.jp-Cell')].map(cell => {
            const box = cell.getBoundingClientRect();
            return [box.top - zero, box.bottom - zero];
          });
        }""",
        OUTER,
    )
    found, top, bottom = [], 0.0, 0.0
    for start, end in spans:
        if end - top > PIECE and bottom > top:
            found.append((top, bottom - top))
            top = start
        while end - top > PIECE:  # one cell that is longer than a picture
            found.append((top, PIECE))
            top += PIECE
        bottom = end
    return [*found, (top, bottom - top)]


def full(opened, target: Path) -> list[Path]:
    page, written = opened.page, []
    outer = page.locator(OUTER)
    for number, (top, height) in enumerate(pieces(page), 1):
        scrolled = outer.evaluate("(e, top) => { e.scrollTop = top; return e.scrollTop; }", top)
        box = outer.bounding_box()
        clip = {"x": box["x"], "y": box["y"] + top - scrolled, "width": box["width"], "height": height}
        file = target.with_name(f"{target.stem}-{number}{target.suffix}")
        page.screenshot(path=file, clip=clip)
        written.append(file)
    return written


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebook", help="2, 02_retrieval, or a path")
    parser.add_argument("out", type=Path, help="the picture to write, a .png")
    parser.add_argument("--full", action="store_true", help="the whole notebook, in several pictures")
    parser.add_argument("--cell", type=int, action="append", default=[], help="one cell (from 1); may be repeated")
    parser.add_argument("--as-is", action="store_true", help="do not run the cells")
    parser.add_argument("--width", type=int, default=1100)
    options = parser.parse_args(arguments)
    try:
        path = notebooks.find([options.notebook])[0]
    except notebooks.NotebookProblem as problem:
        sys.exit(str(problem))
    with tempfile.TemporaryDirectory("-screenshot", ignore_cleanup_errors=True) as folder:
        (name,) = headless.copy([path], folder)
        with headless.Lab(folder) as lab, lab.open(name, options.width, PIECE + 200) as opened:
            opened.page.evaluate(BARE)
            if not options.as_is:
                opened.page.set_default_timeout(0)
                opened.run_all()
                for sentence in opened.errors():
                    print(sentence, file=sys.stderr)
            written = picture(opened, options)
    print(*written, sep="\n")
    return 0


def picture(opened, options) -> list[Path]:
    """Take the pictures that were asked for; the files written."""
    cells = opened.page.locator(".jp-Notebook .jp-Cell")
    written = []
    for number in options.cell:
        several = len(options.cell) > 1
        out = options.out
        file = out.with_name(f"{out.stem}-cell-{number}{out.suffix}") if several else out
        cells.nth(number - 1).screenshot(path=file)
        written.append(file)
    if options.full:
        written += full(opened, options.out)
    if not written:
        opened.page.screenshot(path=options.out)
        written = [options.out]
    return written


if __name__ == "__main__":
    sys.exit(main())
