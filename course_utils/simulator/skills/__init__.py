"""A mock's skills, a file each. `answer` reads the request, picks a skill, and writes the reply in its form."""

import hashlib
import json
import math

from ...local.language_model import Reply
from .. import contract, reading
from . import classification, conversation, extraction, grounded, tools, vision

READS = {"nano": 12, "small": 60, "large": 600, "code": 600, "medical": 600}  # sentences of evidence that a tier reads
SHOTS = {"nano": 4, "small": 12, "large": 100, "code": 100, "medical": 100}  # examples that it uses


def answer(request, key) -> tuple[Reply, str]:
    """A mock's reply to a protocol.ChatRequest, and the name of the skill that made it."""
    parts, tier = reading.read(request.body), request.tier.name
    if request.images:
        vision.look(request.images, parts)
    skill, text, calls, values = reading.skill_for(parts), "", [], None
    if skill == "tools":
        calls, text = tools.choose(parts)
        if not calls and not text:  # no tool fits: answer as if there were none
            parts.tools = []
            skill = reading.skill_for(parts)
    if skill == "result":
        text = tools.conclude(parts)
    elif skill == "extraction" and parts.forced and parts.tools:
        calls = [tools.forced(parts)]
    elif skill == "extraction":
        values = extraction.fill(parts, READS[tier])
    elif skill == "classification":
        text = classification.classify(parts, SHOTS[tier])
    elif skill == "grounded":
        text = grounded.answer(parts, READS[tier])
    elif skill == "conversation":
        text = conversation.reply(parts)
    elif skill == "closed book":
        text = conversation.guess(parts)
    if not calls:
        why = grounded.reason(parts, READS[tier]) if set(contract.REASONS) & set(parts.form.names) else ""
        text = contract.write(parts.form, text, values, why)
    return _reply(request.body, key, text, calls), "vision" if request.images else skill


def _reply(body, key, text, calls):
    """Stop words, max_tokens, ids and token counts (four characters a token) as a provider handles them."""
    for stop in body.get("stop") or []:
        text = text.split(stop)[0]
    finish, limit = ("tool_calls" if calls else "stop"), body.get("max_tokens")
    if not calls and limit and _tokens(text) > limit:
        text, finish = text[: 4 * limit], "length"
    made = []
    for i, (name, values) in enumerate(calls):
        call = "call_" + hashlib.sha256(f"{key}{i}".encode()).hexdigest()[:20]
        made.append({"id": call, "name": name, "arguments": json.dumps(values, ensure_ascii=False)})
    given = json.dumps([body["messages"], body.get("tools", []), body.get("response_format", "")], ensure_ascii=False)
    said = _tokens(text + "".join(c["arguments"] for c in made))
    return Reply(text, made, finish, input_tokens=_tokens(given), output_tokens=max(1, said))


def _tokens(text):
    return math.ceil(len(text) / 4)
