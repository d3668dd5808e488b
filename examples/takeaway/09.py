"""Reviews the functions of a Python file: an agent with two tools and limits, with any OpenAI-compatible provider.
pip install openai ruff
export OPENAI_API_KEY=...            (and OPENAI_BASE_URL, CHAT_MODEL for another provider)
python 09.py my_module.py            (your code is read and never run)"""

import ast
import os
import subprocess
import sys

from openai import OpenAI

CHAT = os.environ.get("CHAT_MODEL", "gpt-6-luna")
STEPS, TOKENS = 4, 6000  # at either the agent has to report
RULES = "You review Python functions. Look with the tools where you are not sure, then report the one worst defect."
FIELDS = {"why": {"type": "string"}, "line": {"type": "integer"}, "severity": {"enum": ["blocker", "major", "minor"]}}
client = OpenAI()


def lint(code):
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--output-format=concise", "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, encoding="utf-8", timeout=30)
    return done.stdout or done.stderr


def outline(code):
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return "\n".join(f"line {node.lineno}: {ast.unparse(node.func)}" for node in calls) or "It calls nothing."


def offered(name, text, fields):
    form = {"type": "object", "properties": fields, "required": list(fields)}
    return {"type": "function", "function": {"name": name, "description": text, "parameters": form}}


TOOLS = {"lint": lint, "outline": outline}
ALL = [("lint", "Run the linter ruff.", {}), ("outline", "List the calls.", {}), ("report", "Give the review.", FIELDS)]
OFFERED = [offered(*tool) for tool in ALL]


def review(code):
    """The reported fields as JSON, the steps, the tokens."""
    known, spent = code, 0
    for step in range(1, STEPS + 1):
        must = step == STEPS or spent > TOKENS
        choice = {"type": "function", "function": {"name": "report"}} if must else "required"
        messages = [{"role": "system", "content": RULES}, {"role": "user", "content": known}]
        reply = client.chat.completions.create(model=CHAT, messages=messages, tools=OFFERED, tool_choice=choice)
        call, spent = reply.choices[0].message.tool_calls[0].function, spent + reply.usage.total_tokens
        if call.name not in TOOLS:
            return call.arguments, step, spent
        known += f"\n\n{call.name} says:\n{TOOLS[call.name](code)}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python 09.py FILE.py")
    source = open(sys.argv[1], encoding="utf-8").read()
    for node in [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]:
        print(node.name, *review(ast.get_source_segment(source, node)), sep=" | ")
