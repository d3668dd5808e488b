"""Lesson 9's desk in six frameworks: import, memory, overhead, and what each does with the same twenty turns.

    python benchmarks/frameworks.py            writes data/measurements/frameworks.json, some two minutes

Import and memory: the modules that an application imports, in an empty process; processor seconds (so that a busy machine
does not count), median of three, after one that warms the disk. Overhead: processor time of a handbook turn with a constant
reply (so the provider's time is out), less that of the head and the search, which all six share; the ratio is to plain Python
in the same run. What small said is replayed from data/recordings/09_frameworks.jsonl; with
`COURSE_REPLIES=record COURSE_RECORDING=09_frameworks` the model is asked anew.
"""

import ast
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("COURSE_REPLIES", "replay")

import httpx  # noqa: E402
from measurement import write  # noqa: E402

from course_utils import chat_model, meter, provider, run  # noqa: E402
from course_utils.metering import unmetered  # noqa: E402
from examples.frameworks import parts  # noqa: E402
from examples.frameworks.run import FRAMEWORKS, as_expected, lines_of_code, pieces, turns  # noqa: E402
from examples.frameworks.traces import traced  # noqa: E402

WOOL, ORDER = "How warm may I wash a wool throw?", "Where is my order HL-20434?"
TURNS, ROUNDS = 30, 5
CHILD = """
import time, psutil
rss, start = psutil.Process().memory_info().rss, time.process_time()
{imports}
print(time.process_time() - start, (psutil.Process().memory_info().rss - rss) / 2**20)
"""


def desk(framework, max_retries=2):
    module = importlib.import_module(f"examples.frameworks.{framework}_app")
    if framework in ("plain", "langgraph"):  # they use the course's LangChain model
        kind = module.Desk if framework == "plain" else module.GraphDesk
        return kind(chat_model("small", max_tokens=60, max_retries=max_retries))
    return module.build(max_retries=max_retries)


def imported(framework):
    """The import statements of an application, without the course's own and the standard library's modules."""
    tree = ast.parse((ROOT / f"examples/frameworks/{framework}_app.py").read_text(encoding="utf-8"))
    rows = []
    for node in tree.body:
        name = node.module if isinstance(node, ast.ImportFrom) else getattr(node, "names", [None])[0]
        name = getattr(name, "name", name)
        if isinstance(node, ast.Import | ast.ImportFrom) and name and not getattr(node, "level", 0):
            if name.split(".")[0] not in ("course_utils", *sys.stdlib_module_names):
                rows.append(ast.unparse(node))
    if framework in ("plain", "langgraph"):
        rows.append("from langchain_openai import ChatOpenAI")
    return rows


def import_cost(framework):
    """Median processor seconds and MiB of an application's imports in an empty process."""
    code, rows = CHILD.format(imports="\n".join(imported(framework))), []
    for _ in range(4):
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        rows.append([float(figure) for figure in said.split()])
    return [statistics.median(column) for column in zip(*rows[1:], strict=True)]


class Constant(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """The provider's first reply to each kind of request, given again to all that follow."""

    def __init__(self, real):
        self.real, self.replies = real, {}

    def handle_request(self, request):
        raise NotImplementedError("The desks are asynchronous.")

    async def handle_async_request(self, request):
        body = json.loads(await request.aread())
        kind = (bool(body.get("stream")), "[[ ## answer ## ]]" in str(body["messages"]))
        if kind not in self.replies:
            reply = await self.real.handle_async_request(request)
            self.replies[kind] = (dict(reply.headers), await reply.aread())
        headers, content = self.replies[kind]
        return httpx.Response(200, headers=headers, content=content)


def overhead():
    """Milliseconds of processor time that each framework adds to a handbook turn."""
    constant = Constant(provider.transport())
    provider.transport = lambda library="httpx": constant
    provider._clients.cache_clear()
    desks = {framework: desk(framework) for framework in FRAMEWORKS}

    async def many(app, thread):
        for _ in range(TURNS):
            await app.ask(WOOL, thread)

    async def shared():
        for _ in range(TURNS):
            parts.route(WOOL)
            parts.find(WOOL)

    def cost(coroutine):
        start = time.process_time()
        run(coroutine, live=True)
        return (time.process_time() - start) * 1000 / TURNS

    rows = {name: [] for name in (*FRAMEWORKS, "shared")}
    with provider.mock(), provider.latency(0), unmetered():
        for n in range(ROUNDS + 1):
            figures = {name: cost(many(app, f"round {n}")) for name, app in desks.items()} | {"shared": cost(shared())}
            for name, figure in figures.items() if n else ():  # the first round warms up
                rows[name].append(figure)
    common = statistics.median(rows.pop("shared"))
    return {name: round(statistics.median(found) - common, 2) for name, found in rows.items()}, round(common, 2)


def behaviour(framework):
    """What does not depend on the machine: lines, the run on small, streaming, tracing, errors."""
    answers = run(turns(desk(framework), parts.DESK_TURNS))
    chats = [call for call in meter.calls if call.operation == "chat"]
    right = [as_expected(turn, answer, parts.find) for turn, answer in zip(parts.DESK_TURNS, answers, strict=True)]
    small = {part: sum(bool(row[part]) for row in right) for part in ("way", "sources", "order", "words")}
    small |= {
        "calls": len(chats),
        "tokens": [sum(c.input_tokens for c in chats), sum(c.output_tokens for c in chats)],
        "texts": [answer.text for answer in answers],
    }
    with provider.mock():
        app, trace = desk(framework), {}
        for name, text in (("handbook", WOOL), ("order", ORDER)):
            with traced(framework) as trace[name]:
                run(app.ask(text, "t"))
        streamed = run(pieces(framework, desk(framework), WOOL))
        with provider.fault("429"):
            error = failure(desk(framework, max_retries=0), WOOL)
        before, plain = parts.order_status, importlib.import_module("examples.frameworks.plain_app")
        parts.order_status = plain.order_status = order_status
        tool = failure(desk(framework), ORDER)
        parts.order_status = plain.order_status = before
    return {
        "lines": lines_of_code(framework),
        "small": small,
        "streams": len(streamed) > 3,
        "first_piece_s": streamed[0][1] if streamed else None,
        "last_piece_s": streamed[-1][1] if streamed else None,
        "trace": trace,
        "error": error,
        "broken_tool": f"raises {tool}" if tool else "its message goes to the customer",
    }


def order_status(order: str) -> str:
    """Look up how far an order is."""
    raise RuntimeError("the database is away")


def failure(app, text):
    """The name of what `ask` raises, '' if it answers."""
    try:
        run(app.ask(text, "e"))
    except Exception as problem:
        return type(problem).__name__
    return ""


def main():
    rows = {framework: behaviour(framework) for framework in FRAMEWORKS}
    for framework, row in rows.items():
        seconds, mib = import_cost(framework)
        row |= {"import_seconds": round(seconds, 2), "import_mib": round(mib)}
    added, common = overhead()
    for framework, row in rows.items():
        row |= {"overhead_ms": added[framework], "overhead_ratio": round(added[framework] / added["plain"], 1)}
    command = [sys.executable, "-m", "examples.frameworks.optimise"]
    bootstrap = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    about = {"load_average": load, "head_and_search_ms": common, "turns": len(parts.DESK_TURNS)}
    write("frameworks", about | {"frameworks": rows, "bootstrap": bootstrap})


if __name__ == "__main__":
    sys.exit(main())
