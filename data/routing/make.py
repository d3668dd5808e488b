"""Write outcomes.csv: what small and large made of 130 questions of lesson 2, from the recorded replies.

    python data/routing/make.py

Asks no model: every reply is on record (COURSE_REPLIES=replay). Takes some 20 seconds.
"""

import csv
import os
from pathlib import Path

os.environ["COURSE_REPLIES"] = "replay"

from course_utils import catalogue, load, run
from course_utils.metering import meter
from course_utils.shown import retrieval

COLUMNS = ("id", "source", "type", "text", "tokens", "small", "large", "refused", "small_cost", "large_cost")


def questions():
    """(source, passages read, questions): as lesson 2 asked them."""
    dev = [q for i, q in enumerate(load("questions", split="dev")) if i % 9 < 4]
    return [("dev", 5, dev), ("strangers", 3, load("strangers"))]


def tried(question, found, tier):
    """(right, refused, prompt tokens, dollars) of a tier. Right: it holds an accepted answer, or is a right refusal."""
    reply, _ = run(retrieval.ask(tier, question.text, found))
    call = next(c for c in meter.calls if c.operation == "chat")
    refused = retrieval.REFUSAL.lower() in reply.answer.lower()
    right = retrieval.contains_answer(reply.answer, question) if question.answers else refused
    dollars = catalogue.cost(tier, call.input_tokens, call.output_tokens)
    return right, refused, call.input_tokens, dollars


def row(source, n, question):
    """One line of the table."""
    found = retrieval.search(question.text, top_n=n)
    small, large = (tried(question, found, tier) for tier in ("small", "large"))
    values = (
        *(question.id, source, question.type, question.text, small[2]),
        *(int(small[0]), int(large[0]), int(small[1])),
        *(f"{small[3]:.7f}", f"{large[3]:.7f}"),
    )
    return dict(zip(COLUMNS, values, strict=True))


if __name__ == "__main__":
    with (Path(__file__).parent / "outcomes.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row(source, n, q) for source, n, group in questions() for q in group)
