"""What simulated time costs: CPU of 1,000 calls through the provider's mock, over a constant reply. Writes a measurement.

python benchmarks/clock.py
"""

import asyncio
import time

import httpx
from langchain_openai import ChatOpenAI
from measurement import write

from course_utils import provider
from course_utils.clock import now, run

N = 1000


async def sequence(model, n=N):
    for _ in range(n):
        await model.ainvoke("hi")


async def parallel(model, n=N):
    await asyncio.gather(*(model.ainvoke("hi") for _ in range(n)))


def main():
    options = provider.client_options(None)
    with provider.mock(), provider.latency(seconds=1.0):
        wire = httpx.Client(transport=provider.transport())
        body = {"model": "small", "messages": [{"role": "user", "content": "hi"}]}
        reply = wire.post(
            provider.base_url + "/chat/completions", json=body, headers={"authorization": "Bearer x"}
        ).json()
        constant = httpx.MockTransport(lambda request: httpx.Response(200, json=reply))
        own = {
            "http_client": httpx.Client(transport=constant),
            "http_async_client": httpx.AsyncClient(transport=constant),
        }
        rows = {}
        for name, extra in (("constant reply", own), ("provider", {})):
            model = ChatOpenAI(model="small", **(options | extra))
            run(sequence(model, 50))
            for kind, work in (
                ("async, in sequence", lambda m: run(sequence(m))),
                ("async, in parallel", lambda m: run(parallel(m))),
                ("sync, in sequence", lambda m: [m.invoke("hi") for _ in range(N)]),
            ):
                start, cpu = now(), time.process_time()
                work(model)
                rows.setdefault(kind, {})[name] = {
                    "ms_cpu_a_call": round((time.process_time() - cpu) * 1000 / N, 2),
                    "simulated_seconds": round(now() - start, 3),
                }
    write("clock", {"calls": N, "rows": rows})


if __name__ == "__main__":
    main()
