"""Lesson 12's pipeline, cell for cell: the queue, the bank, the worker, the remedies, and a bad day.

benchmarks/production.py runs its eight strategies on 2,000 jobs each.
"""

import asyncio
import contextlib
import random
import sqlite3
import zlib

import pandas as pd
from openai import APIError, AsyncOpenAI
from pydantic import BaseModel, Field, ValidationError

from ..clock import now
from ..simulator import provider


class Refund(BaseModel):
    order: str = Field(description="the order's number, such as HL-12345")
    amount: float = Field(description="the pounds to pay back")


RULES = "Read the customer's message and fill in the form."

client = AsyncOpenAI(**provider.client_options(asynchronous=True), max_retries=0)

FORM = {"type": "json_schema", "json_schema": {"name": "Refund", "schema": Refund.model_json_schema()}}


async def read(model, text, timeout=10.0):
    """The refund that `model` reads in a message. What goes wrong goes up as an error."""
    messages = [{"role": "system", "content": RULES}, {"role": "user", "content": text}]
    said = await client.chat.completions.create(
        model=model, messages=messages, max_tokens=40, response_format=FORM, timeout=timeout
    )
    return slip(model, text, Refund.model_validate_json(said.choices[0].message.content))


def slip(model, text, refund):
    """Simulated: in one message of 50 a model puts the point one place off, each model in other messages."""
    off = zlib.crc32(f"{model} {text}".encode()) % 50 == 0
    return refund.model_copy(update={"amount": round(10 * refund.amount, 2)}) if off else refund


@contextlib.contextmanager
def bad_day(start=60, end=120):
    """A fifth of all calls fails in one of four ways; from `start` to `end` seconds *small* does not answer at all."""
    with contextlib.ExitStack() as faults:
        faults.enter_context(provider.mock())
        faults.enter_context(provider.fault("500", rate=0.08))  # the server had an error
        faults.enter_context(provider.fault("429", rate=0.06))  # too many requests
        faults.enter_context(provider.fault("slow", rate=0.04, seconds=30))
        faults.enter_context(provider.fault("malformed", rate=0.04))  # half a JSON
        faults.enter_context(provider.fault("outage", "small", start=start, end=end))
        yield


TABLE = """CREATE TABLE jobs (key TEXT PRIMARY KEY, text TEXT, due REAL, tries INT DEFAULT 0,
           state TEXT DEFAULT 'waiting')"""

FIRST = "SELECT key FROM jobs WHERE state = 'waiting' AND due <= ? ORDER BY key LIMIT 1"


class Queue:
    def __init__(self, lease=40.0, limit=5, pause=lambda tries: 2.0**tries):
        self.db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self.db.execute(TABLE)
        self.lease, self.limit, self.pause = lease, limit, pause

    def put(self, key, text):
        self.db.execute("INSERT OR IGNORE INTO jobs (key, text, due) VALUES (?, ?, ?)", [key, text, now()])

    def claim(self):
        hide = f"UPDATE jobs SET tries = tries + 1, due = ? WHERE key = ({FIRST}) RETURNING key, text, tries"
        return next(iter(self.db.execute(hide, [now() + self.lease, now()]).fetchall()), None)

    def tick_off(self, key):
        self.db.execute("UPDATE jobs SET state = 'done' WHERE key = ?", [key])

    def again(self, key, tries):
        state = "waiting" if tries < self.limit else "dead"
        self.db.execute("UPDATE jobs SET state = ?, due = ? WHERE key = ?", [state, now() + self.pause(tries), key])


async def do(job, queue, bank, handle, crashes):
    key, text, tries = job
    try:
        refund = await handle(text)
    except Exception:
        queue.again(key, tries)
        return
    bank.pay(key, refund.amount)
    if not crashes(key, tries):  # a worker that dies here has paid and cannot say so
        queue.tick_off(key)


async def worker(queue, bank, handle, crashes, hands):
    free = asyncio.Semaphore(hands)
    while True:
        await free.acquire()
        while (job := queue.claim()) is None:
            await asyncio.sleep(0.1)
        asyncio.create_task(do(job, queue, bank, handle, crashes)).add_done_callback(lambda _: free.release())


class Bank:
    """Pays. With `once`, a key that was paid before is not paid again."""

    def __init__(self, once=True, late=lambda n: False):
        self.book, self.keys, self.once, self.late = [], set(), once, late

    def pay(self, key, amount):
        if not (self.once and key in self.keys):
            self.book.append((key, amount, now()))
        self.keys.add(key)

    async def answer(self, key, amount, n):
        """Pay over the network: now and then the answer comes late, behind the payment."""
        self.pay(key, amount)
        await asyncio.sleep(9.0 if self.late((key, n)) else 0.2)


def never(key, tries):
    return False


async def shift(some, handle, queue=None, bank=None, per_second=2.0, rest=60, hands=60, crashes=never):
    """A row a request: the second of its arrival, the seconds until it was paid, and how it ended."""
    queue, bank, began = queue or Queue(), bank or Bank(), now()
    asyncio.create_task(worker(queue, bank, handle, crashes, hands))
    for request in some:
        queue.put(request.key, request.text)
        await asyncio.sleep(1 / per_second)
    await asyncio.sleep(rest)
    rows = []
    for place, request in enumerate(some):
        paid = [(amount, at - began) for key, amount, at in bank.book if key == request.key]
        ended = "right" if paid and paid[0][0] == request.amount else "wrong" if paid else "not done"
        arrived = round(place / per_second, 2)
        seconds = round(paid[0][1] - arrived, 2) if paid else None
        rows.append((request.key, arrived, seconds, "twice" if len(paid) > 1 else ended))
    return pd.DataFrame(rows, columns=["key", "arrived", "seconds", "ended"])


TRANSIENT = (APIError, ValidationError, TimeoutError)  # worth another try

rng = random.Random(12)


def at_once(n, problem):
    return 0.0


def jitter(n, problem):
    """Seconds to wait after the n-th try."""
    return rng.uniform(0, min(8.0, 0.5 * 2**n))


async def retry(call, tries=3, pause=at_once, may=lambda: True):
    for n in range(1, tries + 1):
        try:
            return await call()
        except TRANSIENT as problem:
            if n == tries or not may():
                raise
            await asyncio.sleep(pause(n, problem))


class Open(Exception):
    """Not even asked: the breaker is open."""


async def fallback(first, second):
    try:
        return await first()
    except (*TRANSIENT, Open):
        return await second()


async def hedge(call, after=0.6):
    asked = {asyncio.create_task(call())}
    done, waiting = await asyncio.wait(asked, timeout=after)
    if waiting:
        asked.add(asyncio.create_task(call()))
        waiting = set(asked)
    while waiting and not any(not task.exception() for task in done):
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return await min(done, key=lambda task: task.exception() is not None)


class Breaker:
    def __init__(self, failures=5, cooldown=10.0):
        self.failures, self.cooldown, self.failed, self.until = failures, cooldown, 0, 0.0

    async def call(self, call):
        if self.failed >= self.failures:
            if now() < self.until:
                raise Open
            self.until = now() + self.cooldown  # half-open: this call tries, the others wait
        try:
            result = await call()
        except TRANSIENT:
            self.failed, self.until = self.failed + 1, now() + self.cooldown
            raise
        self.failed = 0
        return result


def plausible(refund, text):
    return refund.order in text and f"{refund.amount:.2f}" in text


breaker = Breaker()


def large(text):
    return retry(lambda: read("large", text), 4, jitter)


def steady(text):
    """small, hedged, behind the breaker; else large."""

    def guarded():
        return breaker.call(lambda: hedge(lambda: read("small", text)))

    return fallback(lambda: retry(guarded, 4, jitter), lambda: large(text))


async def cross_checked(text):
    first, second = await asyncio.gather(steady(text), retry(lambda: read("nano", text), 4, jitter))
    return first if first == second else await large(text)


async def sure(text):
    refund = await steady(text)
    return refund if plausible(refund, text) else await large(text)


def small(text):
    return lambda: read("small", text)


STRATEGIES = {
    "bare": lambda text: read("small", text),
    "retry": lambda text: retry(small(text)),
    "jitter": lambda text: retry(small(text), 4, jitter),
    "fallback": lambda text: fallback(lambda: retry(small(text), 4, jitter), lambda: large(text)),
    "hedge": lambda text: fallback(lambda: retry(lambda: hedge(small(text)), 4, jitter), lambda: large(text)),
    "breaker": steady,
    "cross-check": cross_checked,
    "low confidence": sure,
}


def start_anew():
    """Every run meets the same chances."""
    rng.seed(12)
    breaker.failed = 0
