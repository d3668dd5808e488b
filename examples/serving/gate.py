"""A gate: so many at work, so many in line, and everyone else is told at once to come back later."""

import asyncio
import contextlib
import math


class Busy(Exception):
    """Nobody else is let in now. `retry_after`: seconds after which it may be worth another try."""

    def __init__(self, retry_after: int):
        super().__init__(f"The server is busy. Try again in {retry_after} s.")
        self.retry_after = retry_after


class Closed(Exception):
    """The server is shutting down."""


class Gate:
    """`async with gate:` lets at most `active` in and keeps `waiting` more in line. Busy or Closed for the others.

    `inside` counts both. The mean time of a visit is followed, so that Busy can say when a place is likely to be free.
    """

    def __init__(self, active: int, waiting: int):
        if active < 1 or waiting < 0:
            raise ValueError("A gate lets at least one in, and keeps 0 or more in line.")
        self.active, self.waiting = active, waiting
        self.inside, self.closed, self.seconds = 0, False, 0.1
        self._places, self._empty = asyncio.Semaphore(active), asyncio.Event()

    @contextlib.asynccontextmanager
    async def enter(self):
        if self.closed:
            raise Closed("The server is shutting down.")
        if self.inside >= self.active + self.waiting:
            raise Busy(max(1, math.ceil(self.seconds * self.inside / self.active)))
        self.inside += 1
        try:
            async with self._places:
                begun = asyncio.get_running_loop().time()
                yield
                took = asyncio.get_running_loop().time() - begun
                self.seconds += 0.1 * (took - self.seconds)
        finally:
            self.inside -= 1
            if self.inside == 0:
                self._empty.set()

    async def drain(self, patience: float = 30.0) -> bool:
        """Let nobody in any more and wait until all have left; whether they did within `patience` seconds."""
        self.closed = True
        if self.inside:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), patience)
        return self.inside == 0
