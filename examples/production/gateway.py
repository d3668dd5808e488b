"""The gateway: it checks a request, stores it as a job and answers at once. It never asks a model.

python -m examples.production.gateway --port 8080
"""

import asyncio
import hmac
import logging
import math
import time
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from .jobs import DAY, KeyReused
from .security import Key, KeyRing, log, signature
from .settings import Settings
from .timing import loop_time
from .tracing import traceparent  # FastAPI itself makes the spans of requests

ALERT_AT = 0.8  # of a key's daily budget
FRESH = 300  # seconds for which a signature is good
POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


IdempotencyKey = Annotated[str, Header(min_length=8, max_length=100)]


class Question(BaseModel, extra="forbid"):
    question: str = Field(min_length=3, max_length=2000)


class Document(BaseModel, extra="forbid"):
    title: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=40_000)


class BodyLimit:
    """Refuses a body that is too large while it arrives, whatever length the header claims."""

    def __init__(self, app, most: int):
        self.app, self.most = app, most

    async def __call__(self, scope, receive, send):
        size = 0

        async def counted():
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.most:
                raise HTTPException(413, f"A request may have {self.most} bytes.")
            return message

        await self.app(scope, counted, send)


def create(
    settings: Settings, *, queue=None, keys=None, documents=None, wall=time.time, on_alert=log.warning
) -> FastAPI:
    """The application. What is not given is made as the settings say. on_alert(sentence) hears of budgets that run out."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    queue, documents = queue or settings.queue(), documents or settings.documents()
    keys = keys or KeyRing(settings.folder / "keys.json")
    app = FastAPI(title="Production pipeline", docs_url=None, redoc_url=None)
    told = {}  # key -> the day of its last alert
    app.add_middleware(BodyLimit, most=settings.max_body)

    def caller(scope: str):
        async def check(request: Request, authorization: Annotated[str, Header(max_length=200)] = "") -> Key:
            key = keys.find(authorization.removeprefix("Bearer "))
            if key is None:
                raise HTTPException(401, "Give a valid API key: Authorization: Bearer …")
            if scope not in key.scopes:
                raise HTTPException(403, f"This key may not do that: it needs the scope {scope}.")
            if pause := keys.wait(key):
                raise HTTPException(429, "Too many requests.", {"Retry-After": str(math.ceil(pause))})
            if key.secret and request.method != "GET":
                sent = request.headers.get("x-timestamp", "")
                named = request.headers.get("idempotency-key", "")
                expected = signature(key.secret, sent, named, await request.body())
                good = hmac.compare_digest(expected.encode(), request.headers.get("x-signature", "").encode())
                if not (good and sent.isdigit() and abs(wall() - int(sent)) <= FRESH):
                    raise HTTPException(401, "The signature is missing, wrong or too old.")
            return key

        return Annotated[Key, Depends(check)]

    Asking, Writing, Admin = caller("jobs"), caller("documents"), caller("admin")

    @app.middleware("http")
    async def headers(request, call_next):
        response = await call_next(request)
        response.headers.update({"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"})
        return response

    def shown(job):
        names = ("id", "state", "attempts", "created", "finished", "result")
        return {name: getattr(job, name) for name in names}

    @app.post("/v1/jobs", status_code=202)
    async def ask(body: Question, key: Asking, idempotency_key: IdempotencyKey):
        spent, today = await queue.spent(key.name), int(wall() // DAY)
        if spent >= ALERT_AT * key.daily and told.get(key.name) != today:
            told[key.name] = today
            on_alert(f"{key.name} has spent {spent / key.daily:.0%} of today's budget.")
        if spent >= key.daily:
            raise HTTPException(402, "The budget of this key is spent for today.")
        if (await queue.counts())["queued"] >= settings.max_waiting:
            raise HTTPException(503, "Too much is waiting.", {"Retry-After": "10"})
        try:
            job, _ = await queue.put(body.model_dump(), idempotency_key, key.name, traceparent())
        except KeyReused as error:
            raise HTTPException(409, str(error)) from None
        log.info("%s asks, as job %s: %s", key.name, job.id, body.question)
        return shown(job)

    @app.get("/v1/jobs/{id}")
    async def job(id: str, key: Asking, wait: Annotated[float, Query(ge=0, le=30)] = 0):
        """The job; with `wait`, as soon as it has ended or that many seconds have passed."""
        until = loop_time() + wait
        while (found := await queue.get(id)) and found.finished is None and loop_time() < until:
            await asyncio.sleep(0.2)
        if found is None or found.owner != key.name:  # another's job is as unknown as none
            raise HTTPException(404, "There is no such job.")
        return shown(found)

    @app.get("/v1/dead")
    async def dead(key: Admin):
        return [shown(job) | {"error": job.error} for job in await queue.dead()]

    @app.post("/v1/dead/{id}/replay")
    async def replay(id: str, key: Admin):
        if (job := await queue.replay(id)) is None:
            raise HTTPException(404, "There is no such dead letter.")
        return shown(job)

    @app.put("/v1/documents/{id}")
    async def put(id: str, body: Document, key: Writing):
        return {"version": documents.put(id, body.title, body.text)}

    @app.post("/v1/documents/{id}/{version}/approve")
    async def approve(id: str, version: int, key: Admin):
        if not documents.approve(id, version):
            raise HTTPException(404, "There is no such version.")

    @app.get("/health")
    async def health():
        return await queue.counts()

    app.mount("/", StaticFiles(directory=Path(__file__).parent / "page", html=True))
    return app


def main():
    """Serve; or with --new-key make a key, with --documents take in a folder of Markdown files, both for a first start."""
    import argparse

    import uvicorn

    from .tracing import send_to

    parser = argparse.ArgumentParser(prog="python -m examples.production.gateway", description="The gateway.")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--new-key", metavar="NAME", help="make a key for NAME, print it, and end")
    parser.add_argument("--scopes", default="jobs", help="what the new key may do: jobs,documents,admin")
    parser.add_argument("--documents", type=Path, metavar="FOLDER", help="take in FOLDER/*.md as approved, and end")
    options, settings = parser.parse_args(), Settings()
    settings.folder.mkdir(parents=True, exist_ok=True)
    if options.new_key:
        ring = KeyRing(settings.folder / "keys.json")
        return print(ring.new(options.new_key, scopes=options.scopes.split(",")))
    if options.documents:
        files, documents = sorted(options.documents.glob("*.md")), settings.documents()
        for file in files:
            title, _, text = file.read_text(encoding="utf-8").partition("\n")
            documents.put(file.stem, title.lstrip("# "), text, approved=True)
        return print(f"{len(files)} documents taken in.")
    logging.basicConfig()
    log.setLevel("INFO")
    spans = send_to(settings.otlp_url, "gateway") if settings.otlp_url else None
    uvicorn.run(create(settings), host="127.0.0.1", port=options.port, log_level="warning")
    if spans:
        spans.shutdown()


if __name__ == "__main__":
    main()
