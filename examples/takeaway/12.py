"""Work through a file of questions so that none is lost and none is answered twice, however often you stop it.

pip install openai
export OPENAI_API_KEY=...            (and OPENAI_BASE_URL, CHAT_MODEL, FALLBACK_MODEL for another provider)
python 12.py questions.txt notes.txt          one question a line; stop it with Ctrl-C and start it again
python 12.py questions.txt notes.txt replay   give the dead letters another chance"""

import asyncio
import os
import random
import sqlite3
import sys
from pathlib import Path

from openai import APIError, AsyncOpenAI

MODELS = [os.environ.get("CHAT_MODEL", "gpt-6-luna"), os.environ.get("FALLBACK_MODEL", "gpt-6.1-sol")]
TABLE = "CREATE TABLE IF NOT EXISTS jobs (question TEXT PRIMARY KEY, state TEXT DEFAULT 'waiting', answer TEXT)"


async def ask(client, model, text, tries=4):
    """One answer, with pauses that grow and are random; the last error goes up."""
    for n in range(tries):
        try:
            asked = {"model": model, "messages": [{"role": "user", "content": text}], "timeout": 30}
            return (await client.chat.completions.create(**asked)).choices[0].message.content
        except APIError as problem:
            if n == tries - 1 or getattr(problem, "status_code", 500) in (400, 401, 403, 413):
                raise
            named = problem.response.headers.get("retry-after", "") if hasattr(problem, "response") else ""
            await asyncio.sleep((int(named) if named.isdigit() else 0) + random.uniform(0, min(8, 0.5 * 2**n)))


async def answer(client, db, free, question, notes):
    said, state = "", "dead"
    async with free:
        for model in MODELS:  # the second stands in for the first
            try:
                said, state = await ask(client, model, f"Context:\n{notes}\n\nQuestion: {question}"), "done"
                break
            except APIError as problem:
                said = f"{type(problem).__name__}: {problem}"
    with db:  # state and answer in one transaction
        db.execute("UPDATE jobs SET state = ?, answer = ? WHERE question = ?", [state, said, question])
    print(f"[{state}] {question}\n    {said}")


async def main(questions, notes, replay=""):
    db, free, client = sqlite3.connect(f"{questions}.sqlite"), asyncio.Semaphore(8), AsyncOpenAI(max_retries=0)
    with db, open(questions, encoding="utf-8") as lines:
        db.execute(TABLE)
        db.executemany("INSERT OR IGNORE INTO jobs (question) VALUES (?)", ([q.strip()] for q in lines if q.strip()))
        db.execute("UPDATE jobs SET state = 'waiting' WHERE state = 'dead' AND ? = 'replay'", [replay])
    rows = db.execute("SELECT question FROM jobs WHERE state = 'waiting'")
    text = Path(notes).read_text(encoding="utf-8")
    await asyncio.gather(*(answer(client, db, free, question, text) for (question,) in rows.fetchall()))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:])) if len(sys.argv) in (3, 4) else sys.exit("Usage: 12.py QUESTIONS NOTES [replay]")
