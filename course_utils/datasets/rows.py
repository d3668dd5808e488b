"""Rows of the JSONL files below data/."""

import json

from ..settings import DATA, CourseError


def rows_of(path, split: str | None, known: tuple[str, ...]) -> list[dict]:
    """The rows of a JSONL file below data/, of one split or of all."""
    if split not in (None, *known):
        raise CourseError(f"There is no split {split!r}. Use one of: {', '.join(known)}.")
    rows = [json.loads(line) for line in (DATA / path).read_text(encoding="utf-8").splitlines() if line.strip()]
    return [row for row in rows if split in (None, row["split"])]
