"""Typed loaders of the course's data: `load("handbook")`, `load("questions", split="dev")` and so on.

A data set is a function in DATASETS, keyed by the name that lessons use; a lesson that brings data adds a line there.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from . import bilingual, desk, documents, marketplace, shop
from .settings import DATA, ROOT, CourseError

SHORT, LONG = 30, 130  # words; a passage below SHORT joins its neighbour, a paragraph above LONG is divided
SPLITS = ("train", "dev", "test")
TYPES = ("single-fact", "paraphrased", "multi-hop", "exact-code", "unanswerable")


@dataclass(frozen=True)
class Document:
    """One page of the handbook. `id` is the file's name without `.md`, `source` its path inside the checkout."""

    id: str
    title: str
    text: str  # Markdown, with the title line
    source: str


@dataclass(frozen=True)
class Passage:
    """A piece of a document that answers can cite. `id` is the document's id, '#', and the place from 1."""

    id: str
    document: str
    title: str
    text: str


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


def _words(text: str) -> int:
    return len(re.findall(r"\w+", text))


def _blocks(text: str) -> list[str]:
    """Paragraphs, lists and whole tables, each under the heading of its section; the title is left out."""
    heading, blocks = "", []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        while lines and lines[0].startswith("#"):
            heading = "" if lines[0].startswith("# ") else lines[0].lstrip("# ").strip()
            lines = lines[1:]
        if lines:
            body = "\n".join(lines).strip()
            blocks.append(f"{heading}\n{body}" if heading else body)
    return blocks


def _divided(block: str) -> list[str]:
    """A block above LONG words is cut at the line or sentence end nearest its middle; a table stays whole."""
    if _words(block) <= LONG or "\n|" in block or block.startswith("|"):
        return [block]
    ends = [match.end() for match in re.finditer(r"\n|(?<=[.!?]) +(?=[\"'“A-Z])", block)]
    if not ends:
        return [block]
    cut = min(ends, key=lambda end: abs(end - len(block) / 2))
    return _divided(block[:cut].strip()) + _divided(block[cut:].strip())


def passages(document: Document) -> list[Passage]:
    """Cut a document into passages of some 30 to 130 words, always the same way.

    1. A passage is a paragraph, a list or a whole table, with its section's heading as first line.
    2. One shorter than SHORT words joins the next; the last one joins the one before it.
    3. One longer than LONG words is cut at the line or sentence end nearest its middle (tables are not).
    """
    joined: list[str] = []
    pending = ""
    for block in _blocks(document.text):
        block = f"{pending}\n\n{block}" if pending else block
        pending = block if _words(block) < SHORT else ""
        if not pending:
            joined.append(block)
    if pending:
        joined[-1:] = ["\n\n".join([*joined[-1:], pending])]
    texts = [text for block in joined for text in _divided(block)]
    return [Passage(f"{document.id}#{place}", document.id, document.title, t) for place, t in enumerate(texts, 1)]


@cache
def _handbook() -> tuple[Document, ...]:
    documents = []
    for file in sorted((DATA / "handbook").glob("*.md")):
        if file.name != "README.md":
            text = file.read_text(encoding="utf-8")
            title = text.split("\n", 1)[0].removeprefix("# ").strip()
            documents.append(Document(file.stem, title, text, f"data/handbook/{file.name}"))
    if not documents:
        raise CourseError("data/handbook holds no documents: fetch a whole copy of the course again.")
    return tuple(documents)


def handbook() -> list[Document]:
    """Harbourlight's handbook, by id."""
    return list(_handbook())


def handbook_passages() -> list[Passage]:
    """All passages of the handbook, in the order of documents."""
    return [passage for document in _handbook() for passage in passages(document)]


def company() -> dict:
    """The company's facts, as data/company/facts.yaml has them (a fresh copy at each call)."""
    import yaml

    return yaml.load((DATA / "company" / "facts.yaml").read_text(encoding="utf-8"), Loader=_yaml_loader())


def _yaml_loader():
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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


def _lines(path, split: str | None, known: tuple[str, ...]) -> list[dict]:
    """The rows of a JSONL file below data/, of one split or of all."""
    if split not in (None, *known):
        raise CourseError(f"There is no split {split!r}. Use one of: {', '.join(known)}.")
    rows = [json.loads(line) for line in (DATA / path).read_text(encoding="utf-8").splitlines() if line.strip()]
    return [row for row in rows if split in (None, row["split"])]


def tasks(split: str | None = None) -> list[Task]:
    """Lesson 1's mixed requests, all or those of one split: 'dev' or 'test'."""
    return [Task(**row) for row in _lines("tasks/tasks.jsonl", split, ("dev", "test"))]


def routes() -> list[tuple[str, str]]:
    """(request, way) pairs for lesson 1's router: small, large, code or retrieval."""
    return [(row["text"], row["way"]) for row in _lines("tasks/routes.jsonl", None, ("test",))]


def sentiment(split: str | None = None) -> list[tuple[str, str]]:
    """(message, label) pairs, label positive, negative or neutral; all or those of one split: 'train' or 'test'."""
    import csv

    if split not in (None, "train", "test"):
        raise CourseError(f"There is no split {split!r}. Use one of: train, test.")
    with (DATA / "language" / "sentiment.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file) if split in (None, row["split"])]


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
    parts |= {"claims": (Statement, ("dev", "test")), "sentences": (Statement, SPLITS)}
    if part not in parts:
        raise CourseError(f"The listings have no part {part!r}. There are: {', '.join(parts)}.")
    kind, splits = parts[part]
    rows = _lines(f"listings/{part}.jsonl", split, splits)
    return [kind(**row | ({"file": f"listings/{row['file']}"} if kind is Shot else {})) for row in rows]


SAMPLE = (
    "# House rules\n\nThe kitchen lamp is switched off at ten in the evening. Whoever comes home later takes the torch \
that hangs beside the door, and puts it back in the morning.\n\nThe cat, Binnacle, is fed at seven and at six. She gets 40 \
grams of dry food each time, and never fish, whatever she may say.\n"
)


def folder(path: str = "my_documents") -> list[Passage]:
    """Passages of the learner's own .txt and .md files, in a folder of the checkout or anywhere else.

    The folder is made, with a short sample in it, if it is not there. CourseError if it holds no such file, or one
    that is not UTF-8 text.
    """
    place = ROOT / path
    if not place.exists():
        place.mkdir(parents=True)
        (place / "house_rules.md").write_text(SAMPLE, encoding="utf-8")
    found = []
    for file in sorted(f for f in place.rglob("*") if f.suffix.lower() in (".txt", ".md")):
        try:
            text = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise CourseError(f"{path}/{file.name} is not UTF-8 text. Save it as UTF-8, or take it out.") from None
        title = text.strip().split("\n", 1)[0].lstrip("# ").strip()[:80] or file.stem
        found += passages(Document(file.stem, title, text, f"{path}/{file.name}"))
    if not found:
        raise CourseError(f"{path} holds no text. Put .txt or .md files into it, with at least a paragraph.")
    return found


DATASETS: dict[str, Callable] = {
    "handbook": handbook,
    "passages": handbook_passages,
    "company": company,
    "questions": questions,
    "strangers": strangers,
    "folder": folder,
    "listings": listings,
    "tasks": tasks,
    "routes": routes,
    "sentiment": sentiment,
    "invoices": documents.invoices,
    "papers": documents.papers,
    "hearing": documents.hearing,
    "hearing notes": documents.hearing_notes,
    "clauses": documents.clauses,
    "clause questions": documents.clause_questions,
    **bilingual.DATASETS,
    **shop.DATASETS,
    **desk.DATASETS,
    "posts": marketplace.posts,
    "written": marketplace.written,
    "mugs": marketplace.mugs,
    "films": marketplace.films,
    "photo": marketplace.photo,
}


def load(name: str, **options):
    """Load a data set by name, for example `load("questions", split="dev")`.

    CourseError if there is no such data set, or if it has no such option.
    """
    if name not in DATASETS:
        raise CourseError(f"There is no data set {name!r}. There are: {', '.join(sorted(DATASETS))}.")
    try:
        return DATASETS[name](**options)
    except TypeError as problem:
        if "unexpected keyword" in str(problem):
            raise CourseError(f"The data set {name!r} does not take {', '.join(options)}.") from None
        raise
