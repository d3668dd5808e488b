"""Lesson 3: its documents are what the datasheets say, frozen, and agree with the facts; its bars hold on what is shown."""

import hashlib
import json
import re
from decimal import Decimal
from pathlib import Path

import nbformat
import pytest
from stdnum import iban
from stdnum.eu import vat as eu_vat
from stdnum.gb import vat as gb_vat

from course_utils import load, pageplots
from course_utils.local.reading import error_rate, read_page
from course_utils.settings import DATA, CourseError

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "03_documents.ipynb"
INVOICES = load("invoices")
FACTS = load("company")


def shown() -> str:
    """All that the executed notebook shows as plain text."""
    cells = nbformat.read(NOTEBOOK, 4).cells
    outputs = [o for cell in cells for o in cell.get("outputs", [])]
    return "\n".join("".join(o.get("text", "") or o.get("data", {}).get("text/plain", "")) for o in outputs)


# ---- data


@pytest.mark.parametrize(
    ("folder", "file"), [("invoices", "invoices.jsonl"), ("papers", "papers.jsonl"), ("hearing", "reports.jsonl")]
)
def test_the_test_split_is_frozen(folder, file):
    lines = (DATA / folder / file).read_text(encoding="utf-8").splitlines(keepends=True)
    frozen = "".join(line for line in lines if json.loads(line)["split"] == "test")
    assert hashlib.sha256(frozen.encode()).hexdigest() == (DATA / folder / "test.sha256").read_text("utf-8").strip()


def test_the_clauses_are_frozen_and_share_no_sentence():
    import yaml

    rows = yaml.safe_load((DATA / "contracts" / "clauses.yaml").read_text(encoding="utf-8"))
    test = [row for row in rows if row["split"] == "test"]
    digest = hashlib.sha256(json.dumps(test, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    assert digest == (DATA / "contracts" / "test.sha256").read_text(encoding="utf-8").strip()
    assert not {c.text for c in load("clauses", split="test")} & {c.text for c in load("clauses", split="train")}
    assert all(words in c.text for c in load("clauses", split="test") for words, _ in c.entities)


def test_invoices_come_from_the_facts():
    suppliers = {s["name"]: s for s in FACTS["suppliers"]}
    names = {p["sku"]: p["name"] for p in FACTS["products"]}
    for invoice in INVOICES:
        supplier = suppliers[invoice.supplier]
        assert invoice.vat == supplier["vat"]
        assert (invoice.iban == supplier["iban"]) == (invoice.planted != "changed account")
        assert all(item.sku in supplier["supplies"] and names[item.sku] == item.text for item in invoice.items)
        assert iban.is_valid(invoice.iban, check_country=False)
        assert (gb_vat if invoice.vat.startswith("GB") else eu_vat).is_valid(invoice.vat)


def test_sums_hold_unless_a_wrong_one_was_planted():
    for invoice in INVOICES:
        net, tax, total = (Decimal(getattr(invoice, name)) for name in ("net", "tax", "total"))
        lines = [(Decimal(i.price) * i.quantity, Decimal(i.amount)) for i in invoice.items]
        rate = (net * invoice.rate / 100).quantize(Decimal("0.01"))
        holds = sum(amount for _, amount in lines) == net and net + tax == total and tax == rate
        assert (holds and all(a == b for a, b in lines)) == (invoice.planted != "wrong sum"), invoice.id


def test_the_third_layout_and_the_traps_are_where_the_datasheet_says():
    assert {i.split for i in INVOICES if i.layout == "C"} == {"test"}
    test = [i for i in INVOICES if i.split == "test"]
    assert len(test) == 100 and sum(i.layout == "C" for i in test) == 20
    assert sum(i.planted == "wrong sum" for i in test) == 8 and sum(i.planted == "changed account" for i in test) == 3
    originals = {i.id: i for i in test}
    twice = [i for i in test if i.duplicate_of]
    assert len(twice) == 6 and all(originals[i.duplicate_of].total == i.total for i in twice)
    assert sum(i.number != originals[i.duplicate_of].number for i in twice) == 2
    assert {i.language for i in test} == {"en", "pt"} and {i.grade for i in test} == {1, 2, 3}


def test_four_pdfs_have_a_text_layer_and_four_are_pictures():
    from pypdf import PdfReader

    found = {i.file.name: PdfReader(i.file).pages[0] for i in INVOICES if i.split == "pdf"}
    with_text = [name for name, page in found.items() if len(page.extract_text()) > 20]
    assert len(found) == 8 and len(with_text) == 4
    assert all(len(page.images) == 1 for name, page in found.items() if name not in with_text)
    for invoice in INVOICES:
        if invoice.file.name in with_text:
            assert invoice.number in found[invoice.file.name].extract_text()


def test_scans_say_what_their_truth_says():
    """A sample of good scans: what OCR read of the picture is the printed text, but for some letters and their order."""
    for invoice in [i for i in INVOICES if i.split == "test" and i.grade == 1 and not i.stamp][:3]:
        assert error_rate(invoice.text, read_page(invoice.file).text) < 0.2


def test_the_lamp_is_on_the_first_delivery_note():
    note = load("papers")[0]
    assert note.code == FACTS["case_lamp"]["delivery_note"] and FACTS["case_lamp"]["sku"] in note.text


def test_hearing_reports_follow_the_clinic_s_rules():
    limit = FACTS["clinic"]["hearing"]["urgent_db"]
    for report in load("hearing"):
        apart = [abs(a - b) >= limit for a, b in zip(report.right, report.left, strict=True)]
        one_sided = any(a and b for a, b in zip(apart, apart[1:], strict=False))
        assert (report.urgency == "urgent") == (one_sided or report.alarm)
    notes = {split: {r.comment for r in load("hearing", split=split)} for split in ("train", "test")}
    assert not notes["train"] & notes["test"]


# ---- bad input


@pytest.mark.parametrize("name", ["invoices", "papers", "hearing", "clauses"])
def test_an_unknown_split_is_one_sentence(name):
    with pytest.raises(CourseError, match="There is no split 'final'"):
        load(name, split="final")


def test_a_page_needs_words_for_who_cannot_see_it():
    with pytest.raises(CourseError, match="alt"):
        pageplots.page(INVOICES[0].file)
    figure = pageplots.page(INVOICES[0].file, [(10, 10, 90, 40)], ["number"], alt="An invoice.")
    assert figure.alt_text == "An invoice. 1 boxes are drawn on it. Marked: number."


def test_errors_left_fall_to_none_and_need_as_many_truths_as_scores():
    points = pageplots.left_over([0.9, 0.1, 0.5], [False, True, True])
    assert points == [(0.0, 2), (1 / 3, 1), (2 / 3, 0), (1.0, 0)]
    with pytest.raises(CourseError, match="score and a truth"):
        pageplots.left_over([1], [])
    with pytest.raises(CourseError, match="pair of labels"):
        pageplots.confusion([], [])


def test_a_confusion_matrix_says_its_errors_in_words():
    figure = pageplots.confusion(["a", "a", "b"], ["a", "b", "b"], title="Kinds")
    assert figure.alt_text == "Kinds. 2 of 3 right. 1 true a said to be b."


# ---- bars, on what the committed notebook shows


def number(pattern: str) -> float:
    found = re.search(pattern, shown())
    assert found, f"the notebook does not show {pattern!r}"
    return float(found[1])


def test_the_rules_reach_95_on_known_layouts():
    assert number(r"known, A and B\s+rules\s+80\s+(\d\.\d+)") >= 0.95


def test_no_wrong_sum_passes_in_silence_and_all_traps_are_caught():
    assert number(r"of them in a sum: (\d+)") == 0
    assert "'wrong sum': '8 of 8', 'changed account': '3 of 3', 'duplicate': '6 of 6'" in shown()


def test_the_sum_check_finds_more_wrong_amounts_than_confidence():
    found = re.search(r"\{'sums': (\d+), 'confidence': (\d+)\}", shown())
    assert int(found[1]) > int(found[2])
