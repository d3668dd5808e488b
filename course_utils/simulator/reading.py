"""How a mock reads a request: into instruction, passages, examples, labels, question and output contract, by structure.

    text of the messages -> template fields (DSPy) -> passages -> labels and examples -> question

`skill_for` then picks the skill, by a fixed precedence: tools, schema, labels, passages, conversation, closed book.
What is ambiguous falls to conversation, never to an error.
"""

import json
import re
from dataclasses import dataclass, field

FIELD = re.compile(r"\[\[ ## (\w+) ## \]\]")
TAG = re.compile(r"<(document|doc|passage|context|source|chunk|text|article|snippet)\b([^>]*)>(.*?)</\1>", re.S | re.I)
NUMBERED = re.compile(r"^[ \t>*-]*\[([^\]\n]{1,60})\][:.]?[ \t]+(?=\S)", re.M)
RULE = re.compile(r"^\s*(?:-{5,}|={5,}|_{5,}|\*{5,}|`{3,}|\"{3})\s*$", re.M)
QUESTION = re.compile(
    r"^[ \t#*]*(?:user(?:'s)? )?(?:question|query|user|q|customer|request|message|input)(?: is)?[ \t*]*:[ \t*]*",
    re.M | re.I,
)
ANSWER = re.compile(
    r"^[ \t#*]*(?:your |helpful |final )?(?:answer|response|reply|assistant|a|output|label|category)[ \t*]*:.*\Z",
    re.M | re.I | re.S,
)
CONTEXT = re.compile(
    r"^[ \t#*]*(?:retrieved |relevant )?(?:context|documents?|passages?|sources?|information|text|background|notes|facts|excerpts?|handbook|policy)(?: \w+)?[ \t*]*:[ \t*]*",
    re.M | re.I,
)
SPEAKS_OF_CONTEXT = re.compile(
    r"\b(context|passages?|documents?|sources?|excerpts?|information below|following (?:text|pieces|information))\b",
    re.I,
)
LABELS = re.compile(
    r"(?:one of(?: these| the following)?(?: labels| categories| classes| options| values)?|labels|categories|classes|options|intents|choose (?:from|between)"
    r"|classify[^.:\n]{0,80}?\b(?:as(?: either)?|into)|(?:is|was) it|label[^.:\n]{0,40}\bas)[ \t]*(?:are|is)?[ \t]*[:(]?[ \t]*",
    re.I,
)
PAIR = re.compile(
    r"^[ \t#*-]*(?:text|input|message|review|sentence|ticket|q|question|email)[ \t]*:[ \t]*(.+?)\n+[ \t#*-]*(?:label|output|category|class|intent|sentiment|a|answer)[ \t]*:[ \t]*(\S.{0,60}?)[ \t]*$",
    re.M | re.I | re.S,
)
ARROW = re.compile(r"^[ \t*-]*[\"']?(.{3,200}?)[\"']?[ \t]*(?:->|=>|→)[ \t]*[\"']?([\w /-]{1,40}?)[\"']?[ \t]*$", re.M)


@dataclass
class Passage:
    """A passage that the request carries, under the id by which it may be cited."""

    id: str
    text: str


@dataclass
class Parts:
    """What a mock makes of a request."""

    instruction: str = ""
    passages: list[Passage] = field(default_factory=list)
    examples: list[tuple[str, str]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    question: str = ""
    schema: dict | None = None
    tools: list[dict] = field(default_factory=list)
    tool_choice: object = "auto"
    outputs: list[str] = field(default_factory=list)  # DSPy's output fields
    history: list[tuple[str, str]] = field(default_factory=list)  # (role, text) before the last user turn
    results: list[str] = field(default_factory=list)  # tool results since the last user turn
    image: str = ""  # what the vision models saw


def read(body: dict) -> Parts:
    """Read a chat request in OpenAI's shape."""
    messages = [m for m in body["messages"] if m["role"] != "system"]
    system = "\n\n".join(m["content"] for m in body["messages"] if m["role"] == "system")
    last = max((i for i, m in enumerate(messages) if m["role"] == "user"), default=-1)
    user = messages[last]["content"] if last >= 0 else (messages[-1]["content"] if messages else "")
    parts = Parts(instruction=system, tools=body.get("tools") or [], tool_choice=body.get("tool_choice", "auto"))
    parts.results = [m["content"] for m in messages[last + 1 :] if m["role"] == "tool"]
    parts.history = [(m["role"], m["content"]) for m in messages[: max(last, 0)] if m["content"]]
    wanted = body.get("response_format")
    if wanted:
        parts.schema = wanted.get("json_schema", {}).get("schema") or {"type": "object"}
    if FIELD.search(system + user):
        _read_template(parts, system, user)
    else:
        _read_plain(parts, system, user)
    return parts


def skill_for(parts: Parts) -> str:
    """The name of the skill that answers these parts."""
    if parts.results:
        return "result"
    if parts.tools and parts.tool_choice != "none":
        return "tools"
    if parts.schema:
        return "extraction"
    if len(parts.labels) > 1:
        return "classification"
    if parts.passages or parts.image:
        return "grounded"
    return "conversation" if any(role == "user" for role, _ in parts.history) else "closed book"


# ------------------------------------------------------------------------------------------------- plain prompts
def _read_plain(parts, system, user):
    examples_in = user if PAIR.search(user) or ARROW.search(user) else system
    parts.examples = _examples(examples_in) or _turns_as_examples(parts.history)
    parts.labels = _labels(system + "\n" + user, parts.examples)
    rest = user
    parts.passages, rest_of_user = _passages(user, SPEAKS_OF_CONTEXT.search(system) is not None)
    if parts.passages:
        rest = rest_of_user
    else:
        parts.passages, parts.instruction = _passages(system)
    parts.question = _question(rest, parts)
    if rest != parts.question:
        parts.instruction = (
            f"{parts.instruction}\n{rest.replace(parts.question, ' ') if parts.question else rest}".strip()
        )


def _question(text, parts):
    """What follows the last question marker, else the last paragraph that asks, else the whole turn."""
    if parts.labels and (last := _last_input(text)):
        return last
    marks = list(QUESTION.finditer(text))
    tail = text[marks[-1].end() :] if marks else text
    tail = ANSWER.sub("", tail).strip()
    if marks and tail:
        paragraphs = [p.strip() for p in re.split(r"\n\s*\n", tail) if p.strip()]
        return paragraphs[0] if parts.passages else "\n\n".join(paragraphs)
    if parts.passages:
        paragraphs = [p.strip() for p in re.split(r"\n\s*\n|\n(?=\S)", tail) if p.strip()]
        asking = [p for p in paragraphs if "?" in p]
        return (asking or paragraphs or [""])[-1]
    quoted = re.search(r"[\"“«](.{8,}?)[\"”»]\s*$", tail, re.S)
    if parts.labels and quoted:
        return quoted.group(1)
    return tail or text.strip()


def _last_input(text):
    """The unlabelled last item of a few-shot prompt."""
    found = re.findall(
        r"^[ \t#*-]*(?:text|input|message|review|sentence|ticket|email|comment)[ \t]*:[ \t]*(.+?)(?=\n[ \t#*-]*(?:label|output|category|class|intent|sentiment|answer)\b|\Z)",
        text,
        re.M | re.I | re.S,
    )
    return found[-1].strip() if found else None


def _passages(text, expected=False) -> tuple[list[Passage], str]:
    """Passages between the usual delimiters, and the text without them."""
    for reader in (_by_tag, _by_json, _by_number, _by_rule, _by_marker):
        found, rest = reader(text)
        if found:
            return found, rest
    return _by_position(text, expected)


def _by_tag(text):
    matches = list(TAG.finditer(text))
    if not matches:
        return [], text
    found = []
    for match in matches:
        inner = TAG.findall(match.group(3))
        for n, (attributes, content) in enumerate([(a, c) for _, a, c in inner] or [(match.group(2), match.group(3))]):
            named = re.search(r"(?:id|index|name|source)\s*=\s*[\"']?([^\"'\s>]+)", attributes)
            content = re.sub(r"</?\w+[^>]*>", " ", content).strip()
            inside = _by_number(content)[0]
            blocks = inside or [Passage(named.group(1) if named else str(len(found) + 1), content)]
            found += [Passage(p.id, p.text) for p in blocks if p.text]
    return found, TAG.sub("\n\n", text)


def _by_json(text):
    for match in re.finditer(r"\[\s*[\{\"]", text):
        try:
            rows, end = json.JSONDecoder().raw_decode(text[match.start() :])
        except ValueError:
            continue
        found = []
        for i, row in enumerate(rows, 1):
            content = (
                row
                if isinstance(row, str)
                else next(
                    (
                        row[k]
                        for k in ("text", "content", "page_content", "passage")
                        if isinstance(row, dict) and isinstance(row.get(k), str)
                    ),
                    None,
                )
            )
            if content and len(content.split()) > 3:
                found.append(Passage(str(row.get("id", i)) if isinstance(row, dict) else str(i), content))
        if found:
            return found, text[: match.start()] + "\n\n" + text[match.start() + end :]
    return [], text


def _by_number(text):
    marks = list(NUMBERED.finditer(text))
    found, rest, at = [], "", 0
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        end = after.start() if after else len(text)
        body = text[mark.end() : end]
        stop = min(
            (m.start() for m in (QUESTION.search(body), RULE.search(body), re.search(r"\n\s*\n", body)) if m),
            default=len(body),
        )
        content = body[:stop].strip().strip("«»")
        if len(content.split()) >= 3:
            found.append(Passage(mark.group(1).strip(), content))
            rest, at = rest + text[at : mark.start()], mark.end() + stop
    return (found, rest + text[at:]) if found else ([], text)


def _by_rule(text):
    rules = list(RULE.finditer(text))
    if len(rules) < 2:
        return [], text
    first, last = rules[0], rules[-1]
    if not SPEAKS_OF_CONTEXT.search(text[: first.start()]) and len(rules) == 2 and not text[: first.start()].strip():
        return [], text
    inside = RULE.sub("\n\n", text[first.end() : last.start()])
    return _paragraphs(inside), text[: first.start()] + "\n\n" + text[last.end() :]


def _by_marker(text):
    mark = CONTEXT.search(text)
    if not mark or PAIR.search(text):
        return [], text
    body = text[mark.end() :]
    stop = min(
        (
            m.start()
            for m in (QUESTION.search(body), re.search(r"^[ \t]*(?:helpful |your |final )?answer\b", body, re.M | re.I))
            if m
        ),
        default=None,
    )
    if stop is None:  # the context comes last, or a paragraph that asks follows it
        blocks = re.split(r"\n\s*\n", body)
        tail = blocks.pop() if len(blocks) > 1 and "?" in blocks[-1] else ""
        inside, after = "\n\n".join(blocks), tail
    else:
        inside, after = body[:stop], body[stop:]
    return _paragraphs(inside), text[: mark.start()] + "\n\n" + after


def _by_position(text, expected):
    """Paragraphs between an instruction that speaks of context and the question."""
    blocks = [b for b in re.split(r"\n\s*\n", text) if b.strip()]
    if len(blocks) >= 3 and (expected or SPEAKS_OF_CONTEXT.search(blocks[0])):
        question = next(
            (i for i in range(len(blocks) - 1, 0, -1) if QUESTION.search(blocks[i]) or "?" in blocks[i]),
            len(blocks) - 1,
        )
        return _paragraphs("\n\n".join(blocks[1:question])), "\n\n".join([blocks[0], *blocks[question:]])
    return [], text


def _paragraphs(text):
    blocks = [b.strip(" \n-*•") for b in re.split(r"\n\s*\n|\n(?=\s*[-*•]\s)", text)]
    return [Passage(str(i), b) for i, b in enumerate([b for b in blocks if len(b.split()) >= 3], 1)]


# ------------------------------------------------------------------------------------------- labels and examples
def _examples(text):
    found = [(t.strip(), label.strip(" .\"'")) for t, label in PAIR.findall(text)]
    found = found or [(t.strip(), label.strip()) for t, label in ARROW.findall(text)]
    return [(t.rsplit("\n\n", 1)[-1], label) for t, label in found]


def _turns_as_examples(history):
    """Earlier user and assistant turns, where the assistant only ever said a word or three."""
    pairs = [
        (a[1], b[1].strip(" ."))
        for a, b in zip(history, history[1:], strict=False)
        if a[0] == "user" and b[0] == "assistant"
    ]
    short = pairs and all(len(label.split()) <= 3 for _, label in pairs)
    return pairs if short and len({label for _, label in pairs}) < len(pairs) else []


def _labels(text, examples):
    for match in LABELS.finditer(text):
        tail = re.sub(r"^\s*[\[({]", "", text[match.end() :])
        bullets = re.match(r"\s*((?:\s*(?:[-*•]|\d+[.)])\s*[^\n]+\n?){2,})", tail)
        if bullets:
            names = [
                re.split(r"[:(—]| - ", line.strip(" -*•\t0123456789.)"))[0].strip(" `*'\"")
                for line in bullets.group(1).splitlines()
                if line.strip()
            ]
        else:
            line = re.split(r"[.\n\])}?]|\bdepending\b|\bbased\b|\bfor\b", tail)[0]
            names = [n.strip(" `*'\"“”:") for n in re.split(r",\s*(?:and |or )?|;|\||/|\s+or\s+|\s+and\s+", line)]
        names = [re.sub(r"^(?:either|a|an|the)\s+", "", n) for n in names if n]
        if len(names) > 1 and all(len(n.split()) <= 3 for n in names):
            return list(dict.fromkeys(names))
    return sorted({label for _, label in examples})


# ---------------------------------------------------------------------------------------------- DSPy's template
def _sections(text):
    cut = FIELD.split(text)
    return {name: value.strip() for name, value in zip(cut[1::2], cut[2::2], strict=True)}


def _read_template(parts, system, user):
    asked = re.split(r"\n\s*Respond with the corresponding output fields", user)
    names = (
        FIELD.findall(asked[1]) if len(asked) > 1 else [n for n in FIELD.findall(system) if n not in _sections(user)]
    )
    parts.outputs = [n for n in dict.fromkeys(names) if n != "completed"]
    inputs = _sections(asked[0])
    context = next((inputs.pop(n) for n in list(inputs) if n in ("context", "passages", "documents", "text")), "")
    if context:
        parts.passages = _by_number(context)[0] or _by_json(context)[0] or _paragraphs(context)
    parts.question = inputs.get("question") or inputs.get("query") or next(iter(inputs.values()), "") or context
    choices = re.search(r"one of: ([^\n\]`]+)", asked[-1] + "\n" + system)
    if choices:
        parts.labels = [c.strip() for c in re.split(r"[;,|]", choices.group(1)) if c.strip()]
    turns = parts.history
    for asked_turn, said_turn in zip(turns, turns[1:], strict=False):
        if asked_turn[0] == "user" and said_turn[0] == "assistant":
            given, said = _sections(asked_turn[1]), _sections(said_turn[1])
            label = next((said[n] for n in reversed(parts.outputs) if n in said), "")
            parts.examples.append((next(iter(given.values()), ""), label))
    parts.history = []
