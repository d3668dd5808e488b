"""Fill a JSON schema from the text, a reader per kind of field; what is missing is null where the schema allows it."""

import re

from ...local.schema import resolve
from . import grounded
from .classification import classify

CODE = re.compile(r"\b(?!\d{4}-\d\d-\d\d)(?:[A-Z]{1,6}-?\d[A-Z0-9-]*|\d+(?:-[A-Z0-9]+)+)\b")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]*\w")
CAPITAL = r"[A-ZÀ-Ý][\wà-ÿ'-]+"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
DATE = re.compile(
    rf"\b(?:\d{{4}}-\d\d-\d\d|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}|\d{{1,2}}(?:st|nd|rd|th)?(?: of)?"
    rf" {MONTH}(?:,? \d{{4}})?|{MONTH} \d{{1,2}}(?:,? \d{{4}})?)\b",
    re.I,
)
DAY = re.compile(r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|today|tomorrow)\b", re.I)
POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|\b\d{5}\b")
ADDRESS = re.compile(rf"\b\d+[a-z]? {CAPITAL}(?: {CAPITAL})*(?:, {CAPITAL})?")
PHONE = re.compile(r"\+?\d[\d ()/-]{7,}\d")
NUMBER = re.compile(r"(?<![\w-])-?\d[\d,]*(?:\.\d+)?(?![\w-]|\.\d)")
SUM = re.compile(r"[\d(][\d\s.,()]*(?:[-+*/^%×÷][\d\s.,()]+)+")
MEASURE = re.compile(r"\d[\d.,]*(?: ?(?:g|kg|ml|l|cm|mm|m|litres?|inch|%))?\b")
CURRENCY = re.compile(
    r"[€$£]|\b(?:[A-Z]{3}(?= |$)|euros?|pounds?|dollars?|(?:\w+ )?(?:kron\w+|francs?|yen|zloty|pesos?))\b"
)
PERSON = re.compile(
    rf"(?:my name is|I am|I'm|this is|name:|signed|regards,?|cheers,?|thanks,?|by)\s+({CAPITAL}(?: {CAPITAL})*)"
)
CALLED = re.compile(r"\b(?:named|called|titled) ['\"“‘]([^'\"”’\n]{1,80})['\"”’]")
NAME = re.compile(rf"\b({CAPITAL}(?: (?:(?:de|da|do|van|von) )?{CAPITAL})+)\b")
PLACE = re.compile(rf"\b(?:in|to|from|at|near|for) ((?:the )?{CAPITAL}(?:[ -]{CAPITAL})*)")
INSIDE = re.compile(rf"(?<=[a-z,;] )(?<!from )(?<!to )(?<!in )(?<!at )({CAPITAL})")  # a name in mid-sentence
NO = re.compile(r"\b(?:not?|never|without|un\w+)\b|n't", re.I)
WORDS = "two three four five six seven eight nine ten eleven twelve".split()
FIGURES = {w: str(i) for i, w in enumerate(WORDS, 2)} | {"twenty": "20", "thirty": "30", "forty": "40", "fifty": "50"}
EMPTY = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}
EXACT = (CODE, EMAIL, DATE, POSTCODE, PHONE, SUM)
COUNTED = re.compile(r"quantity|count|total|price|amount|stars|minutes|\bage\b", re.I)
DEEPEST = 5  # levels of a nested schema
PATTERNS = (  # what a field's name and description say -> patterns of its value, the first that is found
    (r"mail", (EMAIL,)),
    (r"\bdate|\bday\b|when|deadline|\bdue\b|valid from|valid until", (DATE, DAY)),
    (r"post ?code|\bzip\b", (POSTCODE,)),
    (r"address|street", (ADDRESS,)),
    (r"phone|mobile|\btel\b", (PHONE,)),
    (r"code|sku|order|number|\bid\b|invoice|serial|reference", (CODE, re.compile(r"\b\d{3,}\b"))),
    (r"currency|recipient|^from\b|^to\b", (EMAIL, CURRENCY, PLACE)),
    (
        r"\bname\b.*\bof (?:the )?(?:customer|person)|customer|person|author|\bwho\b|contact|\bby\b|people|\bname\b",
        (CALLED, PERSON, NAME, INSIDE),
    ),
    (r"city|cities|place|location|country|town|branch|store", (PLACE, INSIDE, re.compile(rf"(?<=\w )({CAPITAL})"))),
    (r"expression|formula|equation", (SUM,)),
    (r"amount|size|weight|capacity", (MEASURE,)),
)


def fill(parts, read: int):
    """A value for parts.schema, usually an object, from the passages, else from what the user said."""
    reader = _Reader(parts.schema, parts, read)
    return reader.conforming(parts.schema, reader.value(parts.schema, "", parts.text))


def arguments(schema: dict, text: str, parts) -> dict:
    """Arguments of a tool: only what the text gives."""
    values = _Reader(schema, parts, 0).value(schema | {"type": "object"}, "", text)
    return {name: value for name, value in values.items() if value not in (None, [], "")}


def is_exact(value) -> bool:
    """Whether a value is of a kind that no other word of a text would be: a number, a code, a date, an address."""
    return not isinstance(value, str | bool) or any(p.fullmatch(value) for p in EXACT)


class _Reader:
    """Reads values of a schema out of texts. `read`: how many sentences of evidence, 0 for a tool's arguments."""

    def __init__(self, root, parts, read):
        self.root, self.parts, self.read, self.depth = root, parts, read, 0

    def kind(self, schema):
        """(a schema without branches, its type, whether null is allowed)."""
        schema = resolve(schema, self.root)
        branches = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf") or []
        branches = [resolve(b, self.root) for b in branches]
        real = [b for b in branches if b.get("type") != "null"]
        if real:
            schema = real[0] | {"description": schema.get("description") or real[0].get("description", "")}
        kinds = schema.get("type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        kind = next((k for k in kinds if k != "null"), None) or ("object" if "properties" in schema else None)
        return schema, kind, "null" in kinds or len(real) < len(branches)

    def conforming(self, schema, value, depth=0):
        """The value, where it is missing null if the schema allows that, else the emptiest value that it allows."""
        schema, kind, nullable = self.kind(schema)
        if value is None and (nullable or kind != "object" or depth > DEEPEST):
            return None if nullable else schema.get("default", schema.get("minimum", EMPTY.get(kind, "")))
        if kind == "array":
            return [self.conforming(schema.get("items", {}), v, depth + 1) for v in value]
        if kind == "object":
            value, required = value or {}, schema.get("required", [])
            properties = schema.get("properties", {}).items()
            kept = {n: s for n, s in properties if n in required or value.get(n) is not None or self.kind(s)[2]}
            return {n: self.conforming(s, value.get(n), depth + 1) for n, s in kept.items()}
        return value

    def value(self, schema, name, text):
        """The value of a schema in a text, or None."""
        schema, kind, _ = self.kind(schema)
        label = f"{name} {schema.get('description', '')}".replace("_", " ").strip()
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return _choice(schema["enum"], label, text, self.parts)
        if kind in ("object", "array"):
            return self.nested(schema, kind, label, text)
        if kind == "boolean":
            return _boolean(label, text)
        if kind in ("integer", "number") or (kind is None and COUNTED.search(label)):
            return _number(label, name, text, kind, self.parts)
        return _string(label, name, text, self.parts, self.read)

    def nested(self, schema, kind, label, text):
        """An object or a list; a schema that refers to itself ends somewhere."""
        if self.depth > DEEPEST:
            return None
        self.depth += 1
        try:
            if kind == "array":
                return self.list(schema, label, text)
            return {n: self.value(s, n, text) for n, s in schema.get("properties", {}).items()}
        finally:
            self.depth -= 1

    def list(self, schema, label, text):
        items, kind, _ = self.kind(schema.get("items", {}))
        if kind == "object":
            rows = [line for line in text.splitlines() if NUMBER.search(line)]
            if len(rows) < 2:  # one sentence lists them
                rows = [s for s in re.split(r",\s+|;|\.\s|\band\b", text) if NUMBER.search(_figures(s))]
            return [self.value(items, "", row) for row in rows]
        if kind in ("integer", "number"):
            return [_plain(n, kind) for n in NUMBER.findall(_figures(text))]
        if items.get("enum"):
            return [o for o in items["enum"] if _names(o, text)]
        for pattern, readers in PATTERNS:
            if re.search(pattern, label, re.I):
                return list(dict.fromkeys(_found(readers, text)))
        lines = grounded.sentences(text)
        best = max(zip(grounded.score(label, lines), lines, strict=True), default=(0, ""))[1]
        listed = [s.strip(" .") for s in re.split(r",\s+|;|\band\b", best.rpartition(":")[2])]
        return [s for s in listed if s] if len(listed) > 1 else _found((NAME, CODE), text)


def _names(option, text):
    return re.search(rf"\b{re.escape(str(option).replace('_', ' '))}\b", text.replace("_", " "), re.I)


def _choice(options, label, text, parts):
    named = [o for o in options if _names(o, text)]
    if len(named) == 1:
        return named[0]
    told = f"{parts.instruction}\n{label}"
    asked = type(parts)(question=text, labels=[str(o) for o in options], instruction=told, examples=parts.examples)
    return next(o for o in options if str(o) == classify(asked, 12))


def _boolean(label, text):
    key = set(grounded.words(label))
    lines = [s for s in grounded.sentences(text) if key & set(grounded.words(s))]
    return bool(lines) and not NO.search(lines[0])


def _labelled(name, text):
    """The value of a line such as 'Total: 48.50'."""
    name = re.escape(name.replace("_", " "))
    found = re.search(rf"\b{name}\b[ \t]*(?:is|:|=|no\.?|number|  )[ \t]*([^\n,;]+)", text.replace("_", " "), re.I)
    return found[1].strip(" .'\"") if found and name else None


def _figures(text):
    """Numbers written as words as figures."""
    return re.sub(r"[A-Za-z]+", lambda m: FIGURES.get(m[0].lower(), m[0]), text)


def _plain(figure, kind):
    value = float(figure.replace(",", ""))
    return int(value) if kind == "integer" or value == int(value) else value


def _number(label, name, text, kind, parts):
    if re.search(r"\b(?:index|choice|option)\b", label) and len(parts.passages) > 1:  # which of the numbered passages
        scores = grounded.score(parts.question, [p.text for p in parts.passages])
        return scores.index(max(scores)) + 1
    if found := NUMBER.search(_figures(_labelled(name, text) or "")):
        return _plain(found[0], kind)
    text = _figures(DATE.sub(" ", CODE.sub(" ", text)))
    found, key = list(NUMBER.finditer(text)), set(grounded.words(label))
    if re.search(r"price|amount|total|cost|refund|sum", label, re.I):
        found = [m for m in found if CURRENCY.search(text[max(0, m.start() - 4) : m.end() + 8])] or found
    found.sort(key=lambda m: -len(key & set(grounded.words(text[max(0, m.start() - 40) : m.end() + 25]))))
    return _plain(found[0][0], kind) if found else None


def _found(patterns, text):
    """What the first pattern that matches finds."""
    return next((found for p in patterns if (found := [m[p.groups] for m in p.finditer(text)])), [])


def _string(label, name, text, parts, read):
    asked = label.lower()
    pattern = next((readers for key, readers in PATTERNS if re.search(key, asked)), ())
    value = _labelled(name, text)
    if pattern:
        found = _found(pattern, value or "") or _found(pattern, text) or [value]
        return found[-1 if re.match(r"to\b", asked) else 0]
    if value:
        return value
    if re.search(r"answer|reply|response", asked):
        return grounded.answer(parts, read) if parts.passages else text
    if re.search(r"quer|question|search|text|message|input|content|topic|body", asked):
        return parts.question or text
    if quoted := re.search(r"[\"“'‘]([^\"”\n]{2,80}?)[\"”'’](?!\w)", text):
        return quoted[1]
    lines = grounded.sentences(text)
    best = max(zip(grounded.score(label, lines), lines, strict=True), default=(0, ""))
    if not read or best[0] < 0.3:
        return None
    return MEASURE.sub("", best[1], count=1).removeprefix(" of").strip(" -,") if not name else best[1]
