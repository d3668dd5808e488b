"""The ledger: what a record refuses, what a notebook keeps, what the command prints."""

import json

import nbformat
import pytest

from course_utils import metering, scoreboard
from course_utils.settings import CourseError

GOOD = dict(popular="yes", measured=0.1234567, interval=(0.05, 0.2), evidence="real", verdict="holds with conditions")


@pytest.fixture(autouse=True)
def own_meter(monkeypatch):
    monkeypatch.setattr(metering, "meter", metering.Meter())


def row(claim="C6", lesson=2, part="nDCG@10", **change):
    return (
        dict(zip(scoreboard.COLUMNS, (claim, lesson, part, "yes", 0.12, None, "real", "holds"), strict=True)) | change
    )


def notebook(path, *rows, mime=scoreboard.MIME):
    outputs = [nbformat.v4.new_output("display_data", {"text/plain": "C", mime: r}) for r in rows]
    cells = [nbformat.v4.new_markdown_cell("# A"), nbformat.v4.new_code_cell("1", outputs=outputs)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_record_is_a_line_and_data(monkeypatch, capsys):
    scoreboard.record("C6", 2, "nDCG@10", **GOOD)
    assert capsys.readouterr().out == (
        "C6: holds with conditions. Retrieval with reranking beats the LLM alone, and reranking beats retrieval alone. "
        "nDCG@10: popular yes, measured 0.123 (95 % interval 0.05 to 0.2); real.\n"
    )
    kept = {}
    monkeypatch.setattr(scoreboard, "emit", lambda page, text, **more: kept.update(more, page=page))
    scoreboard.record("C6", 2, "nDCG@10", **GOOD)
    assert kept[scoreboard.MIME] == row(measured=0.1235, interval=[0.05, 0.2], verdict="holds with conditions")
    assert list(kept[scoreboard.MIME]) == list(scoreboard.COLUMNS)


@pytest.mark.parametrize(
    ("claim", "change", "says"),
    [
        ("C17", {}, "no claim 'C17'"),
        ("c6", {}, "no claim 'c6'"),
        ("C6", {"evidence": "guessed"}, "evidence is one of"),
        ("C6", {"verdict": "maybe"}, "verdict one of"),
        ("C6", {"evidence": "simulated"}, "needs reference="),
        ("C6", {"measured": float("nan")}, "is no figure"),
        ("C6", {"measured": None}, "is a number or a short text"),
        ("C6", {"interval": (2, 1)}, "from low to high"),
    ],
)
def test_what_a_record_refuses(claim, change, says):
    with pytest.raises(CourseError, match=says):
        scoreboard.record(claim, 2, "a part", **GOOD | change)


def test_mocks_are_simulated_evidence_only(capsys):
    metering.meter.add(metering.Call("chat", "nano", 0, 1, source="mock"))
    for evidence in ("real", "arithmetic"):
        with pytest.raises(CourseError, match="a mock answered"):
            scoreboard.record("C10", 12, "retries", **GOOD | {"evidence": evidence})
    scoreboard.record("C10", 12, "retries", **GOOD | {"evidence": "simulated"}, reference="Google SRE book, 27 calls")
    assert "in this simulation (published: Google SRE book, 27 calls)" in capsys.readouterr().out
    frame = metering.meter.frame()
    real = frame.assign(source="record")
    scoreboard.record("C6", 2, "a", **GOOD, calls=real)
    with pytest.raises(CourseError, match="a mock answered"):
        scoreboard.record("C6", 2, "a", **GOOD, calls=frame)


def test_numpy_figures_become_json(monkeypatch):
    import numpy as np

    kept = {}
    monkeypatch.setattr(scoreboard, "emit", lambda page, text, **more: kept.update(more))
    change = {"measured": np.int64(12), "interval": np.array([9.0, 15.0]), "popular": np.float32(0.5)}
    scoreboard.record("C6", 2, "a", **GOOD | change)
    assert json.loads(json.dumps(kept[scoreboard.MIME]))["interval"] == [9.0, 15.0]


def test_collect_reads_notebooks_in_the_claims_order(tmp_path):
    late = notebook(tmp_path / "12_x.ipynb", row("C10", 12), row("C6", 2, "b"))
    early = notebook(tmp_path / "02_x.ipynb", row("C6", 2, "a"), row("C2", 1))
    found = scoreboard.collect([late, early])
    assert [(r["claim"], r["part"]) for r in found] == [("C2", "nDCG@10"), ("C6", "a"), ("C6", "b"), ("C10", "nDCG@10")]
    assert scoreboard.collect([notebook(tmp_path / "03.ipynb", row(), mime="application/json")]) == []


def test_collect_refuses_doubles_and_what_is_no_notebook(tmp_path):
    one, two = notebook(tmp_path / "a.ipynb", row()), notebook(tmp_path / "b.ipynb", row())
    with pytest.raises(CourseError, match="stands in a.ipynb and again in b.ipynb"):
        scoreboard.collect([one, two])
    for text in ("", "[]", json.dumps({"cells": [{"outputs": [{"data": {scoreboard.MIME: {}}}]}]})):
        (tmp_path / "c.ipynb").write_text(text)
        with pytest.raises(CourseError, match="cannot be read as an executed notebook"):
            scoreboard.collect([tmp_path / "c.ipynb"])
    assert scoreboard.main([str(tmp_path / "missing.ipynb")]) == 1


def test_the_command_lists_what_is_not_measured_yet(tmp_path, capsys):
    path = str(notebook(tmp_path / "02_x.ipynb", row("C3", 1), row(interval=[0.1, 0.2])))
    assert scoreboard.main([path, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(list(r) == list(scoreboard.COLUMNS) for r in rows)
    assert {r["claim"] for r in rows} == {f"C{i}" for i in range(1, 17)}
    by = {(r["claim"], r["lesson"]): r["verdict"] for r in rows}
    assert by["C6", 2] == by["C3", 1] == "holds" and by["C3", 13] == by["C1", 1] == "not yet measured"
    assert scoreboard.main([path]) == 0
    out = capsys.readouterr().out
    assert "lesson 2, nDCG@10: holds [real]" in out and "measured 0.12 (0.1 to 0.2)" in out
    assert out.endswith("2 of 16 claims measured, 2 figures.\n")


def test_the_courses_own_notebooks_can_be_collected():
    frame = scoreboard.frame()
    assert list(frame.columns) == list(scoreboard.COLUMNS) and set(frame["claim"]) == set(scoreboard.CLAIMS)


def test_readme_holds_the_ledger_of_the_executed_notebooks():
    text = scoreboard.README.read_text(encoding="utf-8")
    written = scoreboard.in_readme(text, scoreboard.ledger(scoreboard.collect()))
    assert text == written, "README's ledger is old: python -m course_utils scoreboard --readme"
    assert all(f"| **{claim}** " in text for claim in scoreboard.CLAIMS)


def test_the_readme_command_writes_between_its_marks(tmp_path, monkeypatch, capsys):
    page = tmp_path / "README.md"
    monkeypatch.setattr(scoreboard, "README", page)
    page.write_text("above\n<!-- ledger -->\nstale\n<!-- /ledger -->\nbelow\n", encoding="utf-8")
    path = str(notebook(tmp_path / "02_x.ipynb", row("C3", 1, "a|b"), row(interval=[0.1, 0.2])))
    assert scoreboard.main([path, "--readme"]) == 0
    assert capsys.readouterr().out.startswith("README.md: ")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("above\n<!-- ledger -->\n| claim |") and text.endswith("<!-- /ledger -->\nbelow\n")
    assert "| L1 | a\\|b | yes | 0.12 | – | real | holds |" in text and "| 0.1 to 0.2 | real | holds |" in text
    assert "| L13 | – | – | – | – | – | not yet measured |" in text and "stale" not in text
    page.write_text("no marks", encoding="utf-8")
    assert scoreboard.main([path, "--readme"]) == 1
    assert "needs the lines <!-- ledger -->" in capsys.readouterr().out
