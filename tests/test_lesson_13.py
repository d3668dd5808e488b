"""Lesson 13: the inbox is drawn from held-out rows and frozen; its parts repeat on a sample; what the lesson promises."""

import hashlib
import importlib.util
import json
import random
from collections import Counter

import pytest

from course_utils import load
from course_utils.datasets import inbox as module
from course_utils.local.vision import examples
from course_utils.settings import DATA, ROOT, CourseError

INBOX = load("inbox")
HELD_OUT = {  # source: id -> what must stand in the row
    "questions": {q.id: (q.text, tuple(q.answers)) for q in load("questions", split="test")},
    "messages": {m.id: (m.text, (m.intent,)) for m in load("messages", split="test")},
    "bilingual tasks": {t.id: (t.pt, (t.intent,)) for t in load("bilingual tasks")},
    "calls": {c.id: (DATA / c.file, (c.intent,)) for c in load("calls")},
    "invoices": {i.id: (i.file, (i.net, i.tax, i.total)) for i in load("invoices", split="test")},
    "damage": {f"{label}/{file.name}": (file, (label,)) for file, label in examples("damage", "test")},
    "gallery": {"skerry-lamp-cracked": (DATA / "images/gallery/skerry-lamp-cracked.jpg", ("cracked",))},
}


def test_two_hundred_requests_of_all_doors_and_both_languages():
    assert len(INBOX) == len({r.id for r in INBOX}) == 200
    assert Counter(r.door for r in INBOX) == {"help": 70, "chat": 76, "phone": 20, "post": 17, "photo": 17}
    assert [r.id for r in INBOX] == [f"r-{n:03}" for n in range(1, 201)]
    assert sum(r.language == "pt" for r in INBOX if r.door == "chat") == 20
    assert len({r.door for r in INBOX[:40]}) == 5  # mixed, not door by door
    assert {r.job for r in INBOX} == {"answer", "desk", "sums", "damage"}


def test_every_row_is_a_held_out_row_of_its_lesson():
    for r in INBOX:
        source, name = r.source.split(":", 1)
        shown, answers = HELD_OUT[source][name]
        assert (r.file or r.text, r.answers) == (shown, answers), r.id
        assert r.file is None or r.file.is_file()
    assert len({r.source for r in INBOX}) == 200


def test_no_portuguese_request_stands_there_in_english_too():
    told = {t.id: t.source for t in load("bilingual tasks")}
    english = {r.source.split(":")[1] for r in INBOX if r.source.startswith("messages:")}
    portuguese = {told[r.source.split(":")[1]] for r in INBOX if r.source.startswith("bilingual")}
    assert portuguese and not english & portuguese


def test_the_inbox_is_frozen():
    digest, name = (module.FOLDER / "test.sha256").read_text(encoding="utf-8").split()
    assert hashlib.sha256((module.FOLDER / name).read_bytes()).hexdigest() == digest


def test_make_draws_the_same_inbox_again():
    spec = importlib.util.spec_from_file_location("inbox_make", module.FOLDER / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    draw = random.Random(make.SEED)
    rows = make.drawn(draw)
    draw.shuffle(rows)
    written = [json.loads(line) for line in (module.FOLDER / "inbox.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [{"id": w["id"]} | r for w, r in zip(written, rows, strict=True)] == written


def test_one_door_and_a_door_that_is_none():
    assert {r.door for r in load("inbox", door="post")} == {"post"}
    with pytest.raises(CourseError, match="There is no door 'fax'"):
        load("inbox", door="fax")


def test_the_lesson_is_scored_from_recorded_replies():
    notebook = ROOT / "notebooks" / "13_best_practices.ipynb"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    claims = [
        data["application/vnd.course.claim+json"]
        for cell in cells
        for data in (output.get("data", {}) for output in cell.get("outputs", []))
        if "application/vnd.course.claim+json" in data
    ]
    assert {"C8", "C15"} <= {claim["claim"] for claim in claims}
    assert all(claim["evidence"] != "simulated" for claim in claims if claim["claim"] in ("C8", "C15"))
