"""Lesson 12: its data, its bars in the committed outputs, its figures, and bad input."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from course_utils import load, provider
from course_utils.labplots import lab_timeline
from course_utils.settings import DATA, CourseError

ROOT = Path(__file__).parent.parent
FOLDER = DATA / "lookalikes"


def rows(split=None):
    return load("lookalikes", split=split)


def test_the_test_split_is_frozen():
    spec = importlib.util.spec_from_file_location("freeze_lookalikes", FOLDER / "freeze.py")
    freeze = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(freeze)
    assert freeze.frozen() == (FOLDER / "test.sha256").read_text(encoding="utf-8").strip()


def test_answers_stand_in_their_passages():
    passages = {p.id: f"{p.title} {p.text}" for p in load("passages")}
    for row in rows():
        flat = re.sub(r"\s+", " ", passages[row.passage]).lower()
        assert row.answer.lower() in flat, row.id


def test_groups_are_whole_and_no_question_comes_twice():
    everything = rows()
    assert len({row.text.lower() for row in everything}) == len(everything) == 335
    kinds = Counter((row.group, row.kind) for row in everything)
    assert all(
        n == {"ask": 1, "same": 3}.get(kind, 3) or (kind == "other" and n == 2) for (_, kind), n in kinds.items()
    )
    assert len({row.group for row in rows("dev")}) == len({row.group for row in rows("test")}) == 24


def test_labels_agree_with_answers():
    """Within a group 'same' has the question's answer, 'other' has another one."""
    first = {row.group: (row.answer, row.passage) for row in rows() if row.kind == "ask"}
    for row in rows():
        assert ((row.answer, row.passage) == first[row.group]) == (row.kind != "other"), row.id


def test_no_fact_is_asked_in_both_splits():
    asked = {
        split: {(row.answer, row.passage) for row in rows(split) if row.kind == "ask"} for split in ("dev", "test")
    }
    every = {split: {(row.answer, row.passage) for row in rows(split)} for split in ("dev", "test")}
    assert not asked["dev"] & every["test"] and not asked["test"] & every["dev"]


def test_requests_have_one_right_reading():
    requests = load("refund requests", n=1000)
    assert requests[:50] == load("refund requests", n=50)
    assert len({r.key for r in requests}) == len({r.order for r in requests}) == 1000
    for place, r in enumerate(requests):
        sums = re.findall(r"\d+\.\d\d", r.text)
        assert r.order in r.text and f"{r.amount:.2f}" in sums
        assert len(sums) == (2 if place % 500 == 250 else 1), r.text


@pytest.mark.parametrize(
    ("name", "options"),
    [("lookalikes", {"split": "train"}), ("refund requests", {"n": 0}), ("refund requests", {"n": 6000})],
)
def test_what_is_not_there_is_said_in_a_sentence(name, options):
    with pytest.raises(CourseError, match=r"\.$"):
        load(name, **options)


def test_timeline_tells_what_it_shows():
    columns = ["arrived", "seconds", "ended"]
    frame = pd.DataFrame(
        [(0.0, 0.2, "right"), (20.0, None, "not done"), (21.0, 9.0, "wrong"), (30.0, 0.3, "twice")], columns=columns
    )
    fig = lab_timeline({"plain": frame, "mended": frame.assign(ended="right", seconds=1.0)}, (15, 25), "Outage")
    assert fig.alt_text.startswith("Outage. plain: 1 right, 1 wrong, 1 twice, 1 not done; while the fault was on half")
    assert "the slowest 9.0 s" in fig.alt_text and "mended: 4 right" in fig.alt_text
    with pytest.raises(CourseError, match="not as lost"):
        lab_timeline({"plain": frame.assign(ended="lost")})


@pytest.fixture(scope="module")
def outputs():
    """All text that the committed lesson puts out."""
    nb = nbformat.read(ROOT / "notebooks" / "12_production.ipynb", 4)
    texts = []
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts.append(str(output.get("text", "")) + str(data.get("text/plain", "")))
    return "\n".join(texts)


def test_bar_nothing_lost_nothing_twice_and_the_best_above_995(outputs):
    """1,000 jobs, a fifth of the calls failing, a minute's outage, ten killed workers."""
    done, dead = map(int, re.search(r"'queued': 0, 'running': 0, 'done': (\d+), 'dead': (\d+)", outputs).groups())
    assert done + dead == 1000 and f"{done} effects for {done} keys" in outputs
    right, wrong = map(int, re.search(r"(\d+) paid rightly, (\d+) wrongly", outputs).groups())
    assert right / 1000 >= 0.995 and wrong == 0


def test_bar_the_storm_is_27_and_prolongs_the_outage(outputs):
    assert re.search(r"calls: guess –, measured 27\b", outputs)
    table = {
        m[1].strip(): m[2]
        for m in re.finditer(r"^\d? *(asked once|3 tries, jitter|3 tries, budget|3 tries) +(\S+) +\d+%", outputs, re.M)
    }
    assert table["3 tries"] == table["3 tries, jitter"] == "never"
    assert float(table["asked once"]) <= 60 and float(table["3 tries, budget"]) <= 60


def test_bar_each_failure_shows_and_is_mended(outputs):
    for name, least in {"outage": 30, "too many": 20, "slow": 5, "poison": 50, "crash": 5, "deploy": 50}.items():
        assert int(re.search(rf"{name}: guess –, measured (\d+)", outputs)[1]) >= least, name


def test_benchmark_repeats_the_bar_for_every_strategy():
    """2,000 jobs each: none lost, none twice, the service at least 99.5 % right and nothing wrong."""
    stored = json.loads((DATA / "measurements" / "production.json").read_text(encoding="utf-8"))["strategies"]
    assert len(stored) == 9 and all(row["jobs"] == 2000 for row in stored.values())
    assert all(row["lost"] == row["twice"] == 0 for row in stored.values())
    assert stored["service"]["right"] >= 0.995 * 2000 and stored["service"]["wrong"] == 0


def test_take_home_goes_on_where_it_was_and_replays_dead_letters(tmp_path):
    """First the provider is not there, so all questions become dead letters; replayed, they are answered, each once."""
    (tmp_path / "jobs.txt").write_text("What is the cat called?\nWho feeds the cat?\n", encoding="utf-8")
    (tmp_path / "note.txt").write_text("The cat is called Binnacle. Anna feeds the cat.", encoding="utf-8")

    def go(url, *more):
        environment = os.environ | {
            "OPENAI_BASE_URL": url,
            "OPENAI_API_KEY": "x",
            "CHAT_MODEL": "small",
            "FALLBACK_MODEL": "large",
        }
        command = [sys.executable, str(ROOT / "examples" / "takeaway" / "12.py"), "jobs.txt", "note.txt", *more]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with provider.mock(), provider.serve() as served:
        assert go(served.url + "/v0").count("[dead]") == 2
        assert go(served.url + "/v1") == ""
        assert go(served.url + "/v1", "replay").count("[done]") == 2
        assert go(served.url + "/v1", "replay") == ""
