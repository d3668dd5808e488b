"""Choose a tool and its arguments by the request's likeness to the tools' descriptions; read results, then stop."""

import json
import re

from ...local.embedding import encode
from . import extraction, grounded

FITS = 0.24  # likeness from which a tool counts as asked for
SURE = 0.35  # likeness from which the mock asks for a required argument that is missing
GIVEN = 0.1  # what it adds to the likeness that the request holds a number, a code or a date for the tool
SHARED = 0.3  # what it adds if the request has all words of the description: a long request is like none in meaning


def choose(parts) -> tuple[list[tuple[str, dict]], str]:
    """The (name, arguments) of the tool to call, or a question for what is missing; neither if no tool fits."""
    functions = [t["function"] for t in parts.tools]
    said = [t for role, t in parts.history[-2:] if role == "user" and parts.history[-1][1].rstrip().endswith("?")]
    texts = [parts.question, "\n".join([*said, parts.question])]  # an answer to a question goes with what came before
    vectors = encode([*texts, *(_described(f) for f in functions)])
    rows = []
    for i, (function, vector) in enumerate(zip(functions, vectors[2:], strict=True)):
        own = set(grounded.words(_described(function)))
        shared = len(own & set(grounded.words(texts[1]))) / max(1, len(own))
        likeness = max(float(v @ vector) for v in vectors[:2]) + SHARED * shared
        values, missing = _arguments(function, parts)
        given = bool(values) and any(extraction.is_exact(v) for v in values.values())
        value = round(likeness + GIVEN * given, 3)
        rows.append((value >= FITS and not missing, value, -i, function["name"], values, missing))
    fits, value, _, name, values, missing = max(rows, key=lambda row: row[:3])
    if parts.tool_choice in ("required", "any"):
        return [forced(parts, name)], ""
    if fits:
        return [(name, values)], ""
    if value >= SURE:
        return [], f"To use {name.replace('_', ' ')}, I need the {' and the '.join(missing).replace('_', ' ')}."
    return [], ""


def forced(parts, named: str = "") -> tuple[str, dict]:
    """The call of the tool that must be called, by this name, the choice's or the only one; filled like a schema."""
    if isinstance(parts.tool_choice, dict):
        named = parts.tool_choice.get("function", {}).get("name")
    function = next((t["function"] for t in parts.tools if t["function"]["name"] == named), parts.tools[0]["function"])
    parts.schema = function.get("parameters") or {"type": "object", "properties": {}}
    return function["name"], extraction.fill(parts, 60)


def _arguments(function, parts):
    """Arguments that the last turn, or an earlier one, gives; and the names of required ones that none gives."""
    schema = function.get("parameters") or {}
    values = extraction.arguments(schema, parts.question, parts)
    required = schema.get("required", [])
    earlier = [t for role, t in reversed(parts.history) if role == "user"]
    for text in earlier:
        if all(n in values for n in required):
            break
        values = extraction.arguments(schema, text, parts) | values
    return values, [n for n in required if n not in values]


def _described(function):
    return f"{re.sub(r'[_-]', ' ', function['name'])}: {function.get('description', '')}"


def conclude(parts) -> str:
    """An answer from the tools' results: fields of an object, the sentence of a long text that answers."""
    return "Here is what I found: " + " ".join(_said(result, parts) for result in parts.results)


def _said(result, parts):
    try:
        value = json.loads(result)
    except ValueError:
        value = result
    if isinstance(value, dict):
        return "; ".join(f"{k.replace('_', ' ')}: {v}" for k, v in value.items())
    lines = grounded.sentences(str(value))
    if len(lines) < 4:
        return str(value)
    return max(zip(grounded.score(parts.question, lines), lines, strict=True), key=lambda row: row[0])[1]
