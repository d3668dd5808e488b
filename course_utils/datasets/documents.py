"""Loaders of lesson 3's documents: invoices, other papers, hearing reports, contracts' clauses. Truth beside each file."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from ..settings import DATA, CourseError


@dataclass(frozen=True)
class Item:
    """A line of an invoice. Money is a text such as '1234.50', in the invoice's currency."""

    sku: str
    text: str
    quantity: int
    price: str
    amount: str


@dataclass(frozen=True)
class Invoice:
    """An invoice as it was printed. Money is a text such as '1234.50', a date ISO; `rate` in percent.

    layout: A, B or C. grade: the scanner, 1 (good) to 3 (poor). stamp: None, 'paid', 'received' or 'copy'. planted:
    None, 'wrong sum' or 'changed account'. duplicate_of: the id of the invoice that this one repeats. text: all of
    the page in reading order, without the stamp. face: the typeface.
    """

    id: str
    file: Path
    split: str
    layout: str
    language: str
    supplier: str
    number: str
    date: str
    due: str
    vat: str
    iban: str
    currency: str
    items: tuple[Item, ...]
    net: str
    rate: int
    tax: str
    total: str
    order: str
    grade: int
    stamp: str | None
    planted: str | None
    duplicate_of: str | None
    face: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class Paper:
    """Another page of the post: kind 'delivery note', 'credit note', 'letter' or 'contract'; code of what it is about."""

    id: str
    file: Path
    kind: str
    split: str
    language: str
    code: str | None
    text: str = field(repr=False)


@dataclass(frozen=True)
class HearingReport:
    """A synthetic hearing report. right, left: decibels of loss at 500, 1000, 2000, 3000, 4000 and 6000 Hz.

    before: the last test, ear -> kHz as text -> decibels. alarm: the nurse's note alone is urgent. urgency: 'urgent',
    'retest' or 'routine', by the clinic's rules.
    """

    id: str
    file: Path
    split: str
    right: tuple[int, ...]
    left: tuple[int, ...]
    before: dict
    alarm: bool
    urgency: str
    report: str
    name: str
    place: str
    level_db: int
    comment: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class Clause:
    """A clause of a supply contract. risk: 'ok', 'raise' (to counsel) or 'refuse'. entities: (text, label), test only."""

    id: str
    split: str
    type: str
    risk: str
    text: str
    entities: tuple = ()


def _rows(folder: str, name: str, split: str | None) -> list[dict]:
    """The rows of data/<folder>/<name>, of one split or of all; `file` becomes a path."""
    place = DATA / folder
    rows = [json.loads(line) for line in (place / name).read_text(encoding="utf-8").splitlines()]
    known = sorted({row["split"] for row in rows})
    if split not in (None, *known):
        raise CourseError(f"There is no split {split!r} of {folder}. Use one of: {', '.join(known)}.")
    return [row | {"file": place / row["file"]} for row in rows if split in (None, row["split"])]


def invoices(split: str | None = None) -> list[Invoice]:
    """Invoices with their truth: split 'train', 'dev', 'test' (with layout C) or 'pdf'."""
    rows = _rows("invoices", "invoices.jsonl", split)
    return [Invoice(**row | {"items": tuple(Item(**item) for item in row["items"])}) for row in rows]


def papers(split: str | None = None) -> list[Paper]:
    """Delivery notes, credit notes, letters and contracts' pages: split 'train' or 'test'."""
    return [Paper(**row) for row in _rows("papers", "papers.jsonl", split)]


def hearing(split: str | None = None) -> list[HearingReport]:
    """Hearing reports, synthetic: split 'train' or 'test'. No medical device."""
    rows = _rows("hearing", "reports.jsonl", split)
    return [HearingReport(**row | {"right": tuple(row["right"]), "left": tuple(row["left"])}) for row in rows]


def hearing_notes() -> list[tuple[str, bool]]:
    """(nurse's note, whether it is urgent): 16 labelled notes to train on; no test report has one of them."""
    lines = (DATA / "hearing" / "notes.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row["note"], row["alarm"]) for row in map(json.loads, lines)]


def clauses(split: str | None = None) -> list[Clause]:
    """Clauses of supply contracts: split 'train' or 'test'."""
    import yaml

    if split not in (None, "train", "test"):
        raise CourseError(f"There is no split {split!r} of clauses. Use one of: test, train.")
    rows = yaml.safe_load((DATA / "contracts" / "clauses.yaml").read_text(encoding="utf-8"))
    made = [Clause(**row | {"entities": tuple(map(tuple, row.get("entities", ())))}) for row in rows]
    return [clause for clause in made if split in (None, clause.split)]


def clause_questions() -> dict[str, str]:
    """A question for each type of clause, in other words than the clauses'."""
    import yaml

    return yaml.safe_load((DATA / "contracts" / "questions.yaml").read_text(encoding="utf-8"))


DATASETS = {
    "invoices": invoices,
    "papers": papers,
    "hearing": hearing,
    "hearing notes": hearing_notes,
    "clauses": clauses,
    "clause questions": clause_questions,
}
