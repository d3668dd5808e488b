"""Five regressions, seeded into copies of what is committed: each is caught by the test of `make test` named beside it."""

import dataclasses
import os
import re
import subprocess
import sys

import nbformat
import pytest

import guards
import notebooks
import test_catalogue
from course_utils import catalogue

LESSON = notebooks.ROOT / "notebooks" / "02_retrieval.ipynb"


@pytest.fixture
def lesson():
    return nbformat.read(LESSON, 4)


def cell_with(nb, words: str):
    """The first code cell with a picture, or whatever `words` finds in its outputs."""
    return next(c for c in nb.cells if c.cell_type == "code" and re.search(words, str(c.outputs)))


def ran_strictly(nb, path, **environment):
    notebooks.write(nb, path)
    command = [sys.executable, str(notebooks.ROOT / "tools" / "check_notebooks.py"), "--workers", "1", str(path)]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, encoding="utf-8", timeout=300
    )


def test_the_lesson_as_it_is_passes(lesson):
    assert guards.problems(lesson, LESSON) == []


def test_a_changed_price(monkeypatch):
    """Caught by test_catalogue.py::test_figures_are_frozen_under_a_date_and_a_reason."""
    cheaper = dataclasses.replace(catalogue.TIERS["small"], price_in=catalogue.TIERS["small"].price_in / 2)
    monkeypatch.setitem(catalogue.TIERS, "small", cheaper)
    with pytest.raises(AssertionError, match="a figure changed: say when and why in CHANGES"):
        test_catalogue.test_figures_are_frozen_under_a_date_and_a_reason()


def test_a_mocks_reply_in_an_output(lesson):
    """Caught by test_notebooks.py::test_the_notebook_passes_every_guard."""
    cell = next(c for c in lesson.cells if c.cell_type == "code" and c.outputs)
    cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": '<td data-source="mock">30 days</td>'})]
    assert any("shows a mock's reply" in sentence for sentence in guards.problems(lesson, LESSON))


def test_a_missing_alternative_text(lesson):
    """Caught by test_notebooks.py::test_the_notebook_passes_every_guard."""
    cell = cell_with(lesson, "data:image/png")
    for output in cell.outputs:
        if "text/html" in output.get("data", {}):
            output.data["text/html"] = re.sub(r' alt="[^"]*"', "", output.data["text/html"])
    assert any("without alternative text" in sentence for sentence in guards.problems(lesson, LESSON))


ASK = "from course_utils import chat_model\nprint(chat_model('nano', max_tokens=9).invoke('{words}').content)"
CALL = "import urllib.request\nprint(urllib.request.urlopen('http://192.0.2.1/', timeout=5).status)"


@pytest.mark.parametrize(
    "source, words",
    [
        pytest.param(
            ASK.format(words="A question that nobody put on record."), "not on record", id="missing_recording"
        ),
        pytest.param(CALL, "URLError|unreachable|without a network", id="network_call"),
    ],
)
def test_a_cell_that_must_not_be(source, words, tmp_path):
    """A missing recording and a network call: caught by the strict pass, tools/check_notebooks.py."""
    cell = nbformat.v4.new_code_cell(source, id="seeded", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="200\n")]
    nb = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": notebooks.KERNEL})
    ran = ran_strictly(nb, tmp_path / "seeded.ipynb", COURSE_REPLIES="auto")
    assert ran.returncode != 0 and re.search(words, ran.stdout + ran.stderr), (ran.stdout + ran.stderr)[-2000:]
