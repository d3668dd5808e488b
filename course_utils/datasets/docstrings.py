"""Lesson 11: first sentences of documentation strings, with a vector each."""

import gzip
import json
from dataclasses import dataclass, field
from functools import cache

from ..settings import DATA, CourseError

FOLDER = DATA / "docstrings"
SPLITS = ("dev", "test")


@dataclass(frozen=True)
class Entry:
    """A documentation string: its dotted name, the package it is from, 'class', 'function' or 'method', one sentence."""

    id: str
    package: str
    kind: str
    text: str


@dataclass(frozen=True)
class Collection:
    """Entries and their vectors: a float32 array (entries, 384) of whole numbers, 127 times a vector of length 1."""

    entries: list[Entry]
    vectors: object = field(repr=False)

    def __len__(self):
        return len(self.entries)


@cache
def _vectors(name):
    import numpy as np

    with np.load(FOLDER / "vectors.npz") as file:
        return file[name]


@cache
def _entries(name) -> tuple:
    text = (FOLDER / name).read_bytes()
    rows = [json.loads(line) for line in (gzip.decompress(text) if name.endswith(".gz") else text).splitlines()]
    return tuple((Entry(row["id"], row["package"], row["kind"], row["text"]), row.get("split")) for row in rows)


def docstrings(split: str | None = None) -> Collection:
    """Lesson 11: 50,000 entries (no split), or the 500 queries of the split 'dev' or 'test', which are not among them."""
    if split is not None and split not in SPLITS:
        raise CourseError(f"The docstrings have no split {split!r}. There are: {', '.join(SPLITS)}.")
    rows = _entries("queries.jsonl" if split else "entries.jsonl.gz")
    keep = [place for place, (_, of) in enumerate(rows) if of == split]
    vectors = _vectors("queries" if split else "entries")
    vectors = vectors[keep] if split else vectors
    return Collection([rows[place][0] for place in keep], vectors.astype("float32"))


DATASETS = {"docstrings": docstrings}
