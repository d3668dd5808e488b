"""Lesson 3's reading of invoices: rows, rules by labels, a model's fields, and sums that must hold; as it shows them."""

import re
from datetime import date as Date
from decimal import Decimal
from itertools import product

import numpy as np
from openai import LengthFinishReasonError
from pydantic import BaseModel, Field
from rapidfuzz import fuzz
from stdnum import iban
from stdnum.eu import vat as eu_vat
from stdnum.gb import vat as gb_vat

from course_utils import chat_model, load, read_text

train = {invoice.id: invoice for invoice in load("invoices", split="train")}


class Read(BaseModel):
    number: str = Field(description="the invoice's own number")
    date: str = Field(description="the date of the invoice, not the day by which to pay")
    net: str = Field(description="sum before tax")
    tax: str = Field(description="tax")
    total: str = Field(description="sum to pay")


RULES = (
    "You read invoices in English and Portuguese. Copy each value as it is printed. net: the sum before tax. tax: the "
    "tax. total: the sum to pay. date: when the invoice was issued, not when to pay."
)


EMPTY = Read(number="", date="", net="", tax="", total="")


readers = {
    t: chat_model(t, max_tokens=120).with_structured_output(Read, method="json_schema") for t in ("small", "large")
}


async def extract(tier, messages):
    """The fields that a model reads; empty where its reply was cut off."""
    try:
        return await readers[tier].ainvoke(messages)
    except LengthFinishReasonError:
        return EMPTY


def heights(lines):
    """Each piece's height on the page, once the page is turned back by the best angle."""
    box = np.array([line.box for line in lines], float)
    x, y = box[:, [0, 2]].mean(axis=1), box[:, [1, 3]].mean(axis=1)

    def level(angle):
        return (y - np.tan(np.radians(angle)) * x).round(1)

    def neighbours(angle):
        apart = level(angle)[:, None] - level(angle)[None]
        return np.exp(-((apart / 4) ** 2)).sum().round(3)

    return x, level(max(np.arange(-35, 36) / 10, key=lambda angle: (neighbours(angle), -abs(angle))))


def rows_of(lines):
    """The pieces in rows, top to bottom and left to right."""
    x, height = heights(lines)
    rows = []
    for i in sorted(range(len(lines)), key=lambda i: (height[i], i)):
        if rows and height[i] - np.mean(height[rows[-1]]) < 9:
            rows[-1].append(i)
        else:
            rows.append([i])
    return [[lines[i] for i in sorted(row, key=lambda i: (x[i], i))] for row in rows]


def text_of(rows):
    return "\n".join("  ".join(cell.text for cell in row) for row in rows)


AMOUNT = re.compile(r"(?<![\d.,/-])\d{1,3}(?:[.,]\d{3})*[.,]\d{2}(?![\d.,/-])")


def money(text):
    """The amount in '1,234.50', '1.234,50' or 'EUR 12.00' as a Decimal, None without one."""
    if not (found := AMOUNT.search(text.strip(" .,"))):
        return None
    digits = re.sub(r"\D", "", found[0])
    return Decimal(f"{digits[:-2]}.{digits[-2:]}")


NAMES = "jan feb fev mar apr abr may mai jun jul aug ago sep set oct out nov dec dez".split()


MONTH = dict(zip(NAMES, [1, 2, 2, 3, 4, 4, 5, 5, 6, 7, 8, 8, 9, 9, 10, 10, 11, 12, 12], strict=True))


WRITTEN = re.compile(r"(\d{1,2})\s*(?:de )?([a-zç]{3,})\s*(?:de )?(\d{4})|(\d{1,2})[./-](\d{1,2})[./-](\d{4})")


def day(text):
    """The date in '14 May 2026', '14 de maio de 2026' or '14.05.2026' as '2026-05-14', None without one."""
    if not (found := WRITTEN.search(text.lower())):
        return None
    first, month, year = [part for part in found.groups() if part]
    try:
        return Date(int(year), int(month) if month.isdigit() else MONTH.get(month[:3], 0), int(first)).isoformat()
    except ValueError:
        return None


def find_account(text):
    """The first IBAN in a text whose check digits hold, or None."""
    for line in text.split("\n"):
        for found in re.finditer(r"[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9.]{1,4}){3,8}", line):
            letters = re.sub(r"[^A-Z0-9]", "", found[0])
            for end in range(len(letters), 14, -1):
                if iban.is_valid(letters[:end], check_country=False):
                    return letters[:end]
    return None


facts = load("company")


OURS = {facts["company"]["vat"], "PT" + facts["company"]["branch_portugal"]["nif"]}


VAT = re.compile(r"\b(GB|PT|DE|PL)\s?(\d{9,10})\b")


def find_vat(text):
    """The first VAT number whose check digit holds and which is not our own, or None."""
    for country, digits in VAT.findall(text):
        holds = (gb_vat if country == "GB" else eu_vat).is_valid(country + digits)
        if holds and country + digits not in OURS:
            return country + digits
    return None


LABELS = {
    "number": ["Invoice no.", "Fatura n.º", "Invoice number", "Número da fatura"],
    "date": ["Date", "Data", "Invoice date", "Data de emissão"],
    "net": ["Net total", "Total líquido", "Subtotal"],
    "tax": ["VAT", "IVA", "VAT at", "IVA à taxa de"],
    "total": ["Total due", "Total a pagar", "Amount due", "Valor a pagar"],
}


def number(text):
    return text.strip() if re.search(r"\d{3}", text) and money(text) is None else None


KINDS = {"number": number, "date": day, "net": money, "tax": money, "total": money}


def likeness(cell, label):
    a, b = (re.sub(r"[\d%:\s]", "", text.lower()) for text in (cell.text, label))
    return fuzz.ratio(a, b)


def by_label(rows, field):
    """The value beside, or else below, the label of a field; None without one."""
    found = [(likeness(cell, label), -r, cell) for r, row in enumerate(rows) for cell in row for label in LABELS[field]]
    best, place, label = max(found, key=lambda f: f[:2])
    if best < 80:
        return None
    right = [c for c in rows[-place] if c.box[0] > label.box[0]]
    below = [
        c for row in rows[1 - place : 3 - place] for c in row if c.box[0] < label.box[2] and label.box[0] < c.box[2]
    ]
    values = [KINDS[field](c.text) for c in right + below]
    return next((value for value in values if value is not None), None)


def rules(rows):
    return {field: by_label(rows, field) for field in LABELS}


def goods(row):
    """The amount of a line of goods: a row with two amounts or more, of which it is the largest. Else None."""
    found = [money(word) for cell in row for word in cell.text.split() if money(word) is not None]
    return max(found) if len(found) >= 2 else None


def carve(rows):
    """The amounts of the goods, and the text without them and without rows that hold an account or VAT number."""
    amounts, rest = [], []
    for row in rows:
        text = text_of([row])
        if (amount := goods(row)) is not None:
            amounts.append(amount)
        elif not find_account(text) and (not VAT.search(text) or money(text) is not None):
            rest.append(text)
    return amounts, "\n".join(rest)


EXAMPLES = {
    "inv-008": Read(number="0722", date="12 July 2025", net="991.87", tax="198.37", total="1,190.24"),
    "inv-005": Read(number="BWD-002376", date="06/01/2026", net="1.960,44", tax="392,09", total="2.352,53"),
}


shown = []


for name, read in EXAMPLES.items():
    shown += [("human", carve(rows_of(read_text(train[name].file).lines))[1]), ("ai", read.model_dump_json())]


def prompt(text):
    return [("system", RULES), *shown, ("human", text)]


def values(read):
    """What a model has read, as the same kinds of value that the rules give."""
    return {field: KINDS[field](getattr(read, field)) for field in LABELS}


SUMS = ("net", "tax", "total")


def agree(amounts, *reads):
    """Net, tax and total, taken from whichever reading, that hold together and with the goods; None if none do."""
    for sums in product(*[dict.fromkeys(read[name] for read in reads) for name in SUMS]):
        if None not in sums and sum(amounts) == sums[0] and sums[0] + sums[1] == sums[2]:
            return dict(zip(SUMS, sums, strict=True))
    return None
