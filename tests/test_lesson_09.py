"""Lesson 9: its functions under review, the desk in two forms, the limits and the child process."""

import ast
import hashlib
import os
import subprocess
import sys
from collections import Counter

import nbformat
import pytest

from course_utils import load
from course_utils.datasets import reviews
from course_utils.settings import ROOT, CourseError

CELLS = nbformat.read(ROOT / "notebooks" / "09_orchestration.ipynb", 4).cells
STATEMENTS = [node for cell in CELLS if cell.cell_type == "code" for node in ast.parse(cell.source).body]
TEST, DEV = load("snippets", split="test"), load("snippets", split="dev")


# ---- the data


def test_there_are_enough_functions_and_three_of_each_kind_in_the_test_split():
    assert len(TEST) >= 30 and Counter(s.kind for s in TEST) == dict.fromkeys(reviews.KINDS, 3)
    assert Counter(s.kind for s in TEST[::3]) == dict.fromkeys(reviews.KINDS, 1)
    assert {s.severity for s in TEST} == set(reviews.SEVERITIES)


def test_the_test_split_is_frozen():
    digest = hashlib.sha256(reviews.canonical(TEST).encode()).hexdigest()
    assert digest == (reviews.FOLDER / "test.sha256").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("snippet", DEV + TEST, ids=lambda s: s.id)
def test_a_function_parses_and_its_labels_fit_together(snippet):
    tree = ast.parse(snippet.code)
    assert any(isinstance(node, ast.FunctionDef) for node in ast.walk(tree))
    clean = snippet.kind == "none"
    assert clean == (snippet.severity == "none") == (not snippet.lines) == (not snippet.comment)
    lines = snippet.code.splitlines()
    assert all(1 <= n <= len(lines) and lines[n - 1].strip() for n in snippet.lines)


def test_no_function_under_review_stands_in_the_past_reviews():
    codes = {line.strip() for s in TEST + DEV for line in s.code.splitlines() if len(line.strip()) > 20}
    past = load("past reviews")
    assert len(past) >= 90 and {p.kind for p in past} == set(reviews.KINDS)
    assert not [p.id for p in past if p.code.strip() in codes]


def test_an_unknown_split_is_refused():
    with pytest.raises(CourseError, match="dev, test"):
        load("snippets", split="train")


# ---- what the notebook defines


@pytest.fixture(scope="module")
def lesson():
    """The lesson's definitions that ask no model: functions, classes and constants by name."""
    wanted = {"numbered", "is_right", "ruff_says", "tree_says", "use", "Limits", "limit_reached", "agree"}
    wanted |= {"CALLS", "METHODS", "NODES", "SIGNS", "not_allowed", "CHILD", "execute", "in_child"}
    space = {}
    for node in STATEMENTS:
        if isinstance(node, ast.Import) or (
            isinstance(node, ast.ImportFrom) and node.module in ("dataclasses", "ruff")
        ):
            exec(compile(ast.Module([node], []), "lesson", "exec"), space)
        names = {getattr(node, "name", "")} | {t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)}
        if names & wanted:
            exec(compile(ast.Module([node], []), "lesson", "exec"), space)
    assert wanted <= set(space)
    return space


def step(tokens=100, failed=False, **facts):
    return {"tokens": tokens, "failed": failed, "facts": facts}


@pytest.mark.parametrize(
    ("log", "name"),
    [
        ([], ""),
        ([step()] * 3, ""),
        ([step()] * 4, "steps"),
        ([step(400), step(500)], "tokens"),  # 900 are spent, and the next step reads 500 at least
        ([step(400)], ""),
        ([step(failed=True), step(failed=True)], "failures"),
        ([step(failed=True), step(), step(failed=True)], ""),
        ([step(state="sent"), step(state="sent")], ""),
        ([step(state="sent"), step(state="lost")], "contradiction"),
    ],
)
def test_each_limit_stops_under_its_own_name(lesson, log, name):
    assert lesson["limit_reached"](lesson["Limits"](steps=4, tokens=1000, failures=2), log) == name


def test_a_tool_that_fails_or_is_called_wrongly_is_told_to_the_model(lesson):
    def tool(about: str):
        raise TimeoutError("no answer")

    assert lesson["use"]({"tool": tool}, {"name": "tool", "args": {"about": "x"}}) == ("TimeoutError: no answer", True)
    assert lesson["use"]({"tool": tool}, {"name": "tool", "args": {"what": "x"}})[1]
    assert lesson["use"]({}, {"name": "tool", "args": {}}) == ("KeyError: 'tool'", True)


def test_a_review_is_right_with_the_right_kind_within_a_line(lesson):
    snippet = TEST[0]
    found = {"kind": snippet.kind, "line": snippet.lines[0] - 1}
    assert lesson["is_right"](found, snippet)
    assert not lesson["is_right"](found | {"line": snippet.lines[0] - 2}, snippet)
    assert not lesson["is_right"](found | {"kind": "style"}, snippet) and not lesson["is_right"](None, snippet)


def test_the_tools_read_code_and_never_run_it(lesson, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "def f(seen=[]):\n    open('made', 'w').write('x')\n    for x in seen:\n        print(x)\n"
    assert "line 1: Do not use mutable" in lesson["ruff_says"](code)
    assert "line 1: function f(seen=[])" in lesson["tree_says"](code) and "line 3: loop" in lesson["tree_says"](code)
    assert not list(tmp_path.iterdir())


ESCAPES = [
    "import os",
    "__import__('os')",
    "print(().__class__)",
    "open('x')",
    "eval('1')",
    "[print][0]('x')",
    "'{0.__class__}'.format(1)",
    "f = print.__self__",
    "class A: pass",
    "with x as y: pass",
    "async def f(): await g()",
    "print(sum.__call__)",
]


@pytest.mark.parametrize("code", ESCAPES)
def test_the_list_refuses_ways_out(lesson, code):
    assert lesson["not_allowed"](code)


@pytest.mark.skipif(sys.platform == "win32", reason="the limits of a process need Linux or macOS")
def test_the_child_process_has_limits_and_no_environment(lesson, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody")
    run_alone = lesson["in_child"]
    assert lesson["execute"]("def double(x):\n    return 2 * x\n\nprint(double(4))") == "8"
    assert "MemoryError" in run_alone("x = [0]\nwhile True:\n    x = x + x")
    assert run_alone("while True:\n    pass") == "stopped by the system: SIGXCPU"
    assert "File too large" in run_alone("open('big', 'w').write('x' * 100_000)")
    assert run_alone("import os\nprint('OPENAI_API_KEY' in os.environ, os.listdir('.'))") == "False []"
    assert lesson["execute"]("print('unfinished").startswith("refused")


# ---- the desk


def test_the_desks_of_the_examples_are_those_of_the_lesson():
    in_lesson = {ast.unparse(node) for node in STATEMENTS}
    shown = {"plain_app": {"turns", "from_handbook", "from_tool", "Desk"}}
    shown["langgraph_app"] = {"State", "sort_out", "handbook", "order", "person", "remember", "desk_graph"}
    for module, names in shown.items():
        tree = ast.parse((ROOT / "examples" / "frameworks" / f"{module}.py").read_text(encoding="utf-8"))
        found = {getattr(node, "name", ""): ast.unparse(node) for node in tree.body}
        assert names <= set(found) and not [n for n in names if found[n] not in in_lesson], module


def test_the_take_home_script_says_how_it_is_called():
    script = ROOT / "examples" / "takeaway" / "09.py"
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=os.environ | {"OPENAI_API_KEY": "x"}
    )
    assert done.returncode != 0 and "Usage" in done.stderr
