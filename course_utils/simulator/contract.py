"""The form that an answer should have (text, a JSON object, a schema, DSPy's fields), and the answer in that form."""

import ast
import json
import re
from dataclasses import dataclass, field

FIELD = re.compile(r"\[\[ ## (\w+) ## \]\]")
WANTS_JSON = re.compile(
    r"\b(?:return|respond|reply|answer|output|give|write|format\w*|as|in)\b[^.\n]{0,60}\bJSON\b", re.I
)
REASONS = ("reasoning", "rationale")
TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


@dataclass
class Form:
    """Text as it is ('text'), a JSON object ('json'), or DSPy's headers ('fields'); the names of the output fields."""

    kind: str = "text"
    names: list[str] = field(default_factory=list)


def of_request(wanted: dict | None) -> tuple[dict | None, Form]:
    """Schema and form of a response_format."""
    schema = (wanted or {}).get("json_schema", {}).get("schema")
    return schema, Form("json" if wanted else "text")


def in_text(text: str) -> tuple[dict | None, Form, str]:
    """A schema that stands in a prompt, as output parsers write it, or of the keys it asks for; the text without it."""
    for given in (text, text.replace("{{", "{").replace("}}", "}")):  # LlamaIndex doubles the braces
        for start in [m.start() for m in re.finditer(r"\{", given)][::-1]:
            try:
                value, length = json.JSONDecoder().raw_decode(given[start:])
            except ValueError:
                continue
            if isinstance(value, dict) and isinstance(value.get("properties"), dict) and "type" in given[start:]:
                return value, Form("json"), _without_parser_words(given[:start] + given[start + length :])
    if not WANTS_JSON.search(text):
        return None, Form(), text
    template = re.search(r"\{[^{}]*\"\w+\"\s*:[^{}]*\}", text)
    sentence = template or re.search(r"[^.\n]*\bJSON\b[^\n]*", text)
    keys = re.findall(r"\"(\w+)\"\s*:", template[0]) if template else re.findall(r"['\"`](\w+)['\"`]", sentence[0])
    if not keys and (listed := re.search(r"\b(?:keys?|fields?):? (\w+(?:(?:, (?:and )?| and )\w+)*)", sentence[0])):
        keys = re.split(r", and |, | and ", listed[1])
    schema = {"type": "object", "properties": {key: {} for key in keys}, "required": keys} if keys else None
    return schema, Form("json"), text.replace(sentence[0], " ") if template else text


def _without_parser_words(text):
    """The text without the paragraphs in which an output parser explains what a JSON schema is."""
    return "\n\n".join(b for b in re.split(r"\n\s*\n", text) if not re.search(r"\bschema\b|JSON|```", b))


# ---------------------------------------------------------------------------------------------- DSPy's template
def sections(text: str) -> dict[str, str]:
    """The values under DSPy's headers."""
    cut = FIELD.split(text)
    return {name: value.strip() for name, value in zip(cut[1::2], cut[2::2], strict=True)}


def said(text: str) -> dict:
    """The output fields of an earlier answer, under headers or as JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return sections(text)


def fields(system: str) -> tuple[dict[str, dict], Form]:
    """The output fields of a DSPy signature, each with its schema, and the form that is asked for."""
    listed = system.partition("Your output fields are:")[2].partition("All interactions")[0]
    rows = re.findall(r"^\d+\. `(\w+)` \((.+?)\):? ?(.*)$", listed, re.M)
    text = system.replace('\\"', '"')
    found = {name: _typed(name, kind, text) | {"description": told.strip()} for name, kind, told in rows}
    return found, Form("json" if "Outputs will be a JSON object" in system else "fields", list(found))


def _typed(name, kind, system):
    if kind in TYPES:
        return {"type": TYPES[kind]}
    if kind.startswith("Literal["):
        return {"enum": list(ast.literal_eval(kind[7:]))}
    note = re.search(rf"\{{{name}\}}.*?JSON schema: (\{{.*)", system)
    if note:
        return json.JSONDecoder().raw_decode(note[1])[0]
    optional = re.fullmatch(r"(?:Optional|Union)\[(\w+)(?:, NoneType)?\]|(\w+) \| None", kind)
    kind = TYPES.get((optional[1] or optional[2]) if optional else "", "string")
    return {"type": [kind, "null"]} if optional else {"type": kind}


def write(form: Form, text: str, values: object, why: str) -> str:
    """The answer in its form: `values` where a schema was filled (else None), or `text`; `why` for a field that reasons."""
    if values is None and form.kind == "text":
        return text
    if values is None or form.names:
        values = {n: why if n in REASONS else (values or {}).get(n, text) for n in form.names or ["answer"]}
    if form.kind != "fields":
        return json.dumps(values, ensure_ascii=False)
    plain = {n: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for n, v in values.items()}
    return "\n\n".join(f"[[ ## {n} ## ]]\n{v}" for n, v in plain.items()) + "\n\n[[ ## completed ## ]]"
