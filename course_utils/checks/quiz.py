"""`quiz(...)`: a question whose every option is explained. It needs no kernel, no script and no mouse."""

import html

from ..settings import CourseError
from ..widgets import box, emit, markup
from .progress import update_state


def _parts(option):
    """(text, right?, explanation) of an option, checked."""
    if not (isinstance(option, tuple | list) and len(option) == 3 and isinstance(option[1], bool) and option[2]):
        raise CourseError(f"quiz: an option is (text, True or False, explanation), not {option!r}.")
    return option


def quiz(id: str, question: str, options: list, answer: str | None = None) -> None:
    """Show a question; each option opens to say whether it is right, and why.

    options: (text, right?, explanation) each, at least one right. answer: a letter, for who prefers typing: its
    explanation is shown at once and stored with the progress. CourseError for a malformed quiz or an unknown letter.
    """
    options = [_parts(option) for option in options]
    if not any(right for _, right, _ in options) or len(options) < 2:
        raise CourseError(f"quiz {id}: it needs two options or more, and one of them right.")
    letters = "ABCDEFGHIJ"[: len(options)]
    rows, lines = [], [f"Quiz {id}: {question}"]
    for letter, (text, right, why) in zip(letters, options, strict=True):
        verdict = "Right." if right else "Not right."
        choice = markup(f"**{letter}.** {text}").removeprefix("<p>").removesuffix("</p>")
        rows.append(f"<details><summary>{choice}</summary>{markup(f'**{verdict}** {why}')}</details>")
        lines.append(f"  {letter}. {text}")
    several = "Several are right. " if sum(right for _, right, _ in options) > 1 else ""
    advice = f"<p><em>{several}Choose in your mind, then open one: Tab moves, Enter opens.</em></p>"
    head = f"<p><strong>Quiz {html.escape(id)}</strong></p>{markup(question)}"
    emit(box("task", f"{head}{advice}{''.join(rows)}"), "\n".join(lines))
    if answer is None:
        return
    chosen = str(answer).strip().upper()
    if chosen not in letters or len(chosen) != 1:
        raise CourseError(f"quiz {id}: answer with one of {', '.join(letters)}, not {answer!r}.")
    _, right, why = options[letters.index(chosen)]
    update_state("progress", id, answer=chosen, solved=right)
    said = f"{chosen}: {'right' if right else 'not right'}. {why}"
    emit(box("right" if right else "wrong", markup(said)), said)
