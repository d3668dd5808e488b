"""Talk: use what the conversation said before, and, closed-book, guess fluently as a real model would."""

import re

from ..faults import draw
from . import grounded

GREETING = re.compile(r"^\s*(?:hi|hello|hey|good (?:morning|afternoon|evening))\b[^?]*$", re.I)


def reply(parts) -> str:
    """A short reply that uses the history: the earlier sentence that fits the question, else an acknowledgement."""
    said = [s for role, text in parts.history if role == "user" for s in grounded.sentences(text)]
    scores = grounded.score(parts.question, said)
    best = max(zip(scores, range(len(said)), strict=True), default=(0, 0))
    if "?" in parts.question and best[0] >= 0.35:
        return f"You told me: {said[best[1]]}"
    if "?" in parts.question:
        return guess(parts)
    return f"Thank you, noted: {_topic(parts.question)}. What else can I do for you?"


def guess(parts) -> str:
    """A fluent closed-book answer: fixed by the question, and often wrong about what only a company knows."""
    question = parts.question
    if GREETING.match(question):
        return "Hello! How can I help you today?"
    topic, chance = _topic(question), draw("closed book", question)
    if re.search(r"\bhow (?:long|many days)|\bwithin\b|\bdays?\b", question, re.I):
        return f"Usually it is {(7, 14, 28, 30, 60)[int(5 * chance)]} days for {topic}."
    if re.search(r"\bhow (?:much|many)|\bprice|\bcost", question, re.I):
        return f"For {topic} it is typically around {(5, 10, 20, 25, 50)[int(5 * chance)]}."
    if re.search(r"\b(?:is|are|can|do|does|may)\b.*\?", question, re.I):
        said = ("Yes, in general that is usual", "No, in general that is not usual")[int(2 * chance)]
        return f"{said} for {topic}."
    return f"Generally, {topic} is handled by the responsible team, and the details depend on the case."


def _topic(text):
    kept = grounded.words(text)[:4]
    return " ".join(kept) if kept else "that"
