"""The course's own retrieval chain by the clock on the wall: embedding, search, reranking, small, post-processing.

    python benchmarks/chain.py          some 90 s on two free cores; writes data/measurements/chain.json

Twelve dev questions that the handbook answers, asked one after the other in one process. The models are loaded and the
passages are embedded before; each reply is generated anew (no record, no prompt cache). There is no network in it.
"""

import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from measurement import write  # noqa: E402

from course_utils import load, rerank  # noqa: E402
from course_utils.local import embedding, language_model  # noqa: E402
from course_utils.metering import unmetered  # noqa: E402
from course_utils.shown import retrieval  # noqa: E402

STAGES = ("embedding", "search", "reranking", "small", "post-processing")
QUESTIONS, CANDIDATES, READ = 12, 50, 3


def body(question: str, found: list) -> dict:
    """Lesson 2's grounded request in OpenAI's shape, without the model's name."""
    roles = {"system": "system", "human": "user"}
    messages = [{"role": roles[role], "content": text} for role, text in retrieval.prompt(question, found)]
    schema = {
        "type": "json_schema",
        "json_schema": {"name": "Grounded", "schema": retrieval.Grounded.model_json_schema()},
    }
    return {"messages": messages, "max_tokens": 60, "response_format": schema}


def ask(question: str) -> dict:
    """Seconds of each stage for one question."""
    marks = [time.perf_counter()]

    def mark():
        marks.append(time.perf_counter())

    vector = embedding.encoder().encode([question], threads=1)[0]
    mark()
    meaning, words = (retrieval.vectors @ vector).round(3), retrieval.by_words(question)
    both = (retrieval.scaled(meaning) + retrieval.scaled(words)).round(3)
    candidates = [retrieval.documents[i] for i in retrieval.best(both, CANDIDATES)]
    mark()
    found = [document for document, _ in rerank(question, candidates, top_n=READ)]
    mark()
    reply = language_model.generate("small", language_model.prepare("small", body(question, found)))
    mark()
    try:
        cited = retrieval.Grounded.model_validate_json(reply.text).passage
    except ValueError:
        cited = 0
    _ = found[cited - 1].id if 1 <= cited <= len(found) else None
    mark()
    seconds = dict(zip(STAGES, (round(b - a, 5) for a, b in zip(marks, marks[1:], strict=False)), strict=True))
    return seconds | {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens}


def main():
    questions = [q.text for q in load("questions", split="dev") if q.answers][:QUESTIONS]
    with unmetered():
        rerank("warm up", retrieval.documents, top_n=1)  # reads every passage once, as a service does when it starts
        ask("How long is the handbook?")  # loads small
        rows = [ask(question) for question in questions]
    totals = [sum(row[stage] for stage in STAGES) for row in rows]
    shares = {stage: round(sum(row[stage] for row in rows) / sum(totals), 4) for stage in STAGES}
    write(
        "chain",
        {
            "what": f"{len(rows)} dev questions, {CANDIDATES} candidates reranked, {READ} passages read by small",
            "load_average": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
            "median_seconds": {s: round(statistics.median(row[s] for row in rows), 4) for s in STAGES},
            "median_total": round(statistics.median(totals), 3),
            "share_of_time": shares,
            "rows": rows,
        },
    )


if __name__ == "__main__":
    sys.exit(main())
