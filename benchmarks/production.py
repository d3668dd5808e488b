"""Lesson 12's eight strategies on 2,000 jobs each, without the queue's second chances, and its service with ten crashes.

    python benchmarks/production.py          some two minutes of CPU; writes data/measurements/production.json

Simulated evidence: mocks answer in simulated time, so the figures are the same on every machine. Ten jobs a second; a
fifth of all calls fails, and the main model is down from second 60 to second 120, as in the lesson's bad day.
"""

import ast
import asyncio
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import nbformat  # noqa: E402
from measurement import write  # noqa: E402

from course_utils import load, meter, run  # noqa: E402
from course_utils.shown import production as lesson  # noqa: E402
from examples.production import jobs, resilience, timing, worker  # noqa: E402

JOBS, PER_SECOND = 2000, 10.0


def day(handle, requests) -> dict:
    """Counts, calls, dollars and seconds of one strategy on one bad day."""
    lesson.start_anew()
    queue, bank = lesson.Queue(lease=120, limit=1), lesson.Bank()
    with lesson.bad_day():
        frame = run(lesson.shift(requests, handle, queue, bank, per_second=PER_SECOND, hands=1000, rest=120))
    ended = frame.ended.value_counts()
    states = dict(queue.db.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state").fetchall())
    figures = {how.replace(" ", "_"): int(ended.get(how, 0)) for how in ("right", "wrong", "twice", "not done")}
    return figures | {
        "jobs": len(requests),
        "lost": len(requests) - states.get("done", 0) - states.get("dead", 0),
        "dead_letters": states.get("dead", 0),
        "calls_a_job": round(len(meter.calls) / len(requests), 3),
        "dollars_per_1000": round(1000 * meter.cost / len(requests), 4),
        "p50_seconds": round(float(frame.seconds.quantile(0.5)), 2),
        "p95_seconds": round(float(frame.seconds.quantile(0.95)), 2),
    }


def from_lesson(*names) -> dict:
    """Functions of the lesson's cells that use the service's parts."""
    space = vars(lesson) | {
        "jobs": jobs,
        "resilience": resilience,
        "timing": timing,
        "crew": worker,
        "asyncio": asyncio,
    }
    nb = nbformat.read(Path(__file__).resolve().parent.parent / "notebooks" / "12_production.ipynb", 4)
    for cell in nb.cells:
        defined = ast.parse(cell.source).body if cell.cell_type == "code" else []
        wanted = [node for node in defined if getattr(node, "name", "") in names]
        exec(compile(ast.Module(wanted, []), "lesson 12", "exec"), space)
    return space


def service(requests) -> dict:
    """The lesson's busy day at ten jobs a second: the service's parts, ten killed workers."""
    lesson.start_anew()
    busy_day, claims = from_lesson("ask", "refund_desk", "busy_day")["busy_day"], Counter()
    with lesson.bad_day():
        queue = run(busy_day(requests, claims, per_second=PER_SECOND))
    calls, dollars = len(meter.calls), meter.cost
    counts, effects, truth = run(queue.counts()), run(queue.effects()), {r.key: r.amount for r in requests}
    right, keys = sum(e["amount"] == truth[e["key"]] for e in effects), {e["key"] for e in effects}
    cuts = statistics.quantiles([job.finished - job.created for job in run(queue._list("done"))], n=20)
    return {
        "right": right,
        "wrong": len(effects) - right,
        "twice": len(effects) - len(keys),
        "not_done": len(requests) - len(keys),
        "jobs": len(requests),
        "lost": len(requests) - counts["done"] - counts["dead"],
        "dead_letters": counts["dead"],
        "delivered_again": sum(n > 1 for n in claims.values()),
        "calls_a_job": round(calls / len(requests), 3),
        "dollars_per_1000": round(1000 * dollars / len(requests), 4),
        "p50_seconds": round(cuts[9], 2),
        "p95_seconds": round(cuts[18], 2),
    }


def main():
    requests = load("refund requests", n=JOBS)
    figures = {}
    for name, handle in lesson.STRATEGIES.items():
        began = time.process_time()
        figures[name] = day(handle, requests)
        print(name, figures[name], f"{time.process_time() - began:.0f} s of CPU", flush=True)
    figures["service"] = service(requests)
    write(
        "production",
        {
            "what": f"{JOBS} jobs at {PER_SECOND:g} a second, a fifth of the calls failing, small down for 60 s; simulated",
            "strategies": figures,
        },
    )


if __name__ == "__main__":
    sys.exit(main())
