"""Guesses before an experiment: private, skippable, shown beside the result, summed up as the learner's calibration."""

import html
import re
from dataclasses import dataclass

from ..settings import CourseError
from ..widgets import box, emit, in_notebook, markup
from .progress import read_state, update_state

NEAR = 0.1  # without an interval, a guess within 10 % of the measured value counts as near


def _stored(id):
    entry = read_state("guesses").get(id)
    return entry if isinstance(entry, dict) and isinstance(entry.get("value"), str) else None


def _store(id, question, value) -> str:
    """Keep a guess, unless its result has been shown already. Returns what to say."""
    old = _stored(id)
    if old and old.get("measured") is not None:
        return f"You have seen this result: your guess stays {old['value']}."
    value = str(value).strip()
    if not value:
        return "Nothing typed yet. You can also skip this."
    update_state("guesses", id, question=question, value=value)
    return f"Your guess: {value}. It stays on this machine."


def guess(id: str, question: str, value=None, *, parts=(), choices=(), default=None, unit: str = "") -> None:
    """Ask for a guess before the experiment. Skippable and private: it is kept under COURSE_STATE only.

    value: the guess itself, for who prefers typing code (a number, words, or a dict by part). parts: names of the
    numbers asked for, as in `show_guess` (a dict gives each a label); choices: words to choose from, in place of a
    number. default: what the field holds at first. unit: of the number, shown beside the field.
    """
    labels = dict(parts) if isinstance(parts, dict) else {name: str(name).replace("_", " ") for name in parts}
    if isinstance(value, dict):
        missing = [name for name in labels if name not in value]
        if missing:
            raise CourseError(f"guess {id}: the value lacks {', '.join(missing)}.")
        value = ", ".join(str(value[name]) for name in labels or value)
    head = f"<p><strong>Your guess, before you run the next cell.</strong> {markup(question).removeprefix('<p>')}"
    if value is not None:
        said = _store(id, question, value)
        emit(box("task", head + markup(said)), f"{question}\n{said}")
    elif not in_notebook():
        emit("", f'{question}\nGuess with guess("{id}", …, value=…), or skip this.')
    else:
        _ask(id, question, head, labels, list(choices), default, unit)


def _ask(id, question, head, labels, choices, default, unit):
    """The input: fields or choices, a button, a line that says what was kept."""
    import ipywidgets as w
    from IPython.display import display

    wide, old = {"description_width": "initial"}, _stored(id)
    if choices:
        first = old["value"] if old and old["value"] in choices else default if default in choices else None
        fields = [w.RadioButtons(options=choices, value=first, description="Your choice", style=wide)]
    else:
        words = [f"{label} ({unit})" if unit else label for label in (labels.values() or ["Your guess"])]
        start = [str(default)] * len(words) if default is not None else [""] * len(words)
        if old and len(old["value"].split(", ")) == len(words):
            start = old["value"].split(", ")
        fields = [w.Text(value=s, description=label, style=wide) for s, label in zip(start, words, strict=True)]
    button = w.Button(description="Keep my guess", tooltip="Stored on this machine only")
    status = w.HTML(value=f"<p>Your guess: {html.escape(old['value'])}.</p>" if old else "<p>You can skip this.</p>")

    def keep(_button):
        typed = [str(field.value or "").strip() for field in fields]
        status.value = markup(_store(id, question, ", ".join(typed) if all(typed) else ""))

    button.on_click(keep)
    display(w.VBox([w.HTML(value=head), *fields, button, status]))


def numbers(text: str, count: int) -> list[float] | None:
    """The `count` numbers of a guess in words, in order; None if it holds more or fewer.

    '10,000' and '10 000' are ten thousand, '1,4' is 1.4, unless only another reading gives as many as were asked for.
    """
    joined = re.sub(r"(?<=\d)[ ,](?=\d{3}\b)", "", text)
    decimal, plain = r"[-+]?\d+(?:[.,]\d+)?", r"[-+]?\d+(?:\.\d+)?"
    for words, pattern in ((joined, decimal), (joined, plain), (text, decimal), (text, plain)):
        found = re.findall(pattern, words)
        if len(found) == count:
            return [float(number.replace(",", ".")) for number in found]
    return None


def _fits(key, guessed: dict, text: str) -> bool:
    """Whether a guess is the wrong answer that `key` describes; see show_guess."""
    if callable(key):
        return bool(guessed) and bool(key(**guessed))
    first = next(iter(guessed.values()), None)
    if isinstance(key, tuple):
        return first is not None and key[0] <= first <= key[1]
    if isinstance(key, str):
        return key.strip().lower() == text.strip().lower()
    return first is not None and abs(first - key) <= 0.02 * abs(key)


def _near(mine, true, span) -> bool:
    low, high = span or sorted((true * (1 - NEAR), true * (1 + NEAR)))
    return low <= mine <= high


def _number(value) -> str:
    return value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def show_guess(id: str, *, unit: str = "", interval=None, wrong=(), labels=None, **measured) -> None:
    """Show the measured values beside the learner's guess.

    measured: name=value, numbers in the order of the guess's parts, or one word where it was a choice. interval: (low,
    high) of the first, or a dict by name; a guess inside counts as near (without one: within 10 %). wrong: the usual
    wrong answers with feedback of their own, {key: feedback} or pairs; a key is a number (to 2 %), a range (low, high),
    words, or a function of the measured names, `lambda five, one: five >= one`. Who made no guess can open them.
    """
    if not measured:
        raise CourseError(f"show_guess {id}: give the measured values by name, as in show_guess({id!r}, seconds=1.42).")
    measured = {n: v.item() if hasattr(v, "item") else v for n, v in measured.items()}
    labels = {n: n.replace("_", " ") for n in measured} | (labels or {})
    spans = interval if isinstance(interval, dict) else dict.fromkeys(list(measured)[:1], interval)
    entry, usual = _stored(id), list(wrong.items() if isinstance(wrong, dict) else wrong)
    text = entry["value"] if entry else ""
    numeric = all(isinstance(v, int | float) for v in measured.values())
    found = numbers(text, len(measured)) if entry and numeric else None
    guessed = dict(zip(measured, found, strict=True)) if found else {}
    rows = []
    for name, value in measured.items():
        span = spans.get(name)
        mine = _number(guessed[name]) if name in guessed else text or "–"
        between = f"{_number(span[0])} to {_number(span[1])}" if span else ""
        rows.append([labels[name], mine, f"{_number(value)} {unit}".strip(), between])
    near = all(_near(guessed[n], v, spans.get(n)) for n, v in measured.items()) if guessed else None
    if entry and not numeric:
        near = text.lower() == str(next(iter(measured.values()))).lower()
    said = {None: "No guess made." if not entry else "Your guess in words:", True: "Your guess was near."}.get(near, "")
    told = [feedback for key, feedback in usual if entry and _fits(key, guessed, text)][:1]
    if near is False and not told:
        said = "Your guess was some way off: that is where the lesson is."
    if entry and entry.get("measured") is None:
        update_state("guesses", id, measured=measured, guessed=list(guessed.values()), near=near)
    _show(rows, said, told, [feedback for _, feedback in usual] if not told else [])


def _show(rows, said, told, usual):
    head = ["", "your guess", "measured", "interval"] if any(r[3] for r in rows) else ["", "your guess", "measured"]
    cells = [[html.escape(c) for c in row[: len(head)]] for row in rows]
    body = "".join(f'<tr><th scope="row">{r[0]}</th>{"".join(f"<td>{c}</td>" for c in r[1:])}</tr>' for r in cells)
    columns = "".join(f'<th scope="col">{c}</th>' for c in head[1:])
    page = f"<table><thead><tr><td></td>{columns}</tr></thead><tbody>{body}</tbody></table>"
    page += markup(" ".join([f"**{said}**" if said else "", *told]))
    if usual:
        page += f"<details><summary>What people often guess</summary>{''.join(map(markup, usual))}</details>"
    lines = [f"{r[0]}: guess {r[1]}, measured {r[2]}" + (f" ({r[3]})" if r[3] else "") for r in rows]
    emit(box("right" if said.endswith("near.") else "open", page), "\n".join([*lines, " ".join([said, *told]).strip()]))


@dataclass(frozen=True)
class Calibration:
    """How guesses went. near: how many lay in the interval, or within 10 %; error: mean of |guess / measured - 1|."""

    guesses: int
    compared: int
    near: int
    error: float | None

    def __str__(self):
        made = f"{self.guesses} guess{'es' * (self.guesses != 1)}"
        if not self.compared:
            return f"{made}, none compared with a result yet."
        text = f"{made}, {self.compared} compared with a result, {self.near} of these near."
        return text if self.error is None else f"{text} On average they were off by {self.error:.0%}."

    def _repr_html_(self):
        return box("task", markup(str(self)))

    __repr__ = __str__


def calibration() -> Calibration:
    """A summary of all guesses made so far."""
    entries = [e for e in read_state("guesses").values() if isinstance(e, dict) and isinstance(e.get("value"), str)]
    compared = [e for e in entries if isinstance(e.get("near"), bool)]
    errors = []
    for entry in compared:
        pairs = zip(entry.get("guessed") or [], (entry.get("measured") or {}).values(), strict=False)
        errors += [abs(mine / true - 1) for mine, true in pairs if isinstance(true, int | float) and true]
    near = sum(e["near"] for e in compared)
    return Calibration(len(entries), len(compared), near, sum(errors) / len(errors) if errors else None)
