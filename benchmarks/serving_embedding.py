"""What batching brings for the embedding model, in full precision, with and without a server around it.

    python benchmarks/serving_embedding.py       some three minutes; writes data/measurements/serving_embedding.json

1. One run of the model with 1 to 64 texts, one thread: customers' messages of 7 to 22 tokens and handbook passages of 63
   to 114, in the order in which they come and sorted by length (so that little is padded). Texts a second by processor
   time, which holds on a busy machine too, and by the clock; the best of ROUNDS, sizes taking turns.
2. Sixteen clients, each with one message at a time, against two servers that run side by side and take turns: one runs
   each text alone, one batches what waits, up to 16. Clients and servers share the machine's cores.
"""

import asyncio
import statistics
import sys
import time

from serving_common import client, embedding_request, load_average, rounded, server  # isort: skip  (sets the path)
from measurement import write
from serving.load import closed_loop, summary

from course_utils import load
from course_utils.local import embedding

SIZES, ROUNDS = (1, 2, 4, 8, 16, 32, 64), 4
CLIENTS, REQUESTS, TURNS = 16, 320, 6


def batches() -> list[dict]:
    """A row a set of texts, an order and a size of batch."""
    encoder, rows = embedding.full_precision(), []
    sets = {
        "messages": [m.text for m in load("messages", split="train")][:128],
        "passages": [p.text for p in load("passages")][:64],
    }
    for name, texts in sets.items():
        tokens = {text: len(encoder.tokens(text).ids) for text in texts}
        orders = {"as they come": texts, "by length": sorted(texts, key=tokens.get)}
        seen = {(order, size): [] for order in orders for size in SIZES}
        for _ in range(ROUNDS):
            for order, size in seen:
                clock, cpu = time.perf_counter(), time.process_time()
                encoder.encode(orders[order], batch=size, threads=1)
                seen[order, size].append((time.perf_counter() - clock, time.process_time() - cpu))
        for (order, size), times in seen.items():
            clock, cpu = (len(texts) / min(column) for column in zip(*times, strict=True))
            mean = statistics.mean(tokens.values())
            row = {"texts": name, "tokens": round(mean, 1), "order": order, "batch": size}
            rows.append(row | {"a_cpu_second": round(cpu, 1), "a_second": round(clock, 1)})
    return rows


async def clients(urls: dict[str, str]) -> dict[str, list[dict]]:
    """Summaries of closed loops, the servers taking turns."""
    messages = [m.text for m in load("messages", split="train")][:128]
    seen = {name: [] for name in urls}
    async with client() as http:
        for url in urls.values():
            await closed_loop(embedding_request(http, url, messages), CLIENTS, CLIENTS)  # warm
        for _ in range(TURNS):
            for name, url in urls.items():
                sent = await closed_loop(embedding_request(http, url, messages), CLIENTS, REQUESTS)
                seen[name].append(rounded(summary(sent)))
    return seen


def main():
    before, rows = load_average(), batches()
    with server("--full", "--most", "1") as one, server("--full", "--most", "16") as many:
        served = asyncio.run(clients({"one by one": one, "batches of up to 16": many}))
    ratios = [b["a_second"] / a["a_second"] for a, b in zip(*served.values(), strict=True)]
    write(
        "serving_embedding",
        {
            "what": "all-MiniLM-L6-v2, float32 weights, onnxruntime, one thread a run",
            "load_average": [before, load_average()],
            "batches": rows,
            "clients": CLIENTS,
            "requests_a_turn": REQUESTS,
            "served": served,
            "ratio_a_turn": [round(r, 2) for r in ratios],
            "ratio": round(statistics.median(ratios), 2),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
