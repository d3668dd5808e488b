"""A durable queue with dead letters: the rules, and the store in one SQLite file. redis_jobs.py has the other store.

A claimed job is not removed: it becomes invisible until its lease ends. A worker that dies loses nothing, because the
job falls due again; a worker that was only slow cannot finish a job that another has claimed since, because its `fence`
is out of date. So a job is handed out at least once, and its result and effect are written once, in one transaction.
"""

import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

DAY = 86_400
STATES = ("queued", "running", "done", "dead")


class KeyReused(ValueError):
    """An idempotency key came again with another payload."""


@dataclass
class Job:
    """`attempts` counts claims since the job was put or replayed, `fence` all of them; a running job's `due` ends its lease."""

    payload: dict
    owner: str = ""
    key: str = ""  # its idempotency key
    trace: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    digest: str = ""
    state: str = "queued"
    attempts: int = 0
    fence: int = 0
    due: float = 0.0
    created: float = 0.0
    finished: float | None = None
    result: dict | None = None
    effect: dict | None = None
    error: str = ""
    cost: float = 0.0

    def __post_init__(self):
        self.key = self.key or self.id  # without an idempotency key it gets one that nobody else has
        self.digest = self.digest or hashlib.sha256(json.dumps(self.payload, sort_keys=True).encode()).hexdigest()


class Queue:
    """The rules. A store gives _insert, _first_due, _change, _list, counts, spent and get."""

    def __init__(self, clock, lease, max_attempts):
        self.clock, self.lease, self.max_attempts = clock, lease, max_attempts

    async def put(self, payload: dict, key="", owner="", trace="", delay=0.0) -> tuple[Job, bool]:
        """Store a job; (the job, whether it is new). KeyReused: this owner's key stands for another payload already."""
        now = self.clock()
        new = Job(payload, owner, key, trace, due=now + delay, created=now)
        if (stored := await self._insert(new)) is None:
            return new, True
        if stored.digest != new.digest:
            raise KeyReused(f"The idempotency key {key!r} was used for another request. Take a new key for a new one.")
        return stored, False

    async def claim(self) -> Job | None:
        """The job that is due first, leased to the caller, or None. One whose every attempt ended in silence dies here."""

        def take(job):
            if job.state not in ("queued", "running") or job.due > now:
                return False  # another worker was quicker
            job.fence += 1
            if job.attempts >= self.max_attempts:
                job.state, job.finished, job.error = "dead", now, f"Its workers died. {job.error}".strip()
            else:
                job.state, job.attempts, job.due = "running", job.attempts + 1, now + self.lease

        while (first := await self._first_due(now := self.clock())) is not None:
            job = await self._change(first, take)
            if job and job.state == "running":
                return job
        return None

    async def _held(self, job: Job, **values) -> bool:
        """Set values of a job that this claim still holds."""

        def change(stored):
            if stored.fence != job.fence or stored.state != "running":
                return False
            vars(stored).update(values)

        return await self._change(job.id, change) is not None

    async def extend(self, job: Job) -> bool:
        """Prolong the lease: the heartbeat of a long job. False: it is lost."""
        return await self._held(job, due=self.clock() + self.lease)

    async def finish(self, job: Job, result: dict, *, cost=0.0, effect: dict | None = None) -> bool:
        """Write result, state and effect, all or none. False: the lease was lost, and nothing is written."""
        written = dict(result=result, cost=cost, effect=effect, error="")
        return await self._held(job, state="done", finished=self.clock(), **written)

    async def retry(self, job: Job, error: str, delay=0.0, tried=True) -> bool:
        """Back into the queue after `delay` seconds; after the last attempt to the dead letters. False: the lease was lost.

        tried=False: nothing was attempted (the circuit was open), so the claim does not count.
        """
        if tried and job.attempts >= self.max_attempts:
            return await self.bury(job, error)
        attempts = job.attempts if tried else job.attempts - 1
        return await self._held(job, state="queued", due=self.clock() + delay, error=error, attempts=attempts)

    async def bury(self, job: Job, error: str) -> bool:
        """To the dead letters, for a person to read, mend and replay. False: the lease was lost."""
        return await self._held(job, state="dead", finished=self.clock(), error=error)

    async def replay(self, id: str, payload: dict | None = None) -> Job | None:
        """Put a dead letter back, with a mended payload if one is given. None: it is no dead letter."""

        def back(job):
            if job.state != "dead":
                return False
            job.state, job.attempts, job.due, job.finished = "queued", 0, self.clock(), None
            job.payload = payload or job.payload

        return await self._change(id, back)

    async def dead(self) -> list[Job]:
        return await self._list("dead")

    async def effects(self) -> list[dict]:
        """What jobs did, in order; a sender takes it from here and passes the key on, so that the receiver can tell too."""
        return [{"key": job.key} | job.effect for job in await self._list("done") if job.effect is not None]


class SQLiteQueue(Queue):
    """One file, or ':memory:'. Its statements take microseconds to milliseconds, so they run on the loop's own thread."""

    def __init__(self, path=":memory:", *, clock: Callable = time.time, lease=30.0, max_attempts=5):
        super().__init__(clock, lease, max_attempts)
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")  # done means written, even when the power fails
        self._db.executescript(
            "CREATE TABLE IF NOT EXISTS jobs (n INTEGER PRIMARY KEY, id TEXT UNIQUE, owner TEXT, key TEXT, state TEXT, "
            "due REAL, finished REAL, cost REAL, body TEXT, UNIQUE (owner, key));"
            "CREATE INDEX IF NOT EXISTS due ON jobs (due, n) WHERE state IN ('queued', 'running');"
            "CREATE INDEX IF NOT EXISTS finished ON jobs (owner, finished);"
        )

    def _jobs(self, condition, *values) -> list[Job]:
        rows = self._db.execute(f"SELECT body FROM jobs WHERE {condition}", values).fetchall()
        return [Job(**json.loads(body)) for (body,) in rows]

    async def _insert(self, job):
        values = (job.id, job.owner, job.key, job.state, job.due, json.dumps(vars(job)))
        columns = "(id, owner, key, state, due, body) VALUES (?, ?, ?, ?, ?, ?)"
        if self._db.execute(f"INSERT OR IGNORE INTO jobs {columns}", values).rowcount:
            return None
        return self._jobs("owner = ? AND key = ?", job.owner, job.key)[0]

    async def _first_due(self, now):
        waiting = "state IN ('queued', 'running') AND due <= ? ORDER BY due, n LIMIT 1"
        return next((id for (id,) in self._db.execute(f"SELECT id FROM jobs WHERE {waiting}", (now,)).fetchall()), None)

    async def _change(self, id, change):
        self._db.execute("BEGIN IMMEDIATE")  # no await until COMMIT, and no other process in between
        try:
            job = next(iter(self._jobs("id = ?", id)), None)
            if job is None or change(job) is False:
                job = None
            else:
                values = (job.state, job.due, job.finished, job.cost, json.dumps(vars(job)), id)
                columns = "state = ?, due = ?, finished = ?, cost = ?, body = ?"
                self._db.execute(f"UPDATE jobs SET {columns} WHERE id = ?", values)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return job

    async def _list(self, state):
        return self._jobs("state = ? ORDER BY finished, n", state)

    async def get(self, id: str) -> Job | None:
        return next(iter(self._jobs("id = ?", id)), None)

    async def counts(self) -> dict[str, int]:
        found = dict(self._db.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state").fetchall())
        return {state: found.get(state, 0) for state in STATES}

    async def spent(self, owner: str) -> float:
        """Dollars of this owner's jobs that were finished today."""
        since = "SELECT COALESCE(SUM(cost), 0) FROM jobs WHERE owner = ? AND finished >= ?"
        return self._db.execute(since, (owner, self.clock() // DAY * DAY)).fetchone()[0]

    async def close(self):
        self._db.close()
