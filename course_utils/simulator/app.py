"""The provider as one ASGI application: routes of the OpenAI and the Anthropic protocol, timed, metered, faulty on demand.

A request's way: route -> protocol.read_* -> replies.find (record, model or mock) -> faults (latency) -> protocol -> log.
"""

import asyncio
import base64
import json
import math

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from .. import catalogue, clock
from ..metering import Call, current_step, meter
from ..settings import CourseError, CourseStop
from . import faults, media, protocol, replies
from .protocol import MAX_BODY, ApiError

conditions = faults.Conditions()


async def _raw(request: Request) -> bytes:
    """The body's bytes. ApiError 401 without a key, 413 if it is too large."""
    if not (
        request.headers.get("authorization", "").removeprefix("Bearer").strip() or request.headers.get("x-api-key")
    ):
        raise ApiError(
            401, "Give an API key, in the Authorization header. Here any text will do.", code="invalid_api_key"
        )
    raw = await request.body()
    if len(raw) > MAX_BODY:
        raise ApiError(413, f"The request is larger than {MAX_BODY // 2**20} MiB.")
    return raw


async def _body(request: Request) -> dict:
    """The JSON body. ApiError as _raw, and 400 if it is no JSON."""
    raw = await _raw(request)
    try:
        return json.loads(raw)
    except ValueError:
        raise ApiError(400, "The body is not valid JSON.") from None


def route(anthropic=False):
    """Make an endpoint of a function: its ApiErrors become the provider's error shape, over a socket CourseStop too."""

    def wrap(function):
        async def endpoint(request: Request):
            try:
                return await function(request)
            except ApiError as error:
                return JSONResponse(error.body(anthropic), error.status, headers=error.headers)
            except (CourseStop, CourseError) as stop:
                if isinstance(stop, clock.ClockError) or (isinstance(stop, CourseStop) and not clock.is_live()):
                    raise
                return JSONResponse(ApiError(400, str(stop)).body(anthropic), 400)

        return endpoint

    return wrap


class _Entry:
    """The log's record of one request, written when the answer is complete, refused or abandoned."""

    def __init__(self, operation, model):
        self.call = Call(operation, model, clock.now(), 0.0, step=current_step())

    def first_token(self):
        self.call.time_to_first_token = clock.now() - self.call.start

    def done(self, status=200):
        self.call.end, self.call.status = clock.now(), status
        meter.add(self.call)


async def _chat(request: Request, read):
    body = await _body(request)
    chat = read(body)
    entry, tier = _Entry("chat", chat.tier.name), chat.tier
    conditions.in_flight[tier.name] += 1
    try:
        found = await _answer(chat, entry)
        first, between = conditions.latency(tier, found.reply, found.key, found.ordinal)
        if chat.stream:
            conditions.in_flight[tier.name] += 1  # until the stream ends
            stream = _stream(chat, found, entry, first, between)
            return StreamingResponse(stream, media_type="text/event-stream")
        await asyncio.sleep(first)
        entry.first_token()
        await asyncio.sleep(between * max(0, found.reply.output_tokens - 1))
        entry.done()
        return JSONResponse(protocol.whole(chat, found.reply, found.key))
    except ApiError as error:
        entry.done(error.status)
        raise
    except asyncio.CancelledError:  # the client gave up
        entry.done(499)
        raise
    finally:
        conditions.in_flight[tier.name] -= 1


async def _answer(chat, entry):
    """Find the reply, let a fault befall it, and write its figures into the log's entry."""
    key = replies.key_of(chat)[2]
    ordinal = conditions.ordinal(key)
    fault = conditions.fault(chat.tier.name, key, ordinal)
    if fault:
        entry.call.skill = f"fault {fault.kind}"
        await faults.before(fault)
    found = await replies.find(chat)
    if fault:
        found.reply = faults.spoil(fault, found.reply)
    found.ordinal, found.fault = ordinal, fault
    call, reply = entry.call, found.reply
    call.source, call.skill = found.source, found.skill or call.skill
    call.input_tokens, call.output_tokens = reply.input_tokens, reply.output_tokens
    call.cost = catalogue.cost(chat.tier.name, reply.input_tokens, reply.output_tokens)
    return found


async def _stream(chat, found, entry, first, between):
    """The reply piece by piece; its tokens' time is shared out evenly among the pieces."""
    parts = list(protocol.events(chat, found.reply, found.key))
    count = sum(weight for weight, _ in parts)
    pause = between * max(0, found.reply.output_tokens - 1) / max(1, count - 1)
    cut = count // 2 if found.fault and found.fault.kind == "truncated" else math.inf
    sent = 0
    try:
        await asyncio.sleep(first)
        for weight, data in parts:
            if weight:
                if sent:
                    await asyncio.sleep(pause)
                else:
                    entry.first_token()
                if sent >= cut:
                    raise ConnectionError("The stream was cut off.")
                sent += 1
            yield data
        entry.done()
    except ConnectionError:
        entry.done(502)
        raise
    except BaseException:
        entry.done(499)
        raise
    finally:
        conditions.in_flight[chat.tier.name] -= 1


@route()
async def chat_completions(request: Request):
    return await _chat(request, protocol.read_openai)


@route(anthropic=True)
async def messages(request: Request):
    return await _chat(request, protocol.read_anthropic)


@route()
async def models(request: Request):
    rows = [{"id": name, "object": "model", "created": 0, "owned_by": "course"} for name in catalogue.TIERS]
    return JSONResponse({"object": "list", "data": rows})


def _texts(body) -> list[str]:
    """The texts of an embedding request, which may come as token ids."""
    given = body.get("input")
    given = (
        [given]
        if isinstance(given, str) or (isinstance(given, list) and given and isinstance(given[0], int))
        else given
    )
    if not isinstance(given, list) or not given or not all(given):
        raise ApiError(400, "input must be a text, or a list of texts, none of them empty.", param="input")
    if all(isinstance(text, str) for text in given):
        return given
    if not all(isinstance(ids, list) and all(isinstance(i, int) for i in ids) for ids in given):
        raise ApiError(400, "input must hold texts, or lists of token ids.", param="input")
    import importlib.util
    import os
    from pathlib import Path

    folder = Path(importlib.util.find_spec("llama_index.core").origin).parent / "_static" / "tiktoken_cache"
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(folder))
    import tiktoken

    encoding = tiktoken.get_encoding("cl100k_base")
    return [encoding.decode(ids) for ids in given]


@route()
async def embeddings(request: Request):
    from ..local import embedding

    body = await _body(request)
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise ApiError(400, "Give a model, such as 'embedding'.", param="model")
    if body.get("dimensions") not in (None, 384):
        raise ApiError(400, "The embedding model has 384 dimensions, no others.", param="dimensions")
    texts, entry, model = _texts(body), _Entry("embedding", body["model"]), catalogue.LOCAL["embedding"]
    vectors = await asyncio.to_thread(embedding.encode, texts)
    tokens = sum(embedding.count_tokens(text) for text in texts)
    await asyncio.sleep(model.base_seconds + model.unit_seconds * tokens)
    entry.call.input_tokens, entry.call.cost = tokens, model.call_price + model.unit_price * tokens
    entry.done()
    if body.get("encoding_format") == "base64":
        data = [base64.b64encode(v.astype("<f4").tobytes()).decode() for v in vectors]
    else:
        data = [[float(x) for x in v] for v in vectors]
    rows = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(data)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JSONResponse({"object": "list", "data": rows, "model": body["model"], "usage": usage})


@route()
async def moderations(request: Request):
    from .skills import moderate

    body = await _body(request)
    texts = _texts(body if isinstance(body, dict) else {})
    results = [moderate.scores(text) for text in texts]
    return JSONResponse({"id": "modr-course", "model": "moderation", "results": results})


app = Starlette(
    routes=[
        Route("/v1/chat/completions", chat_completions, methods=["POST"]),
        Route("/v1/messages", messages, methods=["POST"]),
        Route("/v1/models", models),
        Route("/v1/embeddings", embeddings, methods=["POST"]),
        Route("/v1/moderations", moderations, methods=["POST"]),
        *media.routes(_raw, _body, route, _Entry),
    ]
)
