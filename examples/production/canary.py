"""Two gates for a new version: an evaluation before it serves anyone, and a canary that takes it back by itself."""

import hashlib
import math
import random
from dataclasses import dataclass

from .resilience import CircuitOpen
from .timing import loop_time


@dataclass
class Verdict:
    """Whether the candidate passed; the mean difference to the baseline, and the low end of its 95 % interval."""

    passed: bool
    difference: float
    low: float
    reason: str


def gate(candidate: list[float], baseline: list[float], *, margin=0.02, seed=0, rounds=2000) -> Verdict:
    """Compare scores on the same cases by a paired bootstrap: the candidate may be worse by `margin` at the most.

    ValueError: no cases, or not the same number of them.
    """
    if not candidate or len(candidate) != len(baseline):
        raise ValueError(f"Give scores of the same cases, not {len(candidate)} and {len(baseline)}.")
    differences = [new - old for new, old in zip(candidate, baseline, strict=True)]
    rng, n = random.Random(seed), len(differences)
    means = sorted(sum(rng.choices(differences, k=n)) / n for _ in range(rounds))
    low, mean = means[int(0.025 * rounds)], sum(differences) / n
    passed = low >= -margin
    reason = f"difference {mean:+.3f}, at the worst {low:+.3f}, allowed {-margin:+.3f}"
    return Verdict(passed, round(mean, 3), round(low, 3), reason)


class Canary:
    """Gives a share of the jobs to a new version, and rolls it back when it fails more often than the old one.

    The share is drawn from a hash of the job's key, so that a retry meets the version that it met before. It is rolled
    back when, after `minimum` jobs, its failure rate exceeds the stable one's (or `tolerated`) by more than two standard
    errors; promoted after `promote_after` jobs. `log` holds (time, state, reason).
    """

    def __init__(self, share=0.1, *, minimum=20, tolerated=0.02, promote_after=300, clock=loop_time):
        self.share, self.minimum, self.tolerated, self.promote_after = share, minimum, tolerated, promote_after
        self.state, self.log, self.clock = "running", [], clock
        self.counts = {"stable": [0, 0], "canary": [0, 0]}  # version -> [jobs, failures]

    def route(self, key: str) -> str:
        """The version that serves this key: 'stable' or 'canary'."""
        if self.state != "running":
            return "canary" if self.state == "promoted" else "stable"
        chance = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48
        return "canary" if chance < self.share else "stable"

    def record(self, version: str, ok: bool) -> str:
        """Count an outcome and decide; returns the state: running, rolled back or promoted."""
        self.counts[version][0] += 1
        self.counts[version][1] += not ok
        if self.state != "running" or version != "canary":
            return self.state
        (n_old, bad_old), (n, bad) = self.counts["stable"], self.counts["canary"]
        usual = max(self.tolerated, bad_old / max(1, n_old))
        error = math.sqrt(usual * (1 - usual) * (1 / n + 1 / max(1, n_old)))
        if n >= self.minimum and bad / n > usual + 2 * error:
            self._decide("rolled back", f"{bad} of {n} failed, against {bad_old} of {n_old}")
        elif n >= self.promote_after:
            self._decide("promoted", f"{n} jobs, {bad} failed")
        return self.state

    def _decide(self, state, reason):
        self.state = state
        self.log.append((self.clock(), state, reason))

    def serving(self, stable, candidate, good=lambda outcome: True):
        """A handle(job) for worker.work that gives each job to the version it is due. good(outcome): was it any good?"""

        async def handle(job):
            version = self.route(job.key)
            try:
                outcome = await (candidate if version == "canary" else stable)(job)
            except Exception as error:
                if not isinstance(error, CircuitOpen):  # then no version has been tried
                    self.record(version, False)
                raise
            self.record(version, bool(good(outcome)))
            outcome.result["version"] = version
            return outcome

        return handle
