"""Where a reply comes from: the record of what the real model said, else the real model, else (on purpose) a mock."""

import asyncio
import contextlib
import sys
from dataclasses import dataclass

from .. import catalogue, recordings
from ..local import language_model
from ..local.language_model import Reply, RequestError
from ..settings import CourseError, CourseStop, replies
from .protocol import ApiError, ChatRequest

_mocks = 0  # how many provider.mock() blocks are open


@dataclass
class Found:
    """A reply, its record key, its source (record, model, mock) and, of a mock, the skill that made it."""

    reply: Reply
    key: str
    source: str
    skill: str = ""
    ordinal: int = 0
    fault: object = None


@contextlib.contextmanager
def mock():
    """Inside, every tier answers by its mock: for labs of thousands of calls and for tests."""
    global _mocks
    _mocks += 1
    try:
        yield
    finally:
        _mocks -= 1


def key_of(request: ChatRequest) -> tuple[dict, dict, str]:
    """What the model sees, the record's payload, and its key."""
    try:
        seen = language_model.prepare(request.tier.name, request.body)
    except RequestError as problem:
        raise ApiError(400, str(problem), code=problem.error.get("code"), param=problem.error.get("param")) from None
    payload = language_model.payload(request.tier.name, seen)
    return seen, payload, recordings.key(payload)


async def find(request: ChatRequest) -> Found:
    """The reply to a request. ApiError for what a provider would refuse; CourseStop for what cannot be had here."""
    seen, _, key = key_of(request)
    if request.images:  # the text models see none, so none is on record
        try:
            return await asyncio.to_thread(_mocked, request, key)
        except CourseError as problem:
            raise ApiError(400, str(problem), param="messages") from None
    if _mocks:
        return _mocked(request, key)
    if (stored := recordings.find(key)) is not None:
        if "refused" in stored:  # the model's own refusal, such as a prompt longer than its context
            raise ApiError(400, stored["refused"], code=stored["code"], param="messages")
        return Found(Reply.from_dict(stored), key, "record")
    if replies() == "replay":
        raise CourseStop(
            f"This request to {request.tier.name} is not on record, and COURSE_REPLIES=replay forbids asking the model. "
            f"Set COURSE_REPLIES=auto, or record the lesson with make record. Key {key[:12]}."
        )
    if not language_model.installed(request.tier.name):
        return _without_weights(request, key)
    try:
        with _progress(request.tier.name) as on_token:
            reply = await asyncio.to_thread(language_model.generate, request.tier.name, seen, on_token)
    except language_model.ContextError as problem:
        code = "context_length_exceeded"
        if replies() == "record":
            recordings.store(key, {"refused": str(problem), "code": code})
        raise ApiError(400, str(problem), code=code, param="messages") from None
    except RequestError as problem:
        raise ApiError(400, str(problem)) from None
    except CourseError as problem:
        raise CourseStop(str(problem)) from None
    if replies() == "record":
        recordings.store(key, reply.to_dict())
    return Found(reply, key, "model")


@contextlib.contextmanager
def _progress(tier):
    """In a notebook a line counts the tokens while a model answers live, and is gone when it has; else None."""
    if "ipykernel" not in sys.modules or replies() != "auto":
        yield None
        return
    count, line = 0, f"\r{tier} answers live on this machine, tokens so far: "

    def on_token(_):
        nonlocal count
        count += 1
        if count % 5 == 1:
            print(f"{line}{count}", end="", flush=True)

    print(f"{line}0", end="", flush=True)
    try:
        yield on_token
    finally:
        print("\r" + " " * (len(line) + 6) + "\r", end="", flush=True)


def _without_weights(request, key):
    if request.tier.weights is catalogue.LARGE:
        raise CourseStop(
            "This request to large is not on record, and its weights are not installed: run make weights-large "
            f"(1.1 GB), or point COURSE_GGUF_LARGE at {catalogue.LARGE.official}."
        )
    if replies() == "record":
        raise CourseStop(
            f"The weights of {request.tier.name} are not installed, so nothing can be recorded: run make lab."
        )
    return _mocked(request, key)


def _mocked(request, key):
    from .skills import answer

    reply, skill = answer(request, key)
    return Found(reply, key, "mock", skill)
