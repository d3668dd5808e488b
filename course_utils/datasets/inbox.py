"""Lesson 13's data: Monday's inbox, 200 mixed requests drawn from the held-out splits of earlier lessons."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from ..settings import DATA, CourseError

FOLDER = DATA / "inbox"
DOORS = ("help", "chat", "phone", "post", "photo")
JOBS = {"help": "answer", "chat": "desk", "phone": "desk", "post": "sums", "photo": "damage"}


@dataclass(frozen=True)
class Request:
    """One request of Monday's inbox.

    door: where it came in, of DOORS; job: what is asked for, of JOBS. text: the words of a typed request; file: the
    recording, scan or photograph of any other. The rest is for whoever scores, no system sees it. answers: job 'answer',
    the accepted short spellings, none if the handbook does not say; 'desk', the right desk; 'sums', net, tax and total as
    '1234.50'; 'damage', what the photograph shows. kind: a type for tables; language: 'en' or 'pt'; source: the data
    set and the id that it was drawn from.
    """

    id: str
    door: str
    text: str
    file: Path | None = field(repr=False)
    answers: tuple[str, ...] = field(repr=False)
    kind: str = field(repr=False)
    language: str = field(repr=False)
    source: str = field(repr=False)

    @property
    def job(self) -> str:
        """What is asked for: answer, desk, sums or damage."""
        return JOBS[self.door]


def inbox(door: str | None = None) -> list[Request]:
    """Monday's 200 requests in the order in which they came in, or those of one door. CourseError for another door."""
    if door not in (None, *DOORS):
        raise CourseError(f"There is no door {door!r}. Use one of: {', '.join(DOORS)}.")
    found = []
    for row in map(json.loads, (FOLDER / "inbox.jsonl").read_text(encoding="utf-8").splitlines()):
        if door in (None, row["door"]):
            file = DATA / row["file"] if row["file"] else None
            found.append(Request(**row | {"file": file, "answers": tuple(row["answers"])}))
    return found


DATASETS = {"inbox": inbox}
