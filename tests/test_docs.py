"""The docs are true: glossary terms stand in their lessons, links lead somewhere, README names what is there."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]+)")


def text_of(notebook: Path) -> str:
    """All that a reader of a notebook sees, in lower case."""
    cells = nbformat.read(notebook, 4).cells
    shown = [o.get("data", {}).get("text/plain", "") for c in cells for o in c.get("outputs", [])]
    return " ".join([c.source for c in cells] + ["".join(s) for s in shown]).lower()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_to_files(page):
    missing = [
        target for target in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / target).exists()
    ]
    assert missing == []


def glossary():
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines():
        row = re.match(r"\| (.+?) \| \[\d+\]\((.+?)\) \| .+ \|$", line)
        if row:
            yield row[1], (ROOT / "docs" / row[2]).resolve()


def test_each_glossary_term_stands_in_its_lesson():
    terms, texts = list(glossary()), {}
    assert len(terms) > 20 and [t for t, _ in terms] == sorted((t for t, _ in terms), key=str.lower)
    absent = []
    for term, notebook in terms:
        text = texts.setdefault(notebook, text_of(notebook))
        if not re.search(re.escape(term.lower()).replace(r"\ ", r"[\s_-]"), text):
            absent.append(term)
    assert absent == []


def test_each_lesson_links_the_glossary():
    for notebook in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        assert "docs/glossary.md" in text_of(notebook), notebook.name


def test_files_named_in_the_architecture_exist():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    missing = [p for p in re.findall(r"`((?:course_utils|data|notebooks)/[\w./]+)`", text) if not (ROOT / p).exists()]
    assert missing == []
