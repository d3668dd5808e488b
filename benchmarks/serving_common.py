"""What the benchmarks of lesson 10 share: servers in processes of their own, requests to them, the machine's load."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

import httpx  # noqa: E402
from serving.app import EMBEDDINGS  # noqa: E402
from serving.models import EMBEDDING  # noqa: E402
from serving.server import free_port  # noqa: E402


def load_average() -> float | None:
    """How many processes wanted the processors in the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


@contextlib.contextmanager
def server(*options: str, patience: float = 60):
    """`python examples/serving` with these options, until the block ends; yields its address."""
    port = free_port()
    command = [sys.executable, str(ROOT / "examples" / "serving"), "--port", str(port), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url, until = f"http://127.0.0.1:{port}", time.monotonic() + patience
    try:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(url + "/ready").status_code == 200:
                    break
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"The server did not start: {' '.join(command)}")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def client() -> httpx.AsyncClient:
    """A connection a request: a kept one may be closed by the server just when it is used again."""
    return httpx.AsyncClient(timeout=300, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))


def embedding_request(http: httpx.AsyncClient, url: str, inputs: list):
    """ask(n) for the load generator: inputs[n] (a text or a list of texts) to the server; its status."""

    async def ask(number: int) -> int:
        body = {"model": EMBEDDING, "input": inputs[number % len(inputs)], "encoding_format": "base64"}
        return (await http.post(url + EMBEDDINGS, json=body)).status_code

    return ask


def rounded(figures: dict, digits: int = 4) -> dict:
    return {name: round(value, digits) if isinstance(value, float) else value for name, value in figures.items()}
