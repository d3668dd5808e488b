"""The exercise engine: `exercise("02-recall")` shows the card; check, hint, solution.

An Exercise is data: the learner's notebook, the tests and the re-run with all solutions in read the same sources.
Checks test behaviour, never a provider's number.
"""

import contextlib
import copy
import dis
import html
import importlib
import inspect
import io
import linecache
import os
import pkgutil
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from .. import metering
from ..settings import CourseError, CourseStop
from ..widgets import box, emit, in_notebook, markup, note
from .progress import read_state, update_state

_REGISTER: dict[str, "Exercise"] = {}


@dataclass(frozen=True)
class Exercise:
    """One exercise. `answer` names what the learner's cell defines; `check(*values)` returns None, or why not yet.

    cases: argument tuples; the function named by `answer` must do on them what `solution` does. named: (source,
    feedback) pairs of what people really answer; a function that does on the cases what this source does gets this
    feedback. wrong: (source, part of the reason) pairs, for the tests. given: the names that the notebook supplies to
    these sources (a dict, or a function that makes it).
    measured: the values are figures from the calls in view. mocks: replies of mocks count as evidence.
    """

    id: str
    title: str
    stars: int
    minutes: int
    task: str
    answer: str | tuple[str, ...]
    starter: str
    solution: str
    alternatives: tuple[str, ...] | list[str] = ()
    named: tuple | list = ()
    wrong: tuple | list = ()
    hints: tuple[str, ...] | list[str] = ()
    cases: list | Callable[[dict], list] = ()
    check: Callable | None = None
    given: dict | Callable[[], dict] = field(default_factory=dict)
    after: str = ""
    measured: bool = False
    mocks: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.answer,) if isinstance(self.answer, str) else tuple(self.answer)


@dataclass(frozen=True)
class Answer:
    """What a check says. status: 'correct', 'not yet' or 'not attempted'. True when correct."""

    status: str
    reason: str = ""

    def __bool__(self):
        return self.status == "correct"

    def __str__(self):
        return f"{self.status.capitalize()}. {self.reason}".strip()

    def _ipython_display_(self):  # check() has shown it already
        pass


def register(*exercises: Exercise) -> None:
    """Make exercises known by their id."""
    _REGISTER.update({e.id: e for e in exercises})


def find(id: str) -> Exercise:
    """The exercise of this id, from `lesson_NN.py` where NN is how the id begins. CourseError if there is none."""
    if id not in _REGISTER:
        module = f"{__package__}.lesson_{id[:2]}"
        if any(m.name == module.rpartition(".")[2] for m in pkgutil.iter_modules([os.path.dirname(__file__)])):
            importlib.import_module(module)
    if id not in _REGISTER:
        known = ", ".join(sorted(i for i in _REGISTER if i[:2] == id[:2])) or "none"
        raise CourseError(f"There is no exercise {id!r}. Exercises of lesson {id[:2]}: {known}.")
    return _REGISTER[id]


def all_exercises() -> list[Exercise]:
    """Every exercise of every lesson, by id."""
    for module in pkgutil.iter_modules([os.path.dirname(__file__)]):
        if module.name.startswith("lesson_"):
            importlib.import_module(f"{__package__}.{module.name}")
    return [_REGISTER[i] for i in sorted(_REGISTER)]


def execute(exercise: Exercise, source: str) -> tuple:
    """Run a source in a namespace of what the notebook gives; the values that `answer` names."""
    given = exercise.given() if callable(exercise.given) else exercise.given
    file, space = f"<exercise {exercise.id} {hash(source)}>", {"__name__": "__exercise__", **given}
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), space)
    return tuple(space.get(name, ...) for name in exercise.names)


def same(a, b) -> bool:
    """Whether two results are alike: numbers to a millionth, lists like tuples, functions by their code."""
    if isinstance(a, Raised) or isinstance(b, Raised):
        return isinstance(a, Raised) and isinstance(b, Raised) and type(a.problem) is type(b.problem)
    if inspect.isfunction(a) and inspect.isfunction(b):
        return _code(a.__code__) == _code(b.__code__)
    if inspect.isclass(a) and inspect.isclass(b):
        mine, yours = ({n: f for n, f in vars(c).items() if inspect.isfunction(f)} for c in (a, b))
        return mine.keys() == yours.keys() and all(same(mine[n], yours[n]) for n in mine)
    a, b = (x.tolist() if hasattr(x, "tolist") else x for x in (a, b))
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b or abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1e-3) or (a != a and b != b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a is b or (a.equals(b) if hasattr(a, "equals") else bool(a == b))


def _code(code):
    """A function's instructions, without its docstring, comparable."""
    steps = [(i.opname, i.argval) for i in dis.get_instructions(code) if i.opname != "NOP"]
    return code.co_varnames, [(name, _code(x) if inspect.iscode(x) else repr(x)) for name, x in steps]


@dataclass
class Raised:
    """That a call raised, and what."""

    problem: BaseException


def outcome(function, case):
    """What a function gives for a case (a tuple of arguments, copied first; awaited if need be), or Raised."""
    try:
        result = function(*copy.deepcopy(case if isinstance(case, tuple) else (case,)))
        if inspect.iscoroutine(result):
            from ..clock import run

            result = run(result)
        return result
    except (Exception, CourseStop) as problem:
        return Raised(problem)


def shown(value) -> str:
    """A value in at most 80 characters; sets in order, so that it reads the same each time."""
    text = "{" + ", ".join(sorted(map(repr, value))) + "}" if isinstance(value, set) and value else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def blame(problem: BaseException, values=()) -> str:
    """A learner's error in one sentence, with the line of their code where it arose."""
    files = {v.__code__.co_filename for v in values if hasattr(v, "__code__")}
    theirs = [
        f
        for f in traceback.extract_tb(problem.__traceback__)
        if f.filename in files or "ipykernel_" in f.filename or f.filename.startswith(("<ipython-input", "<exercise"))
    ]
    message = str(problem).strip().split("\n")[0]
    said = f"{type(problem).__name__}: {message}" if message else type(problem).__name__
    if theirs and theirs[-1].line:
        return f"Your code stops with `{said}` in line {theirs[-1].lineno}: `{theirs[-1].line.strip()}`"
    return f"Using your answer fails with `{said}`"


def _results(exercise, source, cases):
    """What a source's function gives on the cases; what it prints is dropped."""
    with contextlib.redirect_stdout(io.StringIO()):
        return [outcome(execute(exercise, source)[0], case) for case in cases]


def _by_cases(exercise, function, *_):
    """None if the function does on every case what the solution does; else why not."""
    name = exercise.names[0]
    if not callable(function):
        return f"`{name}` should be a function, and is {shown(function)}."
    given = exercise.given() if callable(exercise.given) else exercise.given
    cases = exercise.cases(given) if callable(exercise.cases) else exercise.cases
    got, expected = [outcome(function, case) for case in cases], _results(exercise, exercise.solution, cases)
    bad = next((i for i, pair in enumerate(zip(got, expected, strict=True)) if not same(*pair)), None)
    if bad is None:
        return None
    for source, feedback in exercise.named:
        if same(got, _results(exercise, source, cases)):
            return feedback
    case, mine, right = cases[bad], got[bad], expected[bad]
    call = f"{name}({', '.join(map(shown, case if isinstance(case, tuple) else (case,)))})"
    if isinstance(mine, Raised):
        if isinstance(mine.problem, NotImplementedError):
            raise mine.problem
        return f"`{call}`: {blame(mine.problem, (function,))}"
    if isinstance(right, Raised):
        return f"`{call}` should raise {type(right.problem).__name__}, and gives `{shown(mine)}`."
    if mine is None or mine is ...:
        return f"`{call}` gives `{mine}`. Does every path `return` a value? Printing is not enough."
    return f"`{call}` gives `{shown(mine)}`; `{shown(right)}` is right."


def from_mocks(calls=None) -> bool:
    """Whether a mock answered among these calls (default: those that the meter has in view)."""
    return any(call.source == "mock" for call in (metering.meter.calls if calls is None else calls))


def grade(exercise: Exercise, *values) -> Answer:
    """Judge values without showing or storing anything."""
    if len(values) != len(exercise.names):
        return Answer("not yet", f"Give the check {len(exercise.names)} value(s): `{', '.join(exercise.names)}`.")
    untouched = execute(exercise, exercise.starter)
    if all(v is ... or same(v, u) for v, u in zip(values, untouched, strict=True)):
        return Answer("not attempted", f"Write `{', '.join(exercise.names)}` above, run that cell, then check again.")
    missing = [n for n, v in zip(exercise.names, values, strict=True) if v is ...]
    if missing:
        return Answer("not yet", f"`{missing[0]}` is still `...`.")
    before, view = len(metering.meter.session), metering.meter.calls if exercise.measured else []
    try:
        reason = _by_cases(exercise, *values) if exercise.cases else None
        reason = reason or (exercise.check(*values) if exercise.check else None)
    except NotImplementedError:
        return Answer("not attempted", "Your code still raises NotImplementedError.")
    except (Exception, CourseStop) as problem:
        reason = blame(problem, values)
    if reason is None and not exercise.mocks and from_mocks([*view, *metering.meter.session[before:]]):
        reason = "Replies of a mock are no evidence here. Measure outside `provider.mock()`, then check again."
    return Answer("not yet", reason) if reason else Answer("correct", exercise.after)


class Handle:
    """An exercise in a notebook: check(), hint(), solution()."""

    def __init__(self, exercise: Exercise):
        self.exercise, self._hints = exercise, 0

    def _ipython_display_(self):  # the card was shown already
        pass

    def check(self, *values) -> Answer:
        """Judge the learner's values (default: the notebook's, by name). Shows and returns the Answer."""
        if not values and in_notebook():
            import IPython

            values = tuple(IPython.get_ipython().user_ns.get(name, ...) for name in self.exercise.names)
        answer = grade(self.exercise, *values)
        if answer.status != "not attempted":
            old = read_state("progress").get(self.exercise.id)
            old = old if isinstance(old, dict) else {}
            tries = old["tries"] + 1 if isinstance(old.get("tries"), int) else 1
            update_state("progress", self.exercise.id, tries=tries, solved=bool(answer) or old.get("solved") is True)
        kind = {"correct": "right", "not yet": "wrong", "not attempted": "open"}[answer.status]
        emit(box(kind, markup(f"**{answer.status.capitalize()}.** {answer.reason}")), str(answer))
        return answer

    def hint(self, number: int | None = None) -> None:
        """Show the next hint, or hint `number`."""
        hints = self.exercise.hints
        number = self._hints + 1 if number is None else number
        if not 1 <= number <= len(hints):
            note(f"There are {len(hints)} hints. `solution()` shows a solution.")
            return
        self._hints = number
        head = f"Hint {number} of {len(hints)}."
        emit(box("task", markup(f"**{head}** {hints[number - 1]}")), f"{head} {hints[number - 1]}")

    def solution(self) -> None:
        """Show a solution as code."""
        code = self.exercise.solution.strip()
        emit(box("task", f"<p><strong>A solution.</strong></p><pre><code>{html.escape(code)}</code></pre>"), code)


def exercise(id: str) -> Handle:
    """Show an exercise's card and return its handle. CourseError if there is no such exercise."""
    found = find(id)
    level = f"difficulty {found.stars} of 3"
    hints = ""
    for number, hint in reversed(list(enumerate(found.hints, 1))):  # the next hint opens inside the last one
        hints = f"<details><summary>Hint {number} of {len(found.hints)}</summary>{markup(hint)}{hints}</details>"
    stars = f'<span role="img" aria-label="{level}">{"★" * found.stars}{"☆" * (3 - found.stars)}</span>'
    head = f"<p><strong>Exercise {html.escape(found.id)} · {html.escape(found.title)}</strong><br>{stars} {level}"
    text = f"Exercise {found.id} · {found.title} ({level}, about {found.minutes} minutes)\n{found.task.strip()}"
    emit(box("task", f"{head} · about {found.minutes} minutes</p>{markup(found.task)}{hints}"), text)
    return Handle(found)
