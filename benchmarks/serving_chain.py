"""Lesson 2's chain over HTTP, stage by stage, with one user and with four: where a request's time goes when it is served.

    python benchmarks/serving_chain.py    some three minutes; writes data/measurements/serving_chain.json

One server (examples/serving, with small on two slots) embeds and answers; searching and reranking happen in the client.
The LLM's own time is what llama.cpp reports for prompt and answer; what the client waited beyond that is waiting in line.
The network is loopback: the seconds of an embedding request beyond the server's own.
"""

import asyncio
import json
import statistics
import sys
import time

from serving_common import client, load_average, server  # isort: skip  (sets the path)
from chain import STAGES, body
from measurement import write
from serving.app import CHAT, EMBEDDINGS
from serving.models import EMBEDDING

from course_utils import load, rerank
from course_utils.metering import unmetered
from course_utils.shown import retrieval

PARTS = ("embedding", "network", "search", "reranking", "waiting", "LLM", "post-processing")
USERS, QUESTIONS, CANDIDATES, READ = (1, 4), 12, 50, 3
assert STAGES[0] == PARTS[0]


async def ask(http, url: str, question: str) -> dict:
    """Seconds of each part for one question."""
    import numpy as np

    begun = time.perf_counter()
    reply = await http.post(url + EMBEDDINGS, json={"model": EMBEDDING, "input": question})
    embedding = float(reply.headers["openai-processing-ms"]) / 1000
    network, at = time.perf_counter() - begun - embedding, time.perf_counter()
    vector = np.array(reply.json()["data"][0]["embedding"], np.float32)
    meaning, words = (retrieval.vectors @ vector).round(3), retrieval.by_words(question)
    both = (retrieval.scaled(meaning) + retrieval.scaled(words)).round(3)
    candidates = [retrieval.documents[i] for i in retrieval.best(both, CANDIDATES)]
    search, at = time.perf_counter() - at, time.perf_counter()
    found = [document for document, _ in rerank(question, candidates, top_n=READ)]
    reranking, at = time.perf_counter() - at, time.perf_counter()
    reply = await http.post(url + CHAT, json=body(question, found) | {"model": "small", "temperature": 0})
    asked, at = time.perf_counter() - at, time.perf_counter()
    answer = reply.json()
    own = (answer["timings"]["prompt_ms"] + answer["timings"]["predicted_ms"]) / 1000
    try:
        cited = json.loads(answer["choices"][0]["message"]["content"])["passage"]
    except (ValueError, KeyError, TypeError):
        cited = 0
    _ = found[cited - 1].id if isinstance(cited, int) and 1 <= cited <= len(found) else None
    seconds = (embedding, network, search, reranking, max(0.0, asked - own), own, time.perf_counter() - at)
    return {part: round(s, 5) for part, s in zip(PARTS, seconds, strict=True)}


async def measure(url: str) -> dict[int, list[dict]]:
    """Rows by number of users; each user asks the next question when the last is answered."""
    questions = [q.text for q in load("questions", split="dev") if q.answers][:QUESTIONS]
    seen = {}
    async with client() as http:
        await ask(http, url, "How long is the handbook?")  # warms
        for users in USERS:
            left, rows = iter(questions), []

            async def user(left=left, rows=rows):
                for question in left:
                    rows.append(await ask(http, url, question))

            await asyncio.gather(*(user() for _ in range(users)))
            seen[users] = rows
    return seen


def figures(rows: list[dict]) -> dict:
    """Shares of the time and medians."""
    totals = [sum(row.values()) for row in rows]
    return {
        "questions": len(rows),
        "share_of_time": {part: round(sum(row[part] for row in rows) / sum(totals), 4) for part in PARTS},
        "median_seconds": {part: round(statistics.median(row[part] for row in rows), 4) for part in PARTS},
        "median_total": round(statistics.median(totals), 3),
        "longest_total": round(max(totals), 3),
        "rows": rows,
    }


def main():
    before = load_average()
    with unmetered():
        rerank("warm up", retrieval.documents, top_n=1)  # reads every passage once, as a service does when it starts
        with server("--model", "small", "--slots", "2") as url:
            seen = asyncio.run(measure(url))
    write(
        "serving_chain",
        {
            "what": f"{QUESTIONS} dev questions, {CANDIDATES} candidates, {READ} passages read by small on two slots",
            "load_average": [before, load_average()],
            "users": {users: figures(rows) for users, rows in seen.items()},
        },
    )


if __name__ == "__main__":
    sys.exit(main())
