"""The learner's path: what is counted, shown and reset."""

import json

import pytest

from course_utils import progress
from course_utils.checks import all_exercises, path


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    return tmp_path


def test_an_empty_state_shows_every_lesson_with_nothing_done(state, capsys):
    progress()
    text = capsys.readouterr().out
    assert f"0 of {len(all_exercises())} exercises done. 0 guesses" in text
    assert len(path.rows()) == len({e.id[:2] for e in all_exercises()})


def test_exercises_quizzes_and_guesses_are_counted_by_lesson(state):
    own = [e.id for e in all_exercises() if e.id.startswith("02")]
    done = {own[0]: {"tries": 2, "solved": True}, own[1]: {"tries": 1, "solved": False}}
    done["02-a-quiz"] = {"answer": "b", "solved": True}
    done["02-damaged"] = "text"
    guesses = {"02-x": {"value": "3", "near": True}, "02-y": {"value": "3", "near": None}, "01-z": {"value": "1"}}
    (state / "progress.json").write_text(json.dumps(done), encoding="utf-8")
    (state / "guesses.json").write_text(json.dumps(guesses), encoding="utf-8")
    second = path.rows()[1]
    assert list(second.values()) == [2, 1, len(own), 1, 1, 1, 1]


def test_a_reset_keeps_the_old_files_beside(state, capsys):
    (state / "progress.json").write_text("{}", encoding="utf-8")
    progress(reset=True)
    assert "A fresh start" in capsys.readouterr().out
    assert not (state / "progress.json").exists() and len(list(state.glob("progress.*.json"))) == 1
    assert path.main(["--reset"]) == 0 and "nothing to reset" in capsys.readouterr().out
