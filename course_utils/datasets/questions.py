"""Labelled requests: lesson 2's questions, lesson 1's mixed tasks and routes, messages with their sentiment."""

import json
from dataclasses import dataclass, field

from ..settings import DATA, CourseError
from .rows import rows_of

SPLITS = ("train", "dev", "test")
TYPES = ("single-fact", "paraphrased", "multi-hop", "exact-code", "unanswerable")


@dataclass(frozen=True)
class Question:
    """A labelled question. `answers`: accepted short spellings, the first one taken from a gold passage.

    `passages`: ids of the gold passages. Both lists are empty where the handbook has no answer.
    """

    id: str
    text: str
    type: str
    split: str
    answers: list[str] = field(default_factory=list)
    passages: list[str] = field(default_factory=list)


def questions(split: str | None = None) -> list[Question]:
    """The labelled questions, all or those of one split: 'train', 'dev' or 'test'."""
    if split not in (None, *SPLITS):
        raise CourseError(f"There is no split {split!r}. Use one of: {', '.join(SPLITS)}.")
    lines = (DATA / "questions" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [Question(**json.loads(line)) for line in lines if line.strip()]
    return [row for row in rows if split in (None, row.split)]


def strangers() -> list[Question]:
    """Questions written by someone who saw only the handbook; `passages` holds ids of documents, not of passages."""
    lines = (DATA / "questions" / "strangers.jsonl").read_text(encoding="utf-8").splitlines()
    rows = map(json.loads, filter(str.strip, lines))
    return [Question(r["id"], r["text"], r["type"], "strangers", r["answers"], r["documents"]) for r in rows]


@dataclass(frozen=True)
class Task:
    """A request of lesson 1's mixed set: kind fact, audio, image, search or label; `file` below data/, or ''.

    `answers`: accepted short spellings; for search the ids of accepted documents.
    """

    id: str
    kind: str
    split: str
    text: str
    file: str = ""
    answers: list[str] = field(default_factory=list)


def tasks(split: str | None = None) -> list[Task]:
    """Lesson 1's mixed requests, all or those of one split: 'dev' or 'test'."""
    return [Task(**row) for row in rows_of("tasks/tasks.jsonl", split, ("dev", "test"))]


def routes() -> list[tuple[str, str]]:
    """(request, way) pairs for lesson 1's router: small, large, code or retrieval."""
    return [(row["text"], row["way"]) for row in rows_of("tasks/routes.jsonl", None, ("test",))]


def sentiment(split: str | None = None) -> list[tuple[str, str]]:
    """(message, label) pairs, label positive, negative or neutral; all or those of one split: 'train' or 'test'."""
    import csv

    if split not in (None, "train", "test"):
        raise CourseError(f"There is no split {split!r}. Use one of: train, test.")
    with (DATA / "language" / "sentiment.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file) if split in (None, row["split"])]


DATASETS = {
    "questions": questions,
    "strangers": strangers,
    "tasks": tasks,
    "routes": routes,
    "sentiment": sentiment,
}
