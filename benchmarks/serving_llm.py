"""llama.cpp's server with 1, 2 and 4 slots under four clients, and what its prompt cache saves.

    python benchmarks/serving_llm.py [--tier nano]   some two minutes; writes data/measurements/serving_llm.json

Servers of one tier, with 1, 2 and 4 slots and with one thread and two, run side by side and take turns. Each request has
a prompt of some 60 tokens of its own and gets exactly TOKENS tokens. With two threads each token waits until both have
done their half, so on a busy machine a token is mostly waiting, which slots share; one thread shows the arithmetic.
The prompt cache: the same system prompt of several handbook passages before each question, read anew each time or
remembered, in turns, on the server with one slot and two threads.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time

from serving_common import client, load_average, rounded  # isort: skip  (sets the path)
from measurement import FOLDER, write
from serving.app import CHAT
from serving.load import closed_loop, percentile
from serving.models import LanguageServer

from course_utils import load

THREADS, SLOTS, CLIENTS, REQUESTS, TOKENS, TURNS, CACHE_TURNS = (1, 2), (1, 2, 4), 4, 8, 32, 3, 8


async def ask(http, llm, messages, tokens, cache) -> dict:
    """One streamed request: seconds to the first token and to the end, and llama.cpp's own figures."""
    body = {"messages": messages, "max_tokens": tokens, "temperature": 0, "cache_prompt": cache, "ignore_eos": True}
    body |= {"stream": True, "timings_per_token": False, "stream_options": {"include_usage": True}}
    begun, first, usage, timings = time.perf_counter(), None, {}, {}
    headers = {"Authorization": f"Bearer {llm.key}"}
    async with http.stream("POST", llm.url + CHAT, json=body, headers=headers) as reply:
        reply.raise_for_status()
        async for line in reply.aiter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line[6:])
            usage, timings = chunk.get("usage") or usage, chunk.get("timings") or timings
            if first is None and any(choice["delta"].get("content") for choice in chunk["choices"]):
                first = time.perf_counter() - begun
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    return {
        "first": first,
        "whole": time.perf_counter() - begun,
        "prompt_tokens": usage["prompt_tokens"],
        "tokens": usage["completion_tokens"],
        "cached": cached,
    }


async def slots(servers) -> list[dict]:
    """A row a server and turn: tokens a second of all clients together, first token, whole answer."""
    messages = [m.text for m in load("messages", split="train") if len(m.text.split()) > 8]
    rows = []
    async with client() as http:
        for turn in range(TURNS):
            for (threads, count), llm in servers.items():
                answers = []

                async def one(number, llm=llm, answers=answers, turn=turn):
                    text = messages[turn * REQUESTS + number]
                    chat = [
                        {"role": "system", "content": f"You are the support desk of a shop. Case {turn}-{number}."},
                        {"role": "user", "content": text},
                    ]
                    answers.append(await ask(http, llm, chat, TOKENS, cache=False))
                    return 200

                begun = time.perf_counter()
                sent = await closed_loop(one, CLIENTS, REQUESTS)
                span = time.perf_counter() - begun
                assert len(answers) == REQUESTS and all(s.status == 200 for s in sent)
                rows.append(
                    rounded(
                        {
                            "threads": threads,
                            "slots": count,
                            "turn": turn,
                            "tokens_a_second": sum(a["tokens"] for a in answers) / span,
                            "first_token_p50": percentile([a["first"] for a in answers], 0.5),
                            "whole_p50": percentile([a["whole"] for a in answers], 0.5),
                            "whole_longest": max(a["whole"] for a in answers),
                        }
                    )
                )
    return rows


async def prompt_cache(llm) -> list[dict]:
    """A row a question: seconds to the first token with the prompt read anew and remembered, in turns."""
    known = "\n\n".join(p.text for p in load("passages")[:6])
    questions = [q.text for q in load("questions", split="dev")][: CACHE_TURNS + 1]
    rows = []
    async with client() as http:
        for number, question in enumerate(questions):
            chat = [{"role": "system", "content": f"Answer from this:\n{known}"}, {"role": "user", "content": question}]
            anew = await ask(http, llm, chat, 4, cache=False)
            other = [chat[0], {"role": "user", "content": questions[number - 1]}]
            await ask(http, llm, other, 1, cache=True)  # the slot now holds the passages, with another question
            kept = await ask(http, llm, chat, 4, cache=True)
            row = {"prompt_tokens": kept["prompt_tokens"], "cached": kept["cached"]}
            rows.append(rounded(row | {"anew": anew["first"], "remembered": kept["first"]}))
    return rows[1:]  # the first one warms


def ratio(rows, threads: int, count: int) -> float:
    """The median over the turns: tokens a second with `count` slots against one slot."""
    seen = {
        r["slots"]: [q["tokens_a_second"] for q in rows if (q["threads"], q["slots"]) == (threads, r["slots"])]
        for r in rows
    }
    return round(statistics.median(b / a for a, b in zip(seen[1], seen[count], strict=True)), 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tier", default="nano", choices=["nano", "small"])
    tier = parser.parse_args().tier
    before = load_average()
    servers = {(threads, count): LanguageServer(tier, count, threads=threads) for threads in THREADS for count in SLOTS}
    rows = asyncio.run(slots(servers))
    cache = asyncio.run(prompt_cache(servers[2, 1]))
    against_one = {threads: {count: ratio(rows, threads, count) for count in SLOTS} for threads in THREADS}
    file = FOLDER / "serving_llm.json"
    tiers = json.loads(file.read_text(encoding="utf-8"))["tiers"] if file.is_file() else {}
    tiers[tier] = {
        "model": servers[2, 1].model,
        "load_average": [before, load_average()],
        "clients": CLIENTS,
        "requests_a_turn": REQUESTS,
        "tokens_an_answer": TOKENS,
        "slots": rows,
        "throughput_against_one_slot": against_one,
        "prompt_cache": cache,
    }
    write("serving_llm", {"what": "llama.cpp's server, clients on the same machine", "tiers": tiers})


if __name__ == "__main__":
    sys.exit(main())
