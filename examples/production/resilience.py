"""What stands between a job and a model that fails: retries with a budget, a breaker, fallbacks, hedging, time limits.

Each takes functions without arguments that return awaitables, so they nest:

    fallback(lambda: breaker.call(lambda: retrying(lambda: within(10, ask_large), budget=budget)), ask_small)
"""

import asyncio
import random
from collections import deque

import tenacity

from .timing import loop_time


class Transient(Exception):
    """Worth another try: too many requests, a server's error, silence. `retry_after`: seconds, if the server named any."""

    def __init__(self, message="", retry_after: float | None = None):
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(Exception):
    """Will fail in the same way whenever it is tried: a bad request, a wrong key."""


class CircuitOpen(Transient):
    """Not even tried, because the last calls failed."""


class OutOfTime(Transient):
    """No answer within the limit. That does not mean that nothing was done: it may have been, unseen."""


def classify(error: Exception) -> Exception:
    """A client's error as Transient or Permanent; what is neither comes back unchanged."""
    if isinstance(error, (Transient, Permanent)):
        return error
    status = getattr(error, "status_code", None)
    if status is None:
        lost = isinstance(error, (TimeoutError, ConnectionError)) or "Connection" in type(error).__name__
        return Transient(f"{type(error).__name__}: {error}") if lost or "Timeout" in type(error).__name__ else error
    if status in (408, 409, 429) or status >= 500:
        wait = error.response.headers.get("retry-after", "") if getattr(error, "response", None) is not None else ""
        return Transient(f"HTTP {status}", float(wait) if wait.replace(".", "", 1).isdigit() else None)
    return Permanent(f"HTTP {status}: {error}")


class RetryBudget:
    """Retries may be at most a share of the first tries: it is this that keeps retries from prolonging an outage.

    Each first try earns `ratio`, each retry costs 1; `reserve` is what may be saved up, and what there is at the start.
    """

    def __init__(self, ratio=0.2, reserve=10.0):
        self.ratio, self.reserve, self.level = ratio, reserve, float(reserve)

    def first(self) -> None:
        self.level = min(self.reserve, self.level + self.ratio)

    def retry(self) -> bool:
        """Whether a retry may be made; if so it is paid for."""
        if self.level < 1:
            return False
        self.level -= 1
        return True


async def retrying(call, *, attempts=3, base=0.5, cap=30.0, jitter=True, budget=None, rng=random, on_retry=None):
    """Try again after a Transient error, `attempts` times in all, after uniform(0, min(cap, base * 2**n)) seconds.

    That is 'full jitter'; with jitter=False the upper bound itself, so that all clients come back together. A
    Retry-After is waited for as well. `budget`: a RetryBudget that pays for it; on_retry(attempt, error) hears of each.
    Only the number of tries ends it: tenacity's stop_after_delay reads the wall clock.
    """

    def wait(state):
        most = min(cap, base * 2 ** (state.attempt_number - 1))
        named = getattr(state.outcome.exception(), "retry_after", None) or 0.0
        return named + (rng.uniform(0, most) if jitter else most)

    def stop(state):
        return state.attempt_number >= attempts or not (budget is None or budget.retry())

    if budget:
        budget.first()
    retry = tenacity.AsyncRetrying(
        sleep=asyncio.sleep,
        stop=stop,
        wait=wait,
        retry=tenacity.retry_if_exception_type(Transient),
        before_sleep=on_retry and (lambda state: on_retry(state.attempt_number, state.outcome.exception())),
        reraise=True,
    )

    async def attempt():  # tenacity awaits coroutine functions only
        return await call()

    return await retry(attempt)


class Breaker:
    """Stops asking a model that keeps failing. Closed: calls pass. Open: they fail at once. Half-open: one call tries.

    It opens after `failures` Transient errors in a row; after `cooldown` seconds it lets one call through, whose outcome
    decides. `log` holds (time, state).
    """

    def __init__(self, name="", *, failures=5, cooldown=15.0, clock=loop_time):
        self.name, self.failures, self.cooldown, self.clock = name, failures, cooldown, clock
        self.state, self.log = "closed", deque(maxlen=1000)
        self._failed, self._opened, self._trying = 0, 0.0, False

    def _to(self, state):
        if state != self.state:
            self.state = state
            self.log.append((self.clock(), state))

    async def call(self, call):
        """The call's result. CircuitOpen while it is open; other errors as the call raised them."""
        if self.state == "open" and self.clock() - self._opened >= self.cooldown:
            self._to("half-open")
        if self.state == "open" or (self.state == "half-open" and self._trying):
            left = max(0.0, self._opened + self.cooldown - self.clock())
            raise CircuitOpen(f"The circuit of {self.name or 'this model'} is open.", left)
        trial = self._trying = self.state == "half-open"
        try:
            result = await call()
        except Transient:
            self._failed += 1
            if trial or (self.state == "closed" and self._failed >= self.failures):
                self._opened = self.clock()
                self._to("open")
            raise
        else:
            if trial or self.state == "closed":  # a straggler from before the opening says nothing about now
                self._failed = 0
                self._to("closed")
            return result
        finally:
            if trial:
                self._trying = False


async def fallback(*calls):
    """The first call that succeeds. Only a Transient error leads to the next; the last one's error is raised."""
    for call in calls[:-1]:
        try:
            return await call()
        except Transient:
            continue
    return await calls[-1]()


async def within(seconds: float, call):
    """The call's result. OutOfTime after `seconds`; the call is cancelled then."""
    try:
        async with asyncio.timeout(seconds):
            return await call()
    except TimeoutError:
        raise OutOfTime(f"No answer within {seconds:g} s.") from None


async def hedged(call, after: float):
    """Ask once more if nothing has come after `after` seconds, and take what comes first; the other is cancelled."""
    tasks = [asyncio.ensure_future(call())]
    try:
        done, _ = await asyncio.wait(tasks, timeout=after)
        if not done:
            tasks.append(asyncio.ensure_future(call()))
        waiting = set(tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            good = [task for task in tasks if task in done and not task.exception()]
            if good or not waiting:
                return (good or tasks[:1])[0].result()
    finally:
        for task in tasks:
            task.cancel()
