"""What Ray Serve costs on this machine: seconds to start, grow and stop, memory of all its processes.

    python benchmarks/serving_ray.py      about a minute; writes data/measurements/serving_ray.json

Memory is counted by proportional set size where the system tells it: what processes share is counted once.
"""

import sys
import time

from serving_common import load_average  # isort: skip  (sets the path)
import psutil
from measurement import write
from serving import replicas

from course_utils import load, run

LONGEST = 120  # seconds to wait for the second replica


def processes() -> list[psutil.Process]:
    here = psutil.Process()
    return [here, *here.children(recursive=True)]


def mib(family) -> int:
    total = 0
    for process in family:
        try:
            memory = process.memory_full_info()
            total += getattr(memory, "pss", memory.uss)
        except psutil.Error:
            continue
    return total >> 20


def main():
    before, marks = load_average(), [time.perf_counter()]

    def mark():
        marks.append(time.perf_counter())

    replicas.start()
    mark()
    front = replicas.serve.run(replicas.Front.bind(replicas.Model.bind()), route_prefix=None)
    mark()
    passages = [p.text for p in load("passages")[:32]]

    async def ask():
        return await front.remote(passages)

    seen = set()
    while len(seen) < 2 and time.perf_counter() - marks[-1] < LONGEST:
        seen |= run(ask(), live=True)[1]
    mark()
    family = processes()
    memory, count = mib(family), len(family)
    mark()
    replicas.stop()
    mark()
    left = [p.name() for p in family[1:] if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    names = ("start", "deploy", "second replica", None, "stop")
    seconds = {n: round(b - a, 1) for n, a, b in zip(names, marks, marks[1:], strict=False) if n}
    write(
        "serving_ray",
        {
            "what": "Ray Serve, two replicas of the embedding model and a front",
            "load_average": [before, load_average()],
            "replicas": len(seen),
            "processes": count,
            "mib": memory,
            "seconds": seconds,
            "left": left,
        },
    )


if __name__ == "__main__":
    sys.exit(main())
