"""Lesson 7: its data, its freeze, its recordings, and the bars that its figures must meet."""

import csv
import hashlib
import json
import os
import re
from pathlib import Path

import nbformat
import pytest

from course_utils import load
from course_utils.local.translation import glossary, translate_sentence, translate_text
from course_utils.settings import CourseError

DATA = Path(__file__).parent.parent / "data"
NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "07_translation.ipynb"


def frozen(path):
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("split", "test") == "test"]
    rows.sort(key=lambda row: row["id"])
    lines = [json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for row in rows]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@pytest.mark.parametrize("folder", ["translation", "language"])
def test_the_test_splits_are_as_they_were_frozen(folder):
    for line in (DATA / folder / "test.sha256").read_text(encoding="utf-8").splitlines():
        digest, name = line.split()
        assert frozen(DATA / folder / name) == digest, name


def test_the_data_are_whole():
    assert [len(load("sentences", split=s, hard=h)) for s in ("dev", "test") for h in (False, True)] == [60, 30, 60, 30]
    assert [len(load("templates", split=s)) for s in ("dev", "test")] == [10, 30]
    assert [len(load("mixed messages", split=s)) for s in ("dev", "test")] == [8, 16]
    assert len(load("bilingual tasks")) == 40 and len(load("languages")) == 150


def test_no_sentence_stands_in_both_splits():
    dev, test = ({p.en for p in load("sentences", split=s)} for s in ("dev", "test"))
    assert not dev & test and len(dev) == len(test) == 90


def test_mixed_messages_are_their_parts():
    for message in load("mixed messages"):
        assert " ".join(words for _, words in message.parts) == message.text
        assert {language for language, _ in message.parts} == {"en", "pt"}


def test_templates_hold_what_they_must_keep_and_the_terms_are_the_shops():
    terms = glossary()
    for template in load("templates"):
        assert all(part in template.en for part in template.keep)
        for english, portuguese in template.terms.items():
            assert english.lower() in template.en.lower() and terms[english.lower()][0] == portuguese


def test_the_tasks_are_lesson_fours_requests_in_its_words():
    messages = {m.id: m for m in load("messages")} | {c.id: c for c in load("calls")}
    for task in load("bilingual tasks"):
        source = messages[task.source]
        assert (task.en, task.intent) == (source.text, source.intent)
        assert re.findall(r"HL-\d+", task.pt) == re.findall(r"HL-\d+", task.en)
        assert bool(task.answers_pt) == (task.intent == "technical")


def test_judged_were_these_very_translations():
    verdicts, test = load("judgements"), load("sentences", split="test")
    assert {p.id for p in test} == set(verdicts)
    for sentence in test[::9]:
        made = translate_text(sentence.en, "en", "pt", terms={}, record=False).text
        assert verdicts[sentence.id].translation == made
    assert all(v.note for v in verdicts.values() if not v.acceptable)


def test_unprotected_the_model_gets_the_sentence_as_it_stands(monkeypatch):
    monkeypatch.setenv("COURSE_REPLIES", "auto")
    text = "Hello {first_name}, HL-1002 is here."
    bare = translate_text(text, "en", "pt", record=False, protect=False)
    assert bare.text == translate_sentence(text, "en-pt") and bare.protected == ()


def test_what_is_protected_is_kept_in_every_held_out_template(monkeypatch):
    monkeypatch.setenv("COURSE_REPLIES", "auto")
    kept = lost = 0
    for template in load("templates", split="test"):
        made = translate_text(template.en, "en", "pt", record=False)
        assert all(part in made.text for part in template.keep), made.text
        assert all(term.lower() in made.text.lower() for term in template.terms.values()), made.text
        bare = translate_text(template.en, "en", "pt", record=False, protect=False).text
        kept += sum(part in bare for part in template.keep)
        lost += sum(part not in bare for part in template.keep)
    assert lost > kept  # measured 30 of 42 lost


def outputs():
    cells = nbformat.read(NOTEBOOK, 4).cells
    found = []
    for cell in cells:
        for output in cell.get("outputs", []):
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            found.append("".join(text))
    return "\n".join(found)


def test_the_lesson_reports_its_bars():
    text = outputs()
    assert "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:" in text and "tok:13a" in text  # signatures
    assert re.search(r"codes and placeholders\s+\d+ of 42\s+42 of 42", text)
    assert re.search(r"glossary terms\s+\d+ of 31\s+31 of 31", text)
    estimate = re.search(r"^estimate\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)", text, re.MULTILINE)
    assert float(estimate[1]) >= 0.3 and float(estimate[2]) > 0.05  # it ranks, and not by luck
    perfect = re.search(r"wrong translations: guess .*, measured (\d+) of (\d+)", text)
    assert 0 < int(perfect[1]) < int(perfect[2])


def test_every_translation_of_a_sample_is_what_the_model_says_today(monkeypatch):
    """The recordings: a sample made anew on this machine."""
    monkeypatch.setenv("COURSE_REPLIES", "auto")
    for sentence in load("sentences", split="dev")[::15]:
        replayed = translate_text(sentence.en, "en", "pt", terms={}).text
        assert replayed == translate_text(sentence.en, "en", "pt", terms={}, record=False).text


@pytest.mark.parametrize("name", ["sentences", "templates", "mixed messages"])
def test_an_unknown_split_gets_one_clear_sentence(name):
    with pytest.raises(CourseError, match="There is no split 'train'. Use one of: dev, test."):
        load(name, split="train")


def test_an_unknown_judge_gets_one_clear_sentence():
    with pytest.raises(CourseError, match="There are: translator, large"):
        load("judgements", system="nano")


def test_the_take_home_script_says_how_it_is_called(tmp_path):
    import subprocess
    import sys

    script = Path(__file__).parent.parent / "examples" / "takeaway" / "07.py"
    environment = os.environ | {"OPENAI_API_KEY": "x"}
    done = subprocess.run([sys.executable, str(script), "no.txt"], capture_output=True, text=True, env=environment)
    assert done.returncode != 0 and "Usage" in done.stderr
