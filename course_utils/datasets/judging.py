"""Lesson 13's further data: answers in pairs for a judge, messages with personal data, questions with both tiers' result.

Loaders for `load("answer pairs", split="test")`, `load("private messages", split="test")` and `load("routed questions")`.
"""

import csv
from dataclasses import dataclass

from ..settings import DATA, CourseError

SPLITS = ("dev", "test")


@dataclass(frozen=True)
class AnswerPair:
    """A question with a right and a wrong answer, each in a short and a long version; a person said which is right.

    `excerpt` are the handbook's sentences that decide it, from the document `passage`. `error` says how the wrong
    answers are wrong: 'figure', 'other' (it holds in another case), 'invented', 'refusal'.
    """

    id: str
    split: str
    passage: str
    error: str
    excerpt: str
    question: str
    right: str
    right_long: str
    wrong: str
    wrong_long: str


@dataclass(frozen=True)
class PrivateMessage:
    """A message, what is personal or secret in it as (kind, words), and words that must survive its removal.

    Kinds: name, mail, phone, card, iban, key.
    """

    id: str
    split: str
    text: str
    personal: list[tuple[str, str]]
    keep: list[str]


@dataclass(frozen=True)
class RoutedQuestion:
    """A question that small and large answered from the same passages: whether each was right, and its dollars.

    `source` is the set it is from: 'dev' (five passages) or 'strangers' (three). `tokens` is the length of the prompt.
    `refused`: whether small said that the handbook does not tell.
    """

    id: str
    source: str
    type: str
    text: str
    tokens: int
    small: bool
    large: bool
    refused: bool
    small_cost: float
    large_cost: float


def _yaml(path, split):
    import yaml

    if split not in (None, *SPLITS):
        raise CourseError(f"There is no split {split!r}. Use one of: {', '.join(SPLITS)}.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows = yaml.load((DATA / path).read_text(encoding="utf-8"), Loader=loader)
    return [row for row in rows if split in (None, row["split"])]


def pairs(split: str | None = None) -> list[AnswerPair]:
    """The pairs of answers, all or those of one split: 'dev' or 'test'."""
    return [AnswerPair(**row) for row in _yaml("judging/pairs.yaml", split)]


def private(split: str | None = None) -> list[PrivateMessage]:
    """The messages with personal data, all or those of one split: 'dev' or 'test'."""
    rows = _yaml("privacy/messages.yaml", split)
    return [PrivateMessage(**row | {"personal": [tuple(span) for span in row["personal"]]}) for row in rows]


def routed() -> list[RoutedQuestion]:
    """130 questions with what small and large made of them, from lesson 2's recorded replies."""
    with (DATA / "routing" / "outcomes.csv").open(encoding="utf-8", newline="") as file:
        return [
            RoutedQuestion(
                *(row[name] for name in ("id", "source", "type", "text")),
                int(row["tokens"]),
                *(row[name] == "1" for name in ("small", "large", "refused")),
                *(float(row[name]) for name in ("small_cost", "large_cost")),
            )
            for row in csv.DictReader(file)
        ]


DATASETS = {"answer pairs": pairs, "private messages": private, "routed questions": routed}
