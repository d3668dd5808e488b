"""Tool calls and extraction by the real language models: 40 requests each, scored against what was expected.

    python benchmarks/tools_and_extraction.py small                 the model directly, test split
    python benchmarks/tools_and_extraction.py small --dev --show    the split that prompts are chosen on, with failures
    python benchmarks/tools_and_extraction.py small --base-url http://127.0.0.1:8000/v1       through the OpenAI SDK

Scores go to data/measurements/tools_and_extraction.json, a row a tier.
"""

import argparse
import datetime
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from measurement import machine  # noqa: E402

from course_utils.local import language_model  # noqa: E402
from course_utils.settings import DATA  # noqa: E402

SET = DATA / "benchmarks" / "tools_and_extraction.jsonl"
DEFINITIONS = DATA / "benchmarks" / "tools_and_extraction_schemas.json"
RESULTS = DATA / "measurements" / "tools_and_extraction.json"
EXTRACT = "Read the text and fill in the fields. Use null for what the text does not say."


def rows(split: str) -> list[dict]:
    """The requests of a split, 'dev' or 'test'."""
    everything = [json.loads(line) for line in SET.read_text(encoding="utf-8").splitlines()]
    return [row for row in everything if row["split"] == split]


def body(row: dict, definitions: dict) -> dict:
    """A row as an OpenAI chat request, without the model's name."""
    if row["kind"] == "tool":
        return {
            "messages": row["messages"],
            "tools": [definitions["tools"][name] for name in row["tools"]],
            "max_tokens": 160,
        }
    schema = definitions["schemas"][row["schema"]]
    messages = [{"role": "system", "content": EXTRACT}, {"role": "user", "content": row["text"]}]
    wanted = {"type": "json_schema", "json_schema": {"name": row["schema"], "schema": schema, "strict": True}}
    return {"messages": messages, "response_format": wanted, "max_tokens": 200}


def same(expected, value) -> bool:
    """Whether a value is as expected: numbers by value, texts without case and outer space, lists without order."""
    if isinstance(expected, dict) and "contains" in expected:
        return isinstance(value, str) and all(word.casefold() in value.casefold() for word in expected["contains"])
    if isinstance(expected, dict) and "any" in expected:
        return any(same(one, value) for one in expected["any"])
    if isinstance(expected, list):
        fits = isinstance(value, list) and len(value) == len(expected)
        return fits and all(any(same(one, item) for item in value) for one in expected)
    if isinstance(expected, bool) or expected is None or isinstance(value, bool):
        return value is expected
    if isinstance(expected, str):
        return isinstance(value, str) and value.strip(" .").casefold() == expected.casefold()
    return isinstance(value, int | float) and abs(value - expected) < 0.005


def score_tool(expect: dict, calls: list) -> dict:
    """Scores of one tool request from its calls (name, arguments text): needed, called, right tool, right arguments."""
    needed, called = expect["name"] is not None, bool(calls)
    right = called and needed and calls[0][0] == expect["name"]
    try:
        arguments = json.loads(calls[0][1]) if right else {}
    except ValueError:
        arguments = {}
    exact = right and set(arguments) >= set(expect["arguments"])
    exact = exact and all(same(value, arguments[name]) for name, value in expect["arguments"].items())
    return {"needed": needed, "called": called, "tool": bool(right), "arguments": bool(exact)}


def score_extraction(expect: dict, text: str) -> dict:
    """Scores of one extraction: valid JSON, fields right, nulls respected, all right."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    valid = isinstance(found, dict) and set(found) == set(expect)
    right = [name for name, value in expect.items() if valid and same(value, found[name])]
    absent = [name for name, value in expect.items() if value is None]
    return {
        "valid": valid,
        "fields": len(expect),
        "right": len(right),
        "absent": len(absent),
        "left_null": len(set(absent) & set(right)),
        "all": len(right) == len(expect),
    }


def directly(tier: str):
    """Ask the model through prepare and generate: body -> (text, [(name, arguments)])."""

    def ask(request):
        reply = language_model.generate(tier, language_model.prepare(tier, request))
        return reply.text, [(call["name"], call["arguments"]) for call in reply.tool_calls]

    return ask


def through_sdk(tier: str, base_url: str):
    """Ask through the OpenAI SDK: body -> (text, [(name, arguments)])."""
    from openai import OpenAI

    client = OpenAI(base_url=base_url, api_key="x", max_retries=0)

    def ask(request):
        message = client.chat.completions.create(model=tier, **request).choices[0].message
        calls = message.tool_calls or []
        return message.content or "", [(call.function.name, call.function.arguments) for call in calls]

    return ask


def measure(ask, split: str = "test", show: bool = False) -> dict:
    """Ask every request of a split and count."""
    definitions = json.loads(DEFINITIONS.read_text(encoding="utf-8"))
    tools, extractions = [], []
    for row in rows(split):
        text, calls = ask(body(row, definitions))
        score = score_tool(row["expect"], calls) if row["kind"] == "tool" else score_extraction(row["expect"], text)
        (tools if row["kind"] == "tool" else extractions).append(score)
        bad = (
            not score["all"]
            if "all" in score
            else score["called"] != score["needed"] or (score["needed"] and not score["arguments"])
        )
        if show and bad:
            print(row["id"], row["expect"], "->", calls or text)
    needed, spare = [s for s in tools if s["needed"]], [s for s in tools if not s["needed"]]
    total = {key: sum(s[key] for s in extractions) for key in extractions[0]}
    return {
        "call_needed": len(needed),
        "right_tool": sum(s["tool"] for s in needed),
        "right_arguments": sum(s["arguments"] for s in needed),
        "no_call_needed": len(spare),
        "called_all_the_same": sum(s["called"] for s in spare),
        "extractions": len(extractions),
        "valid_json": total["valid"],
        "fields": total["fields"],
        "right_fields": total["right"],
        "absent_fields": total["absent"],
        "absent_left_null": total["left_null"],
        "all_fields_right": total["all"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tiers", nargs="+", choices=["nano", "small", "large"])
    parser.add_argument("--dev", action="store_true", help="the split that prompts are chosen on; nothing is written")
    parser.add_argument("--show", action="store_true", help="print what came out wrong")
    parser.add_argument("--base-url", help="ask a server through the OpenAI SDK, and not the model directly")
    options = parser.parse_args()
    for tier in options.tiers:
        ask = through_sdk(tier, options.base_url) if options.base_url else directly(tier)
        result = measure(ask, "dev" if options.dev else "test", options.show)
        print(tier, json.dumps(result))
        if not options.dev:
            known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
            how = "openai sdk" if options.base_url else "directly"
            known[tier] = result | {"asked": how, "machine": machine(), "date": datetime.date.today().isoformat()}
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
