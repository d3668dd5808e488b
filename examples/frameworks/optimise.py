"""DSPy's BootstrapFewShot on the desk's routing: is *small* a better router with demonstrations that it chose itself?

    python -m examples.frameworks.optimise          prints a JSON object: replies before and after, and what was changed

*small* sorts 96 messages that it has not seen before and after. With what the optimiser asks these are at most 300 calls
(replayed from the record). No call is repeated as JSON where a reply breaks the form: it counts as wrong.
"""

import contextlib
import io
import json
import logging
from typing import Literal

import dspy
import litellm

from course_utils import load, provider
from course_utils.metering import meter

TRAIN, HELD_OUT = 30, 96
WAYS = {"faq": "handbook", "technical": "handbook", "billing": "order", "escalate": "person", "out_of_scope": "person"}
WAY = Literal["handbook", "order", "person"]


class Sort(dspy.Signature):
    """Sort a message to the shop Harbourlight."""

    message: str = dspy.InputField()
    way: WAY = dspy.OutputField(
        desc="handbook: a general question or one on a product; order: the customer's own order; person: all else"
    )


def examples(messages):
    return [dspy.Example(message=m.text, way=WAYS[m.intent]).with_inputs("message") for m in messages]


def held_out():
    """96 of lesson 4's 150 test messages: two of three, as they stand in the file."""
    return [m for i, m in enumerate(load("messages", split="test")) if i % 3 < 2][:HELD_OUT]


def training():
    """30 training messages spread over the file, the three ways taking turns."""
    rows = {way: [m for m in load("messages", split="train") if WAYS[m.intent] == way] for way in set(WAYS.values())}
    step = {way: len(found) // (TRAIN // 3) for way, found in rows.items()}
    return [rows[way][i * step[way]] for i in range(TRAIN // 3) for way in sorted(rows)]


def same_way(example, prediction, trace=None):
    return example.way == prediction.way


def replies(program, rows):
    """The way that a program names for each message; '' where its reply breaks the form."""
    said = []
    for row in rows:
        try:
            said.append(program(**row.inputs()).way)
        except dspy.utils.exceptions.AdapterParseError:
            said.append("")
    return said


def demonstrations(program):
    return [{"message": d.message, "way": d.way, "own": bool(d.get("augmented"))} for d in program.demos]


def main(limit=None):
    logging.getLogger("dspy").setLevel(logging.ERROR)  # else each reply that is cut off is a warning
    options = provider.client_options()
    litellm.client_session = options["http_client"]
    lm = dspy.LM(
        "openai/small", api_base=options["base_url"], api_key=options["api_key"], engine="litellm", cache=False,
        max_tokens=24, temperature=0,
    )  # fmt: skip
    dspy.configure(lm=lm, adapter=dspy.ChatAdapter(use_json_adapter_fallback=False))
    messages, plain = held_out()[:limit], dspy.Predict(Sort)
    optimiser = dspy.BootstrapFewShot(metric=same_way, max_bootstrapped_demos=4, max_labeled_demos=8)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        better = optimiser.compile(plain, trainset=examples(training()))
    out = {"wanted": [WAYS[m.intent] for m in messages], "calls_of_the_optimiser": len(meter.session)}
    for name, program in (("before", plain), ("after", better)):
        said = replies(program, examples(messages))
        out[name] = {"said": said, "demos": demonstrations(program), "tokens": meter.session[-1].input_tokens}
    same = better.signature.instructions == Sort.instructions
    print(json.dumps(out | {"calls": len(meter.session), "instruction_changed": not same}))


if __name__ == "__main__":
    main()
