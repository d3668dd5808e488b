"""Choose a tool and its arguments by the likeness of the request to the tools' descriptions; read results, then stop."""

import json
import re

from . import extraction, grounded

FITS = 0.24  # score from which a tool counts as asked for


def choose(parts) -> list[tuple[str, dict]]:
    """(name, arguments) of the tool to call, or none."""
    functions = [t["function"] for t in parts.tools]
    named = parts.tool_choice.get("function", {}).get("name") if isinstance(parts.tool_choice, dict) else None
    if named:
        functions = [f for f in functions if f["name"] == named] or functions
    text = parts.question
    scores = grounded.score(text, [_said(f) for f in functions])
    ranked = sorted(zip(scores, range(len(functions)), strict=True), key=lambda row: (-row[0], row[1]))
    for value, i in ranked:
        function, schema = functions[i], functions[i].get("parameters") or {"properties": {}}
        values = extraction.arguments(schema, text, parts)
        earlier = "\n".join([t for role, t in parts.history if role == "user"] + [text])
        if missing := [n for n in schema.get("required", []) if n not in values]:
            found = extraction.arguments(schema, earlier, parts)
            values |= {n: found[n] for n in missing if n in found}
        complete = all(n in values for n in schema.get("required", []))
        if named or parts.tool_choice in ("required", "any"):
            return [(function["name"], values)]
        if value >= FITS and complete:
            return [(function["name"], values)]
    return []


def _said(function):
    return f"{re.sub(r'[_-]', ' ', function['name'])}: {function.get('description', '')}"


def conclude(parts) -> str:
    """An answer from the tools' results."""
    said = []
    for result in parts.results:
        try:
            value = json.loads(result)
        except ValueError:
            value = result
        said.append(
            "; ".join(f"{k.replace('_', ' ')}: {v}" for k, v in value.items())
            if isinstance(value, dict)
            else str(value)
        )
    return "Here is what I found: " + " ".join(said)
