"""How a mock reads a request: into instruction, passages, examples, labels, question and output contract.

1. The contract: tools, a schema, or DSPy's fields, from the request or from its text (contract.py).
2. One walk over the lines: a line opens a part (`Context:`, `[2]`, a rule, a fence, `Question:`) or goes on with
   the one that is open. What stands before an answered question is an example.
3. Where no marker shows passages, by position: paragraphs beside one that points to a text or offers labels.

`skill_for` then picks the skill, by a fixed precedence. What is ambiguous falls to conversation, never to an error.
"""

import ast
import json
import re
from dataclasses import dataclass, field
from itertools import pairwise

from . import contract

OPENS = {  # the word that a marker ends in (without plural s) -> what it opens
    "question": "question query user q request customer human message input",
    "material": "context document doc passage source information background fact excerpt handbook policy article "
    "minute leaflet reference knowledge snippet chunk evidence content text review sentence ticket email mail comment "
    "tweet note complaint letter quote description transcript paragraph notice memo report faq",
    "answer": "answer response reply assistant a output label category class intent sentiment department topic tone "
    "priority result ai bot",
    "ask": "instruction task rule format objective",
}
KIND = {word: kind for kind, group in OPENS.items() for word in group.split()}
NOUN = rf"(?:{OPENS['material'].replace(' ', '|')}|message|piece)s?"
POINTS = re.compile(  # an instruction that points to a text
    rf"\b(?:above|below|following|attached|given|provided|retrieved|this|these|numbered|according to|based on)\b"
    rf"[^.?!\n]{{0,40}}\b{NOUN}\b|\b{NOUN} (?:above|below)\b|\bthe (?:text|passage|article|document|excerpt)s?\b"
    r"|\b(?:read|use|see) the following\b",
    re.I,
)
RELIES = re.compile(  # an instruction to answer from passages, whether or not there are any
    r"\b(?:us(?:e|ing)|from|based on|given|according to|consult)\b[^.?!\n]{0,60}"
    r"\b(?:context|passages?|documents?|sources?|excerpts?|notes)\b",
    re.I,
)
ANNOUNCES = re.compile(rf"\b(?:{NOUN}|below|following)\b", re.I)
NAME = r"[A-Za-z][\w',&-]*"
NUMBERED = r"(?: (?P<id>\d+|[A-Z]))?(?: ?\([^)\n]*\))?"
HEADING = re.compile(rf"^[\s>#*]*(?P<name>{NAME}(?: {NAME})*?){NUMBERED}[ *]*(?P<colon>:?)[ *]*$")
INLINE = re.compile(rf"^[\s>#*]*(?P<name>{NAME}(?: {NAME}){{0,3}}?){NUMBERED}[ *]*:[ *]*(?P<rest>\S.*)$")
NUMBER = re.compile(r"^[\s>*-]*(?:\[([^\]\n]{1,60})\][:.]?|\((\d+)\))(?:\s+|$)")
RULE = re.compile(r"^\s*[-=_*]{3,}(?:\s*(\w.*?)\s*[-=_*]{3,})?\s*$")
FENCE = re.compile(r"^\s*(?:```\w*|\"\"\"|~~~)\s*$")
TAG = re.compile(r"<([a-z][\w-]*)\b([^>\n]*)>(.*?)</\1>", re.S | re.I)
ARROW = re.compile(
    r"^[ \t*-]*(?:\w+: )?[\"']?(\S.*?[^)\s])[\"']?[ \t]*(?:->|=>|→)[ \t]*[\"']?((?:[\w/&-]+ ?){0,4})[\"']?$", re.M
)
QUOTED = re.compile(r"\"([^\"]{8,})\"|“([^”]{8,})”|«([^»]{8,})»|(?<!\w)[‘']((?:[^'’]|['’](?=\w)){8,})['’]", re.S)
CUE = re.compile(
    r"\b(?:classif\w+|categor\w+|label\w*|sort|tag|route|assign|rate|decide|detect|determine|sentiment|tone|intents?"
    r"|topics?|departments?|priority|class(?:es)?|one of|choose|pick|select|options|choices|whether|belongs?"
    rf"|(?:tell me|say) if|(?:is|are|does|do) (?:this|the following) {NOUN})\b",
    re.I,
)
BULLETS = re.compile(r"(?:\n\s*(?:[-*•]|\d+[.)])\s+[^\n]+){2,}")


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
    relies: bool = False  # told to answer from passages, of which there may be none
    schema: dict | None = None
    form: contract.Form = field(default_factory=contract.Form)
    tools: list[dict] = field(default_factory=list)
    tool_choice: object = "auto"
    history: list[tuple[str, str]] = field(default_factory=list)  # (role, text) before the last user turn
    results: list[str] = field(default_factory=list)  # tool results since the last user turn
    image: str = ""  # what the vision models saw

    @property
    def forced(self) -> bool:
        """Whether one tool must be called: it then serves as a schema."""
        return isinstance(self.tool_choice, dict) or (self.tool_choice in ("required", "any") and len(self.tools) == 1)

    @property
    def text(self) -> str:
        """The text that the request is about: its passages, else what the user said."""
        said = [text for role, text in self.history if role == "user"]
        return "\n".join([p.text for p in self.passages] or [*said, self.question])


def read(body: dict) -> Parts:
    """Read a chat request in OpenAI's shape."""
    messages = [m for m in body["messages"] if m["role"] != "system"]
    system = "\n\n".join(m["content"] for m in body["messages"] if m["role"] == "system")
    last = max((i for i, m in enumerate(messages) if m["role"] == "user"), default=-1)
    user = messages[last]["content"] if messages else ""
    parts = Parts(tools=body.get("tools") or [], tool_choice=body.get("tool_choice", "auto"))
    parts.results = [m["content"] for m in messages[last + 1 :] if m["role"] == "tool"]
    parts.history = [(m["role"], m["content"]) for m in messages[: max(last, 0)] if m["content"]]
    parts.schema, parts.form = contract.of_request(body.get("response_format"))
    (_read_fields if "Your output fields are:" in system else _read_text)(parts, system, user)
    return parts


def skill_for(parts: Parts) -> str:
    """The name of the skill that answers these parts."""
    if parts.results:
        return "result"
    if parts.tools and parts.tool_choice != "none":
        return "extraction" if parts.forced else "tools"
    if parts.schema:
        return "extraction"
    if len(parts.labels) > 1:
        return "classification"
    if parts.passages or parts.relies or parts.image:
        return "grounded"
    return "conversation" if any(role == "user" for role, _ in parts.history) else "closed book"


def _read_text(parts, system, user):
    """A prompt in prose."""
    if parts.schema is None:
        parts.schema, form, system = contract.in_text(system)
        if parts.schema is None:
            parts.schema, form, user = contract.in_text(user)
        parts.form = form if parts.schema else parts.form
    told, ask = _Cut(system), _Cut(user)
    parts.passages, question = ask.passages or told.passages, ask.question
    parts.examples = told.examples + (ask.examples or _turns_as_examples(parts.history))
    offered = _labels(ask.ask)
    parts.labels = [] if parts.schema else _labels(told.ask) or offered or _known(parts.examples)
    parts.relies = bool(RELIES.search(told.ask) or (question is not None and RELIES.search(ask.ask)))
    wanted = bool(parts.labels or parts.schema) and question is None
    if not parts.passages and (wanted or POINTS.search(ask.ask) or parts.relies):
        parts.passages, ask.ask = _by_position(ask.ask, wanted, parts.labels)
    if not parts.passages and (POINTS.search(told.ask) or RELIES.search(told.ask)):
        parts.passages, told.ask = _by_position(told.ask, False)
    if parts.labels == offered and not (question or parts.passages or parts.examples):
        parts.labels = []  # 'How do I sort a list in Python or in R?' names no text to sort
    if parts.labels and parts.passages and not question:
        question = "\n".join(p.text for p in parts.passages)
    parts.question = question or _asking(ask.ask, parts)
    parts.instruction = f"{told.ask}\n{ask.ask.replace(parts.question, ' ') if parts.question else ask.ask}".strip()


def _asking(ask, parts):
    """The last sentence that asks, if there is something to answer from; else the whole text."""
    if named := re.search(r"\b(?:question|query)\b[^\n:]{0,20}: *['\"“](.+?)['\"”]\s*$", ask, re.I):
        return named[1]
    if not (parts.passages or parts.relies):
        return ask.strip()
    paragraph = next((p for p in reversed(re.split(r"\n\s*\n", ask)) if "?" in p), ask)
    sentences = re.split(r"(?<=[.!?])\s+|\n", paragraph)
    return next((s.strip() for s in reversed(sentences) if "?" in s), paragraph.strip())


# ------------------------------------------------------------------------------------------------------- markers
@dataclass
class _Part:
    kind: str  # ask, material, question or answer
    id: str = ""
    closed: bool = False  # lasts until its end: markers inside do not count
    lines: list[str] = field(default_factory=list)

    @property
    def text(self):
        return "\n".join(self.lines).strip(" \n\t«»")


class _Cut:
    """A text cut at its markers: what is asked, the passages, the marked question (None without one), the examples."""

    def __init__(self, text):
        self.passages, text = _by_tag(text)
        if not self.passages:
            self.passages, text = _by_json(text)
        *answered, last = _rounds(_walk(text))
        items = [[p.text for p in part if p.kind in ("question", "material") and p.text] for part in answered]
        self.examples = [(t[-1], part[-1].text.strip(" .\"'`")) for t, part in zip(items, answered, strict=True) if t]
        asked = any("?" in p.text for p in last if p.kind in ("ask", "question"))
        head, _, tail = last[-1].text.rpartition("\n\n")
        if head and "?" in tail and last[-1].kind == "material" and not last[-1].closed and not asked:
            last[-1].lines = [head]  # a text that nothing ends is followed by the paragraph that asks
            last.append(_Part("ask", lines=[tail]))
        for part in last:
            if part.kind == "material" and part.text:
                self.passages += [Passage(part.id, part.text)] if part.id else _paragraphs(part.text)
        ids = [p.id for p in self.passages]
        for i, passage in enumerate(self.passages, 1):  # an id that stands twice, as of paragraphs, becomes a number
            passage.id = passage.id if ids.count(passage.id) == 1 else str(i)
        self.question = next((p.text for p in reversed(last) if p.kind == "question"), None)
        self.ask = "\n\n".join(part.text for part in last if part.kind == "ask" and part.text)


def _walk(text) -> list[_Part]:
    """The text cut into parts: each line opens one or goes on with the one that is open."""
    lines, parts, fenced, blank = text.splitlines(), [_Part("ask")], False, False
    last_rule = max((i for i, line in enumerate(lines) if (rule := RULE.match(line)) and not rule[1]), default=-1)
    arrows = len(ARROW.findall(text)) > 1
    for i, line in enumerate(lines):
        part, number, mark = parts[-1], NUMBER.match(line), _marked(line)
        if FENCE.match(line):
            fenced = not fenced
            parts.append(_Part("material" if fenced else "ask", closed=fenced))
        elif fenced:
            part.lines.append(line)
        elif (rule := RULE.match(line)) and not rule[1]:
            # it opens what the line above announces, or divides what is open
            above = next((x for x in reversed(lines[:i]) if x.strip()), "")
            opens = part.kind == "ask" and ANNOUNCES.search(above)
            inside = i < last_rule and (opens or part.kind == "material")
            parts.append(_Part("material" if inside else "ask", closed=bool(inside and (opens or part.closed))))
        elif arrows and (arrow := ARROW.match(line)):
            parts += [_Part("question", lines=[arrow[1]]), _Part("answer", lines=[arrow[2]])]
        elif number and (part.kind != "answer" or part.text):
            parts.append(_Part("material", number[1] or number[2], part.closed, [line[number.end() :]]))
        elif line.lstrip().startswith(">") and part.kind in ("ask", "material"):
            if part.kind == "ask":
                parts.append(_Part("material", id="1"))
            parts[-1].lines.append(line.lstrip("> \t"))
        elif mark and (not part.closed or (mark[0] == "material" and mark[1])):
            parts.append(_Part(mark[0], mark[1], part.closed, [mark[2]]))
        elif line.strip() and ((part.kind == "answer" and part.text) or (part.id and blank and not part.closed)):
            parts.append(_Part("ask", lines=[line]))  # after a given answer, or the paragraph of a numbered passage
        else:
            part.lines.append(line)
        blank = not line.strip()
    return parts


def _marked(line):
    """(kind, id, rest of the line) of a line that opens a part, such as 'Context:' or 'Source 2 (spring): …'."""
    rule = RULE.match(line)
    line = f"{rule[1]}:" if rule and rule[1] else line
    if line.startswith("END "):
        return "ask", "", ""
    match = INLINE.match(line) or HEADING.match(line)
    if not match:
        return None
    name = re.sub(r" (?:is|are|was)(?: as follows| below)?$", "", match["name"])
    words = [w if w in KIND else w.removesuffix("s") for w in re.findall(r"\w+", name.lower())]
    kind, alone = KIND.get(words[-1]), "rest" not in match.groupdict()
    if alone and not (match["colon"] or line.lstrip().startswith("#") or (name.isupper() and len(name) > 2)):
        return None
    if alone and not CUE.search(name) and (not kind or (kind == "answer" and len(words) > 3)):
        kind = next((KIND[w] for w in reversed(words) if KIND.get(w) in ("question", "material")), None)
    if kind == "answer" and {"original", "existing", "previous"} & set(words):
        kind = "material"  # an answer to be refined is one source more
    if not kind or (kind == "answer" and (name.lower().endswith(f"{words[-1]}s") or {"possible", "the"} & set(words))):
        return None  # 'Labels:' lists them
    return kind, match["id"] or "", "" if alone else match["rest"]


def _rounds(parts) -> list[list[_Part]]:
    """Parts cut after each answer that is given: what stands before is an example; the last round is the request."""
    rounds = [[]]
    for i, part in enumerate(parts):
        rounds[-1].append(part)
        if part.kind == "answer" and part.text and any(p.kind in ("question", "material") for p in parts[i + 1 :]):
            rounds.append([p for p in rounds[-1] if p.kind == "ask"])  # what was told before the first example holds
    return rounds


def _by_tag(text):
    """Passages in XML-like tags, and the text without them; a tagged question becomes a marked one."""
    found = []
    kind_of = lambda name: KIND.get(name.lower().split("_")[-1]) or KIND.get(name.lower().removesuffix("s"))  # noqa: E731

    def take(match):
        kind = kind_of(match[1])
        if kind == "question":
            return f"\n\nQuestion: {match[3].strip()}\n"
        if kind != "material":
            return match[0]
        inner = [m for m in TAG.finditer(match[3]) if kind_of(m[1]) == "material" and (m[2] or "doc" in m[1].lower())]
        for attributes, inside in [(m[2], m[3]) for m in inner or [match]]:
            named = re.search(r"(?:id|index|name|source)\s*=\s*[\"']?([^\"'\s>]+)", attributes)
            inside = re.sub(r"</?\w+[^>]*>", " ", inside).strip()
            numbered = [Passage(p.id, p.text) for p in _walk(inside) if p.id]
            found.extend([Passage(named[1], inside)] if named else numbered or _paragraphs(inside))
        return "\n\n"

    return found, TAG.sub(take, text)


def _by_json(text):
    """Passages in a list of texts, or of objects that hold one, as JSON or as Python writes it."""
    for match in re.finditer(r"\[\s*[{\"'].*\]", text, re.S):
        for load in (json.loads, ast.literal_eval):
            try:
                rows = [row if isinstance(row, dict) else {"text": row} for row in load(match[0])]
            except (ValueError, SyntaxError):
                continue
            texts = [next((r[k] for k in ("text", "content", "page_content", "passage") if k in r), "") for r in rows]
            found = [Passage(str(r.get("id", i)), str(t)) for i, (r, t) in enumerate(zip(rows, texts, strict=True), 1)]
            if found := [p for p in found if len(p.text.split()) > 3]:
                return found, text.replace(match[0], "\n\n")
    return [], text


def _by_position(text, wanted, labels=()):
    """Paragraphs (or lines, or what is quoted) beside one that asks, as passages; and the rest of the text."""
    quoted = [next(g for g in m.groups() if g) for m in QUOTED.finditer(text)]
    if quoted := [q.strip() for q in quoted if len(q.split()) >= (2 if labels else 4) and q not in labels]:
        return [Passage(str(i), q) for i, q in enumerate(quoted, 1)], QUOTED.sub(" ", text)
    blocks = [b.strip() for b in re.split(r"\n\s*\n", text) if b.strip()]
    blocks = blocks if len(blocks) > 1 else [b.strip() for b in text.split("\n") if b.strip()]
    if len(blocks) == 1 and re.match(rf"[^:\n]*\b{NOUN}\b[^:\n]*:\s+\S", text, re.I):
        blocks = text.split(":", 1)
    cues = (POINTS, RELIES, CUE) if wanted else (POINTS, RELIES)
    asks = [i for i, b in enumerate(blocks) if "?" in b or any(cue.search(b) for cue in cues)]
    if wanted and not asks:
        return [], text
    asks = asks[:1] if wanted else asks  # a text to sort or to read may well ask something itself
    rest = [i for i in range(len(blocks)) if i not in asks]
    material = [i for i in rest if i > min(asks, default=-1)] or rest  # what stands before is an instruction too
    ask = "\n\n".join(b for i, b in enumerate(blocks) if i not in material)
    return _paragraphs("\n\n".join(blocks[i] for i in material)), ask


def _paragraphs(text):
    blocks = [b.strip(" \n\t-*•«»") for b in re.split(r"\n\s*\n|\n(?=\s*[-*•]\s)", text)]
    return [Passage(str(i), b) for i, b in enumerate([b for b in blocks if len(b.split()) >= 3], 1)]


# ------------------------------------------------------------------------------------------- labels and examples
def _turns_as_examples(history):
    """Earlier user and assistant turns, where the assistant only ever said a word or three and turns begin alike."""
    pairs = [(a[1], b[1].strip(" .")) for a, b in pairwise(history) if (a[0], b[0]) == ("user", "assistant")]
    if len(pairs) < 2 or any(len(label.split()) > 3 for _, label in pairs):
        return []
    alike = len({text.lower().partition(" ")[0] for text, _ in pairs}) == 1
    return pairs if alike or len({label for _, label in pairs}) < len(pairs) else []


def _known(examples):
    labels = sorted({label for _, label in examples if 0 < len(label.split()) <= 4})
    return labels if len(labels) > 1 else []


def _labels(text):
    """The labels that an instruction offers: as bullets, after a colon, in brackets, or joined by 'or'."""
    for match in CUE.finditer(text):
        tail = text[match.end() : match.end() + 1000]
        sentence = re.split(r"[.?!](?=\s|$)|\n", tail)[0].strip()
        if sentence.endswith(":") and (bullets := BULLETS.match(tail[tail.find("\n") :])):
            rows = [re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", row) for row in bullets[0].splitlines() if row.strip()]
            return [re.split(r"[:(—]| - ", row)[0].strip(" `*'\"") for row in rows]
        if names := _listed(sentence):
            return names
    return []


def _listed(sentence):
    """The names that a part of a sentence lists, at least two, of at most four words; else none."""
    listed = re.search(r"[:\[(]\s*([^:\[\]()]*(?:,|;|\||/|\bor\b)[^:\[\]()]*)", sentence)
    names = re.split(r"\s*(?:,\s*(?:and |or )?|;|\||/|\bor\b)\s*", listed[1] if listed else sentence)
    if listed is None:
        if not re.search(r"\bor\b|/|\|", sentence):
            return []
        names[0] = re.sub(r"^.*\b(?:as|is|with|into|to|of|are|between|from|either|in)\b", "", names[0])
        names[-1] = re.split(r"\b(?:depending|based|for|by|if|when|according|only|to|in|with|and)\b", names[-1])[0]
        longest = max(len(n.split()) for n in names[1:-1] or [min(names[0], names[-1], key=lambda n: len(n.split()))])
        names[0] = " ".join(names[0].split()[-longest:]) if longest else ""
    names = [re.sub(r"^(?:either|a|an|the|is|as|and)\s+", "", n.strip(" `*'\"“”.")) for n in names]
    names = list(dict.fromkeys(n for n in names if n))
    return names if len(names) > 1 and all(len(n.split()) <= 4 for n in names) else []


# ---------------------------------------------------------------------------------------------- DSPy's template
def _read_fields(parts, system, user):
    """A prompt in DSPy's template: input fields under headers, output fields with their types."""
    inputs = contract.sections(re.split(r"\n\s*Respond with ", user)[0])
    fields, parts.form = contract.fields(system)
    main = {name: schema for name, schema in fields.items() if name not in contract.REASONS}
    context = next((n for n in inputs if n in ("context", "passages", "documents", "sources")), None)
    if context:
        text, parts.relies = inputs.pop(context), True
        parts.passages = _Cut(text).passages or ([] if text in ("", "[]", "N/A") else _paragraphs(text))
    parts.question = inputs.get("question") or inputs.get("query") or "\n".join(inputs.values())
    parts.instruction = system
    only = next(iter(main.values())) if len(main) == 1 else {}
    parts.labels = [str(value) for value in only.get("enum", [])]
    extracts = re.search(r"\bextract|\bparse\b|\bpull out", system, re.I) and not context
    if not parts.labels and (only.get("type") != "string" or extracts):
        parts.schema = {"type": "object", "properties": main, "required": list(main)}
    turns, parts.history = parts.history, []
    for asked, said in pairwise(turns):
        if (asked[0], said[0]) == ("user", "assistant") and main:
            told, *reminder = re.split(r"\n\s*Respond with ", asked[1])
            text = "\n".join(contract.sections(told).values())
            label = str(contract.said(said[1]).get(list(main)[-1], ""))
            if reminder:  # turns of a dspy.History end in the reminder, demonstrations do not
                parts.history += [("user", text), ("assistant", label)]
            else:
                parts.examples.append((text, label))
