"""Dynamic batching: requests that wait at the same moment are computed in one run of the model."""

import asyncio
from collections.abc import Awaitable, Callable


class Batcher:
    """`await batcher(item)` gives work's result for it; `work` takes a list of items and gives a list of results.

    most: items in a batch. wait: seconds that the first item of a batch lingers for company; 0 takes who is there.
    `sizes` keeps the size of each run. Where `work` fails for a batch, each of its items is tried alone, so that only
    the caller of the one that fails gets the exception. A caller who has left is taken out before the work begins.
    """

    def __init__(self, work: Callable[[list], Awaitable[list]], most: int = 16, wait: float = 0.0):
        if most < 1 or wait < 0:
            raise ValueError("A batch has at least one item, and nobody waits less than 0 seconds.")
        self.work, self.most, self.wait = work, most, wait
        self.sizes: list[int] = []
        self._queue, self._worker = asyncio.Queue(), None

    async def __call__(self, item):
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._serve())
        place = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((item, place))
        return await place

    @property
    def waiting(self) -> int:
        """Items that are in no batch yet."""
        return self._queue.qsize()

    async def _collect(self) -> list:
        batch = [await self._queue.get()]
        if self.wait and self._queue.qsize() < self.most - 1:
            await asyncio.sleep(self.wait)
        while len(batch) < self.most and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return [(item, place) for item, place in batch if not place.done()]

    async def _serve(self):
        while True:
            batch = await self._collect()
            if not batch:
                continue
            results = await self._run([item for item, _ in batch])
            for (_, place), result in zip(batch, results, strict=True):
                if place.done():
                    continue
                if isinstance(result, Exception):
                    place.set_exception(result)
                else:
                    place.set_result(result)

    async def _run(self, items: list) -> list:
        """A result or an exception for each item."""
        self.sizes.append(len(items))
        try:
            return await self.work(items)
        except Exception as problem:
            if len(items) == 1:
                return [problem]
            return [result for item in items for result in await self._run([item])]
