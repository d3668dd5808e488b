"""Lesson 12's data: questions that look alike, for the semantic cache, and requests for money back, for the pipeline."""

import json
import random
from dataclasses import dataclass

from ..settings import DATA, CourseError

SPLITS = ("dev", "test")
TWO_SUMS = "I paid £{paid} for order {order}, and £{amount} of it should come back for the broken plates."


@dataclass(frozen=True)
class Lookalike:
    """A customer's question of a group: kind 'ask', 'same' (the same question in other words) or 'other' (looks like it).

    Two questions have the same answer if `answer` and `passage` (where it stands in the handbook) are the same.
    """

    id: str
    group: str
    split: str
    kind: str
    text: str
    answer: str
    passage: str


def lookalikes(split: str | None = None) -> list[Lookalike]:
    """The questions of all groups, or those of one split: 'dev' or 'test'."""
    if split not in (None, *SPLITS):
        raise CourseError(f"There is no split {split!r}. Use one of: {', '.join(SPLITS)}.")
    lines = (DATA / "lookalikes" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for row in (Lookalike(**json.loads(line)) for line in lines if line) if split in (None, row.split)]


@dataclass(frozen=True)
class Request:
    """A customer asks for money back. key: the request's own id; order and amount (pounds): what a right reading gives."""

    key: str
    text: str
    order: str
    amount: float


def refund_requests(n: int = 2000) -> list[Request]:
    """n requests for money back, made from 24 hand-written messages; the first k are the same for every n.

    One in 500 names two sums, what was paid and what is to come back. Every order number occurs once. CourseError unless
    1 <= n <= 5000.
    """
    if not 1 <= n <= 5000:
        raise CourseError(f"refund requests: n lies between 1 and 5000, not at {n}.")
    lines = (DATA / "lookalikes" / "refunds.txt").read_text(encoding="utf-8").splitlines()
    rng, rows = random.Random(12), []
    for i in range(n):
        order, amount = f"HL-{30001 + i}", rng.randrange(900, 24_900, 5) / 100
        line = lines[rng.randrange(len(lines))] if i % 500 != 250 else TWO_SUMS
        paid = amount + rng.randrange(500, 9_000, 5) / 100
        text = line.format(order=order, amount=f"{amount:.2f}", paid=f"{paid:.2f}")
        rows.append(Request(f"refund-{i + 1:04}", text, order, amount))
    return rows


DATASETS = {"lookalikes": lookalikes, "refund requests": refund_requests}
