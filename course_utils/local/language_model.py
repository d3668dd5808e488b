"""Real language models on this machine, through llama.cpp: one loaded at a time, one request at a time, quiet."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

from .. import recordings
from ..catalogue import TIERS
from ..settings import CourseError, replies
from . import protocol, weights
from .protocol import Reply, prepare  # noqa: F401  (the provider takes both from here)
from .schema import RequestError
from .weights import installed  # noqa: F401

NEEDS_MIB = {"nano": 400, "small": 800, "large": 1536}  # resident memory, measured: see data/models/language/README.md
OWN_QUESTION_MIB = 1843  # 1.8 GiB: what a lesson and small need together
COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}

_lock = threading.RLock()
_server = None
_loaded: tuple[str, Path] | None = None  # tier and file


class ContextError(RequestError):
    """The request is longer than the model's context; `error` has llama.cpp's own fields (n_prompt_tokens, n_ctx)."""


def payload(tier: str, seen: dict) -> dict:
    """What a record of this request is keyed by: the weights and what the model sees of it.

    The schema goes in as text, because the order of its properties is the order in which the model writes.
    """
    schema = seen["schema"] and json.dumps(seen["schema"], ensure_ascii=False)
    return {"weights": weights.sha256(tier), "seen": seen | {"schema": schema}}


def generate(tier: str, seen: dict, on_token: Callable[[str], object] | None = None) -> Reply:
    """Ask the real model. `on_token` is called with each raw piece of text, in this thread.

    CourseError if the weights or the memory are missing, RequestError if the schema or the request is refused,
    ContextError if it is longer than the context.
    """
    with _lock:
        raw, finish, usage = _ask(_wake(tier), seen, on_token)
    if seen["schema"] and finish == "stop" and not seen["stop"] and not _is_json(raw):
        raise RequestError("This JSON schema cannot be turned into a grammar. Simplify it.", param="response_format")
    key = recordings.key(payload(tier, seen))
    return protocol.read(seen, key, raw, finish, usage["prompt_tokens"], usage["completion_tokens"])


def awake() -> str | None:
    """The tier whose model is in memory, or None."""
    return _loaded[0] if _loaded else None


def unload() -> None:
    """Free the memory of the model that is loaded, if one is."""
    global _server, _loaded
    with _lock:
        _server = _loaded = None


def for_own_question() -> str:
    """The tier for a learner's own question: small, or nano where less than 1.8 GiB of memory is free."""
    return "small" if awake() == "small" or available_mib() >= OWN_QUESTION_MIB else "nano"


def available_mib() -> int:
    """Memory that a model can still take, in MiB: the machine's, or its container's where that has a lower limit."""
    import psutil

    free = psutil.virtual_memory().available
    for folder, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            most = int((Path(folder) / limit).read_text(encoding="utf-8"))
            taken = int((Path(folder) / used).read_text(encoding="utf-8"))
            lines = (Path(folder) / "memory.stat").read_text(encoding="utf-8").splitlines()
            stat = dict(line.split() for line in lines)
        except (OSError, ValueError):  # no such limit here ("max" is no number)
            continue
        free = min(free, most - taken + int(stat.get("inactive_file", 0)))
    return max(0, free) >> 20


def _wake(tier):
    """The server of a tier's model, loaded if need be, after the other one is unloaded."""
    global _server, _loaded
    file = weights.path(tier)
    if _loaded and _loaded[1] == file:
        _loaded = (tier, file)
        return _server
    unload()
    _check_memory(weights.owner(tier))
    _server, _loaded = _load(file), (tier, file)
    return _server


def _check_memory(name):
    free, need = available_mib(), NEEDS_MIB[name]
    if free < need:
        other = "Ask a smaller tier, or shut" if name != "nano" else "Shut"
        raise CourseError(
            f"The model of {name} needs {need / 1024:.1f} GiB of memory, and {free / 1024:.1f} GiB are free. "
            f"{other} down other notebooks (Kernel, Shut Down All Kernels)."
        )


def _load(file):
    import os
    import secrets

    # Threads that spin while they wait for each other make it ten times slower on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.n_ctx, params.n_parallel = TIERS["nano"].context, 1
    params.n_ubatch = 128  # tokens read at once: 512 would take 50 MiB more with large
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = min(2, os.cpu_count() or 1)
    params.cache_ram_mib, params.n_ctx_checkpoints = 0, 0  # earlier prompts are not used, so none takes memory
    params.warmup, params.no_extra_bufts = False, True  # repacked weights would take 600 MiB more with large
    params.verbosity = -1  # llama.cpp logs to stderr otherwise
    params.api_keys = [secrets.token_hex(16)]  # its loopback port, which nobody here uses, answers nobody
    try:
        return xllamacpp.Server(params)
    except RuntimeError as problem:
        raise CourseError(f"llama.cpp cannot load {file} ({problem}). Delete the file and run set-up again.") from None


def _request(seen) -> dict:
    request = {name: seen[name] for name in ("messages", "max_tokens", "temperature", "seed")}
    # On record a shared start is read once (the words are kept anyway); live, a reply must not hang on the one before.
    request |= {"stream": True, "stream_options": {"include_usage": True}, "cache_prompt": replies() == "record"}
    if seen["stop"]:
        request["stop"] = seen["stop"]
    if seen["schema"] is not None:
        request |= _grammar(seen["schema"])
    return request


def _grammar(schema) -> dict:
    """The schema for llama.cpp: by llguidance, which writes JSON without loose white space, where it is built in."""
    import xllamacpp

    if xllamacpp.json_schema_to_grammar({"type": "object"}).startswith("%llguidance"):
        text = json.dumps({"x-guidance": COMPACT} | schema, ensure_ascii=False)
        return {"grammar": "%llguidance {}\nstart: %json " + text}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}}


def _ask(server, seen, on_token) -> tuple[str, str, dict]:
    """Raw text, finish reason and usage of one request. An exception in on_token, or Ctrl-C, stops the model."""
    pieces, last, trouble = [], {"finish": "stop", "usage": None}, []

    def take(chunk):
        try:
            if "error" in chunk:
                trouble.append(_refused(chunk["error"]))
                return True
            last["usage"] = chunk.get("usage") or last["usage"]
            for choice in chunk["choices"]:
                last["finish"] = choice.get("finish_reason") or last["finish"]
                if piece := choice["delta"].get("content"):
                    pieces.append(piece)
                    if on_token:
                        on_token(piece)
        except BaseException as problem:
            trouble.append(problem)
            return True
        return False

    try:
        server.handle_chat_completions(_request(seen), take)
    except ValueError as problem:
        raise RequestError(f"llama.cpp refuses the request: {str(problem)[:200]}") from None
    if trouble:
        raise trouble[0]
    if last["usage"] is None:
        raise CourseError("The model stopped before its reply was complete. Run the cell again.")
    return "".join(pieces), last["finish"], last["usage"]


def _refused(error) -> RequestError:
    kind = ContextError if error.get("type") == "exceed_context_size_error" else RequestError
    message = error.get("message", "llama.cpp refused the request.")
    return kind(message, **{name: value for name, value in error.items() if name != "message"})


def _is_json(text) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
