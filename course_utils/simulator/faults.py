"""Latency and faults: how long a reply takes, and what goes wrong with it, both decided by the request alone.

Chance is drawn from a hash of the request and its ordinal within this run(), so that a cell run again, on whatever
machine, meets the same latencies and the same faults.
"""

import asyncio
import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field, replace

from .. import clock
from ..metering import meter
from ..settings import CourseError
from .protocol import ApiError

KINDS = ("429", "500", "529", "timeout", "slow", "truncated", "malformed", "refusal", "outage")
SPREAD = 0.15  # coefficient of variation of a call's latency
ROOM = 16  # calls in flight that a tier serves without slowing down
SLOWDOWN = 0.02  # further latency for each call beyond that


@dataclass
class Fault:
    """A fault of a model: how often, and when. Seconds of `start` and `end` count from where it was switched on."""

    kind: str
    model: str | None = None
    rate: float = 1.0
    first: int | None = None
    start: float = 0.0
    end: float = math.inf
    retry_after: float | None = 1.0
    seconds: float = 30.0
    since: float = field(default_factory=clock.now)
    hits: int = 0

    def __post_init__(self):
        if self.kind not in KINDS:
            raise CourseError(f"There is no fault {self.kind!r}. There are: {', '.join(KINDS)}.")
        if not 0 <= self.rate <= 1:
            raise CourseError(f"rate is a share between 0 and 1, not {self.rate}.")

    def strikes(self, model: str, chance: float) -> bool:
        """Whether this fault befalls a request to `model` now; `chance` is the request's own draw."""
        if self.model not in (None, model) or not self.start <= clock.now() - self.since < self.end:
            return False
        if chance >= self.rate or (self.first is not None and self.hits >= self.first):
            return False
        self.hits += 1
        return True


def draw(*parts) -> float:
    """A number in [0, 1), uniform over and fixed by what is given."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


class Conditions:
    """The provider's state: faults switched on, latency settings, calls in flight."""

    def __init__(self):
        self.faults: list[Fault] = []
        self.spread, self.constant = SPREAD, None
        self.in_flight: Counter = Counter()
        self._ordinals: Counter = Counter()
        self._window = None

    def ordinal(self, key: str) -> int:
        """How many requests with this key came before in this run()."""
        if self._window != (window := meter.touch()):
            self._window = window
            self._ordinals.clear()
        self._ordinals[key] += 1
        return self._ordinals[key] - 1

    def latency(self, tier, reply, key, ordinal) -> tuple[float, float]:
        """Seconds to the first token, and from each token to the next (DESIGN: overhead + prefill, then inter-token)."""
        if self.constant is not None:
            first, between = self.constant, 0.0
        else:
            first = tier.overhead + reply.input_tokens * tier.prefill
            between = tier.inter_token
        factor = self._jitter(key, ordinal) * (1 + SLOWDOWN * max(0, self.in_flight[tier.name] - ROOM))
        return round(first * factor, 6), round(between * factor, 6)

    def _jitter(self, key, ordinal):
        """Log-normal with mean 1 and the coefficient of variation `spread`."""
        if not self.spread:
            return 1.0
        sigma = math.sqrt(math.log(1 + self.spread**2))
        u, v = draw(key, ordinal, "u"), draw(key, ordinal, "v")
        normal = math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v)
        return round(math.exp(sigma * normal - sigma**2 / 2), 4)

    def fault(self, model, key, ordinal) -> Fault | None:
        """The fault that befalls this request, if one does."""
        for i, fault in enumerate(self.faults):
            if fault.strikes(model, draw(key, ordinal, "fault", i)):
                return fault
        return None


async def before(fault: Fault) -> None:
    """What a fault does before any reply: wait, or raise ApiError."""
    if fault.kind in ("timeout", "slow"):
        await asyncio.sleep(fault.seconds)
    if fault.kind == "timeout":
        raise ApiError(504, "The model did not answer in time.")
    headers = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
    if fault.kind == "429":
        raise ApiError(
            429, "Too many requests. Wait before you ask again.", code="rate_limit_exceeded", headers=headers
        )
    if fault.kind in ("500", "529"):
        message = {"500": "The server had an error.", "529": "The model is overloaded. Try again later."}[fault.kind]
        raise ApiError(int(fault.kind), message)
    if fault.kind == "outage":
        raise ApiError(503, "The model is not available.")


def spoil(fault: Fault, reply):
    """A reply as a fault leaves it: cut JSON, or a refusal."""
    if fault.kind == "malformed":
        calls = [c | {"arguments": c["arguments"][: len(c["arguments"]) // 2]} for c in reply.tool_calls]
        return replace(reply, text=reply.text[: len(reply.text) // 2], tool_calls=calls)
    if fault.kind == "refusal":
        return replace(reply, text="I'm sorry, but I can't help with that.", tool_calls=[], finish_reason="stop")
    return reply
