"""The exercise engine, guesses and quizzes, on an exercise of lesson 99; and all of it in a strict notebook."""

import dataclasses
import json
import os
import subprocess
import sys

import nbformat
import pytest

from course_utils import metering, scoreboard, settings
from course_utils.checks import calibration, engine, exercise, faults, guess, quiz, register, show_guess, solved, verify
from course_utils.checks.guesses import numbers
from course_utils.checks.progress import read_state, update_state
from course_utils.settings import CourseError

SOLUTION = "def recall_at_k(found, relevant, k):\n    return len(set(found[:k]) & set(relevant)) / len(relevant)"
TWIN = (
    "def recall_at_k(found, relevant, k):\n    hits = 0\n    for p in relevant:\n        hits += p in found[:k]\n    {}"
)
NAMED = [
    (
        "def recall_at_k(found, relevant, k):\n    return len(set(found[:k]) & set(relevant)) / k",
        "That is precision: divide by the number of relevant passages.",
    ),
    (
        "def recall_at_k(found, relevant, k):\n    return len(set(found) & set(relevant)) / len(relevant)",
        "This ignores `k`.",
    ),
    ("def recall_at_k(found, relevant, k):\n    return len(set(found[:k]) & set(relevant))", "A count is no share."),
]
WRONG = [
    (TWIN.format("print(hits / len(relevant))"), "gives `None`"),
    ("def recall_at_k(found, relevant, k):\n    return hits / len(relevant)", "name 'hits' is not defined"),
]
RECALL = engine.Exercise(
    id="99-recall",
    title="Recall at k",
    stars=1,
    minutes=5,
    task="Write `recall_at_k`.\n\nIt is the share of **relevant** passages among the first `k`.",
    answer="recall_at_k",
    starter='def recall_at_k(found, relevant, k):\n    """The share of relevant passages found."""\n    ...',
    solution=SOLUTION,
    alternatives=[TWIN.format("return hits / len(relevant)")],
    named=NAMED,
    wrong=WRONG,
    hints=["`found[:k]` are the first k.", "Divide by `len(relevant)`."],
    cases=[(["a", "b", "c"], {"a", "c"}, 1), (["a", "b", "c"], {"a", "c"}, 3), (["x", "y"], {"a"}, 2)],
    after="Recall asks what was missed.",
)
BOTH = engine.Exercise(
    id="99-both",
    title="Two figures",
    stars=2,
    minutes=3,
    task="Measure both.",
    answer=("five", "one"),
    starter="five, one = ..., ...",
    solution="five, one = 9, 12",
    check=lambda five, one: None if one > five else "One passage is easier to read.",
    measured=True,
)


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "state"))
    register(RECALL, BOTH)


def function(source, name="recall_at_k"):
    return engine.execute(dataclasses.replace(RECALL, answer=name), source)[0]


def test_the_exercise_proves_itself():
    assert verify(RECALL) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"solution": NAMED[0][0]}, "wrong answer 1: expected 'not yet'"),
        ({"starter": SOLUTION}, "solution: expected 'correct'"),
        ({"alternatives": [NAMED[1][0]]}, "alternative 1"),
        ({"wrong": [WRONG[0], (SOLUTION, "")]}, "wrong answer 5"),
        ({"wrong": [WRONG[0], (WRONG[1][0], "some other reason")]}, "wrong answer 5"),
        ({"wrong": WRONG[:1]}, "5 named or wrong answers or more"),
        ({"hints": []}, "2 hints or more"),
        ({"stars": 4}, "1 to 3 stars"),
        ({"starter": "def recall_at_k(:"}, "starter does not run: SyntaxError"),
    ],
)
def test_a_faulty_exercise_is_found_out(change, says):
    assert any(says in problem for problem in verify(dataclasses.replace(RECALL, **change)))


@pytest.mark.parametrize(
    ("source", "status", "says"),
    [
        (RECALL.starter, "not attempted", "Write `recall_at_k`"),
        ("def recall_at_k(found, relevant, k):\n    raise NotImplementedError", "not attempted", "NotImplementedError"),
        ("def recall_at_k(found, relevant, k):\n    pass  # later", "not attempted", ""),
        ("recall_at_k = ...", "not attempted", ""),
        ("recall_at_k = 0.5", "not yet", "should be a function, and is 0.5"),
        (SOLUTION, "correct", "what was missed"),
        (f"async {SOLUTION}", "correct", ""),
        ("def recall_at_k(found, relevant, k):\n    return 0.0", "not yet", "`0.5` is right"),
        (
            "def recall_at_k(found, relevant, k):\n    found.clear()\n    return 1 / 0",
            "not yet",
            "line 3: `return 1 / 0`",
        ),
        ("def recall_at_k(found, k):\n    return 1", "not yet", "takes 2 positional arguments but 3 were given"),
        ("def recall_at_k(*a):\n    return recall_at_k(*a)", "not yet", "RecursionError"),
    ],
)
def test_three_answers(source, status, says):
    answer = engine.grade(RECALL, function(source))
    assert (answer.status, bool(answer)) == (status, status == "correct")
    assert says in answer.reason


def test_a_check_that_raises_inside_the_learners_code_names_their_line():
    def run_it(value):
        return None if value() == 1 else "no"

    shout = dataclasses.replace(RECALL, cases=(), check=run_it, starter="def shout(): ...", answer="shout")
    answer = engine.grade(shout, function("def shout():\n    x = {}\n    return x['lamp']", "shout"))
    assert answer.reason == "Your code stops with `KeyError: 'lamp'` in line 3: `return x['lamp']`"


def test_several_values_one_by_one():
    assert engine.grade(BOTH, ..., ...).status == "not attempted"
    assert engine.grade(BOTH, 3, ...).reason == "`one` is still `...`."
    assert engine.grade(BOTH, 3).status == "not yet"
    assert engine.grade(BOTH, 12, 9).reason == "One passage is easier to read."
    assert engine.grade(BOTH, 9, 12)


def test_replies_of_mocks_are_no_evidence(monkeypatch):
    monkeypatch.setattr(metering, "meter", metering.Meter())
    metering.meter.add(metering.Call("chat", "nano", 0, 1, source="record"))
    assert engine.grade(BOTH, 9, 12)
    metering.meter.add(metering.Call("chat", "nano", 1, 2, source="mock"))
    assert "mock" in engine.grade(BOTH, 9, 12).reason
    assert engine.grade(dataclasses.replace(BOTH, mocks=True), 9, 12)
    assert engine.grade(
        dataclasses.replace(BOTH, measured=False), 9, 12
    )  # the figures were not measured by these calls


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        (1, 1.0, True),
        (0.1 + 0.2, 0.3, True),
        (0.3, 0.31, False),
        ([1, (2.0, "a")], (1, [2, "a"]), True),
        ([1, 2], [1], False),
        (True, 1, False),
        (None, 0, False),
        ({"a": [0.5]}, {"a": (0.5,)}, True),
        ({"a"}, ["a"], False),
        (float("nan"), float("nan"), True),
    ],
)
def test_results_compared(a, b, alike):
    assert engine.same(a, b) is alike


def test_arrays_and_frames_compared():
    import numpy as np
    import pandas as pd

    assert engine.same(np.array([1.0, 2.0]), [1, 2]) and not engine.same(np.array([1.0, 2.0]), [1, 3])
    frame = pd.DataFrame({"a": [1]})
    assert engine.same(frame, frame.copy()) and not engine.same(frame, frame + 1)


def test_progress_hints_and_solution(capsys):
    handle = exercise("99-recall")
    assert "Recall at k" in capsys.readouterr().out
    assert handle.check(function(RECALL.starter)).status == "not attempted" and read_state("progress") == {}
    handle.check(function(NAMED[0][0]))
    assert "Not yet. That is precision" in capsys.readouterr().out
    handle.check(function(SOLUTION))
    handle.check(function(NAMED[0][0]))
    assert read_state("progress")["99-recall"] == {"tries": 3, "solved": True}  # solved once is solved
    capsys.readouterr()
    handle.hint(), handle.hint(), handle.hint(), handle.hint(1), handle.solution()
    lines = capsys.readouterr().out.splitlines()
    assert [line[:14] for line in lines[:4]] == ["Hint 1 of 2. `", "Hint 2 of 2. D", "There are 2 hi", "Hint 1 of 2. `"]
    assert "\n".join(lines[4:]) == SOLUTION


def test_an_unknown_exercise_is_refused_in_one_sentence():
    with pytest.raises(CourseError, match="no exercise '99-recal'.*99-both, 99-recall"):
        exercise("99-recal")


@pytest.mark.parametrize("damage", [b"{", b"\xff\xfe", b"[1]", b"[" * 100_000])
def test_a_corrupt_state_file_is_set_aside(damage, capsys):
    (settings.state() / "progress.json").write_bytes(damage)
    assert exercise("99-recall").check(function(SOLUTION))
    assert "set aside" in capsys.readouterr().out
    assert (settings.state() / "progress.damaged.json").read_bytes() == damage
    assert read_state("progress")["99-recall"]["solved"] is True


@pytest.mark.parametrize("entry", [5, None, {"tries": "many", "solved": 1}, []])
def test_a_nonsense_entry_is_written_over(entry):
    (settings.state() / "progress.json").write_text(json.dumps({"99-recall": entry, "other": {"solved": True}}))
    exercise("99-recall").check(function(SOLUTION))
    assert read_state("progress") == {"99-recall": {"solved": True, "tries": 1}, "other": {"solved": True}}


def test_a_state_folder_that_cannot_be_written_is_not_fatal(monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert update_state("progress", "x", solved=True) == {"solved": True}
    assert "No space left" in capsys.readouterr().out


# --- Guesses ----------------------------------------------------------------------------------------------------------

MORE = {lambda five, one: five >= one: "More context sounds safer, and gives a small model more to mix up."}


def test_a_guess_beside_the_result(capsys):
    show_guess("five-or-one", five=9, one=12, wrong=MORE)
    assert "No guess made." in capsys.readouterr().out
    guess("five-or-one", "With five, and with one?", value={"five": 14, "one": 12}, parts=["five", "one"])
    assert "Your guess: 14, 12." in capsys.readouterr().out
    show_guess("five-or-one", five=9, one=12, wrong=MORE, unit="questions")
    out = capsys.readouterr().out
    assert "five: guess 14, measured 9 questions" in out and "More context sounds safer" in out
    guess("five-or-one", "With five, and with one?", value="9, 12")
    assert "your guess stays 14, 12" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "near", "says"),
    [
        ("1.4 s", True, "near"),
        ("1,4", True, "near"),
        (1.0, False, "The mean"),
        ("3", False, "some way off"),
        ("no idea", None, "in words"),
        ("2.2", False, "In the tail"),
    ],
)
def test_numbers_in_words(value, near, says, capsys):
    guess("three", "How long?", value=value)
    show_guess(
        "three",
        seconds=1.42,
        interval=(1.3, 1.5),
        wrong={1.0: "The mean of one is not that of the slowest.", (2, 2.5): "In the tail"},
    )
    assert read_state("guesses")["three"]["near"] is near
    assert says in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "count", "found"),
    [
        ("at 10,000", 1, [10000]),
        ("10 000 vectors", 1, [10000]),
        ("1,4", 1, [1.4]),
        ("14,12", 2, [14, 12]),
        ("14, 12", 2, [14, 12]),
        ("about 1.4 and 2.5 s", 2, [1.4, 2.5]),
        ("14 120", 2, [14, 120]),
        ("-3 %", 1, [-3]),
        ("several", 1, None),
        ("1 2 3", 2, None),
    ],
)
def test_numbers(text, count, found):
    assert numbers(text, count) == found


def test_a_choice(capsys):
    guess("bm25", "Where does BM25 win?", value="nowhere", choices=["nowhere", "exact codes"])
    show_guess("bm25", where="exact codes", wrong={"Nowhere": "It matches letters, and a code is letters."})
    assert "a code is letters" in capsys.readouterr().out


def test_calibration(capsys):
    assert str(calibration()) == "0 guesses, none compared with a result yet."
    for id, value, true in [("a", 10, 10), ("b", 20, 10), ("c", 7, None), ("d", "perhaps", 4)]:
        guess(id, "?", value=value)
        if true:
            show_guess(id, n=true)
    found = calibration()
    assert (found.guesses, found.compared, found.near, found.error) == (4, 2, 1, 0.5)
    assert "off by 50%" in str(found)


def test_guesses_in_numpy_and_without_measured():
    import numpy as np

    guess("np", "?", value=np.float64(2.0))
    show_guess("np", x=np.float64(2.1))
    assert read_state("guesses")["np"]["measured"] == {"x": 2.1}
    with pytest.raises(CourseError, match="measured values by name"):
        show_guess("np")
    with pytest.raises(CourseError, match="lacks one"):
        guess("np", "?", value={"five": 1}, parts=["five", "one"])


# --- Quiz -------------------------------------------------------------------------------------------------------------

OPTIONS = [("More passages", False, "More to mix up."), ("The `best` one", True, "Less to read.")]


def test_quiz_by_letter(capsys):
    quiz("99-q1", "What helps nano?", OPTIONS, answer="b")
    assert capsys.readouterr().out.endswith("B: right. Less to read.\n")
    assert read_state("progress")["99-q1"] == {"answer": "B", "solved": True}


@pytest.mark.parametrize(
    ("options", "answer"),
    [(OPTIONS[:1], None), ([("a", True, ""), OPTIONS[0]], None), ([("a", "yes", "b")] * 2, None), (OPTIONS, "C")],
)
def test_a_malformed_quiz_is_refused(options, answer):
    with pytest.raises(CourseError, match="quiz"):
        quiz("99-q1", "?", options, answer=answer)


# --- In a notebook ----------------------------------------------------------------------------------------------------

CELLS = [
    "from course_utils.checks import engine, exercise, guess, quiz, show_guess\n"
    "from course_utils.widgets import panel\n"
    "from test_checks import BOTH, OPTIONS, RECALL\nengine.register(RECALL, BOTH)",
    'ex = exercise("99-recall")',
    f"# exercise 99-recall\n{RECALL.starter}",
    "ex.check(recall_at_k)",
    "ex.check()",
    'guess("g", "How many?", parts={"five": "with five", "one": "with one"})\nguess("h", "Which?", choices=["a", "b"])',
    'show_guess("g", five=9, one=12, interval=(7, 11))',
    'quiz("99-q1", "What helps nano?", OPTIONS)',
    "def curve(k=3, fast=True, name='a'):\n    return f'<p>{k} {fast} {name}</p>'\n\n"
    "panel(curve, k=(1, 9), fast=True, name=['a', 'b'])",
    'exercise("99-both").check(*[...] * 2)',
    "from course_utils import plots\n\nplots.cost_ladder({'embedding': 0.01, 'LLM': 2})",
    "from matplotlib import pyplot\n\nfig, ax = pyplot.subplots()\nplots.show(fig, alt='An empty figure.')",
    "from course_utils import scoreboard\n\nscoreboard.record('C6', 2, 'part', popular='yes', measured=0.5, "
    "evidence='real', verdict='holds')",
]


def book():
    cells = [nbformat.v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate(CELLS)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def test_solutions_go_into_the_notebook():
    nb = book()
    assert solved(nb).cells[2].source == f"# exercise 99-recall\n{SOLUTION}"
    assert nb.cells[2].source.endswith("...")  # the original stays
    assert solved(nb, lambda e: e.alternatives[0]).cells[2].source.endswith(RECALL.alternatives[0])
    nb.cells[2].source, nb.cells[2].metadata["tags"] = RECALL.starter, ["exercise-99-recall"]
    assert solved(nb).cells[2].source == f"# exercise 99-recall\n{SOLUTION}"


def test_faults_of_a_notebook():
    nb = book()
    del nb.cells[-4]
    assert faults(nb) == []
    nb.cells[2].source += " # changed"
    assert faults(nb) == ["99-recall: its starter cell differs from the exercise"]
    del nb.cells[2]
    assert faults(nb) == ["99-recall: a card without a starter cell"]


def test_everything_passes_strict_nbval(tmp_path):
    from nbclient import NotebookClient

    env = os.environ | {
        "COURSE_STATE": str(tmp_path / "state"),
        "PYTHONPATH": os.pathsep.join([str(settings.ROOT), str(settings.ROOT / "tests")]),
    }
    nb = book()
    NotebookClient(nb, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(settings.ROOT)}}).execute(
        env=env
    )
    texts = ["".join(o.get("data", {}).get("text/plain", "") for o in c.outputs) for c in nb.cells]
    assert texts[1].startswith("Exercise 99-recall") and texts[3] == texts[4] and texts[3].startswith("Not attempted.")
    assert texts[5].count("VBox(") == 2 and "No guess made" in texts[6] and "IntSlider(value=3" in texts[8]
    assert [len(cell.outputs) for cell in nb.cells[-3:]] == [1, 1, 1]  # no figure is shown twice
    assert all("<figure" in cell.outputs[0].data["text/html"] for cell in nb.cells[-3:-1])
    file = tmp_path / "book.ipynb"
    nbformat.write(nb, file)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    command += ["--nbval-cell-timeout", "60", "--rootdir", str(tmp_path), "-c", os.devnull, str(file)]
    done = subprocess.run(command, env=env | {"PYTHONHASHSEED": "7"}, cwd=settings.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{len(CELLS)} passed" in done.stdout
    assert scoreboard.collect([file])[0]["claim"] == "C6"
