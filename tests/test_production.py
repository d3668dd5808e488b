"""The building blocks of lesson 12's service, in simulated time: queue, workers, resilience, cache, canary."""

import ast
import asyncio
import random
from collections import Counter

import numpy as np
import pytest

from course_utils import provider, run
from course_utils.clock import now
from course_utils.settings import ROOT
from examples.production.cache import SemanticCache, same_figures
from examples.production.canary import Canary, gate
from examples.production.jobs import Job, KeyReused, SQLiteQueue
from examples.production.models import Models
from examples.production.redis_jobs import RedisQueue
from examples.production.resilience import (
    Breaker,
    CircuitOpen,
    OutOfTime,
    Permanent,
    RetryBudget,
    Transient,
    fallback,
    hedged,
    retrying,
    within,
)
from examples.production.timing import loop_time
from examples.production.worker import Outcome, work


class Clock:
    """A clock that a test moves."""

    time = 1_000.0

    def __call__(self):
        return self.time


def sqlite_queue(**options):
    return SQLiteQueue(**options)


def redis_queue(**options):
    import fakeredis

    return RedisQueue(fakeredis.FakeAsyncRedis(decode_responses=True), **options)


@pytest.fixture(params=[sqlite_queue, redis_queue])
def check(request):
    """Runs a test's coroutine on a queue of each kind, whose clock the test moves."""

    def run_it(coroutine, **options):
        async def whole():
            queue = request.param(clock=Clock(), **options)
            try:
                await coroutine(queue)
            finally:
                await queue.close()

        run(whole(), live=True)

    return run_it


# ------------------------------------------------------------------------------------------------------- the queue
def test_first_in_first_out_and_done_once(check):
    async def story(queue):
        jobs = []
        for i in range(3):
            queue.clock.time += 1
            jobs.append((await queue.put({"n": i}, key=f"key-{i}"))[0])
        assert await queue.counts() == {"queued": 3, "running": 0, "done": 0, "dead": 0}
        for i in range(3):
            queue.clock.time += 1
            job = await queue.claim()
            assert job.payload == {"n": i} and job.attempts == 1
            assert await queue.finish(job, {"said": i}, cost=0.5, effect={"sent": i})
            assert not await queue.finish(job, {"said": "again"}, effect={"sent": "again"})
        assert await queue.claim() is None
        assert (await queue.get(jobs[1].id)).result == {"said": 1}
        assert [e["sent"] for e in await queue.effects()] == [0, 1, 2]

    check(story)


def test_the_same_key_is_the_same_job_and_owners_do_not_collide(check):
    async def story(queue):
        first, new = await queue.put({"q": "a", "n": 1}, key="k", owner="ann")
        again, new_again = await queue.put({"n": 1, "q": "a"}, key="k", owner="ann")
        assert new and not new_again and again.id == first.id
        with pytest.raises(KeyReused, match="another request"):
            await queue.put({"q": "b"}, key="k", owner="ann")
        other, new = await queue.put({"q": "b"}, key="k", owner="bob")
        assert new and other.id != first.id
        assert (await queue.put({"q": "a"}))[0].id != (await queue.put({"q": "a"}))[0].id  # no key: never the same
        assert (await queue.counts())["queued"] == 4

    check(story)


def test_a_crashed_workers_job_is_found_again_and_its_ghost_can_write_nothing(check):
    async def story(queue):
        await queue.put({"q": 1}, key="k")
        ghost = await queue.claim()
        queue.clock.time += 29
        assert await queue.claim() is None
        assert await queue.extend(ghost)  # a heartbeat: thirty seconds from now
        queue.clock.time += 29
        assert await queue.claim() is None
        queue.clock.time += 1
        second = await queue.claim()
        assert second.id == ghost.id and second.attempts == 2
        assert not await queue.extend(ghost)
        assert not await queue.retry(ghost, "late") and not await queue.bury(ghost, "late")
        assert not await queue.finish(ghost, {"by": "ghost"}, effect={"by": "ghost"})
        assert await queue.finish(second, {"by": "second"}, effect={"by": "second"})
        assert [e["by"] for e in await queue.effects()] == ["second"]

    check(story, lease=30)


def test_a_job_that_kills_its_workers_becomes_a_dead_letter_and_can_be_mended(check):
    async def story(queue):
        poison, _ = await queue.put({"q": "poison"}, key="k")
        for _ in range(3):
            assert (await queue.claim()).id == poison.id
            queue.clock.time += 31
        assert await queue.claim() is None
        (letter,) = await queue.dead()
        assert letter.id == poison.id and "died" in letter.error
        assert await queue.replay("nothing") is None
        mended = await queue.replay(poison.id, {"q": "mended"})
        assert mended.attempts == 0 and await queue.replay(poison.id) is None
        job = await queue.claim()
        assert job.payload == {"q": "mended"} and job.fence == 5
        assert await queue.finish(job, {}) and await queue.dead() == []

    check(story, lease=30, max_attempts=3)


def test_retries_wait_count_and_end(check):
    async def story(queue):
        await queue.put({"q": 1})
        job = await queue.claim()
        assert await queue.retry(job, "HTTP 500", delay=10)
        assert await queue.claim() is None
        queue.clock.time += 10
        job = await queue.claim()
        assert job.attempts == 2 and job.error == "HTTP 500"
        assert await queue.retry(job, "open circuit", tried=False)
        job = await queue.claim()
        assert job.attempts == 2  # that claim did not count
        assert await queue.retry(job, "HTTP 500 again")
        assert [j.error for j in await queue.dead()] == ["HTTP 500 again"]

    check(story, max_attempts=2)


def test_spent_is_of_the_owner_and_of_today(check):
    async def story(queue):
        for owner, cost in (("ann", 0.25), ("ann", 0.5), ("bob", 4.0)):
            await queue.put({"q": cost}, owner=owner)
            await queue.finish(await queue.claim(), {}, cost=cost)
        assert await queue.spent("ann") == pytest.approx(0.75)
        assert await queue.spent("nobody") == 0
        queue.clock.time += 86_400
        assert await queue.spent("ann") == 0

    check(story)


def test_the_file_outlives_the_process_that_wrote_it(tmp_path):
    async def story():
        queue = SQLiteQueue(tmp_path / "jobs.sqlite")
        job, _ = await queue.put({"q": "é"}, key="k")
        await queue.close()
        queue = SQLiteQueue(tmp_path / "jobs.sqlite")
        assert (await queue.claim()).id == job.id
        await queue.close()

    run(story(), live=True)


# ------------------------------------------------------------------------------------------------------ resilience
class Flaky:
    """A call that fails with each of `failures` in turn and then answers; `at` holds the times of its calls."""

    def __init__(self, *failures, seconds=0.0):
        self.failures, self.seconds, self.at = list(failures), seconds, []

    async def __call__(self):
        self.at.append(round(loop_time(), 6))
        await asyncio.sleep(self.seconds)
        if self.failures:
            raise self.failures.pop(0)
        return "answer"

    @property
    def gaps(self):
        return [round(b - a, 3) for a, b in zip(self.at, self.at[1:], strict=False)]


def test_retrying_waits_twice_as_long_each_time_and_at_least_what_the_server_says():
    call = Flaky(Transient(), Transient(), Transient(retry_after=7))
    assert run(retrying(call, attempts=4, base=1, jitter=False)) == "answer"
    assert call.gaps == [1, 2, 11]
    capped = Flaky(*[Transient()] * 4)
    run(retrying(capped, attempts=5, base=1, cap=3, jitter=False))
    assert capped.gaps == [1, 2, 3, 3]


def test_jitter_spreads_the_retries_of_many_callers():
    calls = [Flaky(Transient()) for _ in range(200)]

    async def story():
        rng = random.Random(1)
        await asyncio.gather(*(retrying(call, base=1, rng=rng) for call in calls))

    run(story())
    gaps = sorted(call.gaps[0] for call in calls)
    assert 0 <= gaps[0] < 0.05 and 0.95 < gaps[-1] <= 1 and 0.4 < gaps[100] < 0.6


def test_retrying_gives_up_after_attempts_and_at_once_on_a_permanent_error():
    call = Flaky(*[Transient("busy")] * 9)
    with pytest.raises(Transient, match="busy"):
        run(retrying(call, attempts=3))
    assert len(call.at) == 3
    wrong = Flaky(Permanent("no such model"))
    with pytest.raises(Permanent, match="no such model"):
        run(retrying(wrong, attempts=3))
    assert len(wrong.at) == 1


def test_the_retry_budget_bounds_the_calls_of_an_outage():
    calls = [Flaky(*[Transient()] * 9) for _ in range(100)]

    async def story(budget):
        for call in calls:
            with pytest.raises(Transient):
                await retrying(call, attempts=3, budget=budget)

    budget = RetryBudget(ratio=0.1, reserve=5)
    run(story(budget))
    asked = sum(len(call.at) for call in calls)
    assert 110 <= asked <= 115 and budget.level < 1  # without it 300
    for _ in range(1000):
        budget.first()
    assert budget.level == 5


def test_the_breaker_opens_tries_once_and_closes():
    breaker = Breaker("large", failures=3, cooldown=10)

    async def story():
        call = Flaky(*[Transient()] * 4, seconds=1)
        for _ in range(3):
            with pytest.raises(Transient):
                await breaker.call(call)
        with pytest.raises(CircuitOpen, match="large") as refused:
            await breaker.call(call)
        assert len(call.at) == 3 and refused.value.retry_after == pytest.approx(10)
        await asyncio.sleep(10)
        trials = await asyncio.gather(*(breaker.call(call) for _ in range(5)), return_exceptions=True)
        assert len(call.at) == 4 and sum(isinstance(t, CircuitOpen) for t in trials) == 4  # one trial, which fails
        await asyncio.sleep(10)
        assert await breaker.call(call) == "answer" and await breaker.call(call) == "answer"

    run(story())
    assert [state for _, state in breaker.log] == ["open", "half-open", "open", "half-open", "closed"]


def test_a_bad_request_does_not_open_the_breaker():
    breaker = Breaker(failures=2)

    async def story():
        for _ in range(5):
            with pytest.raises(Permanent):
                await breaker.call(Flaky(Permanent()))

    run(story())
    assert breaker.state == "closed"


def test_fallback_takes_the_next_only_where_that_helps():
    async def second():
        return "second"

    assert run(fallback(Flaky(Transient()), second)) == "second"
    assert run(fallback(Flaky(), second)) == "answer"
    with pytest.raises(Permanent):
        run(fallback(Flaky(Permanent()), second))
    with pytest.raises(Transient, match="last"):
        run(fallback(Flaky(Transient("first")), Flaky(Transient("last"))))


def test_within_cancels_and_says_how_long():
    async def story():
        start, call = loop_time(), Flaky(seconds=60)
        with pytest.raises(OutOfTime, match="5 s"):
            await within(5, call)
        return loop_time() - start

    assert run(story()) == pytest.approx(5)


def test_hedging_cuts_a_slow_call_and_asks_once_otherwise():
    async def story(seconds):
        start, waits, cancelled = loop_time(), list(seconds), []

        async def call():
            wait = waits.pop(0)
            try:
                await asyncio.sleep(wait)
            except asyncio.CancelledError:
                cancelled.append(wait)
                raise
            return wait

        answer = await hedged(call, after=2)
        took = loop_time() - start
        await asyncio.sleep(0)
        return answer, took, cancelled, len(waits)

    assert run(story([30, 1])) == (1, pytest.approx(3), [30], 0)
    assert run(story([1, 1])) == (1, pytest.approx(1), [], 1)
    assert run(story([3, 9])) == (3, pytest.approx(3), [9], 0)


def test_hedging_survives_one_failure_of_two():
    async def story(*outcomes):
        calls = iter(outcomes)
        return await hedged(lambda: next(calls)(), after=1)

    assert run(story(Flaky(Transient(), seconds=2), Flaky(seconds=5))) == "answer"
    with pytest.raises(Transient):
        run(story(Flaky(Transient(), seconds=2), Flaky(Transient(), seconds=2)))


def test_the_providers_faults_are_sorted_into_transient_and_permanent():
    async def ask(**options):
        message = [{"role": "user", "content": "Hello"}]
        return await Models.in_process().ask("small", message, **options)

    with provider.mock():
        reply = run(ask())
        assert reply.text and reply.cost > 0 and reply.model == "small"
        for kind in ("500", "529", "outage"):
            with provider.fault(kind), pytest.raises(Transient):
                run(ask())
        with provider.fault("429", retry_after=3), pytest.raises(Transient) as limited:
            run(ask())
        assert limited.value.retry_after == 3
        with provider.fault("slow", seconds=50):
            start = now()
            with pytest.raises(Transient, match="Timeout"):
                run(ask(timeout=4))
            assert now() - start == pytest.approx(4)
    with pytest.raises(Permanent):
        run(ask(temperature="hot"))


# --------------------------------------------------------------------------------------------------------- workers
def test_workers_do_everything_once_though_calls_fail_and_a_worker_dies():
    events = []

    async def story():
        rng, queue = random.Random(3), SQLiteQueue(clock=loop_time, lease=30, max_attempts=9)

        async def handle(job):
            await asyncio.sleep(rng.uniform(0.5, 2))
            if rng.random() < 0.3:
                raise Transient("busy")
            return Outcome({"n": job.payload["n"]}, 0.001, {"to": job.key})

        for n in range(200):
            await queue.put({"n": n}, key=f"k{n}")
        doomed = asyncio.create_task(work(queue, handle, concurrency=5, rng=rng))
        await asyncio.sleep(4)
        doomed.cancel()  # as kill -9 does: nothing is given back
        await asyncio.gather(doomed, return_exceptions=True)
        assert (await queue.counts())["running"] == 5
        both = [work(queue, handle, drain=True, rng=rng, on_event=lambda *e, **_: events.append(e)) for _ in range(2)]
        await asyncio.gather(*both)
        assert await queue.counts() == {"queued": 0, "running": 0, "done": 200, "dead": 0}
        assert sorted(e["to"] for e in await queue.effects()) == sorted(f"k{n}" for n in range(200))

    run(story())
    kinds = [kind for kind, _ in events]
    assert kinds.count("retry") > 20 and kinds.count("claim") == kinds.count("retry") + kinds.count("done")


def test_a_bad_day_loses_nothing_and_does_nothing_twice():
    """A fifth of all calls fails, and the main model is down for a minute: all 200 jobs are done, each once."""

    async def story():
        rng, queue, models = random.Random(5), SQLiteQueue(clock=loop_time), Models.in_process()
        breaker, budget = Breaker("large", cooldown=10), RetryBudget(ratio=0.3, reserve=20)

        async def handle(job):
            asked = [{"role": "user", "content": job.payload["q"]}]
            large, small = (lambda tier=tier: models.ask(tier, asked, max_tokens=20) for tier in ("large", "small"))
            first = lambda: retrying(lambda: within(20, large), budget=budget, rng=rng)  # noqa: E731
            reply = await fallback(lambda: breaker.call(first), lambda: retrying(small, rng=rng))
            return Outcome({"by": reply.model}, reply.cost, {"to": job.key})

        async def arrive():
            for n in range(200):
                await queue.put({"q": f"Question {n}: where is my order?"}, key=f"k{n}")
                await asyncio.sleep(0.6)

        stop = asyncio.Event()
        working = asyncio.create_task(work(queue, handle, concurrency=30, rng=rng, stop=stop))
        await arrive()
        stop.set()
        await working
        await work(queue, handle, drain=True, rng=rng)
        done = await queue._list("done")
        return await queue.counts(), await queue.effects(), Counter(job.result["by"] for job in done), list(breaker.log)

    with provider.mock(), provider.fault("500", rate=0.2), provider.fault("outage", model="large", start=30, end=90):
        counts, effects, by, log = run(story())
    assert counts == {"queued": 0, "running": 0, "done": 200, "dead": 0}
    assert sorted(effect["to"] for effect in effects) == sorted(f"k{n}" for n in range(200))
    assert by["large"] > 80 and by["small"] > 70  # the stand-in took the minute over, and gave it back
    assert log[0][1] == "open" and log[-1][1] == "closed"


def test_a_permanent_error_dies_at_once_a_bug_after_its_attempts_and_a_long_job_keeps_its_lease():
    async def story():
        queue = SQLiteQueue(clock=loop_time, lease=6, max_attempts=3)

        async def handle(job):
            if job.payload["q"] == "bad":
                raise Permanent("cannot be read")
            if job.payload["q"] == "bug":
                raise ZeroDivisionError("division")
            await asyncio.sleep(60)
            return Outcome({})

        ids = {q: (await queue.put({"q": q}))[0].id for q in ("bad", "bug", "long")}
        await asyncio.gather(*(work(queue, handle, drain=True, rng=random.Random(0)) for _ in range(2)))
        found = {q: await queue.get(id) for q, id in ids.items()}
        assert (found["bad"].state, found["bad"].attempts) == ("dead", 1)
        assert (found["bug"].state, found["bug"].attempts) == ("dead", 3) and "ZeroDivision" in found["bug"].error
        assert (found["long"].state, found["long"].attempts) == ("done", 1)

    run(story())


def test_an_open_circuit_costs_no_attempt():
    async def story():
        queue = SQLiteQueue(clock=loop_time, max_attempts=2)
        breaker, start = Breaker(failures=1, cooldown=20), loop_time()

        async def ask():
            if loop_time() - start < 60:
                raise Transient("outage")
            return Outcome({})

        await queue.put({})
        await queue.put({})
        await work(queue, lambda job: breaker.call(ask), drain=True, concurrency=1, rng=random.Random(0))
        return await queue.counts(), len(breaker.log)

    counts, changes = run(story())
    assert counts["done"] + counts["dead"] == 2 and changes >= 5


def test_stop_ends_the_work_after_the_job_at_hand():
    async def story():
        queue, stop, started = SQLiteQueue(clock=loop_time), asyncio.Event(), asyncio.Event()

        async def handle(job):
            started.set()
            await asyncio.sleep(5)
            return Outcome({})

        for _ in range(3):
            await queue.put({})
        working = asyncio.create_task(work(queue, handle, concurrency=1, stop=stop))
        await started.wait()
        stop.set()
        await working
        return await queue.counts()

    assert run(story()) == {"queued": 2, "running": 0, "done": 1, "dead": 0}


# ----------------------------------------------------------------------------------------------------------- cache
def bag(texts):
    """A toy embedding: words, hashed."""
    rows = np.zeros((len(texts), 512))
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().replace("?", "").split():
            row[sum(map(ord, word)) % 512] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_cache_hits_by_meaning_within_scope_and_time():
    clock = Clock()
    cache = SemanticCache(bag, threshold=0.8, ttl=100, clock=clock)
    cache.put("How long may I return a lamp?", {"answer": "45 days"}, "ann|v1")
    hit = cache.get("How long may I return the lamp?", "ann|v1")
    assert hit.answer == {"answer": "45 days"} and 0.8 <= hit.similarity < 1
    assert cache.get("Who delivers on Sunday?", "ann|v1") is None
    assert cache.get("How long may I return a lamp?", "bob|v1") is None
    assert cache.get("How long may I return a lamp?", "ann|v2") is None
    clock.time += 100
    assert cache.get("How long may I return a lamp?", "ann|v1") is None


def test_cache_guard_tells_figures_and_negations_apart():
    assert same_figures("Is HL-4719 late?", "is hl-4719 late")
    assert not same_figures("Is HL-4719 late?", "Is HL-4718 late?")
    assert not same_figures("Can I return it?", "Can't I return it?")
    assert not same_figures("May I pay before delivery?", "May I pay after delivery?")
    for guard, hits in ((same_figures, False), (None, True)):
        cache = SemanticCache(bag, threshold=0.7, clock=Clock(), guard=guard)
        cache.put("Where is my order HL-4719 now?", {"answer": "Lisbon"})
        assert (cache.get("Where is my order HL-4718 now?") is not None) == hits


def test_cache_is_shared_through_its_store(tmp_path):
    import diskcache

    with diskcache.Cache(tmp_path) as store:
        SemanticCache(bag, store=store, clock=Clock()).put("A question", {"answer": 1}, "s")
    with diskcache.Cache(tmp_path) as store:
        assert SemanticCache(bag, store=store, clock=Clock()).get("a question", "s").answer == {"answer": 1}


# ---------------------------------------------------------------------------------------------------------- canary
def serve_all(bad_rate, jobs=2000, **options):
    """A canary's state, and how many jobs of the candidate failed."""
    rng, canary = random.Random(0), Canary(clock=lambda: 0.0, **options)
    failed = 0
    for n in range(jobs):
        version = canary.route(f"job-{n}")
        ok = rng.random() >= (bad_rate if version == "canary" else 0.02)
        failed += version == "canary" and not ok
        canary.record(version, ok)
    return canary, failed


def test_canary_rolls_a_bad_version_back_early_and_promotes_a_good_one():
    canary, failed = serve_all(bad_rate=0.5)
    assert canary.state == "rolled back" and failed <= 20 and len(canary.log) == 1
    assert {canary.route(f"x{n}") for n in range(100)} == {"stable"}
    canary, _ = serve_all(bad_rate=0.02, promote_after=100)
    assert canary.state == "promoted" and {canary.route(f"x{n}") for n in range(100)} == {"canary"}


def test_canary_keeps_a_key_with_its_version_and_takes_its_share():
    canary = Canary(share=0.25)
    routes = [canary.route(f"job-{n}") for n in range(4000)]
    assert 0.22 < routes.count("canary") / 4000 < 0.28
    assert routes == [canary.route(f"job-{n}") for n in range(4000)]


def test_canary_serves_through_a_worker_and_counts_what_goes_wrong():
    async def story():
        canary = Canary(share=0.5, minimum=10)

        async def stable(job):
            return Outcome({"text": "fine"})

        async def candidate(job):
            if job.payload["n"] % 2:
                raise ValueError("a bug of the new version")
            return Outcome({"text": ""})

        queue = SQLiteQueue(clock=loop_time)
        for n in range(300):
            await queue.put({"n": n}, key=f"k{n}")
        handle = canary.serving(stable, candidate, good=lambda outcome: outcome.result["text"])
        await work(queue, handle, drain=True, concurrency=1, rng=random.Random(0))
        jobs = [await queue.get(job.id) for job in await queue._list("done")]
        return canary, await queue.counts(), {job.result["version"] for job in jobs}

    canary, counts, versions = run(story())
    assert canary.state == "rolled back" and counts["done"] == 300  # what the candidate broke, the stable version did
    assert versions == {"stable", "canary"} and canary.counts["canary"][0] <= 12


def test_the_gate_holds_back_what_is_worse_and_what_it_cannot_tell():
    good = [1.0] * 90 + [0.0] * 10
    assert gate(good, good).passed
    worse = gate([1.0] * 75 + [0.0] * 25, good)
    assert not worse.passed and worse.difference == -0.15 and worse.low < -0.15
    assert gate([1.0] * 95 + [0.0] * 5, good).passed
    few = gate([1, 1, 1, 0], [1, 1, 0, 1])
    assert not few.passed and few.difference == 0  # four cases are too few to know
    with pytest.raises(ValueError, match="same cases"):
        gate([1.0], [1.0, 0.0])


def test_a_job_reads_back_as_it_was_written():
    job = Job({"q": "ü"}, owner="ann")
    assert Job(**vars(job)) == job and job.key == job.id and len(job.digest) == 64


def code_lines(text):
    """How many lines hold code: no blank ones, comments and docstrings."""
    counted = {n for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.strip().startswith("#")}
    for node in ast.walk(ast.parse(text)):
        first = getattr(node, "body", None) and isinstance(node.body, list) and node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            counted -= set(range(first.lineno, first.end_lineno + 1))
    return len(counted)


def test_the_service_is_small_enough_to_read():
    files = [file.read_text(encoding="utf-8") for file in (ROOT / "examples" / "production").glob("*.py")]
    assert max(len(text.splitlines()) for text in files) < 200
    assert 500 < sum(map(code_lines, files)) <= 900
