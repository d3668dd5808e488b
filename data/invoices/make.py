"""Make the invoices: 140 scans in three layouts and two languages, eight PDFs, and invoices.jsonl with the truth.

    python data/invoices/make.py

Suppliers, their VAT numbers and accounts, products and rates come from data/company/facts.yaml. Layouts A and B are in
every split; layout C is in the test split alone. Planted in the test split: wrong sums, changed accounts, duplicates.
"""

import hashlib
import io
import json
import random
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import layouts  # noqa: E402
import press  # noqa: E402

FACTS = yaml.safe_load((HERE.parent / "company" / "facts.yaml").read_text(encoding="utf-8"))
PRODUCTS = {p["sku"]: p for p in FACTS["products"]}
CENT = Decimal("0.01")
RATES = {"UK": FACTS["policies"]["invoices_vat"]["uk_rate_percent"],
         "Portugal": FACTS["policies"]["invoices_vat"]["portugal_rate_percent"]}  # fmt: skip
# where another country's supplier sends its goods, the buyer owes the tax: 0 %
NUMBERS = {"SUP-01": "NT-{y}-{n:04}", "SUP-02": "FT {y}/{n}", "SUP-03": "RE{y}{n:05}", "SUP-04": "FV/{n}/{m:02}/{y}",
           "SUP-05": "BWD-{n:06}", "SUP-06": "{n:04}"}  # fmt: skip
FOREIGN_IBANS = ["GB76HRBL20481577010345", "PT81003506519998880001210", "DE02120300000000202051"]


def invoice(rng, layout, split):
    """The truth about one invoice, as a dict of plain values; amounts are texts such as '1234.50'."""
    supplier = rng.choice(FACTS["suppliers"])
    language = "pt" if supplier["country"] == "Portugal" or rng.random() < 0.35 else "en"
    day = date(2025, 3, 3) + timedelta(days=rng.randrange(365))
    currency = "EUR" if language == "pt" or supplier["country"] in ("Germany", "Poland") else "GBP"
    key = "price_gbp" if currency == "GBP" else "price_eur"
    items = []
    for sku in sorted(rng.sample(supplier["supplies"], min(rng.randint(2, 4), len(supplier["supplies"])))):
        quantity = rng.choice([4, 6, 8, 10, 12, 15, 20, 24, 30, 36])
        price = (Decimal(str(PRODUCTS[sku][key])) * Decimal(str(rng.uniform(0.4, 0.6)))).quantize(CENT)
        items.append({"sku": sku, "text": PRODUCTS[sku]["name"], "quantity": quantity, "price": str(price),
                      "amount": str(price * quantity)})  # fmt: skip
    net = sum(Decimal(item["amount"]) for item in items)
    rate = RATES.get(supplier["country"], 0)
    tax = (net * rate / 100).quantize(CENT)
    number = NUMBERS[supplier["id"]].format(y=day.year, m=day.month, n=rng.randrange(40, 3000))
    return {
        "split": split, "layout": layout, "language": language, "supplier": supplier["name"], "number": number,
        "date": day.isoformat(), "due": (day + timedelta(days=supplier["terms_days"])).isoformat(),
        "vat": supplier["vat"], "iban": supplier["iban"], "currency": currency, "items": items, "net": str(net),
        "rate": rate, "tax": str(tax), "total": str(net + tax), "order": f"PO-{rng.randrange(3100, 4900)}",
        "grade": rng.choices((1, 2, 3), (3, 4, 3))[0], "stamp": None, "planted": None, "duplicate_of": None,
        "face": rng.choice(["book", "mono", "sans", "serif"]),
    }  # fmt: skip


def wrong_sum(row, rng):
    """A sum that does not add up: of the items, of the tax, or two digits of the total exchanged."""
    way = rng.choice(["net", "total", "amount"])
    if way == "amount":
        item = rng.choice(row["items"])
        item["amount"] = str(Decimal(item["amount"]) + rng.choice([10, -10, 100, 9, 27]))
    else:
        row[way] = str(Decimal(row[way]) + rng.choice([Decimal("0.90"), 10, 18, -9, 90, 100]))
        if way == "net":
            row["total"] = str(Decimal(row["net"]) + Decimal(row["tax"]))
    row["planted"] = "wrong sum"


def rows():
    """All invoices, train and dev and test, in a fixed order."""
    rng = random.Random(20260309)
    found = [invoice(rng, "AB"[i % 2], "train") for i in range(24)]
    found += [invoice(rng, "AB"[i % 2], "dev") for i in range(16)]
    test = [invoice(rng, "AB"[i % 2], "test") for i in range(74)] + [invoice(rng, "C", "test") for _ in range(20)]
    for row in rng.sample(test, 8):
        wrong_sum(row, rng)
    honest = [row for row in test if not row["planted"]]
    for row, iban in zip(rng.sample(honest, 3), FOREIGN_IBANS, strict=True):
        row["iban"], row["planted"] = iban, "changed account"
    for row in rng.sample(found, 4):
        wrong_sum(row, rng)
    for number, row in enumerate(found + test):
        row["id"] = f"inv-{number:03}"
        row["stamp"] = rng.choices((None, "paid", "received", "copy"), (6, 2, 1, 1))[0]
    honest = [row for row in test if not row["planted"] and row["layout"] != "C"]
    for number, row in enumerate(rng.sample(honest, 6), len(found) + len(test)):
        again = {"number": row["number"] + "-A"} if number % 3 == 0 else {}  # two of six come under another number
        test.append(row | again | {"id": f"inv-{number:03}", "duplicate_of": row["id"], "grade": rng.choice((2, 3)),
                                   "stamp": None})  # fmt: skip
    return found + test


STAMPS = {"paid": {"en": "PAID", "pt": "PAGO"}, "received": {"en": "RECEIVED", "pt": "RECEBIDO"},
          "copy": {"en": "COPY", "pt": "CÓPIA"}}  # fmt: skip


def main():
    for old in (*HERE.glob("*.jpg"), *HERE.glob("*.pdf")):
        old.unlink()
    made, addresses = rows(), {o["id"]: o["address"] for o in FACTS["offices"]}
    for row in made:
        rng = random.Random(row["id"])
        sheet = layouts.page(row, FACTS["company"], addresses)
        row["text"] = sheet.text()
        sheet.crop()
        if row["stamp"]:
            press.stamp(sheet.image, STAMPS[row["stamp"]][row["language"]], rng)
        image, quality = press.spoil(sheet.image, row["grade"], rng)
        row["file"] = f"{row['id']}.jpg"
        image.save(HERE / row["file"], quality=quality, optimize=True)
    hard(next(row for row in made if row["id"] == "inv-010"), addresses)
    made += pdfs([row for row in made if row["split"] == "dev"][:8], addresses)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in made]
    (HERE / "invoices.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")
    frozen = "".join(line for line, row in zip(lines, made, strict=True) if row["split"] == "test")
    (HERE / "test.sha256").write_text(hashlib.sha256(frozen.encode()).hexdigest() + "\n", encoding="utf-8")


def hard(row, addresses):
    """One invoice of the train split as a phone sees it from the side, and in an unusual face."""
    for name, face in (("side", row["face"]), ("face", "italic")):
        sheet = layouts.page(row | {"face": face}, FACTS["company"], addresses)
        sheet.crop()
        rng = random.Random(name)
        image = press.from_the_side(sheet.image) if name == "side" else press.spoil(sheet.image, 2, rng)[0]
        image.save(HERE / f"hard-{name}.jpg", quality=45, optimize=True)


def pdfs(chosen, addresses):
    """Four invoices as PDF with a text layer, and four as a PDF that is only a picture."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(TTFont("Page", press.FONTS / "DejaVuSans.ttf"))
    made = []
    for number, row in enumerate(chosen):
        sheet = layouts.page(row | {"face": "sans"}, FACTS["company"], addresses)
        sheet.crop()
        high = sheet.image.height
        file = HERE / f"pdf-{number}.pdf"
        canvas = Canvas(str(file), pagesize=(press.WIDTH, high), invariant=1)
        if number % 2 == 0:
            canvas.setFont("Page", 13)
            for top, left, text in sheet.cells:
                canvas.drawString(left, high - top - 13, text)
        else:
            picture = io.BytesIO()
            press.spoil(sheet.image, 2, random.Random(number))[0].save(picture, "JPEG", quality=36)
            from reportlab.lib.utils import ImageReader

            canvas.drawImage(ImageReader(picture), 0, 0, press.WIDTH, high)
        canvas.save()
        made.append(row | {"id": f"pdf-{number}", "split": "pdf", "file": file.name, "stamp": None})
    return made


if __name__ == "__main__":
    main()
