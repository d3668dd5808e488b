"""Mermaid diagrams of notebooks as SVG pictures, drawn by JupyterLab in a headless browser: for pages without it."""

import base64
import re
import tempfile
from pathlib import Path
from urllib.parse import unquote

import headless

FENCE = re.compile(r"```mermaid\n(.*?)```", re.S)
PICTURES = ".jp-Notebook .jp-RenderedMermaid img"


def _svg(address: str) -> str:
    """The SVG in a data: address."""
    head, body = address.split(",", 1)
    return base64.b64decode(body).decode("utf-8") if head.endswith("base64") else unquote(body)


def address(svg: str) -> str:
    """An SVG as a data: address."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")


def said(source: str) -> str:
    """A diagram's title and description, as its source gives them."""
    return " ".join(re.findall(r"^\s*acc(?:Title|Descr)\s*:\s*(.+?)\s*$", source, re.M))


def fences(nb) -> list[str]:
    """The sources of a notebook's diagrams, in order."""
    return [found for cell in nb.cells if cell.cell_type == "markdown" for found in FENCE.findall(cell.source)]


def draw(lessons: dict[Path, object]) -> dict[str, tuple[str, str]]:
    """Draw every diagram of {path: notebook}: its source -> (SVG, alternative text)."""
    drawn = {}
    with tempfile.TemporaryDirectory("-diagrams", ignore_cleanup_errors=True) as folder:
        wanted = {path: found for path, nb in lessons.items() if (found := fences(nb))}
        names = headless.copy(wanted, folder)
        with headless.Lab(folder) as lab:
            for (path, sources), name in zip(wanted.items(), names, strict=True):
                with lab.open(name) as opened:
                    pictures = opened.page.locator(PICTURES)
                    pictures.nth(len(sources) - 1).wait_for(state="attached")
                    if pictures.count() != len(sources):
                        raise RuntimeError(f"{path.name} has {len(sources)} diagrams, {pictures.count()} were drawn.")
                    for source, picture in zip(sources, pictures.all(), strict=True):
                        drawn[source] = _svg(picture.get_attribute("src")), said(source)
    return drawn
