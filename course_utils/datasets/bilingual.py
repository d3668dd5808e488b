"""Loaders of lesson 7's texts: English sentences with a Portuguese translation, templates, mixed messages, tasks."""

import csv
from dataclasses import dataclass

from ..settings import DATA, CourseError


@dataclass(frozen=True)
class Pair:
    """An English sentence and its reference translation, written for this course. kind: its topic, or what makes it hard."""

    id: str
    split: str
    kind: str
    en: str
    pt: str
    hard: bool = False


@dataclass(frozen=True)
class Template:
    """A message with parts that no translation may touch (`keep`) and terms of the shop's glossary.

    `terms` maps an English term, as it stands in the message, to its Portuguese form.
    """

    id: str
    split: str
    en: str
    keep: tuple[str, ...]
    terms: dict[str, str]


@dataclass(frozen=True)
class Mixed:
    """A message in two languages: `parts` are (language, words) in order, `en` all of it in English."""

    id: str
    split: str
    text: str
    parts: tuple[tuple[str, str], ...]
    en: str


@dataclass(frozen=True)
class BilingualTask:
    """A customer's request in English and in European Portuguese, and what a right handling is.

    intent: the way out. detail: the frequent question or the shop tool meant, '' where the way out is all. order: the
    order that the tool must act on. answers_en, answers_pt: accepted short answers of a technical question.
    """

    id: str
    source: str
    customer: str
    intent: str
    detail: str
    order: str
    answers_en: tuple[str, ...]
    answers_pt: tuple[str, ...]
    en: str
    pt: str


@dataclass(frozen=True)
class Judgement:
    """Whether the author took this very translation for acceptable, and what is wrong with it."""

    id: str
    translation: str
    acceptable: bool
    note: str


def _rows(path: str, split: str | None = None, splits: tuple[str, ...] = ("dev", "test")) -> list[dict]:
    if split not in (None, *splits):
        raise CourseError(f"There is no split {split!r}. Use one of: {', '.join(splits)}.")
    with (DATA / path).open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if split in (None, row.get("split"))]


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


def sentences(split: str | None = None, hard: bool | None = None) -> list[Pair]:
    """Sentences with a translation, all or those of 'dev' or 'test'; hard=False the plain ones, True the hard ones."""
    rows = []
    if hard is not True:
        rows += [
            Pair(r["id"], r["split"], r["topic"], r["en"], r["pt"]) for r in _rows("translation/sentences.csv", split)
        ]
    if hard is not False:
        rows += [Pair(**row, hard=True) for row in _rows("translation/hard.csv", split)]
    return rows


def templates(split: str | None = None) -> list[Template]:
    """Messages with placeholders, codes and glossary terms, all or those of 'dev' or 'test'."""
    return [
        Template(r["id"], r["split"], r["en"], _parts(r["keep"]), dict(t.split("=") for t in _parts(r["terms"])))
        for r in _rows("translation/templates.csv", split)
    ]


def mixed(split: str | None = None) -> list[Mixed]:
    """Half-Portuguese, half-English messages, all or those of 'dev' or 'test'."""
    return [
        Mixed(r["id"], r["split"], r["text"], tuple((p[:2], p[3:]) for p in r["languages"].split("|")), r["en"])
        for r in _rows("language/mixed.csv", split)
    ]


def languages() -> list[tuple[str, str]]:
    """Short customer messages as (text, language code): thirty each in en, pt, es, de and fr."""
    return [(row["text"], row["language"]) for row in _rows("language/languages.csv")]


def bilingual_tasks() -> list[BilingualTask]:
    """Forty requests to the support line, in English and in European Portuguese; all held out."""
    return [
        BilingualTask(**r | {"answers_en": _parts(r["answers_en"]), "answers_pt": _parts(r["answers_pt"])})
        for r in _rows("translation/tasks.csv")
    ]


def judgements(system: str = "translator") -> dict[str, Judgement]:
    """The author's verdict on each test translation of 'translator' (90) or 'large' (60), by the sentence's id."""
    rows = [row for row in _rows("translation/judgements.csv") if row["system"] == system]
    if not rows:
        raise CourseError(f"Nobody judged the translations of {system!r}. There are: translator, large.")
    return {r["id"]: Judgement(r["id"], r["translation"], r["acceptable"] == "yes", r["note"]) for r in rows}


DATASETS = {
    "sentences": sentences,
    "templates": templates,
    "mixed messages": mixed,
    "languages": languages,
    "bilingual tasks": bilingual_tasks,
    "judgements": judgements,
}
