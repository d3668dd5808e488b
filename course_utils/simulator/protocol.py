"""The two wire protocols: requests checked and read into one shape, replies written out whole or as a stream.

Inside, a request has the shape of an OpenAI chat completion; an Anthropic message is translated on its way in and out.
"""

import json
from dataclasses import dataclass, field

from .. import catalogue
from ..local.language_model import Reply

MAX_BODY = 20 * 2**20
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class ApiError(Exception):
    """An error that a provider's client understands: HTTP status, type, message, code, parameter."""

    TYPES = {
        400: "invalid_request_error",
        401: "authentication_error",
        404: "not_found_error",
        413: "request_too_large",
    }
    TYPES |= {429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}

    def __init__(self, status, message, code=None, param=None, headers=None):
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.headers = status, message, code, param, headers or {}

    def body(self, anthropic=False) -> dict:
        kind = self.TYPES.get(self.status, "api_error")
        if anthropic:
            return {"type": "error", "error": {"type": kind, "message": self.message}}
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


@dataclass
class ChatRequest:
    """A checked request: the tier, the body in OpenAI's shape, and how the client wants the reply."""

    model: str
    tier: catalogue.Tier
    body: dict
    stream: bool = False
    include_usage: bool = False
    anthropic: bool = False
    images: list = field(default_factory=list)


def find_tier(body: dict) -> tuple[str, catalogue.Tier]:
    """The model that a body asks for. ApiError 400 if it names none, 404 if there is no such model."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise ApiError(400, "Give the name of a model: " + ", ".join(catalogue.TIERS), param="model")
    try:
        return name, catalogue.tier(name)
    except KeyError:
        message = f"The model {name!r} does not exist here. There are: {', '.join(catalogue.TIERS)}."
        raise ApiError(404, message, code="model_not_found", param="model") from None


def _text(content, where) -> tuple[str, list]:
    """Text and images of a message's content, a string or a list of parts."""
    if content is None:
        return "", []
    if isinstance(content, str):
        return content, []
    if not isinstance(content, list):
        raise ApiError(400, f"{where}: content must be a string or a list of parts.", param="messages")
    texts, images = [], []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("text", "input_text", "refusal"):
            texts.append(str(part.get("text") or part.get("refusal") or ""))
        elif kind == "image_url":
            images.append((part.get("image_url") or {}).get("url", ""))
        elif kind == "image" and isinstance(part.get("source"), dict):  # Anthropic's
            source = part["source"]
            images.append(f"data:{source.get('media_type')};base64,{source.get('data')}")
        else:
            raise ApiError(400, f"{where}: a part of type {kind!r} is not supported here; send text or image_url.")
    return "\n".join(texts), images


def _positive(body, name, low=0.0):
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < low):
        raise ApiError(400, f"{name} must be a number of at least {low:g}.", param=name)
    return value


def read_openai(body) -> ChatRequest:
    """Check an OpenAI chat completion's body. ApiError names what is wrong."""
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object.")
    model, tier = find_tier(body)
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise ApiError(400, "messages must be a list with at least one message.", param="messages")
    if body.get("n") not in (None, 1):
        raise ApiError(400, "Only one choice (n = 1) is offered here.", param="n")
    messages, images, open_calls = [], [], set()
    for i, message in enumerate(body["messages"]):
        where = f"messages[{i}]"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise ApiError(400, f"{where}: role must be one of {', '.join(ROLES)}.", param="messages")
        text, seen = _text(message.get("content"), where)
        images += seen
        clean = {"role": "system" if message["role"] == "developer" else message["role"], "content": text}
        if calls := message.get("tool_calls"):
            clean["tool_calls"] = [_tool_call(c, where) for c in calls]
            open_calls |= {c["id"] for c in clean["tool_calls"]}
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise ApiError(400, f"{where}: tool_call_id answers no earlier tool call.", param="messages")
            clean["tool_call_id"] = message["tool_call_id"]
        messages.append(clean)
    clean = {"messages": messages}
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    _positive({"max_tokens": limit}, "max_tokens", 1)
    if limit:
        clean["max_tokens"] = int(limit)
    for name in ("temperature", "seed"):
        if (value := _positive(body, name)) is not None:
            clean[name] = value
    if stop := body.get("stop"):
        clean["stop"] = [stop] if isinstance(stop, str) else list(stop)
    if tools := body.get("tools"):
        clean["tools"] = [_tool(t) for t in tools]
        clean["tool_choice"] = body.get("tool_choice") or "auto"
    if (wanted := body.get("response_format")) and wanted.get("type") != "text":
        clean["response_format"] = _response_format(wanted)
    usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return ChatRequest(model, tier, clean, bool(body.get("stream")), usage, images=images)


def _tool(tool):
    function = tool.get("function") if isinstance(tool, dict) and tool.get("type", "function") == "function" else None
    if not isinstance(function, dict) or not function.get("name"):
        raise ApiError(
            400, "Each tool must be {type: 'function', function: {name, description, parameters}}.", param="tools"
        )
    return {
        "type": "function",
        "function": {k: function[k] for k in ("name", "description", "parameters") if function.get(k)},
    }


def _tool_call(call, where):
    function = call.get("function") or {}
    if not call.get("id") or not function.get("name"):
        raise ApiError(400, f"{where}: each tool call needs an id and a function's name.", param="messages")
    function = {"name": function["name"], "arguments": function.get("arguments") or "{}"}
    return {"id": call["id"], "type": "function", "function": function}


def _response_format(wanted):
    if wanted.get("type") == "json_object":
        return {"type": "json_object"}
    schema = (wanted.get("json_schema") or {}).get("schema") if wanted.get("type") == "json_schema" else None
    if not isinstance(schema, dict):
        raise ApiError(
            400, "response_format must be text, json_object, or json_schema with a schema.", param="response_format"
        )
    return {
        "type": "json_schema",
        "json_schema": {"name": wanted["json_schema"].get("name", "reply"), "schema": schema},
    }


def read_anthropic(body) -> ChatRequest:
    """Check an Anthropic message's body and translate it. ApiError names what is wrong."""
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object.")
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        raise ApiError(400, "max_tokens: a number of at least 1 is required.")
    messages = []
    if system := body.get("system"):
        messages.append({"role": "system", "content": _text(system, "system")[0]})
    for i, message in enumerate(body.get("messages") or []):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
            raise ApiError(400, f"messages.{i}.role: must be user or assistant.")
        messages += _from_anthropic(message, f"messages.{i}")
    clean = {k: body[k] for k in ("model", "max_tokens", "temperature") if k in body} | {"messages": messages}
    clean["stop"] = body.get("stop_sequences")
    if body.get("tools"):
        clean["tools"] = [
            {
                "function": {
                    "name": t.get("name"),
                    "description": t.get("description"),
                    "parameters": t.get("input_schema"),
                }
            }
            for t in body["tools"]
        ]
        choice = body.get("tool_choice") or {"type": "auto"}
        named = {"type": "function", "function": {"name": choice.get("name")}}
        clean["tool_choice"] = {"any": "required", "tool": named}.get(choice["type"], choice["type"])
    request = read_openai(clean)
    request.stream, request.anthropic = bool(body.get("stream")), True
    return request


def _from_anthropic(message, where):
    content = message.get("content")
    if isinstance(content, str):
        return [message]
    results, rest, calls = [], [], []
    for block in content or []:
        if block.get("type") == "tool_result":
            text = _text(block.get("content"), where)[0]
            results.append({"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text})
        elif block.get("type") == "tool_use":
            function = {"name": block["name"], "arguments": json.dumps(block.get("input") or {}, ensure_ascii=False)}
            calls.append({"id": block["id"], "type": "function", "function": function})
        else:
            rest.append(block)
    if rest or calls:
        results.append({"role": message["role"], "content": rest} | ({"tool_calls": calls} if calls else {}))
    return results


# ------------------------------------------------------------------------------------------------------ replies


def pieces(text: str) -> list[str]:
    """A text cut before each space, as tokens usually are."""
    parts = text.replace(" ", "\0 ").split("\0")
    return [p for p in parts if p]


def whole(request: ChatRequest, reply: Reply, key: str) -> dict:
    """The reply as one JSON object in the client's protocol."""
    if request.anthropic:
        blocks = [{"type": "text", "text": reply.text}] if reply.text or not reply.tool_calls else []
        blocks += [_tool_use(c) | {"input": _arguments(c)} for c in reply.tool_calls]
        head = _anthropic_head(request, key)
        return head | {"content": blocks, "stop_reason": _stop(reply), "usage": _usage(reply)}
    message = {"role": "assistant", "content": reply.text or (None if reply.tool_calls else "")}
    if reply.tool_calls:
        message["tool_calls"] = [_openai_call(c) for c in reply.tool_calls]
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
    return _openai_head(request, key, "chat.completion") | {"choices": [choice], "usage": _openai_usage(reply)}


def events(request: ChatRequest, reply: Reply, key: str):
    """The reply as a stream: pairs of (weight, bytes), the weight being the share of output tokens in this piece."""
    yield from (_anthropic_events if request.anthropic else _openai_events)(request, reply, key)


def _openai_events(request, reply, key):
    head = _openai_head(request, key, "chat.completion.chunk")

    def chunk(delta, finish=None, **more):
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _data(head | {"choices": [choice]} | more)

    yield 0, chunk({"role": "assistant", "content": ""})
    for piece in pieces(reply.text):
        yield 1, chunk({"content": piece})
    for i, call in enumerate(reply.tool_calls):
        call = _openai_call(call)
        start = call | {"index": i, "function": call["function"] | {"arguments": ""}}
        yield 1, chunk({"tool_calls": [start]})
        for piece in pieces(call["function"]["arguments"]):
            yield 1, chunk({"tool_calls": [{"index": i, "function": {"arguments": piece}}]})
    yield 0, chunk({}, reply.finish_reason)
    if request.include_usage:
        yield 0, _data(head | {"choices": [], "usage": _openai_usage(reply)})
    yield 0, b"data: [DONE]\n\n"


def _anthropic_events(request, reply, key):
    head = _anthropic_head(request, key)
    start = head | {"content": [], "stop_reason": None, "usage": _usage(reply) | {"output_tokens": 0}}
    yield 0, _event("message_start", {"message": start})
    blocks = (
        [({"type": "text", "text": ""}, "text_delta", "text", reply.text)] if reply.text or not reply.tool_calls else []
    )
    blocks += [
        (_tool_use(c) | {"input": {}}, "input_json_delta", "partial_json", c["arguments"]) for c in reply.tool_calls
    ]
    for i, (block, kind, name, text) in enumerate(blocks):
        yield 0, _event("content_block_start", {"index": i, "content_block": block})
        for piece in pieces(text):
            yield 1, _event("content_block_delta", {"index": i, "delta": {"type": kind, name: piece}})
        yield 0, _event("content_block_stop", {"index": i})
    end = {"stop_reason": _stop(reply), "stop_sequence": None}
    yield 0, _event("message_delta", {"delta": end, "usage": _usage(reply)})
    yield 0, _event("message_stop", {})


def _data(body) -> bytes:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def _event(kind, body) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | body, ensure_ascii=False)}\n\n".encode()


def _openai_head(request, key, kind):
    return {"id": f"chatcmpl-{key[:24]}", "object": kind, "created": 0, "model": request.model}


def _anthropic_head(request, key):
    head = {"id": f"msg_{key[:24]}", "type": "message", "role": "assistant", "model": request.model}
    return head | {"stop_sequence": None}


def _openai_usage(reply):
    total = reply.input_tokens + reply.output_tokens
    return {"prompt_tokens": reply.input_tokens, "completion_tokens": reply.output_tokens, "total_tokens": total}


def _usage(reply):
    return {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens}


def _stop(reply):
    return {"length": "max_tokens", "tool_calls": "tool_use"}.get(reply.finish_reason, "end_turn")


def _openai_call(call):
    return {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}


def _arguments(call):
    try:
        return json.loads(call["arguments"])
    except ValueError:  # cut off by max_tokens, or malformed by a fault
        return {}


def _tool_use(call):
    return {"type": "tool_use", "id": call["id"], "name": call["name"]}
