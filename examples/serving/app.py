"""The routes: OpenAI's embeddings and chat, and what an operator asks: /health, /ready, /metrics."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import httpx
from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse

from . import shapes
from .batching import Batcher
from .gate import Busy, Closed, Gate
from .metrics import Measured, Metrics

EMBEDDINGS, CHAT = "/v1/embeddings", "/v1/chat/completions"


def off_the_loop(embed: Callable) -> Callable[[list], Awaitable[list]]:
    """Work for a Batcher that runs `embed` in a thread, so that the event loop goes on answering."""

    async def work(texts):
        return list(await asyncio.to_thread(embed, texts))

    return work


class State:
    """What the routes share. `ready` turns true when the models are loaded, and false when it is time to go."""

    def __init__(self, batcher, count_tokens, gate, llm, llm_gate):
        self.batcher, self.count_tokens, self.gate = batcher, count_tokens, gate
        self.llm, self.llm_gate, self.metrics, self.ready = llm, llm_gate, Metrics(), True
        self.client: httpx.AsyncClient | None = None

    @property
    def gates(self) -> dict[str, Gate]:
        return {EMBEDDINGS: self.gate} | ({CHAT: self.llm_gate} if self.llm else {})

    def close(self) -> None:
        """Not ready any more, and nobody new gets in."""
        self.ready = False
        for gate in self.gates.values():
            gate.closed = True

    async def drain(self, patience: float = 30.0) -> bool:
        """Close, and wait for those inside; whether all have left."""
        self.close()
        return all(await asyncio.gather(*(gate.drain(patience) for gate in self.gates.values())))


def create_app(
    work: Callable[[list], Awaitable[list]],
    count_tokens: Callable[[list], int] = lambda texts: 0,
    *,
    model: str = "all-MiniLM-L6-v2",
    most: int = 16,
    wait: float = 0.0,
    active: int = 32,
    waiting: int = 32,
    llm=None,
    llm_waiting: int = 8,
) -> FastAPI:
    """The application; `app.state.serving` is its State.

    work: texts to vectors, for a Batcher (`off_the_loop(embedder)`). most, wait: the Batcher's. active, waiting: the
    Gate's, counted in requests. llm: an object with url, key, model and slots, such as models.LanguageServer.
    """
    gates = Gate(active, waiting), Gate(llm.slots, llm_waiting) if llm else None
    state = State(Batcher(work, most, wait), count_tokens, gates[0], llm, gates[1])

    @contextlib.asynccontextmanager
    async def lifespan(app):
        # No connection is kept: llama.cpp's server closes idle ones, perhaps just when the next request goes out.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=120, limits=limits) as state.client:
            yield

    app = FastAPI(title="The course's models", lifespan=lifespan)
    app.state.serving = state

    app.add_middleware(Measured, metrics=state.metrics, routes=(EMBEDDINGS, CHAT))

    @app.exception_handler(Busy)
    async def busy(request, problem):
        return shapes.error(429, str(problem), retry_after=problem.retry_after)

    @app.exception_handler(Closed)
    async def closed(request, problem):
        return shapes.error(503, str(problem))

    @app.exception_handler(httpx.TransportError)
    async def unreachable(request, problem):
        return shapes.error(502, "The language model's server does not answer.")

    @app.exception_handler(RequestValidationError)
    async def bad_request(request, problem):
        first = problem.errors()[0]
        return shapes.error(400, f"{'.'.join(map(str, first['loc'][1:])) or 'body'}: {first['msg']}")

    @app.get("/health")
    async def health():
        """Whether the process answers at all. If not, it is to be started anew."""
        return {"status": "ok"}

    @app.get("/ready")
    async def ready(response: Response):
        """Whether it should be sent requests now."""
        response.status_code = 200 if state.ready else 503
        return {"ready": state.ready, "inside": {route: gate.inside for route, gate in state.gates.items()}}

    @app.get("/metrics")
    async def metrics():
        for route, gate in state.gates.items():
            state.metrics.inside.labels(route).set(gate.inside)
        while state.batcher.sizes:
            state.metrics.batch.observe(state.batcher.sizes.pop())
        return Response(state.metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/v1/models")
    async def models():
        names = [model, *([llm.tier] if llm else [])]
        return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "course"} for name in names]}

    @app.post(EMBEDDINGS)
    async def embeddings(body: shapes.EmbeddingRequest):
        try:
            texts = body.texts()
        except ValueError as problem:
            return shapes.error(400, str(problem))
        if body.model != model:
            return shapes.error(404, f"There is no model {body.model!r} here, only {model}.", code="model_not_found")
        async with state.gate.enter():
            vectors = await asyncio.gather(*map(state.batcher, texts))
        tokens = state.count_tokens(texts)
        state.metrics.tokens.labels(EMBEDDINGS).inc(tokens)
        return shapes.embeddings(vectors, model, tokens, body.encoding_format)

    @app.post(CHAT)
    async def chat(body: shapes.ChatRequest):
        if not llm or body.model not in (llm.tier, llm.model):
            return shapes.error(404, f"There is no chat model {body.model!r} here.", code="model_not_found")
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(state.llm_gate.enter())
            answer = await _pass_on(state, body, stack)
            if body.stream and answer.status_code == 200:
                return StreamingResponse(_pieces(answer, stack.pop_all()), media_type="text/event-stream")
            content = await answer.aread()
            return Response(content, answer.status_code, media_type="application/json")

    return app


async def _pass_on(state, body, stack) -> httpx.Response:
    """The request, sent on to llama.cpp's server; its answer, opened and not yet read."""
    request = state.client.build_request(
        "POST",
        state.llm.url + CHAT,
        json=body.model_dump(exclude_none=True) | {"model": state.llm.model},
        headers={"Authorization": f"Bearer {state.llm.key}"},
    )
    answer = await state.client.send(request, stream=True)
    stack.push_async_callback(answer.aclose)
    return answer


async def _pieces(answer, stack):
    """The stream as it comes. The place at the gate is kept until its end, or until the client has gone."""
    async with stack:
        async for piece in answer.aiter_raw():
            yield piece
