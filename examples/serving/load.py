"""A load generator: requests at a rate of their own (open), or from clients that wait for their answer (closed)."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Sent:
    """One request: when it was to be sent, how long its answer took from then on, and how it ended (HTTP status)."""

    start: float
    seconds: float
    status: int


Ask = Callable[[int], Awaitable[int]]  # sends request number n and gives its status


async def _sent(ask: Ask, number: int, due: float) -> Sent:
    clock = asyncio.get_running_loop().time
    try:
        status = await ask(number)
    except Exception:  # no answer at all
        status = 0
    return Sent(due, clock() - due, status)


async def open_loop(ask: Ask, rate: float, count: int, seed: int = 0) -> list[Sent]:
    """`count` requests, `rate` a second in the mean, at random moments (Poisson), whether the server keeps up or not."""
    clock, chance, tasks = asyncio.get_running_loop().time, random.Random(seed), []
    due = clock()
    for number in range(count):
        due += chance.expovariate(rate)
        await asyncio.sleep(max(0.0, due - clock()))
        tasks.append(asyncio.create_task(_sent(ask, number, due)))
    return await asyncio.gather(*tasks)


async def closed_loop(ask: Ask, clients: int, count: int) -> list[Sent]:
    """`count` requests from so many clients, each of which sends its next one when it has its answer."""
    clock, numbers, done = asyncio.get_running_loop().time, iter(range(count)), []

    async def client():
        for number in numbers:
            done.append(await _sent(ask, number, clock()))

    await asyncio.gather(*(client() for _ in range(clients)))
    return done


def percentile(values, share: float) -> float:
    """The smallest value that `share` of the values do not exceed (nearest rank); nan for none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def summary(sent: list[Sent]) -> dict:
    """Counts, answers a second, and percentiles of the seconds of those that were answered."""
    good = [s.seconds for s in sent if s.status == 200]
    span = max(s.start + s.seconds for s in sent) - min(s.start for s in sent)
    return {
        "sent": len(sent),
        "answered": len(good),
        "shed": sum(s.status == 429 for s in sent),
        "lost": sum(s.status not in (200, 429) for s in sent),
        "a_second": len(good) / span if span else math.inf,
        **{f"p{round(100 * share)}": percentile(good, share) for share in (0.5, 0.95, 0.99)},
    }
