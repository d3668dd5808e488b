"""Fill a JSON schema from the text of the request, a reader per kind of field; what is missing stays null."""

import re

from ...local.schema import resolve
from . import grounded
from .classification import classify

CODE = re.compile(r"\b(?=[A-Z0-9-]*\d)[A-Z]{1,6}-?[0-9][A-Z0-9-]*\b")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
DATE = re.compile(r"\b(\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,2} \w+ \d{4}|\w+ \d{1,2},? \d{4})\b")
NUMBER = re.compile(r"(?<![\w-])-?\d[\d,]*(?:\.\d+)?(?![\w-]|\.\d)")
NAME = re.compile(r"\b([A-ZÀ-Ý][a-zà-ÿ]+(?: (?:de|da|do|van|von|Mc)?\s?[A-ZÀ-Ý][a-zà-ÿ]+)+)\b")
NO = re.compile(r"\b(?:not?|never|without|n't|un\w+)\b", re.I)


def fill(parts, read: int) -> dict:
    """A value for the schema's every property, from the passages, else from the question and the conversation."""
    text = "\n".join(
        [p.text for p in parts.passages] or [t for role, t in parts.history if role == "user"] + [parts.question]
    )
    return _value(parts.schema, parts.schema, "", text, parts, read)


def arguments(schema: dict, text: str, parts, read: int = 60) -> dict:
    """Arguments of a tool: only what the text gives."""
    values = _value(schema, schema, "", text, parts, read)
    return {name: value for name, value in values.items() if value is not None}


def _value(schema, root, name, text, parts, read):
    schema = resolve(schema, root)
    if "const" in schema:
        return schema["const"]
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        real = [resolve(b, root) for b in branches if resolve(b, root).get("type") != "null"]
        value = (
            _value({**real[0], "description": schema.get("description", "")}, root, name, text, parts, read)
            if real
            else None
        )
        return value
    kind = schema.get("type")
    kind = next((k for k in kind if k != "null"), "string") if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        return {n: _value(s, root, n, text, parts, read) for n, s in schema.get("properties", {}).items()}
    label = f"{name} {schema.get('description', '')}".replace("_", " ").strip()
    if kind == "array":
        return _list(schema, root, label, text, parts, read)
    if schema.get("enum"):
        return _choice(schema["enum"], label, text, parts)
    if kind == "boolean":
        return _boolean(label, text)
    if kind in ("integer", "number"):
        return _number(label, name, text, kind)
    return _string(label, name, text, parts, read)


def _list(schema, root, label, text, parts, read):
    items = resolve(schema.get("items", {}), root)
    if items.get("type") == "object":
        return [_value(items, root, "", line, parts, read) for line in text.splitlines() if NUMBER.search(line)]
    found = CODE.findall(text) if re.search(r"code|sku|order|number|id\b", label, re.I) else NAME.findall(text)
    return list(dict.fromkeys(found or CODE.findall(text)))


def _choice(options, label, text, parts):
    named = [
        o
        for o in options
        if isinstance(o, str) and re.search(rf"\b{re.escape(o.replace('_', ' '))}\b", text.replace("_", " "), re.I)
    ]
    if len(named) == 1:
        return named[0]
    asked = type(parts)(
        question=text,
        labels=[str(o) for o in options],
        instruction=f"{parts.instruction}\n{label}",
        examples=parts.examples,
    )
    return next(o for o in options if str(o) == classify(asked, 12))


def _boolean(label, text):
    key = set(grounded.words(label))
    lines = [s for s in grounded.sentences(text) if key & set(grounded.words(s))]
    return bool(lines) and not NO.search(lines[0])


def _labelled(name, text):
    """The value of a line such as 'Total: 48.50'."""
    found = re.search(
        rf"\b{re.escape(name.replace('_', ' '))}\b[ \t]*(?:is|:|=|no\.?|number)[ \t]*([^\n,;]+)",
        text.replace("_", " "),
        re.I,
    )
    return found.group(1).strip(" .") if found else None


def _number(label, name, text, kind):
    line = _labelled(name, text)
    found = list(NUMBER.finditer(line)) if line else []
    if not found:
        text = CODE.sub(lambda m: " " * len(m.group()), text)
        found = list(NUMBER.finditer(text))
        key = set(grounded.words(label))
        if re.search(r"price|amount|total|cost|refund|sum", label, re.I):
            money = [
                m
                for m in found
                if re.search(r"[€$£]|EUR|GBP|USD|euro|pound|dollar", text[max(0, m.start() - 4) : m.end() + 8], re.I)
            ]
            found = money or found
        near = lambda m: len(key & set(grounded.words(text[max(0, m.start() - 40) : m.end() + 25])))  # noqa: E731
        found.sort(key=lambda m: -near(m))
    if not found:
        return None
    value = float(found[0].group().replace(",", ""))
    return int(value) if kind == "integer" or value == int(value) else value


def _string(label, name, text, parts, read):
    asked = label.lower()
    if (value := _labelled(name, text)) is not None:
        codes = CODE.findall(value)
        return codes[0] if codes and re.search(r"code|sku|order|number|id\b|invoice", asked) else value
    for pattern, key in (
        (EMAIL, r"mail"),
        (DATE, r"\bdate|day|when|deadline"),
        (CODE, r"code|sku|order|number|\bid\b|invoice|serial|reference"),
    ):
        if re.search(key, asked):
            found = pattern.findall(text)
            return found[0] if found else None
    if re.search(r"name|customer|person|author|who", asked):
        introduced = re.search(
            r"(?:my name is|i am|i'm|this is|name:|signed|regards,?|from)\s+([A-ZÀ-Ý][\wà-ÿ'-]+(?: [A-ZÀ-Ý][\wà-ÿ'-]+)*)",
            text,
            re.I,
        )
        named = NAME.findall(text)
        return introduced.group(1) if introduced else (named[0] if named else None)
    if re.search(r"answer|reply|response", asked):
        return grounded.answer(parts, read) if parts.passages else text
    if re.search(r"quer|question|search|text|message|input|content|topic", asked):
        return parts.question or text
    if re.search(r"city|place|location|country|town", asked):
        found = re.search(r"\b(?:in|to|from|at|near) ((?:the )?[A-ZÀ-Ý][\wà-ÿ]+(?: [A-ZÀ-Ý][\wà-ÿ]+)*)", text)
        return found.group(1) if found else None
    best = (
        sorted(zip(grounded.score(label, lines), lines, strict=True), key=lambda row: -row[0])
        if (lines := grounded.sentences(text))
        else []
    )
    return best[0][1] if best and best[0][0] > 0.3 else None
