"""Guards: a lesson has its parts, in order, in short cells, and within the hour.

A lesson that is still being written says so in its metadata (`course.draft`: true): its parts are then not asked for.
"""

import ast
import re
import statistics
from dataclasses import dataclass

from cells import FENCE, calls, code_cells, headings, markdown_cells, prose, shown, stored_widgets, tags
from notebooks import where

CELL_LINES, MEDIAN_LINES, CORE_MINUTES = 25, 8, 60
WORDS_A_MINUTE, MINUTES_A_CELL = 200, 0.5
# What the header, all before the first H2, must hold: (what, pattern)
HEADER = [
    ("the one aha ('**The aha.** …')", r"\baha\b"),
    (
        "the minutes, labelled as estimated ('about 50 minutes, estimated')",
        r"\d+ minutes.{0,40}\bestimated|estimated.{0,40}\d+ minutes",
    ),
    ("what the learner will be able to do", r"\bable to\b"),
    ("the prerequisites ('**You need** …')", r"\b(prerequisites?|you need)\b"),
    ("what would help besides ('**Helpful** …')", r"\bhelpful\b"),
    ("which models are real here and which simulated", r"\breal\b.*\bsimulated\b|\bsimulated\b.*\breal\b"),
]
# Headings that a lesson must have: (what, pattern, whether its place in the order is held)
PARTS = [
    ("the system", r"\bsystem\b", True),
    ("a first win", r"\bfirst (win|try|attempt|answer)\b", True),
    ("side by side", r"\bside by side\b", True),
    ("where it breaks", r"\bbreaks\b", True),
    ("exercises", r"\bexercises?\b", False),
    ("quiz", r"\bquiz\b", True),
    ("recap", r"\brecap\b", True),
    ("with real models", r"\breal models\b", False),
    ("next", r"\bnext\b", False),
    ("further reading", r"\bfurther reading\b", False),
    ("take it home", r"\btake it home\b", False),
    ("going further", r"\bgoing further\b", False),
]


@dataclass(frozen=True)
class Estimate:
    """How long the core path takes: words / 200 + half a minute a code cell + the exercise cards. A convention."""

    words: int
    code_cells: int
    exercise_minutes: float

    @property
    def minutes(self) -> float:
        return self.words / WORDS_A_MINUTE + MINUTES_A_CELL * self.code_cells + self.exercise_minutes


def exercise_minutes(cell) -> float | None:
    """Minutes of the exercise cards in a code cell: `minutes=` of the call, else what the card says; None if unsaid."""
    cards = calls(cell, "exercise")
    given = [
        k.value.value for c in cards for k in c.keywords if k.arg == "minutes" and isinstance(k.value, ast.Constant)
    ]
    if not cards or len(given) == len(cards):
        return sum(given)
    said = [m for kind, text in shown(cell) if kind == "text/plain" for m in re.findall(r"about (\d+) minutes", text)]
    return sum(map(float, said)) if len(said) >= len(cards) else None


def estimate(nb, end: int | None = None) -> Estimate:
    """The core path's estimate; cells tagged optional, and those from cell `end` on, are not counted."""
    core = [cell for cell in nb.cells[:end] if "optional" not in tags(cell)]
    words = sum(
        len(re.findall(r"[^\W_][\w'’.,-]*", FENCE.sub("", c.source))) for c in core if c.cell_type == "markdown"
    )
    code = [c for c in core if c.cell_type == "code" and c.source.strip()]
    return Estimate(words, len(code), sum(exercise_minutes(c) or 0 for c in code))


def short_cells(nb, path):
    lengths = {
        index: len([line for line in cell.source.splitlines() if line.strip()]) for index, cell in code_cells(nb)
    }
    found = [
        f"{where(nb, index)} has {lines} lines, and {CELL_LINES} are allowed: split it."
        for index, lines in lengths.items()
        if lines > CELL_LINES
    ]
    median = statistics.median(lengths.values()) if lengths else 0
    if median > MEDIAN_LINES:
        longest = max(lengths, key=lengths.get)
        found.append(
            f"Half of the code cells have {median:g} lines or more, and {MEDIAN_LINES} are allowed: "
            f"begin with {where(nb, longest)}."
        )
    return found


def core_time(nb, path):
    found = [
        f"{where(nb, index)} shows an exercise without its minutes: say them on the card."
        for index, cell in code_cells(nb)
        if exercise_minutes(cell) is None
    ]
    core = estimate(nb)
    if core.minutes > CORE_MINUTES:
        found.append(
            f"The core path takes {core.minutes:.0f} minutes by estimate ({core.words} words, {core.code_cells} code "
            f"cells, {core.exercise_minutes:g} minutes of exercises), and {CORE_MINUTES} are allowed: shorten it, or "
            "tag parts optional."
        )
    return found


def _is_lesson(nb, path):
    named = re.match(r"\d\d_", path.name) and path.parent.name != "further"
    return bool(named) and not nb.metadata.get("course", {}).get("draft")


def _header(nb):
    """The prose before the first H2, and the index of the cell with that H2."""
    end = next((index for index, level, _ in headings(nb) if level == 2), len(nb.cells))
    return "\n\n".join(prose(cell) for index, cell in markdown_cells(nb) if index < end), end


def header(nb, path):
    if not _is_lesson(nb, path):
        return []
    text, _ = _header(nb)
    flat = " ".join(text.split())
    found = [
        f"The header, before the first H2, lacks {what}."
        for what, pattern in HEADER
        if not re.search(pattern, flat, re.I)
    ]
    after_title = re.split(r"^# .*$", text, maxsplit=1, flags=re.MULTILINE)[-1].strip()
    if not re.match(r"(?!\*\*(the aha|time|you|real|helpful))[^#|\s-]", after_title, re.IGNORECASE):
        found.append("The header lacks a promise: a sentence right below the title.")
    goals = len(re.findall(r"^\s*[-*] ", text, re.MULTILINE))
    if not 3 <= goals <= 5:
        found.append(
            f"The header lists {goals} things that the learner will be able to do: name 3 to 5, a bullet each."
        )
    stated, core = re.search(r"(\d+) minutes", flat), estimate(nb).minutes
    if stated and abs(int(stated[1]) - core) > 5:
        found.append(f"The header says {stated[1]} minutes, and the estimate is {core:.0f}: correct it.")
    return found


def filled(nb, path):
    """Nothing of the skeleton that `make new-lesson` wrote is still to be replaced."""
    if not _is_lesson(nb, path):
        return []
    return [
        f"{where(nb, index)} still holds {match[0]}: replace it."
        for index, cell in enumerate(nb.cells)
        if (match := re.search(r"‹[^›]*›", cell.source))
    ]


def parts(nb, path):
    if not _is_lesson(nb, path):
        return []
    titles = [(index, title) for index, level, title in headings(nb) if level in (2, 3)]
    found, last, last_part = [], -1, ""
    for what, pattern, held in PARTS:
        at = next((index for index, title in titles if re.search(pattern, title, re.IGNORECASE)), None)
        if at is None:
            found.append(f"There is no heading for '{what}'.")
        elif held and at < last:
            found.append(f"{where(nb, at)}, the part '{what}', stands before '{last_part}': move it below.")
        elif held:
            last, last_part = at, what
        if what == "a first win" and at is not None and (begun := estimate(nb, at).minutes) > 8:
            found.append(
                f"{where(nb, at)} (the first win) begins after {begun:.0f} minutes by estimate; 8 are allowed."
            )
    return found


def practice(nb, path):
    """Guesses, exercises, quiz, panel, diagram and take-home script are there, and a guess is taken up again."""
    if not _is_lesson(nb, path):
        return []
    ids = {name: _ids(nb, name) for name in ("exercise", "guess", "show_guess", "quiz", "panel")}
    found = [
        f"{where(nb, index)}: the first argument of {name}(…) is to be a literal text."
        for name in ("exercise", "guess", "show_guess", "quiz")
        for id, index in ids[name]
        if id is None
    ]
    if len({id for id, _ in ids["exercise"]}) < 3:
        found.append(f"The lesson has {len(ids['exercise'])} exercises: make it 3 or more.")
    taken_up = {id for id, _ in ids["show_guess"]}
    found += [
        f"{where(nb, index)} asks for the guess {id!r}, and no show_guess({id!r}) takes it up: add it after the result."
        for id, index in ids["guess"]
        if id not in taken_up
    ]
    sliders = any("Slider" in model.get("model_name", "") for model in stored_widgets(nb))
    has = {
        "a guess(…) before the main experiment": ids["guess"],
        "a quiz(…)": ids["quiz"],
        "a panel whose control moves a measured curve": ids["panel"] or sliders,
        "a diagram of the system (a mermaid block or a picture)": any(
            re.search(r"^```mermaid|!\[|<img", cell.source, re.MULTILINE) for _, cell in markdown_cells(nb)
        ),
        f"the script to take home, examples/takeaway/{path.name[:2]}.py": any(
            f"examples/takeaway/{path.name[:2]}.py" in cell.source for cell in nb.cells
        ),
    }
    return found + [f"The lesson lacks {what}." for what, there in has.items() if not there]


def _ids(nb, name):
    """(first argument or None, cell index) of the calls of a function."""
    found = []
    for index, cell in code_cells(nb):
        for call in calls(cell, name):
            first = call.args[0] if call.args else None
            literal = isinstance(first, ast.Constant) and isinstance(first.value, str)
            found.append((first.value if literal else None, index))
    return found


def optional_part(nb, path):
    """What stands under 'Going further' is tagged optional, to the next H2."""
    if not _is_lesson(nb, path):
        return []
    tops = [(index, title) for index, level, title in headings(nb) if level == 2] + [(len(nb.cells), "")]
    found = []
    for (start, title), (end, _) in zip(tops, tops[1:], strict=False):
        if re.search(r"\bgoing further\b", title, re.IGNORECASE):
            untagged = [i for i in range(start, end) if "optional" not in tags(nb.cells[i])]
            found += [f"{where(nb, i)} stands under 'Going further': tag it optional." for i in untagged]
    return found


GUARDS = [short_cells, core_time, header, filled, parts, practice, optional_part]
