"""Lesson 5: photos of flats, a stock of pictures, and labelled sentences."""

from dataclasses import dataclass

from ..settings import CourseError
from .rows import rows_of


@dataclass(frozen=True)
class Shot:
    """A picture of a room: `file` below data/, the room that it shows. Photos of a flat also name `flat`, `place` (which
    of its rooms) and `shot` ('a', or 'b' from nearer); pictures of the stock the `colour` of their cloth and a split."""

    file: str
    room: str
    flat: str = ""
    place: int = 0
    shot: str = ""
    colour: str = ""
    split: str = ""


@dataclass(frozen=True)
class Statement:
    """A labelled sentence of a listing: 'true', 'false' or 'unbacked' of a flat, or 'fine' or 'stop' for moderation."""

    id: str
    text: str
    label: str
    split: str
    flat: str = ""


def listings(part: str = "photos", split: str | None = None) -> list[Shot] | list[Statement]:
    """Lesson 5: 'photos' of flats and 'claims' (dev, test), 'stock' of rooms (shelf, dev, query), 'sentences' (three)."""
    parts = {"photos": (Shot, ("dev", "test")), "stock": (Shot, ("shelf", "dev", "query"))}
    parts |= {"claims": (Statement, ("dev", "test")), "sentences": (Statement, ("train", "dev", "test"))}
    if part not in parts:
        raise CourseError(f"The listings have no part {part!r}. There are: {', '.join(parts)}.")
    kind, splits = parts[part]
    rows = rows_of(f"listings/{part}.jsonl", split, splits)
    return [kind(**row | ({"file": f"listings/{row['file']}"} if kind is Shot else {})) for row in rows]


DATASETS = {"listings": listings}
