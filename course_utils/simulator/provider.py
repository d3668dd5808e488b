"""The course's own provider, as lessons use it: `from course_utils import provider`.

provider.mock()                 a block in which mocks answer, on purpose
provider.fault("429", ...)      a block in which a fault is switched on
provider.latency(seconds=1)     a block with another latency
provider.client_options()       what an OpenAI client takes to reach it in this process
provider.serve(port)            the same application over loopback, for any client in any language
"""

import contextlib
import functools
import socket
import threading

from .. import clock
from ..metering import meter
from ..settings import CourseError
from . import faults
from .app import app, conditions
from .replies import mock
from .transport import app_transport

__all__ = ["mock", "fault", "latency", "transport", "client_options", "serve", "log", "base_url", "api_key"]
base_url = "http://course.invalid/v1"  # a name that no network resolves: nothing can leave the process
api_key = "course"


@contextlib.contextmanager
def fault(kind: str, model: str | None = None, **when):
    """Switch a fault on inside the block: 429, 500, 529, timeout, slow, truncated, malformed, refusal, outage.

    `when`: rate (share of requests), first (how many), start and end (seconds from now), retry_after and seconds.
    Yields the fault, whose `hits` counts the requests that it befell. CourseError for an unknown kind or setting.
    """
    try:
        switched_on = faults.Fault(kind, model, **when)
    except TypeError:
        known = "rate, first, start, end, retry_after, seconds"
        raise CourseError(f"A fault takes {known}, not {', '.join(when)}.") from None
    conditions.faults.append(switched_on)
    try:
        yield switched_on
    finally:
        conditions.faults.remove(switched_on)


@contextlib.contextmanager
def latency(seconds: float | None = None, spread: float = 0.0):
    """Inside the block each call takes `seconds` in the mean (None: as the catalogue says), with this spread.

    `spread` is the coefficient of variation of a log-normal distribution; 0 makes every call exactly alike.
    """
    before = conditions.constant, conditions.spread
    conditions.constant, conditions.spread = seconds, spread
    try:
        yield
    finally:
        conditions.constant, conditions.spread = before


@functools.cache
def transport(library: str = "httpx"):
    """The in-process transport, for clients built on httpx or on httpx2 (Anthropic's and Google's SDKs)."""
    import importlib

    return app_transport(app, importlib.import_module(library))


@functools.cache
def _clients():
    import httpx

    return httpx.Client(transport=transport()), httpx.AsyncClient(transport=transport())


def client_options(asynchronous: bool | None = None) -> dict:
    """Arguments for ChatOpenAI (both kinds), or for OpenAI (False) and AsyncOpenAI (True)."""
    sync, async_ = _clients()
    options = {"base_url": base_url, "api_key": api_key}
    if asynchronous is None:
        return options | {"http_client": sync, "http_async_client": async_}
    return options | {"http_client": async_ if asynchronous else sync}


def log(session: bool = False):
    """The provider's log as a data frame: the calls in view, or all of this session."""
    return meter.frame(session)


class Served:
    """The provider over loopback: `url` for clients, a context manager, `close()` to stop it."""

    def __init__(self, port: int = 0):
        import uvicorn

        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise CourseError(f"Port {port} is in use. Choose another one, or 0 for any that is free.") from None
            port = probe.getsockname()[1]
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical")
        self.url, self._server, self._ready = f"http://127.0.0.1:{port}", uvicorn.Server(config), threading.Event()
        startup = self._server.startup

        async def announce(**kwargs):
            await startup(**kwargs)
            self._ready.set()

        self._server.startup = announce
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if not self._ready.wait(30):
            raise CourseError(f"The provider did not start on port {port}.")

    def _run(self):
        with clock.real_time():
            self._server.run()

    def close(self):
        """Stop serving."""
        self._server.should_exit = True
        self._thread.join()

    __enter__ = lambda self: self  # noqa: E731

    def __exit__(self, *_):
        self.close()


def serve(port: int = 0) -> Served:
    """Serve the provider on 127.0.0.1, in a thread, in real time. Port 0 takes any that is free."""
    return Served(port)


def main(arguments: list[str]) -> int:
    """`python -m course_utils serve [--port N]`: serve until Ctrl-C."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m course_utils serve", description="Serve the course's provider.")
    parser.add_argument("--port", type=int, default=8000)
    server = serve(parser.parse_args(arguments).port)
    print(f"OpenAI protocol: {server.url}/v1   Anthropic protocol: {server.url}   (Ctrl-C stops)", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server._thread.join()
    server.close()
    return 0
