"""A worker process for test_production_processes: its jobs think, then mail; the test hears of both and may kill it."""

import asyncio
import os
import sys

from examples.production.jobs import SQLiteQueue
from examples.production.redis_jobs import RedisQueue
from examples.production.worker import Outcome, work


def queue_at(store):
    """The queue at a file, or at a Redis URL, with a lease short enough for a test."""
    options = dict(lease=1.0, max_attempts=50)
    return RedisQueue.at(store, **options) if "://" in store else SQLiteQueue(store, **options)


async def main(store, port, drain):
    async def tell(verb, key):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{os.getpid()} {verb} {key}\n".encode())
        await reader.readline()
        writer.close()

    async def handle(job):
        await tell("think", job.key)
        await tell("mail", job.key)
        return Outcome({"by": os.getpid()}, effect={"mailed": job.key})

    queue = queue_at(store)
    await work(queue, handle, concurrency=3, poll=0.02, drain=drain)
    await queue.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "drain"))
