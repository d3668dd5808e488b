"""Three ways to set an invoice: A (label beside value), B (label above value, ruled table), C (other words and order)."""

from datetime import date
from decimal import Decimal

from press import MARGIN, WIDTH, Sheet

MONTHS = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split()
SHORT = "January February March April May June July August September October November December".split()
WORDS = {
    "A": {
        "en": {"title": "INVOICE", "number": "Invoice no.", "date": "Date", "due": "Due", "order": "Your order",
               "to": "Bill to", "vat": "VAT no.", "cells": ("Description", "Qty", "Unit price", "Amount"),
               "net": "Net total", "tax": "VAT {} %", "total": "Total due", "bank": "Please pay to IBAN",
               "thanks": "Goods remain ours until they are paid for."},
        "pt": {"title": "FATURA", "number": "Fatura n.º", "date": "Data", "due": "Vencimento", "order": "Encomenda",
               "to": "Cliente", "vat": "NIF", "cells": ("Descrição", "Qtd.", "Preço", "Valor"),
               "net": "Total líquido", "tax": "IVA {} %", "total": "Total a pagar", "bank": "Pagamento para o IBAN",
               "thanks": "A mercadoria é nossa até ser paga."},
    },
    "B": {
        "en": {"title": "Invoice", "number": "Invoice number", "date": "Invoice date", "due": "Payment by",
               "order": "Order", "to": "Customer", "vat": "VAT ID", "cells": ("Item", "Description", "Qty", "Price", "Total"),
               "net": "Subtotal", "tax": "VAT at {} %", "total": "Amount due", "bank": "IBAN",
               "thanks": "Thank you for your order."},
        "pt": {"title": "Fatura", "number": "Número da fatura", "date": "Data de emissão", "due": "Pagar até",
               "order": "Encomenda", "to": "Cliente", "vat": "Contribuinte",
               "cells": ("Artigo", "Descrição", "Qtd.", "Preço", "Total"),
               "net": "Subtotal", "tax": "IVA à taxa de {} %", "total": "Valor a pagar", "bank": "IBAN",
               "thanks": "Obrigado pela sua encomenda."},
    },
    "C": {
        "en": {"title": "Statement of goods supplied", "number": "Our reference", "date": "Issued", "due": "Payable until",
               "order": "Your reference", "to": "Supplied to", "vat": "Tax registration",
               "cells": ("Amount", "Units", "Each", "Goods"), "net": "Before tax", "tax": "Tax, {} %",
               "total": "To be paid", "bank": "Account", "thanks": "Queries within eight days, please."},
        "pt": {"title": "Nota de fornecimento", "number": "Nossa referência", "date": "Emitida em", "due": "A liquidar até",
               "order": "Vossa referência", "to": "Fornecido a", "vat": "Registo fiscal",
               "cells": ("Importância", "Unid.", "Cada", "Mercadoria"), "net": "Antes de imposto", "tax": "Imposto, {} %",
               "total": "A liquidar", "bank": "Conta", "thanks": "Reclamações no prazo de oito dias."},
    },
}  # fmt: skip


def money(text, language):
    """'1234.50' as 1,234.50 or, in Portuguese, 1.234,50."""
    said = f"{Decimal(text):,.2f}"
    return said if language == "en" else said.translate(str.maketrans(",.", ".,"))


def spell(iso, layout, language):
    """A date as this layout writes it."""
    day = date.fromisoformat(iso)
    if layout == "A":
        month = (SHORT if language == "en" else MONTHS)[day.month - 1]
        return f"{day.day} {month} {day.year}" if language == "en" else f"{day.day} de {month} de {day.year}"
    return f"{day:%d/%m/%Y}" if layout == "B" else f"{day:%d.%m.%Y}"


def grouped(iban):
    """An IBAN in fours."""
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))


def page(row, company, addresses):
    """The printed page of an invoice."""
    words = WORDS[row["layout"]][row["language"]]
    buyer = (company["name"], addresses["saltmere"], company["vat"])
    if row["language"] == "pt":
        branch = company["branch_portugal"]
        buyer = (branch["name"], addresses["lisbon"], "PT" + branch["nif"])
    sheet = Sheet(row["face"], 18 if row["face"] == "book" else 15)
    {"A": layout_a, "B": layout_b, "C": layout_c}[row["layout"]](sheet, row, words, buyer)
    return sheet


def layout_a(sheet, row, words, buyer):
    language, right = row["language"], WIDTH - MARGIN
    sheet.put(right, 46, words["title"], size=28, bold=True, right=True)
    top = sheet.put(MARGIN, 50, row["supplier"], size=20, bold=True)
    sheet.put(MARGIN, top, f"{words['vat']} {row['vat']}")
    top = 140
    for name in ("number", "date", "due", "order"):
        value = row[name] if name in ("number", "order") else spell(row[name], "A", language)
        sheet.put(430, top, words[name])
        top = sheet.put(560, top, value)
    left = sheet.put(MARGIN, 140, words["to"], bold=True)
    for line in (buyer[0], buyer[1].split(", ")[0], buyer[2]):
        left = sheet.put(MARGIN, left, line)
    top = max(top, left) + 40
    ends = (MARGIN, 480, 600, right)
    for at, cell in zip(ends, words["cells"], strict=True):
        sheet.put(at, top, cell, bold=True, right=at != MARGIN)
    sheet.rule(top + sheet.step)
    top += sheet.step + 8
    for item in row["items"]:
        sheet.put(MARGIN, top, f"{item['text']} {item['sku']}")
        sheet.put(480, top, str(item["quantity"]), right=True)
        sheet.put(600, top, money(item["price"], language), right=True)
        sheet.put(right, top, money(item["amount"], language), right=True)
        top += sheet.step + 4
    sheet.rule(top + 4)
    top += 16
    for name in ("net", "tax", "total"):
        sheet.put(430, top, words[name].format(row["rate"]), bold=name == "total")
        value = money(row[name], language)
        sheet.put(
            right, top, f"{row['currency']} {value}" if name == "total" else value, bold=name == "total", right=True
        )
        top += sheet.step + 2
    top = sheet.put(MARGIN, top + 50, f"{words['bank']} {grouped(row['iban'])}")
    sheet.put(MARGIN, top + 6, words["thanks"])


def layout_b(sheet, row, words, buyer):
    language, right = row["language"], WIDTH - MARGIN
    top = sheet.put(MARGIN, 44, words["title"], size=26, bold=True)
    sheet.put(right, 50, row["supplier"], bold=True, right=True)
    top = sheet.put(MARGIN, top + 12, f"{words['to']}: {buyer[0]}, {buyer[1].split(', ')[0]}")
    top = sheet.put(MARGIN, top, f"{words['vat']} {buyer[2]}") + 16
    for n, name in enumerate(("number", "date", "due", "order")):
        left = MARGIN + n * 165
        sheet.box(left, top, left + 165, top + 58)
        sheet.put(left + 8, top + 6, words[name])
        value = row[name] if name in ("number", "order") else spell(row[name], "B", language)
        sheet.put(left + 8, top + 32, value, bold=True)
    top += 90
    ends = (MARGIN + 8, 150, 500, 600, right - 8)
    sheet.box(MARGIN, top, right, top + 26)
    for at, cell in zip(ends, words["cells"], strict=True):
        sheet.put(at, top + 4, cell, right=at > 200)
    top += 26
    for item in row["items"]:
        sheet.box(MARGIN, top, right, top + 28)
        price, amount = money(item["price"], language), money(item["amount"], language)
        cells = (item["sku"], item["text"], str(item["quantity"]), price, amount)
        for at, cell in zip(ends, cells, strict=True):
            sheet.put(at, top + 5, cell, right=at > 200)
        top += 28
    top += 24
    sheet.box(400, top, right, top + 96)
    for name in ("net", "tax", "total"):
        sheet.put(412, top + 6, words[name].format(row["rate"]), bold=name == "total")
        value = money(row[name], language) + (f" {row['currency']}" if name == "total" else "")
        sheet.put(right - 10, top + 6, value, bold=name == "total", right=True)
        top += 30
    top = sheet.put(MARGIN, top + 60, words["thanks"])
    sheet.rule(top + 8)
    sheet.put(MARGIN, top + 18, f"{words['vat']} {row['vat']}")
    sheet.put(300, top + 18, f"{words['bank']} {grouped(row['iban'])}")


def layout_c(sheet, row, words, buyer):
    language, right = row["language"], WIDTH - MARGIN
    sheet.put(MARGIN, 40, row["supplier"], size=18)
    sheet.put(MARGIN, 74, words["title"], size=22, bold=True)
    sheet.put(right, 50, words["total"], right=True)
    sheet.put(right, 74, f"{money(row['total'], language)} {row['currency']}", size=22, bold=True, right=True)
    top = 130
    for name in ("number", "order", "date", "due"):
        value = row[name] if name in ("number", "order") else spell(row[name], "C", language)
        top = sheet.put(MARGIN, top, f"{words[name]}: {value}")
    top = sheet.put(MARGIN, top + 14, f"{words['to']}: {buyer[0]} ({buyer[2]})") + 20
    ends = (150, 230, 330, 380)
    for at, cell in zip(ends, words["cells"], strict=True):
        sheet.put(at, top, cell, right=at < 350)
    top += sheet.step + 6
    for item in row["items"]:
        cells = (money(item["amount"], language), str(item["quantity"]), money(item["price"], language), item["text"])
        for at, cell in zip(ends, cells, strict=True):
            sheet.put(at, top, cell, right=at < 350)
        top += sheet.step + 4
    sheet.rule(top + 2, 60, 150)
    for name in ("net", "tax"):
        top += sheet.step + 4
        sheet.put(150, top - sheet.step + 8, money(row[name], language), right=True)
        sheet.put(170, top - sheet.step + 8, words[name].format(row["rate"]))
    top = sheet.put(MARGIN, top + 70, f"{words['bank']}: {grouped(row['iban'])}")
    top = sheet.put(MARGIN, top, f"{words['vat']}: {row['vat']}")
    sheet.put(MARGIN, top + 12, words["thanks"])
