"""A chat request turned into what a language model sees, and the model's words turned back into a reply.

The models know no tools and no response formats. So tools become an instruction and a JSON grammar with a branch for
each tool and one for answering; earlier tool calls and results become messages; a response format becomes a grammar.
"""

import json
import re
from dataclasses import asdict, dataclass, field

from ..catalogue import TIERS
from .schema import RequestError, clean, fields, shape

MAX_TOKENS, MOST_TOKENS = 256, 1024
ACTION = "action"
TOOLS = "Choose the next action and write it as JSON. The actions are:"
ANSWER = "reply to the user. Use it when you know the answer, or when no other action is needed."
JSON_FIELDS = "Answer with one JSON object with these fields:"


@dataclass
class Reply:
    """What a model said. tool_calls: dicts of id, name, arguments (JSON). finish_reason: stop, length, tool_calls."""

    text: str
    tool_calls: list[dict] = field(default_factory=list)
    finish_reason: str = "stop"
    input_tokens: int = 0
    output_tokens: int = 0

    def to_dict(self) -> dict:
        """The reply as a record stores it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict) -> "Reply":
        """The reply that a record holds."""
        return cls(**stored)


def prepare(tier: str, body: dict) -> dict:
    """What the model of a tier sees of an OpenAI-shaped request: JSON-serialisable and canonical.

    messages (role and content), schema (of the grammar, or None), answer (the name of the branch for answering where
    the schema is one of actions, else None), max_tokens (256 unless given, at most 1,024), stop, temperature, seed (0
    unless given; 0 where temperature is 0, since it changes nothing). RequestError for what no provider would take.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("messages must be a list with at least one message.", param="messages")
    tools, names = _tools(body), [_function(tool)["name"] for tool in body.get("tools") or []]
    answer = ("answer_user" if "answer" in names else "answer") if tools else None
    schema, instruction = _contract(body, tools, answer)
    history = _conversation(messages, answer)
    system = "\n\n".join(
        part for part in (TIERS[tier].instruction, *(m["content"] for m in _leading(history)), instruction) if part
    )
    seen = [{"role": "system", "content": system}] if system else []
    temperature = float(_number(body, "temperature", 0, 2) or 0)
    limit = _number(body, "max_completion_tokens", 1) or _number(body, "max_tokens", 1) or MAX_TOKENS
    stop = body.get("stop") or []
    return {
        "messages": seen + history[len(_leading(history)) :],
        "schema": schema,
        "answer": answer,
        "max_tokens": min(int(limit), MOST_TOKENS),
        "stop": [stop] if isinstance(stop, str) else list(stop),
        "temperature": temperature,
        "seed": int(_number(body, "seed") or 0) if temperature else 0,
    }


def _number(body, name, low=None, high=None):
    value = body.get(name)
    if value is None:
        return None
    bad = isinstance(value, bool) or not isinstance(value, int | float)
    if bad or (low is not None and value < low) or (high is not None and value > high):
        raise RequestError(f"{name} must be a number{'' if low is None else f' of at least {low}'}.", param=name)
    return value


# ------------------------------------------------------------------------------------------------ tools and formats


def _function(tool) -> dict:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise RequestError("Each tool must be {type: 'function', function: {name, ...}}.", param="tools")
    return function


def _tools(body) -> list[dict]:
    """The tools that the model may call now: none of them, the one that is forced, or all."""
    tools = [_function(tool) for tool in body.get("tools") or []]
    choice = body.get("tool_choice") or "auto"
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name")
        tools = [tool for tool in tools if tool["name"] == name]
        if not tools:
            raise RequestError(f"tool_choice names {name!r}, which is not among the tools.", param="tool_choice")
    elif choice not in ("auto", "none", "required", "any"):
        raise RequestError("tool_choice must be auto, none, required, or name a function.", param="tool_choice")
    return [] if choice == "none" else tools


def _contract(body, tools, answer) -> tuple[dict | None, str]:
    """The schema of the model's output and the instruction that describes it."""
    wanted = body.get("response_format") or {}
    schema = {"type": "object"} if wanted.get("type") == "json_object" else None
    if wanted.get("type") == "json_schema":
        schema = (wanted.get("json_schema") or {}).get("schema")
        clean(schema)  # refuses what is no schema
    if tools:
        may_answer = (body.get("tool_choice") or "auto") == "auto"
        return _actions(tools, answer if may_answer else None, schema)
    if schema is None:
        return None, ""
    rows = [_line(*row) for row in fields(schema, schema)]
    return clean(schema), "\n".join([JSON_FIELDS, *rows]) if rows else ""


def _line(name, form, description) -> str:
    return f"- {name} ({form})" + (f": {description}" if description else "")


def _actions(tools, answer, schema) -> tuple[dict, str]:
    """A branch of the schema and a line of the instruction for each tool, and for answering where that is allowed."""
    branches, lines, definitions = [], [TOOLS], {}

    def branch(name, parameters):
        cleaned = clean(parameters, f"{name}_")
        definitions.update(cleaned.pop("$defs", {}))
        own = {_slot(field): form for field, form in cleaned.get("properties", {}).items()}
        whole = {"type": "object", "properties": {ACTION: {"const": name}} | own}
        whole["required"] = [ACTION, *map(_slot, cleaned.get("required", []))]
        whole["additionalProperties"] = cleaned.get("additionalProperties", {})  # a tool may take any argument
        branches.append(whole)

    for tool in tools:
        parameters = {"type": "object"} | (tool.get("parameters") or {"properties": {}})
        branch(tool["name"], parameters)
        rows = fields(parameters, parameters)
        signature = ", ".join(f"{name}: {form}" for name, form, _ in rows)
        lines.append(f"{tool['name']}({signature}): {' '.join((tool.get('description') or '').split())}".rstrip(": "))
        lines += [f"  {name.rstrip('?')}: {description}" for name, _, description in rows if description]
    if answer:
        text = schema or {"type": "string"}
        definitions_of = {"$defs": text["$defs"]} if "$defs" in text else {}
        branch(answer, {"type": "object", "properties": {"text": text}, "required": ["text"]} | definitions_of)
        lines.append(f"{answer}(text: {shape(text, text)}): {ANSWER}")
    whole = branches[0] if len(branches) == 1 else {"anyOf": branches}
    return whole | ({"$defs": definitions} if definitions else {}), "\n".join(lines)


def _slot(name) -> str:
    """A parameter's name in the action's JSON, where 'action' itself is taken."""
    return f"{name}_" if name.rstrip("_") == ACTION else name


def _parameter(slot) -> str:
    return slot.removesuffix("_") if slot.rstrip("_") == ACTION else slot


# ---------------------------------------------------------------------------------------------------- conversation


def _leading(messages) -> list[dict]:
    """The system messages before the first other one."""
    end = next((i for i, message in enumerate(messages) if message["role"] != "system"), len(messages))
    return messages[:end]


def _conversation(messages, answer) -> list[dict]:
    """The messages in the roles that a model knows: calls are what the assistant wrote, results what it is told."""
    result, called = [], {}
    for message in messages:
        role, text = message.get("role"), _text(message.get("content"))
        calls = message.get("tool_calls") or []
        if role in ("system", "developer"):
            result.append({"role": "system", "content": text})
        elif role == "user":
            result.append({"role": "user", "content": text})
        elif role == "assistant":
            called |= {call.get("id"): _function(call)["name"] for call in calls}
            result.append({"role": "assistant", "content": _said(text, calls, answer)})
        elif role in ("tool", "function"):
            name = message.get("name") or called.get(message.get("tool_call_id")) or "the tool"
            _add_result(result, f"Result of {name}: {text}")
        else:
            raise RequestError(f"The role {role!r} is unknown: use system, user, assistant or tool.", param="messages")
    if answer and messages[-1].get("role") in ("tool", "function"):
        result[-1]["content"] += "\nNext action?"
    return result


def _add_result(result, line):
    """Results that follow each other stand in one message."""
    if result and result[-1].get("role") == "user" and result[-1]["content"].startswith("Result of "):
        result[-1]["content"] += f"\n{line}"
    else:
        result.append({"role": "user", "content": line})


def _said(text, calls, answer) -> str:
    """An assistant's message in the form that the grammar asks for now."""
    if not calls:
        return _action(answer, {"text": text}) if answer and text else text
    lines = [] if answer or not text else [text]
    for call in calls:
        arguments = call["function"].get("arguments") or "{}"
        try:
            arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
        except ValueError:  # a call that was cut off stays as it was said
            pass
        lines.append(_action(call["function"]["name"], arguments))
    return "\n".join(lines)


def _action(name, arguments) -> str:
    arguments = arguments if isinstance(arguments, dict) else {"arguments": arguments}
    return json.dumps({ACTION: name} | {_slot(field): value for field, value in arguments.items()}, ensure_ascii=False)


def _text(content) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for part in content:
        part = {"type": "text", "text": part} if isinstance(part, str) else part
        if part.get("type") not in ("text", "input_text", "output_text", "refusal"):
            raise RequestError(f"A language model reads text only; it cannot take a part of type {part.get('type')!r}.")
        texts.append(str(part.get("text") or part.get("refusal") or ""))
    return "\n".join(texts)


# ------------------------------------------------------------------------------------------------ the model's words


def read(seen: dict, key: str, raw: str, finish: str, input_tokens: int, output_tokens: int) -> Reply:
    """The reply in a model's raw words; ids of tool calls derive from the record's key."""
    reply = Reply(raw, [], finish, input_tokens, output_tokens)
    if seen["answer"] is None:
        return reply
    try:
        arguments = json.loads(raw)
        name = arguments.pop(ACTION)
    except (ValueError, KeyError, AttributeError, TypeError):
        return _cut(seen, key, reply)
    if name == seen["answer"]:
        text = arguments["text"]
        reply.text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
        return reply
    arguments = {_parameter(slot): value for slot, value in arguments.items()}
    reply.text, reply.tool_calls = "", [_call(key, name, json.dumps(arguments, ensure_ascii=False))]
    reply.finish_reason = "tool_calls"
    return reply


def _call(key, name, arguments) -> dict:
    return {"id": f"call_{key[:20]}", "name": name, "arguments": arguments}


def _cut(seen, key, reply) -> Reply:
    """An action that max_tokens or a stop word cut short: the answer so far, or a call with half its arguments."""
    start = re.match(r'\s*\{\s*"action"\s*:\s*"([^"]*)"\s*,?\s*', reply.text)
    if not start:
        reply.text = "" if reply.text.lstrip().startswith("{") else reply.text
    elif start[1] != seen["answer"]:
        rest = reply.text[start.end() :]
        reply.text, reply.tool_calls = "", [_call(key, start[1], "{" + rest)]
    else:
        reply.text = _half_string(reply.text[start.end() :].partition(":")[2].strip())
    return reply


def _half_string(text) -> str:
    """What a JSON string says whose end is missing."""
    for end in range(len(text), max(0, len(text) - 8), -1):  # an escape may be cut in its middle
        try:
            return json.loads(text[:end] + '"') if text.startswith('"') else text
        except ValueError:
            continue
    return ""
