"""The support desk's data, lesson 4: messages with their intent, frequent answers, conversations, calls, the shop."""

import csv
import json
import sqlite3
from dataclasses import dataclass, field

from ..settings import DATA, CourseError

FOLDER = DATA / "support"
INTENTS = ("faq", "billing", "technical", "escalate", "out_of_scope")
SPLITS = ("train", "dev", "test", "shifted", "fresh")


@dataclass(frozen=True)
class Message:
    """A customer's message: its intent (INTENTS), the need behind it, and its split (SPLITS)."""

    id: str
    split: str
    intent: str
    need: str
    text: str


@dataclass(frozen=True)
class Probe:
    """A question asked after a conversation, about what was said in turn `told` (from 1); accepted short answers."""

    told: int
    ask: str
    answers: list[str]


@dataclass(frozen=True)
class Conversation:
    """Turns, pairs of what the customer and the bot say, and the probes that follow them."""

    id: str
    turns: list[tuple[str, str]]
    probes: list[Probe]


@dataclass(frozen=True)
class SpokenRequest:
    """A recorded call: its `file` below data/, what is said, whose telephone it is, and what a right handling does.

    intent; for billing the `tool` that must act and its `order`; for faq the key of the answer; for technical the
    `answers` of which one must stand in the reply.
    """

    id: str
    voice: str
    customer: str
    intent: str
    text: str
    tool: str = ""
    order: str = ""
    faq: str = ""
    answers: list[str] = field(default_factory=list)

    @property
    def file(self) -> str:
        return f"support/calls/{self.id}.flac"


def _yaml(name: str):
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), Loader=loader)


def messages(split: str | None = None) -> list[Message]:
    """Customers' messages, all or those of one split of SPLITS; shifted has needs that train lacks, fresh escalations."""
    if split not in (None, *SPLITS):
        raise CourseError(f"There is no split {split!r}. Use one of: {', '.join(SPLITS)}.")
    with (FOLDER / "messages.csv").open(encoding="utf-8", newline="") as file:
        return [Message(**row) for row in csv.DictReader(file) if split in (None, row["split"])]


def faq() -> dict[str, str]:
    """The answers to frequent questions, by the need that they meet."""
    return _yaml("faq.yaml")


def conversations() -> list[Conversation]:
    """The scripted conversations with their probes."""
    return [
        Conversation(c["id"], [tuple(t.split(" | ")) for t in c["turns"]], [Probe(**p) for p in c["probes"]])
        for c in _yaml("conversations.yaml")
    ]


def calls() -> list[SpokenRequest]:
    """The thirty spoken requests."""
    return [SpokenRequest(**row) for row in _yaml("calls.yaml")]


def shop() -> sqlite3.Connection:
    """The shop's database, new at each call and in memory: customers, products, orders, items, refunds, damages."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.executescript((FOLDER / "shop.sql").read_text(encoding="utf-8"))
    return connection


def frozen() -> dict[str, str]:
    """The sha256 of what was frozen before anything was scored on it, by what it covers."""
    lines = (FOLDER / "frozen.sha256").read_text(encoding="utf-8").splitlines()
    return {what: digest for digest, what in (line.split("  ", 1) for line in lines)}


def canonical(rows: list[dict]) -> str:
    """Rows by id, each as canonical JSON, joined by line feeds: what `frozen` is the hash of."""
    rows = sorted(rows, key=lambda row: row["id"])
    return "\n".join(json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for row in rows)


DATASETS = {
    "messages": messages,
    "frequent answers": faq,
    "conversations": conversations,
    "calls": calls,
    "shop": shop,
}
