"""Make the other papers of a post bag: delivery notes, letters, credit notes, pages of contracts; papers.jsonl.

    python data/papers/make.py

Products, orders, customers and the lamp case come from data/company/facts.yaml, contracts' clauses from data/contracts.
"""

import hashlib
import json
import random
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "invoices")]
import layouts  # noqa: E402
import make as invoices  # noqa: E402
import press  # noqa: E402

FACTS = invoices.FACTS
CUSTOMERS = {c["id"]: c for c in FACTS["customers"]}
LETTERS = yaml.safe_load((HERE / "letters.yaml").read_text(encoding="utf-8"))
FACES = ["book", "mono", "sans", "serif"]
CREDIT = {"en": {"title": "CREDIT NOTE", "number": "Credit note no.", "total": "Total credited", "due": "Booked"},
          "pt": {"title": "NOTA DE CRÉDITO", "number": "Nota n.º", "total": "Total creditado", "due": "Lançada"}}  # fmt: skip


def delivery_note(order, language, rng):
    """A delivery note for one of the shop's orders."""
    words = {"en": ("Delivery note", "Order", "Deliver to", "Goods", "Pieces", "Parcels", "Received by"),
             "pt": ("Guia de remessa", "Encomenda", "Entregar a", "Mercadoria", "Peças", "Volumes",
                    "Recebido por")}[language]  # fmt: skip
    sheet, customer = press.Sheet(rng.choice(FACES), 16), CUSTOMERS[order["customer"]]
    sheet.put(50, 46, "Harbourlight", size=22, bold=True)
    number = order.get("delivery_note") or f"DN-{88000 + int(order['id'][3:]) % 1000}"
    sheet.put(710, 50, f"{words[0]} {number}", size=18, bold=True, right=True)
    sheet.put(50, 110, f"{words[1]}: {order['id']}, {order['dispatched']:%d/%m/%Y}")
    sheet.put(50, 140, f"{words[2]}: {customer['name']}, {customer['town']}")
    top = 190
    sheet.put(50, top, words[3], bold=True)
    sheet.put(700, top, words[4], bold=True, right=True)
    for item in order["items"]:
        top += 30
        sheet.put(50, top, f"{item['sku']} {invoices.PRODUCTS[item['sku']]['name']}, {item['colour']}")
        sheet.put(700, top, str(item["quantity"]), right=True)
    sheet.put(50, top + 50, f"{words[5]}: {rng.choice((1, 2, 3))}")
    sheet.put(50, top + 90, f"{words[6]}: ________________")
    return sheet, number


def credit_note(rng, layout):
    """A credit note: set like an invoice, and not to be paid."""
    row = invoices.invoice(rng, layout, "train")
    words = layouts.WORDS[layout][row["language"]]
    kept = dict(words)
    words.update(CREDIT[row["language"]])
    try:
        addresses = {o["id"]: o["address"] for o in FACTS["offices"]}
        sheet = layouts.page(row, FACTS["company"], addresses)
    finally:
        words.update(kept)
    return sheet, row["language"]


def prose(title, paragraphs, rng):
    """A letter, or a page of a contract."""
    sheet = press.Sheet(rng.choice(FACES), 15)
    top = sheet.put(50, 46, title, size=19, bold=True) + 14 if title else 50
    for paragraph in paragraphs:
        top = sheet.wrap(50, top, paragraph, 650) + 12
    return sheet


def pages():
    """All papers: (kind, split, language, sheet, code of what it is)."""
    rng = random.Random(88213)
    shipped = [o for o in FACTS["orders"] if o.get("dispatched")]
    lamp = next(o for o in shipped if o["id"] == FACTS["case_lamp"]["order"])
    others = [o for o in shipped if o is not lamp]
    for n, order in enumerate([lamp, *others[:13]]):
        language = "pt" if CUSTOMERS[order["customer"]]["country"] == "Portugal" else "en"
        sheet, code = delivery_note(order, language, rng)
        yield "delivery note", "test" if n < 6 else "train", language, sheet, code
    for n in range(14):
        sheet, language = credit_note(rng, "AB"[n % 2])
        yield "credit note", "test" if n < 6 else "train", language, sheet, None
    for n, letter in enumerate(LETTERS):
        sheet = prose("", letter["text"].strip().split("\n"), rng)
        yield "letter", "test" if n % 7 < 3 else "train", letter["language"], sheet, None
    clauses = yaml.safe_load((HERE.parent / "contracts" / "clauses.yaml").read_text(encoding="utf-8"))
    for n in range(14):
        split = "test" if n < 6 else "train"
        mine = rng.sample([c for c in clauses if c["split"] == split], 4)
        title = rng.choice(["Supply agreement", "Framework agreement", "Terms of supply", "Agreement for goods"])
        said = [f"{i}. {c['text']}".replace("[", "").replace("]", "") for i, c in enumerate(mine, 1)]
        supplier = rng.choice(FACTS["suppliers"])["name"]
        yield (
            "contract",
            split,
            "en",
            prose(title, [f"between {supplier} and {FACTS['company']['name']}", *said], rng),
            None,
        )


def main():
    for old in HERE.glob("*.jpg"):
        old.unlink()
    lines = []
    for number, (kind, split, language, sheet, code) in enumerate(pages()):
        rng = random.Random(number)
        sheet.crop()
        image, quality = press.spoil(sheet.image, 1 + number % 2, rng)
        file = f"paper-{number:02}.jpg"
        image.save(HERE / file, quality=quality, optimize=True)
        lines.append(json.dumps({"id": file[:-4], "file": file, "kind": kind, "split": split, "language": language,
                                 "code": code, "text": sheet.text()}, ensure_ascii=False) + "\n")  # fmt: skip
    (HERE / "papers.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")
    frozen = "".join(line for line in lines if json.loads(line)["split"] == "test")
    (HERE / "test.sha256").write_text(hashlib.sha256(frozen.encode()).hexdigest() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
