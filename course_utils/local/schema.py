"""JSON schemas as clients write them, turned into what the grammar engine takes and into a line that the model reads.

Clients' schemas carry titles, defaults, formats and references that say nothing to a grammar, or that it refuses.
`clean` keeps what shapes the text; the order of properties stays, since the model writes in that order.
"""

import json
import re
from dataclasses import dataclass

from ..settings import CourseError

FORMATS = ("date", "time", "date-time", "uuid")
_TIME = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"  # by the format alone, models write endless fractions of a second
PATTERNS = {"time": f"^{_TIME}$", "date-time": f"^[0-9]{{4}}-[01][0-9]-[0-3][0-9]T{_TIME}Z?$"}
LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
KEPT = {
    "string": ("minLength", "maxLength"),
    "integer": LIMITS,
    "number": LIMITS,
    "array": ("minItems", "maxItems"),
    "object": (),
    "boolean": (),
    "null": (),
}
# Anchored, without look-around or named groups: what every grammar engine reads alike.
PLAIN_PATTERN = re.compile(r"(?!.*\(\?)\^([^\\^$]|\\[dwsDWS.\-+*?()\[\]{}/|])*\$")


class RequestError(CourseError):
    """A request that the provider refuses with status 400; `error` has the fields of the error's body."""

    def __init__(self, message: str, **fields):
        super().__init__(message)
        self.error = {"message": message, "type": "invalid_request_error", "param": None, "code": None} | fields


def resolve(schema: dict, root: dict) -> dict:
    """The schema itself, or the one that its $ref points to in the root. RequestError if it points nowhere."""
    for _ in range(20):  # a reference may lead to another
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema
        target = root
        for step in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            target = target.get(step) if isinstance(target, dict) and step else target
        if not isinstance(target, dict) or not str(schema["$ref"]).startswith("#"):
            break
        schema = target
    raise RequestError(f"The schema refers to {schema['$ref']}, which it does not define.", param="response_format")


def clean(schema: dict, prefix: str = "") -> dict:
    """A schema with the keywords that a grammar understands, in a fixed order; definitions under $defs.

    A schema of a reference alone is that definition; names of definitions get the prefix. RequestError for no schema.
    """
    if not isinstance(schema, dict):
        raise RequestError(f"A schema must be a JSON object, not {json.dumps(schema)[:40]}.", param="response_format")
    definitions: dict[str, dict] = {}
    result = _clean(resolve(schema, schema), schema, _Definitions(definitions, prefix))
    return result | {"$defs": definitions} if definitions else result


@dataclass
class _Definitions:
    """The definitions met so far, and what their names begin with."""

    found: dict
    prefix: str


def _clean(schema, root, definitions) -> dict:
    if schema is True or schema == {}:
        return {}
    if not isinstance(schema, dict):
        raise RequestError(f"{json.dumps(schema)[:40]} is no schema.", param="response_format")
    if "$ref" in schema:
        return _reference(schema, root, definitions)
    if parts := schema.get("allOf"):
        return _clean(_merged(schema, parts, root), root, definitions)
    if "const" in schema:
        return {"const": schema["const"]}
    if "enum" in schema:
        return {"enum": list(schema["enum"])}
    branches = schema.get("anyOf") or schema.get("oneOf")
    kind = schema.get("type")
    if not branches and isinstance(kind, list):
        branches = [schema | {"type": each} for each in kind]
    if branches:
        return _any_of([_clean(branch, root, definitions) for branch in branches], schema)
    kind = kind or next((k for k, mark in (("object", "properties"), ("array", "items")) if mark in schema), None)
    if kind is None:
        return {}
    if kind not in KEPT:
        raise RequestError(f"A schema has the type {json.dumps(kind)}, which JSON Schema does not know.")
    result = {"type": kind} | {word: schema[word] for word in KEPT[kind] if schema.get(word) is not None}
    if more := {"object": _object, "array": _array, "string": _string}.get(kind):
        result |= more(schema, root, definitions)
    return _any_of([result], schema)


def _reference(schema, root, definitions):
    """A reference becomes a definition under a name of ours, so that one that contains itself ends."""
    name = definitions.prefix + (re.sub(r"\W", "_", str(schema["$ref"]).rsplit("/", 1)[-1]) or "root")
    if name not in definitions.found:
        definitions.found[name] = {}  # stands while its own content is read
        definitions.found[name] = _clean(resolve(schema, root), root, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _merged(schema, parts, root):
    """allOf as one schema: the parts' keywords together, their properties and required lists joined."""
    whole = {word: value for word, value in schema.items() if word != "allOf"}
    for part in parts:
        part = resolve(part, root)
        for word, value in part.items():
            if word == "properties":
                whole[word] = whole.get(word, {}) | value
            elif word == "required":
                whole[word] = [*whole.get(word, []), *value]
            else:
                whole.setdefault(word, value)
    return whole


def _any_of(branches, schema):
    if schema.get("nullable") and {"type": "null"} not in branches:
        branches = [*branches, {"type": "null"}]
    return branches[0] if len(branches) == 1 else {"anyOf": branches}


def _object(schema, root, definitions):
    fields, extra = schema.get("properties"), schema.get("additionalProperties")
    if fields is None and isinstance(extra, dict):  # a dictionary of one kind of value
        return {"additionalProperties": _clean(extra, root, definitions)}
    if fields is None and extra is not False:  # any object
        return {}
    fields = fields or {}
    fields = {name: _clean(field, root, definitions) for name, field in fields.items()}
    required = [name for name in fields if name in schema.get("required", [])]
    return {"properties": fields, "required": required, "additionalProperties": False}


def _array(schema, root, definitions):
    if items := schema.get("prefixItems"):
        first = [_clean(item, root, definitions) for item in items]
        return {"prefixItems": first, "items": False, "minItems": len(items)}
    return {"items": _clean(schema["items"], root, definitions)} if schema.get("items") else {}


def _string(schema, *_):
    if schema.get("format") in FORMATS and schema["format"] not in PATTERNS:
        return {"format": schema["format"]}
    pattern = schema.get("pattern") or PATTERNS.get(schema.get("format"))
    return {"pattern": pattern} if isinstance(pattern, str) and PLAIN_PATTERN.fullmatch(pattern) else {}


def shape(schema: dict, root: dict, depth: int = 0) -> str:
    """A schema in a few words for the model: `"paid" | "open"`, `[string]`, `{name: string, price?: number}`."""
    schema = resolve(schema, root)
    if not isinstance(schema, dict) or depth > 4:
        return "any"
    if parts := schema.get("allOf"):
        return shape(_merged(schema, parts, root), root, depth)
    if "const" in schema or "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema.get("enum", [schema.get("const")]))
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(shape(branch, root, depth + 1) for branch in branches))
    kind = schema.get("type", "object" if "properties" in schema else "any")
    if isinstance(kind, list):
        return " | ".join(shape(schema | {"type": each}, root, depth + 1) for each in kind)
    if kind == "array":
        return f"[{shape(schema.get('items') or {}, root, depth + 1)}]"
    if kind == "object" and schema.get("properties"):
        return "{" + ", ".join(f"{name}: {form}" for name, form, _ in fields(schema, root, depth + 1)) + "}"
    return schema["format"] if kind == "string" and schema.get("format") in FORMATS else kind


def fields(schema: dict, root: dict, depth: int = 0) -> list[tuple[str, str, str]]:
    """Name, shape and description of an object's properties; the name of an optional one ends in '?'."""
    schema = resolve(schema, root)
    if parts := schema.get("allOf"):
        schema = _merged(schema, parts, root)
    rows = []
    for name, field in (schema.get("properties") or {}).items():
        mark = "" if name in schema.get("required", []) else "?"
        described = field if isinstance(field, dict) and "description" in field else resolve(field, root)
        rows.append((name + mark, shape(field, root, depth), " ".join(str(described.get("description") or "").split())))
    return rows
