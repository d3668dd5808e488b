"""What course_utils/shown holds stands in a lesson, statement for statement."""

import ast
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
LESSONS = {  # module: its lesson
    "retrieval": "02_retrieval",
    "documents": "03_documents",
    "support": "04_conversation",
    "sorting": "04_conversation",
    "production": "12_production",
}
DIFFERENT = {"retrieval": {"readers"}}  # names whose statement must differ; the docstring says why


def statements(source: str) -> dict[str, str]:
    """Top-level statements but imports and docstrings: name or first line -> normalised source."""
    found = {}
    for node in ast.parse(source).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not docstring and not isinstance(node, ast.Import | ast.ImportFrom):
            text = ast.unparse(node)
            names = [t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)]
            found[getattr(node, "name", "") or (names or [text.splitlines()[0]])[0]] = text
    return found


def test_every_module_is_compared():
    there = {file.stem for file in (ROOT / "course_utils" / "shown").glob("*.py")} - {"__init__"}
    assert there == set(LESSONS)


@pytest.mark.parametrize("module", LESSONS)
def test_module_repeats_its_lesson(module):
    nb = nbformat.read(ROOT / "notebooks" / f"{LESSONS[module]}.ipynb", 4)
    in_lesson = set()
    for cell in nb.cells:
        if cell.cell_type == "code":
            in_lesson |= set(statements(cell.source).values())
    source = (ROOT / "course_utils" / "shown" / f"{module}.py").read_text(encoding="utf-8")
    mine = statements(source)
    changed = [
        name for name, text in mine.items() if text not in in_lesson and name not in DIFFERENT.get(module, set())
    ]
    assert len(mine) > 5 and not changed, f"shown/{module}.py and lesson {LESSONS[module]} differ in: {changed}"
