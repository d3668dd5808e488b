"""Lesson 6's data: posts of the marketplace with their photos, photos with words in them, counted mugs, narrated films.

Loaders for `load("posts", split="dev")`, `load("written")`, `load("mugs")`, `load("films")` and `load("photo", path=…)`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from ..settings import DATA, ROOT, CourseError

SPLITS = ("train", "dev", "test")
SAMPLE = DATA / "posts" / "photos" / "test-001.jpg"


@dataclass(frozen=True)
class Post:
    """A post: its words and its photo.

    `reason` says where a rule is broken: 'text', 'picture' (a forbidden symbol), 'mismatch' (sold as faultless, and the
    photo shows damage), or '' for a post that may stay. `rule` names the rule, `offending` the sentence that breaks it,
    `condition` the one that speaks of the thing's condition.
    `thing`, `damage` and `symbol` are what the photo shows; `claim` is what is said of the condition: 'flawless', 'worn',
    'damaged' or ''.
    """

    id: str
    split: str
    text: str
    photo: Path = field(repr=False)
    reason: str = ""
    rule: str = ""
    offending: str = field(default="", repr=False)
    condition: str = field(default="", repr=False)
    thing: str = ""
    damage: str = "intact"
    symbol: str = "none"
    claim: str = ""

    @property
    def breaks(self) -> bool:
        """Whether the post breaks a rule."""
        return bool(self.reason)


@dataclass(frozen=True)
class Written:
    """A photo with words in it: what it reads, and whether that breaks a rule."""

    photo: Path = field(repr=False)
    text: str
    breaks: bool


@dataclass(frozen=True)
class Film:
    """A narrated film: `chapters` are dicts of title and start (seconds), `shots` of start, chapter, shows and says."""

    file: Path = field(repr=False)
    split: str
    title: str
    seconds: float
    chapters: list = field(repr=False)
    shots: list = field(repr=False)


def _rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def posts(split: str | None = None) -> list[Post]:
    """The marketplace's posts, all or those of one split: 'train', 'dev' or 'test'. CourseError for another split."""
    if split not in (None, *SPLITS):
        raise CourseError(f"There is no split {split!r}. Use one of: {', '.join(SPLITS)}.")
    folder = DATA / "posts"
    rows = [row for row in _rows(folder / "posts.jsonl") if split in (None, row["split"])]
    return [Post(photo=folder / "photos" / f"{row['id']}.jpg", **row) for row in rows]


def written() -> list[Written]:
    """24 photos with words in them, half of which break a rule."""
    folder = DATA / "posts" / "written"
    return [Written(folder / row["file"], row["text"], row["bad"]) for row in _rows(folder / "written.jsonl")]


def mugs() -> list[tuple[Path, int, str]]:
    """(photo, how many mugs it shows, 'apart' or 'close') of 36 pictures."""
    found = []
    for file in sorted((DATA / "posts" / "counting").glob("*.jpg")):
        count, kind, _ = file.stem.split("-")
        found.append((file, int(count), kind))
    return found


def films(split: str | None = None) -> list[Film]:
    """The how-to desk's two short films, 'dev' and 'test', with their true chapters. CourseError for another split."""
    if split not in (None, "dev", "test"):
        raise CourseError(f"There is no split {split!r}. Use dev or test.")
    folder = DATA / "clips"
    rows = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
    return [Film(**row | {"file": folder / row["file"]}) for row in rows if split in (None, row["split"])]


def photo(path: str = "") -> Path:
    """The learner's own photograph: a path from the checkout's folder or anywhere else; without one, a sample.

    CourseError if there is no such file.
    """
    if not path:
        return SAMPLE
    for place in (Path(path).expanduser(), ROOT / path):
        if place.is_file():
            return place
    raise CourseError(
        f"There is no picture at {path}. Put it into the folder my_documents and write 'my_documents/NAME'."
    )


DATASETS = {"posts": posts, "written": written, "mugs": mugs, "films": films, "photo": photo}
