"""Lesson 1: its requests are frozen and well formed, its patterns short, its claims recorded, its chain measured."""

import ast
import hashlib
import json
from pathlib import Path

import nbformat
import pytest

import guards_lesson
from course_utils import load, scoreboard
from course_utils.settings import DATA, CourseError

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "01_why_multi_model.ipynb"
CELLS = nbformat.read(NOTEBOOK, 4).cells
CODE = [cell for cell in CELLS if cell.cell_type == "code"]
KINDS = ("fact", "audio", "image", "search", "label")
TYPES = ("small.invoke", "embed(", "head.predict_proba", "transcribe(", "look(", "restyle(", "rerank(")


def rows(name):
    return [json.loads(line) for line in (DATA / "tasks" / name).read_text(encoding="utf-8").splitlines()]


def test_the_test_requests_are_frozen():
    frozen = [row for row in rows("tasks.jsonl") if row["split"] == "test"] + rows("routes.jsonl")
    lines = [
        json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        for row in sorted(frozen, key=lambda row: row["id"])
    ]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert digest == (DATA / "tasks" / "test.sha256").read_text(encoding="utf-8").strip()


def test_tasks_are_of_five_kinds_and_their_files_and_pages_exist():
    pages = {document.id for document in load("handbook")}
    for split, each in (("dev", 1), ("test", 5)):
        tasks = load("tasks", split=split)
        assert [sum(task.kind == kind for task in tasks) for kind in KINDS] == [each] * 5
        for task in tasks:
            assert task.answers and bool(task.file) == (task.kind in ("audio", "image")), task.id
            assert not task.file or (DATA / task.file).is_file(), task.id
            assert task.kind != "search" or set(task.answers) <= pages, task.id
    assert len({task.text + task.file for task in load("tasks")}) == 30


def test_facts_asked_for_stand_in_the_handbook():
    text = " ".join(document.text for document in load("handbook"))
    for task in load("tasks"):
        if task.kind == "fact":
            assert any(answer in text for answer in task.answers), task.id


def test_routes_are_five_for_each_way():
    ways = [way for _, way in load("routes")]
    assert {way: ways.count(way) for way in ways} == dict.fromkeys(("small", "large", "code", "retrieval"), 5)


@pytest.mark.parametrize("name", ["tasks", "sentiment"])
def test_an_unknown_split_is_answered_in_one_sentence(name):
    with pytest.raises(CourseError, match="Use one of: .*test"):
        load(name, split="validation")


def functions():
    return {
        node.name: node
        for cell in CODE
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("pattern", ["pipeline", "router", "ensemble", "agent"])
def test_a_pattern_stands_by_hand_in_at_most_ten_lines(pattern):
    node = functions()[pattern]
    assert node.end_lineno - node.lineno + 1 <= 10


def test_the_router_has_exactly_four_ways_out():
    ways = next(
        node.value
        for cell in CODE
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "WAYS"
    )
    assert [key.value for key in ways.keys] == ["small", "large", "code", "retrieval"]


def test_the_learner_types_by_minute_4_and_all_types_answer_within_15():
    nb = nbformat.from_dict({"cells": CELLS})
    first = {}
    for index, cell in enumerate(CELLS):
        for name in (*TYPES, "my_request"):
            if cell.cell_type == "code" and name in cell.source:
                first.setdefault(name, guards_lesson.estimate(nb, index + 1).minutes)
    assert first["my_request"] <= 4
    assert set(first) == {*TYPES, "my_request"} and max(first.values()) <= 15


def test_the_loop_without_a_limit_was_stopped_on_screen():
    said = "".join(o.get("text", "") for cell in CODE for o in cell.outputs if "no_limit" in cell.source)
    assert "stopped by the budget" in said


def test_its_claims_are_recorded():
    found = {(row["claim"], row["evidence"]) for row in scoreboard.collect([NOTEBOOK])}
    assert {claim for claim, _ in found} == {"C1", "C2", "C3", "C4", "C5", "C16"}
    assert {("C4", "real"), ("C5", "real"), ("C16", "arithmetic")} <= found


def test_the_chain_was_measured_with_machine_and_date():
    chain = json.loads((DATA / "measurements" / "chain.json").read_text(encoding="utf-8"))
    assert chain["machine"] and chain["date"] and len(chain["rows"]) >= 10
    stages = ("embedding", "search", "reranking", "small", "post-processing")
    totals = [sum(row[stage] for stage in stages) for row in chain["rows"]]
    for stage in stages:
        share = sum(row[stage] for row in chain["rows"]) / sum(totals)
        assert chain["share_of_time"][stage] == pytest.approx(share, abs=1e-4)
