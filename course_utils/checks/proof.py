"""For tests and re-execution: exercises that judge themselves, and notebooks with all solutions in."""

import copy
import re

from .engine import Exercise, execute, find, grade

MARKER = re.compile(r"\A#\s*exercise\s+([\w-]+)\s*$", re.M)


def verify(exercise: Exercise) -> list[str]:
    """What is wrong with an exercise, in sentences: it judges its own starter, solutions and wrong answers."""
    expected = [("starter", exercise.starter, "not attempted", ""), ("solution", exercise.solution, "correct", "")]
    expected += [(f"alternative {i}", s, "correct", "") for i, s in enumerate(exercise.alternatives, 1)]
    wrong = [*exercise.named, *exercise.wrong]
    expected += [(f"wrong answer {i}", s, "not yet", r) for i, (s, r) in enumerate(wrong, 1)]
    needs = [
        ("alternatives", exercise.alternatives, 1),
        ("named or wrong answers", wrong, 5),
        ("hints", exercise.hints, 2),
    ]
    problems = [f"needs {least} {what} or more" for what, have, least in needs if len(have) < least]
    if not (re.fullmatch(r"\d\d-[a-z0-9-]+", exercise.id) and exercise.stars in (1, 2, 3) and exercise.minutes > 0):
        problems.append("needs an id like 02-recall, 1 to 3 stars, and minutes")
    for what, source, status, reason in expected:
        try:
            answer = grade(exercise, *execute(exercise, source))
        except Exception as problem:
            problems.append(f"{what} does not run: {type(problem).__name__}: {problem}")
            continue
        if answer.status != status or reason.lower() not in answer.reason.lower():
            problems.append(f"{what}: expected '{status}' with {reason!r}, got '{answer}'")
    return [f"{exercise.id}: {problem}" for problem in problems]


def exercise_of(cell) -> str | None:
    """The id of the exercise whose starter a cell holds, by its first line `# exercise ID` or its tag."""
    tags = [t.removeprefix("exercise-") for t in cell.metadata.get("tags", []) if t.startswith("exercise-")]
    marked = MARKER.match(cell.source)
    return marked[1] if marked else tags[0] if tags else None


def solved(nb, pick=lambda exercise: exercise.solution):
    """A copy of a notebook in which every starter cell holds its solution (or what `pick` takes from the exercise)."""
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        if cell.cell_type == "code" and (id := exercise_of(cell)):
            cell.source = f"# exercise {id}\n{pick(find(id)).strip()}"
    return nb


def faults(nb) -> list[str]:
    """Where a notebook and its exercises disagree: a starter that differs, a card or a check that is missing."""
    cells = [c for c in nb.cells if c.cell_type == "code"]
    code = "\n".join(c.source for c in cells)
    starters = {id: MARKER.sub("", c.source).strip() for c in cells if (id := exercise_of(c))}
    cards = re.findall(r"\bexercise\(\s*[\"']([\w-]+)[\"']", code)
    differ = [id for id, starter in starters.items() if starter != find(id).starter.strip()]
    found = [f"{id}: its starter cell differs from the exercise" for id in differ]
    found += [f"{id}: a starter cell without a card" for id in starters if id not in cards]
    found += [f"{id}: a card without a starter cell" for id in cards if id not in starters]
    if code.count(".check(") < len(cards):
        found.append(f"{len(cards)} exercises and {code.count('.check(')} checks")
    return found
