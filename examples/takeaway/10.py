"""A gate before any OpenAI-compatible provider: some at work, a short line, 429 for the rest. (Streams come whole.)

pip install fastapi uvicorn httpx
export OPENAI_API_KEY=...                   (and OPENAI_BASE_URL, CHAT_MODEL for another provider)
python 10.py try file.txt "QUESTION"        a load test: 12 questions about the file at once
python 10.py serve 8000                     then point clients at http://127.0.0.1:8000/v1; figures: /health"""

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response

BASE = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
HEADERS = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', '')}", "Content-Type": "application/json"}
ACTIVE, WAITING = 2, 6
app, places, seen, inside = FastAPI(), asyncio.Semaphore(ACTIVE), Counter(), 0


@app.get("/health")
async def health():
    return {"status": "ok", "inside": inside, "answers": seen}


@app.post("/v1/{path:path}")
async def passed_on(path: str, request: Request):
    global inside
    if inside >= ACTIVE + WAITING:
        seen[429] += 1
        return Response('{"error": {"message": "busy"}}', 429, {"Retry-After": "2"}, "application/json")
    inside += 1
    try:
        async with places, httpx.AsyncClient(timeout=120) as provider:
            reply = await provider.post(f"{BASE}/{path}", content=await request.body(), headers=HEADERS)
    finally:
        inside -= 1
    seen[reply.status_code] += 1
    return Response(reply.content, reply.status_code, media_type=reply.headers.get("content-type"))


async def load_test(text, question, at_once=12):
    body = {"model": os.environ.get("CHAT_MODEL", "gpt-6-luna")}
    body["messages"] = [{"role": "user", "content": f"Text: {text}\n\nQuestion: {question}"}]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gate", timeout=None) as client:
        replies = await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for _ in range(at_once)))
    print(f"answers by status: {dict(seen)}")
    print(next((r.json()["choices"][0]["message"]["content"] for r in replies if r.is_success), "none was answered"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"] and len(sys.argv) == 3:
        uvicorn.run(app, port=int(sys.argv[2]))
    elif sys.argv[1:2] != ["try"] or len(sys.argv) != 4:
        sys.exit("Usage: python 10.py serve PORT | python 10.py try FILE QUESTION")
    else:
        asyncio.run(load_test(Path(sys.argv[2]).read_text(encoding="utf-8"), sys.argv[3]))
