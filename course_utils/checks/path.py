"""The learner's path: exercises, quizzes and guesses over all lessons, and a fresh start.

python -m course_utils progress            (in a notebook: from course_utils import progress; progress())
python -m course_utils progress --reset
"""

import argparse
import time

from .. import settings
from ..widgets import box, emit, markup, note
from .engine import all_exercises
from .guesses import calibration
from .progress import read_state

FILES = ("progress", "guesses")
COLUMNS = ("lesson", "exercises done", "of", "quizzes right", "answered", "guesses near", "compared")


def rows() -> list[dict]:
    """A row a lesson that has exercises, with COLUMNS as keys; exercises done counts those that passed once."""
    done, guesses = read_state("progress"), read_state("guesses")
    exercises = [e.id for e in all_exercises()]
    table = []
    for lesson in sorted({id[:2] for id in exercises}):
        here = {id: entry for id, entry in done.items() if id.startswith(lesson) and isinstance(entry, dict)}
        quizzes = [entry for entry in here.values() if "answer" in entry]
        own = [id for id in exercises if id.startswith(lesson)]
        near = [g["near"] for id, g in guesses.items() if id.startswith(lesson) and isinstance(g, dict) and "near" in g]
        compared = [n for n in near if isinstance(n, bool)]
        solved = sum(here.get(id, {}).get("solved") is True for id in own)
        right = sum(entry.get("solved") is True for entry in quizzes)
        row = (int(lesson), solved, len(own), right, len(quizzes), sum(compared), len(compared))
        table.append(dict(zip(COLUMNS, row, strict=True)))
    return table


def progress(reset: bool = False) -> None:
    """Show what is done in each lesson, and how near your guesses came; `progress(reset=True)` begins anew.

    A reset keeps the old files beside the new ones, under a name with the time.
    """
    if reset:
        stamp, kept = time.strftime("%Y%m%d-%H%M%S"), []
        for name in FILES:
            file = settings.state() / f"{name}.json"
            if file.exists():
                kept.append(file.rename(file.with_name(f"{name}.{stamp}.json")).name)
        note(
            f"A fresh start. Your old state is kept as {' and '.join(kept)}." if kept else "There was nothing to reset."
        )
        return
    table, summary = rows(), str(calibration())
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    body = "".join(
        f'<tr><th scope="row">{row["lesson"]}</th>{"".join(f"<td>{v}</td>" for v in list(row.values())[1:])}</tr>'
        for row in table
    )
    done, of = sum(row["exercises done"] for row in table), sum(row["of"] for row in table)
    said = f"{done} of {of} exercises done. {summary}"
    page = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{markup(said)}"
    lines = [
        f"Lesson {row['lesson']:2}: {row['exercises done']} of {row['of']} exercises, {row['quizzes right']} of "
        f"{row['answered']} quizzes right, {row['guesses near']} of {row['compared']} guesses near"
        for row in table
    ]
    emit(box("task", page), "\n".join([*lines, said]))


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m course_utils progress", description=__doc__.split("\n")[0])
    parser.add_argument("--reset", action="store_true", help="begin anew; what was there is kept beside")
    progress(reset=parser.parse_args(arguments).reset)
    return 0
