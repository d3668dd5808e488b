"""The one clock of everything that lives within a process: the running loop's, which a simulation may move itself."""

import asyncio


def loop_time() -> float:
    """Seconds on the running loop's clock."""
    return asyncio.get_running_loop().time()
