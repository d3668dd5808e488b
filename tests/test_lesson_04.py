"""Lesson 4: its data, the bars of its bot without a language model, its tools' checks, and bad input."""

import hashlib
import importlib.util
import json
import re
from collections import Counter

import nbformat
import pytest
import yaml

from course_utils import load, run
from course_utils.datasets import desk
from course_utils.local.audio import read
from course_utils.local.speaking_time import speaking_seconds, spoken
from course_utils.metering import meter
from course_utils.settings import DATA, ROOT, CourseError
from figures import in_facts, in_text

FACTS = load("company")
ORDERS = {order["id"]: order for order in FACTS["orders"]}


@pytest.fixture(scope="module")
def support():
    from course_utils.shown import support

    return support


# ---- the data


def test_held_out_data_is_what_was_frozen():
    def digest(rows):
        return hashlib.sha256(desk.canonical(rows).encode()).hexdigest()

    def rows(name):
        return yaml.safe_load((DATA / "support" / name).read_text(encoding="utf-8"))

    messages = [vars(m) for m in load("messages")]
    assert desk.frozen() == {
        "messages.csv: test and shifted": digest([m for m in messages if m["split"] in ("test", "shifted")]),
        "messages.csv: fresh": digest([m for m in messages if m["split"] == "fresh"]),
        "conversations.yaml": digest(rows("conversations.yaml")),
        "calls.yaml": digest(rows("calls.yaml")),
    }


def test_messages_are_enough_different_and_of_known_needs():
    messages = load("messages")
    assert len({m.text.lower() for m in messages}) == len({m.id for m in messages}) == len(messages)
    known = {m.need: m.intent for m in messages if m.split == "train"}
    assert len(known) == 40 and set(known.values()) == set(desk.INTENTS)
    count = Counter((m.split, m.intent) for m in messages)
    assert sum(n for (split, _), n in count.items() if split == "test") == 150 and count["test", "out_of_scope"] == 30
    for m in messages:
        assert m.split == "shifted" or known[m.need] == m.intent
        assert m.split != "shifted" or m.need not in known
    assert count["fresh", "escalate"] == len(load("messages", split="fresh")) == 24


def test_probes_ask_for_what_stands_in_one_turn_only():
    conversations = load("conversations")
    assert len(conversations) == 24
    for c in conversations:
        assert len(c.turns) == 9 and len(c.probes) == 2
        for probe in c.probes:
            turns = [" ".join(turn).lower() for turn in c.turns]
            held = [
                n
                for n, text in enumerate(turns, 1)
                if any(re.search(rf"\b{re.escape(a.lower())}\b", text) for a in probe.answers)
            ]
            assert held == [probe.told], (c.id, probe)


def test_frequent_answers_say_what_the_facts_say():
    known = in_facts(FACTS)
    bare = {figure[1] for figure in known if figure[0] in ("number", "quantity")}
    answers = load("frequent answers")
    assert set(answers) == {m.need for m in load("messages", split="train") if m.intent == "faq"}
    for need, text in answers.items():
        for figure in in_text(text):
            assert figure in known or figure[1] in bare, (need, figure)


def test_the_shop_is_made_from_the_facts_and_new_at_each_call():
    spec = importlib.util.spec_from_file_location("make_support", DATA / "support" / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    assert make.shop_sql(FACTS) == (DATA / "support" / "shop.sql").read_text(encoding="utf-8")
    shop = load("shop")
    shop.execute("DELETE FROM orders")
    assert load("shop").execute("SELECT count(*) FROM orders").fetchone() == (len(ORDERS),)


def test_calls_are_recorded_and_about_orders_of_the_caller():
    calls = load("calls")
    assert len(calls) == 30 and len({c.text for c in calls}) == 30
    assert sum(file.stat().st_size for file in (DATA / "support").rglob("*") if file.is_file()) < 6 * 2**20
    for c in calls:
        samples, _ = read(DATA / c.file)
        assert 1 < len(samples) / 16_000 < 10 and (DATA / c.file).read_bytes()[:4] == b"fLaC"
        if c.intent == "billing":
            assert ORDERS[c.order]["customer"] == c.customer and c.order in c.text and c.tool
        assert (c.intent == "faq") == bool(c.faq) and (c.intent in ("faq", "technical")) == bool(c.answers)


def test_bad_names_are_answered_in_one_sentence():
    with pytest.raises(CourseError, match="There is no split 'final'"):
        load("messages", split="final")
    with pytest.raises(CourseError, match="does not take split"):
        load("calls", split="test")


# ---- sorting


def test_intents_are_right_on_held_out_messages_and_emergencies_reach_a_person(support):
    test = load("messages", split="test")
    heads = [support.read_intent(m.text)[0] == m.intent for m in test]
    ways = [support.way_out(m.text)[0] for m in test]
    right = sum(way == m.intent for way, m in zip(ways, test, strict=True))
    assert sum(heads) >= 0.9 * len(test) and right >= 0.9 * len(test)
    assert all(way == "escalate" for way, m in zip(ways, test, strict=True) if m.intent == "escalate")
    fresh = [support.way_out(m.text)[0] for m in load("messages", split="fresh")]
    assert fresh.count("escalate") >= 23


@pytest.mark.parametrize("text", ["?", "x" * 3000, "😀😀", "SELECT * FROM orders; --", "Onde está a minha encomenda?"])
def test_any_text_takes_one_of_the_ways(support, text):
    intent, need = support.way_out(text)
    assert intent in desk.INTENTS and need in support.intent_of


def test_an_upset_customer_gets_a_person_the_second_time(support):
    settings = support.session(load("shop"), "C-1009", "upset twice")
    texts = [
        "I have got the wrong colour, this is terrible.",
        "What a disappointing, useless answer. My parcel is still wrong.",
    ]
    assert all(support.is_angry(text) for text in texts)
    assert support.way_out(texts[1], upset_before=True)[0] == "escalate"
    run(support.bot.ainvoke({"text": "Are returns free of charge?"}, settings))
    state = support.bot.get_state(settings).values
    assert list(state["said"][0]) == ["customer", "Are returns free of charge?"] and state["upset"] is False


def test_frequent_questions_and_strange_ones_need_no_language_model(support):
    settings = support.session(load("shop"), "C-1001", "no model")
    for text, reply in (
        ("How long is a gift card valid?", load("frequent answers")["gift_cards"]),
        ("Who painted the Mona Lisa?", support.NOT_OURS),
        ("The plug is smoking!", support.HANDED_OVER),
    ):
        assert run(support.bot.ainvoke({"text": text}, settings))["reply"] == reply
        assert {call.operation for call in meter.calls} == {"embedding"}


# ---- tools


def contents(shop):
    return "\n".join(shop.iterdump())


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("refund", {"order": "HL-20395", "amount": 10.0}, "HL-20395 is not one of your orders."),
        ("refund", {"order": "HL-99999", "amount": 10.0}, "There is no order HL-99999."),
        ("refund", {"order": "HL-20404", "amount": -1.0}, "must be above 0 and at most 148.00 GBP"),
        ("refund", {"order": "HL-20404", "amount": 0}, "must be above 0"),
        ("refund", {"order": "HL-20404", "amount": 148.01}, "at most 148.00"),
        ("refund", {"order": "HL-20404", "amount": float("nan")}, "must be above 0"),
        ("refund", {"order": "HL-20404' OR '1'='1", "amount": 10.0}, "There is no order"),
        ("cancel_order", {"order": "HL-20404"}, "cannot be cancelled: delivered"),
        ("cancel_order", {"order": "HL-20471"}, "not one of your orders"),
        ("report_damage", {"order": "HL-20471", "what": "x"}, "not one of your orders"),
        ("order_status", {"order": "HL-20471"}, "not one of your orders"),
        ("pass_on", {"order": "HL-20471", "wish": "x"}, "not one of your orders"),
    ],
)
def test_a_tool_refuses_with_its_reason_and_changes_nothing(support, name, arguments, reason):
    shop = load("shop")
    before = contents(shop)
    reply = support.act(shop, "C-1002", {"name": name, "args": arguments})
    assert reply.startswith("I cannot do that.") and reason in reply and contents(shop) == before


def test_a_refund_is_booked_once_and_large_ones_not_at_all(support):
    shop = load("shop")
    call = {"name": "refund", "args": {"order": "HL-20404", "amount": 74.0}}
    assert "74.00 GBP for HL-20404 is booked" in support.act(shop, "C-1002", call)
    before = contents(shop)
    assert "booked already" in support.act(shop, "C-1002", call) and contents(shop) == before
    large = {"name": "refund", "args": {"order": "HL-20331", "amount": 1150.0}}
    assert "needs a colleague" in support.act(shop, "C-1003", large) and contents(shop) == before
    assert shop.execute("SELECT order_id, amount FROM refunds").fetchall() == [("HL-20404", 74.0)]


@pytest.mark.parametrize(
    "call", [{"name": "", "args": {}}, {"name": "refund", "args": {}}, {"name": "drop", "args": {"order": 1}}]
)
def test_a_call_that_is_none_changes_nothing(support, call):
    shop = load("shop")
    before = contents(shop)
    assert "A colleague will answer" in support.act(shop, "C-1002", call) and contents(shop) == before


def test_an_open_order_is_cancelled_and_damage_is_taken_down(support):
    shop = load("shop")
    assert "is cancelled" in support.act(shop, "C-1003", {"name": "cancel_order", "args": {"order": "HL-20471"}})
    assert shop.execute("SELECT status FROM orders WHERE id = 'HL-20471'").fetchone() == ("cancelled",)
    damage = {"name": "report_damage", "args": {"order": "HL-20417", "what": "cracked base"}}
    assert "is reported" in support.act(shop, "C-1001", damage)
    assert shop.execute("SELECT * FROM damages").fetchall() == [("HL-20417", "cracked base")]


# ---- the voice


def test_speaking_takes_the_catalogue_s_time_and_silence_is_refused():
    text = load("frequent answers")["gift_cards"]
    seconds = run(spoken(text))
    assert seconds == speaking_seconds(text) and 5 < seconds < 15
    call = meter.calls[-1]
    assert call.operation == "text-to-speech" and call.duration == pytest.approx(0.32 + 0.54 * seconds)
    with pytest.raises(CourseError, match="nothing to say"):
        speaking_seconds("   ")


# ---- what the lesson recorded


def test_the_lesson_measures_its_claims():
    nb = nbformat.read(ROOT / "notebooks" / "04_conversation.ipynb", 4)
    mime = "application/vnd.course.claim+json"
    rows = [o["data"][mime] for c in nb.cells for o in c.get("outputs", []) if mime in o.get("data", {})]
    assert {row["claim"] for row in rows} == {"C5", "C7", "C16"} and all(row["lesson"] == 4 for row in rows)
    assert json.dumps(rows)
