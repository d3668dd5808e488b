"""A server at half, at nine tenths, at once and at four times what it can do: with a gate, and with an open door.

    python benchmarks/serving_overload.py     some three minutes; writes data/measurements/serving_overload.json

Two embedding servers run side by side and take turns; one keeps at most 16 requests inside and sheds the rest with 429,
the other takes everyone in. A request is four handbook passages. What the servers can do is measured first, by eight
clients that wait for their answers. Then requests come at random moments (Poisson), the same ones for both servers,
whether the server keeps up or not; seconds count from the moment at which a request was due.
"""

import asyncio
import statistics
import sys

from serving_common import client, embedding_request, load_average, rounded, server  # isort: skip  (sets the path)
from measurement import write
from serving.load import closed_loop, open_loop, summary

from course_utils import load

RATES, SECONDS, CLIENTS, TEXTS = (0.5, 0.9, 1.0, 4.0), 6, 8, 4
ACTIVE, WAITING = 4, 12
SERVERS = {"gate": ["--active", str(ACTIVE), "--waiting", str(WAITING)], "open door": ["--waiting", "100000"]}


async def capacity(asks) -> float:
    """Requests a second that the servers answer when asked by clients that wait: the median of four short turns."""
    seen = []
    for turn in range(2):
        for ask in asks:
            sent = await closed_loop(ask, CLIENTS, 40)
            if turn or len(asks) == 1:
                seen.append(summary(sent)["a_second"])
    return statistics.median(seen)


async def measure(urls: dict[str, str]) -> tuple[float, list[dict]]:
    passages = [p.text for p in load("passages")]
    inputs = [passages[i : i + TEXTS] for i in range(0, 240, TEXTS)]
    rows = []
    async with client() as http:
        asks = {name: embedding_request(http, url, inputs) for name, url in urls.items()}
        able = await capacity(list(asks.values()))
        for seed, share in enumerate(RATES):
            for name, ask in asks.items():
                sent = await open_loop(ask, share * able, max(20, round(share * able * SECONDS)), seed)
                rows.append({"server": name, "load": share} | rounded(summary(sent)))
    return able, rows


def main():
    before = load_average()
    with server(*SERVERS["gate"]) as gated, server(*SERVERS["open door"]) as door:
        able, rows = asyncio.run(measure({"gate": gated, "open door": door}))
    write(
        "serving_overload",
        {
            "what": f"embedding of {TEXTS} handbook passages a request; Poisson arrivals for {SECONDS} s a row",
            "load_average": [before, load_average()],
            "active": ACTIVE,
            "waiting": WAITING,
            "able_a_second": round(able, 2),
            "rows": rows,
        },
    )


if __name__ == "__main__":
    sys.exit(main())
