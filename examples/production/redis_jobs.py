"""The same queue in Redis: a JSON text a job, and a sorted set a state, scored by when the job falls due or was finished.

A change is a transaction that Redis refuses if the job changed meanwhile (WATCH, MULTI, EXEC); then it is tried again.
Durable as Redis is set up: `appendonly yes`, and `appendfsync always` to lose nothing when the power fails.
"""

import json
import time

import redis.asyncio as redis

from .jobs import DAY, STATES, Job, Queue


class RedisQueue(Queue):
    """A queue under a prefix of a Redis database; `client`: a redis.asyncio client that decodes its responses."""

    def __init__(self, client, *, prefix="jobs", clock=time.time, lease=30.0, max_attempts=5):
        super().__init__(clock, lease, max_attempts)
        self.client, self.prefix = client, prefix

    @classmethod
    def at(cls, url: str, **options):
        return cls(redis.Redis.from_url(url, decode_responses=True), **options)

    def _name(self, *parts):
        return ":".join([self.prefix, *parts])

    def _read(self, body):
        return Job(**json.loads(body)) if body else None

    def _save(self, pipe, job):
        pipe.multi()
        for state in STATES:
            pipe.zrem(self._name(state), job.id)
        pipe.zadd(self._name(job.state), {job.id: job.due if job.finished is None else job.finished})
        pipe.set(self._name("job", job.id), json.dumps(vars(job)))

    async def _insert(self, job):
        named = self._name("key", job.owner, job.key)

        async def write(pipe):
            if stored := await pipe.get(named):
                return stored
            self._save(pipe, job)
            pipe.set(named, job.id)

        stored = await self.client.transaction(write, named, value_from_callable=True)
        return await self.get(stored) if stored else None

    async def _first_due(self, now):
        waiting = [
            (score, id)
            for state in ("queued", "running")
            for id, score in await self.client.zrange(
                self._name(state), "-inf", now, byscore=True, offset=0, num=1, withscores=True
            )
        ]
        return min(waiting)[1] if waiting else None

    async def _change(self, id, change):
        named = self._name("job", id)

        async def write(pipe):
            job = self._read(await pipe.get(named))
            if job is None or change(job) is False:
                return None
            self._save(pipe, job)
            if job.state == "done":
                pipe.hincrbyfloat(self._name("spent", str(int(job.finished // DAY))), job.owner, job.cost)
            return job

        return await self.client.transaction(write, named, value_from_callable=True)

    async def _list(self, state):
        found = [await self.get(id) for id in await self.client.zrange(self._name(state), 0, -1)]
        return [job for job in found if job]

    async def get(self, id: str) -> Job | None:
        return self._read(await self.client.get(self._name("job", id)))

    async def counts(self) -> dict[str, int]:
        return {state: await self.client.zcard(self._name(state)) for state in STATES}

    async def spent(self, owner: str) -> float:
        return float(await self.client.hget(self._name("spent", str(int(self.clock() // DAY))), owner) or 0)

    async def close(self):
        await self.client.aclose()
