"""Workers: claim a job, do it, write down what came of it. A crash between any two lines loses nothing.

In one process, and in simulated time:   await work(queue, handle, drain=True)
As a process of its own:                 python -m examples.production.worker
"""

import asyncio
import logging
import random
import time
from dataclasses import dataclass

from .resilience import CircuitOpen, Permanent, Transient
from .security import log


@dataclass
class Outcome:
    """What a job came to: its result, its cost in dollars, and the effect that may happen once only."""

    result: dict
    cost: float = 0.0
    effect: dict | None = None


async def work(
    queue, handle, *, concurrency=4, poll=0.2, base=1.0, cap=60.0, rng=random, drain=False, stop=None, on_event=None
):
    """Do jobs, `concurrency` at a time, until the event `stop` is set, or with drain=True until nothing is queued or running.

    handle(job) returns an Outcome. Transient: again later, with growing, jittered pauses. Permanent: to the dead letters.
    Any other error: again later too, until the queue's max_attempts; it may be this worker's fault and not the job's.
    on_event(kind, job, **more) hears of claim, done, retry, dead, lost.
    """
    tell = on_event or (lambda kind, job, **more: None)

    async def heartbeat(job):
        while True:
            await asyncio.sleep(queue.lease / 3)
            if not await queue.extend(job):
                return

    async def settle(job):
        try:
            outcome = await handle(job)
        except Permanent as error:
            return "dead" if await queue.bury(job, str(error)) else "lost"
        except Exception as error:
            log.info("job %s failed in attempt %d: %s", job.id, job.attempts, error)
            tried = not isinstance(error, CircuitOpen)
            pause = rng.uniform(0, min(cap, base * 2 ** (job.attempts - 1)))
            pause += (error.retry_after or 0.0) if isinstance(error, Transient) else 0.0
            held = await queue.retry(job, f"{type(error).__name__}: {error}", pause, tried)
            last = tried and job.attempts >= queue.max_attempts
            return ("dead" if last else "retry") if held else "lost"
        held = await queue.finish(job, outcome.result, cost=outcome.cost, effect=outcome.effect)
        return "done" if held else "lost"

    async def one(job):
        beat = asyncio.create_task(heartbeat(job))
        try:
            tell(await settle(job), job)
        finally:
            beat.cancel()
            free.release()

    free, running = asyncio.Semaphore(concurrency), set()
    async with asyncio.TaskGroup() as jobs:
        while await free.acquire() and not (stop and stop.is_set()):
            if job := await queue.claim():
                tell("claim", job)
                running.add(task := jobs.create_task(one(job)))
                task.add_done_callback(running.discard)
                continue
            free.release()
            if drain and not running:
                counts = await queue.counts()
                if counts["queued"] + counts["running"] == 0:
                    return
            await asyncio.sleep(poll)


def main():
    """A worker process: until it is told to stop, and then until the jobs at hand are done."""
    import signal

    import diskcache

    from course_utils.clock import real_time

    from .cache import SemanticCache
    from .models import Models
    from .pipeline import Pipeline
    from .settings import Settings
    from .tracing import send_to

    logging.basicConfig()
    log.setLevel("INFO")
    settings, stop = Settings(), asyncio.Event()
    spans = send_to(settings.otlp_url, "worker") if settings.otlp_url else None
    documents = settings.documents()
    cache = SemanticCache(documents.embed, store=diskcache.Cache(settings.folder / "cache"), clock=time.time)
    models = Models.at(settings.model_url, settings.model_key)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with real_time():  # the embedding model belongs to the course, whose clock is simulated elsewhere
        asyncio.run(work(settings.queue(), Pipeline(models, documents, cache=cache, tiers=settings.tiers), stop=stop))
    if spans:
        spans.shutdown()


if __name__ == "__main__":
    main()
