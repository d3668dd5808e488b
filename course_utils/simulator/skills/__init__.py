"""A mock's skills, a file each. `answer` reads the request, picks a skill, and puts the reply into the asked-for form."""

import hashlib
import json
import math

from ...local.language_model import Reply
from .. import reading
from . import classification, conversation, extraction, grounded, tools

READS = {"nano": 12, "small": 60, "large": 600, "code": 600, "medical": 600}  # sentences of evidence that a tier reads
SHOTS = {"nano": 4, "small": 12, "large": 100, "code": 100, "medical": 100}  # examples that it uses


def answer(request, key) -> tuple[Reply, str]:
    """A mock's reply to a protocol.ChatRequest, and the name of the skill that made it."""
    parts = reading.read(request.body)
    if request.images:
        from ...local import vision

        parts.image = " ".join(vision.describe(image, parts.question) for image in request.images)
    skill, tier = reading.skill_for(parts), request.tier.name
    calls, text = [], ""
    if skill == "tools":
        calls = tools.choose(parts)
        if not calls:  # no tool fits: answer as if there were none
            parts.tools = []
            skill = reading.skill_for(parts)
    if skill == "result":
        text = tools.conclude(parts)
    elif skill == "extraction":
        text = json.dumps(extraction.fill(parts, READS[tier]), ensure_ascii=False)
    elif skill == "classification":
        text = classification.classify(parts, SHOTS[tier])
    elif skill == "grounded":
        text = grounded.answer(parts, READS[tier])
    elif skill == "conversation":
        text = conversation.reply(parts)
    elif skill == "closed book":
        text = conversation.guess(parts)
    if parts.outputs and not calls:
        text = _filled(parts, text, READS[tier])
    return _reply(request.body, key, text, calls), skill


def _filled(parts, text, read):
    """The text in DSPy's template: each output field under its header."""
    fields = {}
    for name in parts.outputs:
        if name in ("reasoning", "rationale"):
            best = grounded.evidence(parts, read)
            fields[name] = best[0][1] if best else "The request says so itself."
        else:
            fields[name] = text
    body = "\n\n".join(f"[[ ## {name} ## ]]\n{value}" for name, value in fields.items())
    return body + "\n\n[[ ## completed ## ]]"


def _reply(body, key, text, calls):
    """Stop words, max_tokens, ids and token counts (four characters a token) as a provider handles them."""
    for stop in body.get("stop") or []:
        text = text.split(stop)[0]
    finish, limit = ("tool_calls" if calls else "stop"), body.get("max_tokens")
    if not calls and limit and _tokens(text) > limit:
        text, finish = text[: 4 * limit], "length"
    made = [
        {
            "id": "call_" + hashlib.sha256(f"{key}{i}".encode()).hexdigest()[:20],
            "name": name,
            "arguments": json.dumps(values, ensure_ascii=False),
        }
        for i, (name, values) in enumerate(calls)
    ]
    given = json.dumps([body["messages"], body.get("tools", []), body.get("response_format", "")], ensure_ascii=False)
    said = text + "".join(c["arguments"] for c in made)
    return Reply(
        text=text,
        tool_calls=made,
        finish_reason=finish,
        input_tokens=_tokens(given),
        output_tokens=max(1, _tokens(said)),
    )


def _tokens(text):
    return math.ceil(len(text) / 4)
