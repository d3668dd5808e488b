"""Harbourlight: its handbook, cut into passages, its facts, and the learner's own documents cut in the same way."""

import re
from dataclasses import dataclass
from functools import cache

from ..settings import DATA, ROOT, CourseError

SHORT, LONG = 30, 130  # words; a passage below SHORT joins its neighbour, a paragraph above LONG is divided


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


DATASETS = {"handbook": handbook, "passages": handbook_passages, "company": company, "folder": folder}
