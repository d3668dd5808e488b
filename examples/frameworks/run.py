"""One framework's desk, in a process of its own: it answers the twenty turns and prints a JSON line a turn.

    python -m examples.frameworks.run haystack            small's recorded replies
    python -m examples.frameworks.run haystack --mock     the mock's
    python -m examples.frameworks.run haystack --turns 3

The last line says what the process took: seconds of import, MiB, lines of code, calls and tokens.
"""

import argparse
import ast
import contextlib
import importlib
import json
import time
from dataclasses import asdict
from pathlib import Path

from course_utils import meter, provider, run
from course_utils.clock import now

FRAMEWORKS = ("plain", "langgraph", "llamaindex", "haystack", "semantic_kernel", "dspy")


def lines_of_code(framework):
    """Lines of an application that hold code: no blank lines, comments or docstrings, and no `stream`, which plain Python
    lacks. LangGraph's include those that it takes from the plain version."""
    text = Path(__file__).with_name(f"{framework}_app.py").read_text(encoding="utf-8")
    skipped, borrowed = set(), 0
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            prose = node.body[:1] if ast.get_docstring(node) else []
            for part in [node] if getattr(node, "name", "") == "stream" else prose:
                skipped |= set(range(part.lineno, part.end_lineno + 1))
        if isinstance(node, ast.ImportFrom) and node.module == "plain_app":
            plain = ast.parse(Path(__file__).with_name("plain_app.py").read_text(encoding="utf-8")).body
            taken = {alias.name for alias in node.names} | {"turns"}
            borrowed = sum(len(ast.unparse(n).splitlines()) for n in plain if getattr(n, "name", "") in taken)
    rows = enumerate(text.splitlines(), 1)
    return borrowed + sum(bool(row.split("#")[0].strip()) and n not in skipped for n, row in rows)


def as_expected(turn, answer, find):
    """Whether an answer has the turn's way, the passages that the course's search finds, and the right order."""
    _, text, way, order, accepted = turn
    sources = tuple(p.id for p in find(text)) if way == "handbook" else ()
    call = {"name": "order_status", "args": {"order": order}} if way == "order" else None
    return {
        "way": answer.way == way,
        "sources": tuple(answer.sources) == sources,
        "order": answer.call == call,
        "words": any(a.lower() in answer.text.lower() for a in accepted) if accepted else None,
    }


async def turns(app, rows):
    """The answers to the turns, one after the other."""
    return [await app.ask(text, thread) for thread, text, *_ in rows]


async def pieces(framework, app, text, thread="stream"):
    """A reply as it streams, pairs of a piece and the second at which it came: by the application's `stream`.

    LangGraph has it built in; plain Python has none, and the list is empty.
    """
    start, rows = now(), []
    if framework == "langgraph":
        config = {"configurable": {"thread_id": thread, "model": app.model}}
        async for chunk, _ in app.graph.astream({"text": text}, config, stream_mode="messages"):
            rows.append((chunk.content, round(now() - start, 3)))
    elif hasattr(app, "stream"):
        async for piece in app.stream(text, thread):
            rows.append((piece, round(now() - start, 3)))
    return [row for row in rows if row[0]]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("framework", choices=FRAMEWORKS)
    parser.add_argument("--mock", action="store_true")
    parser.add_argument("--turns", type=int)
    chosen = parser.parse_args(arguments)
    from . import parts

    start = time.perf_counter()
    module = importlib.import_module(f"{__package__}.{chosen.framework}_app")
    seconds = time.perf_counter() - start
    rows = parts.DESK_TURNS[: chosen.turns]
    with provider.mock() if chosen.mock else contextlib.nullcontext():
        answers = run(turns(module.build(), rows))
    for row, answer in zip(rows, answers, strict=True):
        print(json.dumps(asdict(answer) | {"right": as_expected(row, answer, parts.find)}))
    calls = [c for c in meter.calls if c.operation == "chat"]
    tokens = [sum(c.input_tokens for c in calls), sum(c.output_tokens for c in calls)]
    summary = {
        "framework": chosen.framework,
        "import_seconds": round(seconds, 2),
        "calls": len(calls),
        "tokens": tokens,
    }
    print(json.dumps(summary | {"lines": lines_of_code(chosen.framework)}))


if __name__ == "__main__":
    main()
