"""Every exercise judges its starter, its solutions and its wrong answers as it should, and stands in its notebook."""

from pathlib import Path

import nbformat
import pytest

from course_utils.checks import all_exercises, faults, verify

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda e: e.id)
def test_an_exercise_judges_itself(exercise):
    assert verify(exercise) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_and_its_exercises_agree(path):
    assert faults(nbformat.read(path, 4)) == []
