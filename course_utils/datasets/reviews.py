"""Lesson 9's code review: short functions with their most severe defect, and reviews of the past."""

import csv
from dataclasses import dataclass, field

from ..settings import DATA, CourseError

FOLDER = DATA / "reviews"
KINDS = (
    "injection",
    "secret",
    "wrong-result",
    "empty-input",
    "hidden-error",
    "no-limit",
    "leak",
    "shared-state",
    "style",
    "none",
)
SEVERITIES = ("blocker", "major", "minor", "none")


@dataclass(frozen=True)
class Snippet:
    """A short function: its most severe defect's kind (KINDS), severity (SEVERITIES), accepted lines from 1, a comment."""

    id: str
    split: str
    kind: str
    severity: str
    code: str
    comment: str = ""
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class PastReview:
    """A comment of an earlier review, on a line or two of code."""

    id: str
    kind: str
    severity: str
    code: str
    comment: str


def snippets(split: str | None = None) -> list[Snippet]:
    """The labelled functions, all or those of one split: 'dev' or 'test'."""
    import yaml

    if split not in (None, "dev", "test"):
        raise CourseError(f"There is no split {split!r}. Use one of: dev, test.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows = yaml.load((FOLDER / "snippets.yaml").read_text(encoding="utf-8"), Loader=loader)
    return [Snippet(**row) for row in rows if split in (None, row["split"])]


def past_reviews() -> list[PastReview]:
    """The reviews of the past: what similar code was told, and what the severity head learns from."""
    with (FOLDER / "past_reviews.csv").open(encoding="utf-8", newline="") as file:
        return [PastReview(**row) for row in csv.DictReader(file)]


def canonical(rows: list[Snippet]) -> str:
    """Rows by id, each as canonical JSON, joined by line feeds: what test.sha256 is the hash of."""
    import json
    from dataclasses import asdict

    rows = sorted(rows, key=lambda row: row.id)
    return "\n".join(json.dumps(asdict(r), sort_keys=True, ensure_ascii=False, separators=(",", ":")) for r in rows)


DATASETS = {"snippets": snippets, "past reviews": past_reviews}
