"""Harbourlight's facts agree with themselves, and handbook and questions agree with the facts."""

import datetime
import hashlib
import itertools
import json
import re
from collections import Counter
from decimal import Decimal

import pytest
from stdnum import iban
from stdnum.de import vat as german_vat
from stdnum.gb import vat as british_vat
from stdnum.pl import nip
from stdnum.pt import nif

from claims import CLAIMS
from course_utils import load
from course_utils.datasets import handbook, questions
from course_utils.settings import DATA, CourseError
from figures import in_facts, in_text

FACTS = load("company")
DOCUMENTS = load("handbook")
TEXTS = {document.id: document.text for document in DOCUMENTS}
PASSAGES = {passage.id: passage for passage in load("passages")}
QUESTIONS = load("questions")
PRODUCTS = {product["sku"]: product for product in FACTS["products"]}
SKU = re.compile(r"\b[A-Z]{3}-\d{4}\b")


def walk(node):
    """All scalars of the facts."""
    if isinstance(node, dict):
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)
    else:
        yield node


# ---- the facts


def test_ids_are_unique_and_products_that_are_named_exist():
    for table in ("products", "orders", "customers", "flats", "suppliers", "videos"):
        ids = [row["sku" if table == "products" else "id"] for row in FACTS[table]]
        assert len(ids) == len(set(ids)), table
    named = {sku for value in walk(FACTS) if isinstance(value, str) for sku in SKU.findall(value)}
    named |= {sku for document in DOCUMENTS for sku in SKU.findall(document.text)}
    assert named <= set(PRODUCTS), named - set(PRODUCTS)
    assert set(FACTS["device_codes"]) <= set(PRODUCTS)
    assert len(PRODUCTS) >= 40 and len(FACTS["orders"]) == 30 and len(FACTS["flats"]) == 8


def test_orders_add_up_and_their_dates_follow_each_other():
    customers = {customer["id"]: customer for customer in FACTS["customers"]}
    for order in FACTS["orders"]:
        currency = "GBP" if customers[order["customer"]]["country"] == "UK" else "EUR"
        assert order["currency"] == currency, order["id"]
        total = Decimal(0)
        for item in order["items"]:
            product = PRODUCTS[item["sku"]]
            assert item["colour"] in product["colours"], order["id"]
            price = 0 if order["status"] == "replacement" else product[f"price_{currency.lower()}"]
            assert item["price"] == price, order["id"]
            total += item["quantity"] * Decimal(str(price))
        total += Decimal(str(order["delivery"])) - Decimal(str(order.get("discount", 0)))
        assert total == Decimal(str(order["total"])), order["id"]
        dates = [order[step] for step in ("placed", "dispatched", "delivered") if step in order]
        assert dates == sorted(dates) and dates[-1] <= FACTS["calendar"]["today"], order["id"]


def test_bank_accounts_and_tax_numbers_have_valid_checksums():
    checks = {"UK": british_vat, "Portugal": nif, "Germany": german_vat, "Poland": nip}
    for supplier in FACTS["suppliers"]:
        assert iban.is_valid(supplier["iban"]), supplier["name"]
        assert checks[supplier["country"]].is_valid(supplier["vat"]), supplier["name"]
    company = FACTS["company"]
    assert iban.is_valid(company["iban"]) and british_vat.is_valid(company["vat"])
    assert iban.is_valid(company["branch_portugal"]["iban"]) and nif.is_valid(company["branch_portugal"]["nif"])


def test_the_case_of_the_cracked_lamp_agrees_with_its_order_and_the_policies():
    case, damaged = FACTS["case_lamp"], FACTS["policies"]["damaged_2026"]
    orders = {order["id"]: order for order in FACTS["orders"]}
    order, replacement = orders[case["order"]], orders[case["replacement_order"]]
    assert order["customer"] == replacement["customer"] == case["customer"]
    for of_order, of_case in (("placed", "ordered"), ("dispatched",) * 2, ("delivered",) * 2, ("delivery_note",) * 2):
        assert order[of_order] == case[of_case]
    assert replacement["replaces"] == order["id"]
    for bought in (order, replacement):
        assert (bought["items"][0]["sku"], bought["items"][0]["colour"]) == (case["sku"], case["colour"])
    assert case["last_day_to_report"] - case["delivered"] == datetime.timedelta(damaged["report_days"])
    assert case["carrier_claim_until"] - case["delivered"] == datetime.timedelta(damaged["carrier_claim_days"])
    assert case["delivered"] <= case["reported"] <= case["last_day_to_report"]
    assert FACTS["calendar"]["today"].strftime("%A") == "Monday"


def test_derived_figures_are_what_their_parts_give():
    rug, case = FACTS["case_rug"], next(o for o in FACTS["orders"] if o["id"] == FACTS["case_rug"]["order"])
    price = PRODUCTS[rug["sku"]]["price_gbp"]
    assert case["items"][0]["sku"] == rug["sku"]
    assert round(price * rug["part_refund_percent"] / 100, 2) == rug["part_refund_gbp"]
    late = FACTS["case_warranty"]
    assert (late["called"] - late["delivered"]).days == 7 * late["weeks_after_delivery"]
    difference = PRODUCTS["RUG-3005"]["price_gbp"] - PRODUCTS["RUG-3006"]["price_gbp"]
    assert FACTS["care"]["rug_rules"]["dunes_price_difference_gbp"] == difference
    for flat in FACTS["flats"]:
        assert set(flat["furnished_with"]) <= set(PRODUCTS), flat["id"]


# ---- the handbook against the facts


def test_every_figure_in_the_handbook_stands_in_the_facts():
    """With its unit. Allowed: the numbers of a list's items, and number words without a unit ('six chairs')."""
    known = in_facts(FACTS)
    bare = {figure[1] for figure in known if figure[0] in ("number", "quantity")}
    for document in DOCUMENTS:
        for figure in in_text(re.sub(r"(?m)^\d\. ", "", document.text)):
            assert figure in known or (figure[0] == "number" and figure[1] in bare), (document.id, figure)


@pytest.mark.parametrize(
    "text",
    ["a period of 46 days", "costs £64.01", "on 3 June 2026", "see E-49", "HL-29999", "twelve weeks", "at 07:15",
     "GB92HRBL20481500318463", "lost@harbourlight.example", "up to 37 %", "takes 2 to 19 working days", "some 12345"],
)  # fmt: skip
def test_a_figure_that_is_not_in_the_facts_is_noticed(text):
    known = in_facts(FACTS)
    bare = {figure[1] for figure in known if figure[0] in ("number", "quantity")}
    unknown = {f for f in in_text(text) if f not in known and not (f[0] == "number" and f[1] in bare)}
    assert len(unknown) == 1


def written(value) -> str:
    """A fact as the handbook writes it."""
    if isinstance(value, datetime.date):
        return f"{value.day} {value:%B} {value.year}"
    if isinstance(value, list):
        return " to ".join(map(written, value))
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def fact(path: str):
    node = FACTS
    for part in path.split("."):
        node = node[part]
    return node


@pytest.mark.parametrize(("document", "sentence"), CLAIMS)
def test_the_handbook_says_what_the_facts_say(document, sentence):
    expected = re.sub(r"\{([\w.]+)\}", lambda match: written(fact(match[1])), sentence)
    assert expected in TEXTS[document]


def test_tables_of_prices_flats_suppliers_and_films_are_the_facts():
    rows = [line for document in DOCUMENTS for line in document.text.splitlines() if line.startswith("|")]
    priced = [row for row in rows if SKU.search(row) and "£" in row]
    assert len(priced) >= 8
    for row in priced:
        product = PRODUCTS[SKU.search(row)[0]]
        assert f"£{product['price_gbp']:.2f}" in row and f"€{product['price_eur']:.2f}" in row
    for flat in FACTS["flats"]:
        rent = f"£{flat['rent_gbp']:,.0f}" if "rent_gbp" in flat else f"€{flat['rent_eur']:,.0f}"
        row = next(row for row in rows if f"| {flat['id']} |" in row and "m²" in row)
        assert f"{rent} |" in row and f"{flat['area_m2']} m²" in row and f"| {flat['rooms']} |" in row
    for supplier in FACTS["suppliers"]:
        row = next(row for row in rows if f"| {supplier['id']} |" in row and "days" in row)
        assert supplier["iban"] in row and f"{supplier['terms_days']} days" in row and supplier["name"] in row
    for video in FACTS["videos"]:
        assert f"| {video['id']} | {video['title']} | {video['minutes']} min {video['seconds']} s |" in rows


def test_a_price_beside_a_product_is_that_product_s():
    """In a passage (tables apart) that names one product; other sums are listed with what they pay for."""
    others = {
        ("returns-lamps", 18.0): "a shade", ("returns-rugs", 12.0): "re-rolling", ("care-oak", 18.5): "the care kit",
        ("kettle-recall", 10.0): "a card", ("rug-sizes", 24.0): "an underlay", ("trade-accounts", 39.0): "delivery",
        ("packing-rugs-and-glass", 106.0): "the difference of two sizes", ("working-here", 2500.0): "the cap",
        ("tableware-notes", 16.5): "the towels, named without capitals",
    }  # fmt: skip
    prices: dict[str, list[float]] = {}
    for product in FACTS["products"]:
        prices.setdefault(product["name"].split()[0], []).append(product["price_gbp"])
    del prices["Harbour"]  # the curtains; also a card
    compared = 0
    for passage in PASSAGES.values():
        text = f"{passage.title}\n{passage.text}"
        named = [name for name in prices if re.search(rf"\b{name}\b", text)]
        if len(named) != 1 or "|" in text:
            continue
        for amount in re.findall(r"£(\d[\d,]*(?:\.\d+)?)", text):
            amount = float(amount.replace(",", ""))
            if (passage.document, amount) not in others:
                assert amount in prices[named[0]], (passage.id, amount)
                compared += 1
    assert compared >= 8


# ---- loaders


def test_every_document_is_reached_and_the_handbook_is_large_enough():
    files = {file.stem for file in (DATA / "handbook").glob("*.md")} - {"README"}
    assert {document.id for document in DOCUMENTS} == files
    assert len(DOCUMENTS) >= 80 and len(PASSAGES) >= 300
    assert all(document.text.startswith(f"# {document.title}\n") and document.title for document in DOCUMENTS)
    assert len({document.title for document in DOCUMENTS}) == len(DOCUMENTS)


def test_passages_keep_all_words_and_stay_within_bounds():
    for document in DOCUMENTS:
        pieces = handbook.passages(document)
        assert [piece.id for piece in pieces] == [f"{document.id}#{place}" for place in range(1, len(pieces) + 1)]
        for piece in pieces:
            assert handbook.SHORT <= len(re.findall(r"\w+", piece.text)) <= handbook.LONG, piece.id
        body = re.sub(r"(?m)^#+ ", "", document.text.split("\n", 1)[1])
        joined = set(re.findall(r"\w+", " ".join(piece.text for piece in pieces)))
        assert set(re.findall(r"\w+", body)) == joined, document.id


def test_long_paragraphs_are_divided_short_ones_joined_and_tables_kept():
    long = " ".join(f"Sentence number {place} has some words in it." for place in range(40))
    table = "| a | b |\n|---|---|\n" + "\n".join(f"| row {place} | some more words |" for place in range(40))
    text = f"# Title\n\n## One\n\n{long}\n\n## Two\n\nShort.\n\n{table}\n\nThe end."
    pieces = handbook.passages(handbook.Document("x", "Title", text, "x.md"))
    assert len(pieces) == 5 and all(len(piece.text.split()) <= handbook.LONG for piece in pieces[:4])
    assert pieces[0].text.startswith("One\nSentence number 0")
    assert "Two\nShort." in pieces[4].text and pieces[4].text.endswith("The end.") and "row 39" in pieces[4].text


def test_an_unknown_name_split_or_option_is_answered_in_one_sentence():
    with pytest.raises(CourseError, match=r"There are: .*company, .*handbook, .*questions"):
        load("handbok")
    with pytest.raises(CourseError, match="train, dev, test"):
        load("questions", split="final")
    with pytest.raises(CourseError, match="does not take split"):
        load("handbook", split="dev")


def test_the_facts_are_a_fresh_copy_at_each_call():
    load("company")["products"].clear()
    assert load("company")["products"]


# ---- questions


def test_questions_are_enough_of_each_type_in_each_split():
    count = Counter((question.split, question.type) for question in QUESTIONS)
    assert set(count) == set(itertools.product(questions.SPLITS, questions.TYPES)) and min(count.values()) >= 6
    sizes = {split: len(load("questions", split=split)) for split in questions.SPLITS}
    assert len(QUESTIONS) >= 210 and sizes["train"] >= 40 and sizes["dev"] >= 80 and sizes["test"] >= 90
    for field in ("id", "text"):
        assert len({getattr(question, field) for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_question_s_answer_stands_in_its_gold_passages(question):
    if question.type == "unanswerable":
        assert not question.answers and not question.passages
        return
    gold = [PASSAGES[passage].text for passage in question.passages]
    assert gold and any(question.answers[0] in text for text in gold)
    assert question.type != "multi-hop" or len(gold) >= 2
    assert all(len(answer) >= 2 and answer.lower() not in ("no", "yes") for answer in question.answers)


def content(text: str) -> set[str]:
    common = "what which many much long does days with that from have must than when code they this your into"
    return set(re.findall(r"[\w-]{4,}", text.lower())) - set(common.split())


def test_paraphrased_questions_avoid_their_passage_s_words():
    for question in QUESTIONS:
        if question.type == "paraphrased":
            gold = content(" ".join(PASSAGES[passage].text for passage in question.passages))
            assert len(content(question.text) & gold) <= 1, question.text


def test_no_question_crosses_splits_in_other_words():
    for one, other in itertools.combinations(QUESTIONS, 2):
        if one.split == other.split:
            continue
        mine, yours = content(one.text), content(other.text)
        assert len(mine & yours) < 0.6 * len(mine | yours), (one.text, other.text)
        same = one.passages and one.passages == other.passages and set(one.answers) & set(other.answers)
        assert not same, (one.text, other.text)


def test_the_test_split_is_frozen():
    rows = sorted((vars(question) for question in load("questions", split="test")), key=lambda row: row["id"])
    lines = [json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for row in rows]
    digest = hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()
    assert digest == (DATA / "questions" / "test.sha256").read_text(encoding="utf-8").strip()
