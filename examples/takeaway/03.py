"""Read invoices (pictures, PDFs, text files), extract their sums with any OpenAI-compatible model, check them.

pip install openai pydantic rapidocr onnxruntime pypdf
export OPENAI_API_KEY=...            (and OPENAI_BASE_URL, CHAT_MODEL for another provider)
python 03.py invoice.jpg another.pdf"""

import os
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path

from openai import OpenAI
from pydantic import BaseModel, Field
from pypdf import PdfReader
from rapidocr import RapidOCR

MODEL = os.environ.get("CHAT_MODEL", "gpt-6-luna")


class Invoice(BaseModel):
    number: str = Field(description="the invoice's own number")
    date: str = Field(description="when it was issued, as YYYY-MM-DD")
    amounts: list[str] = Field(description="the amount of each line of goods, as 1234.50")
    net: str = Field(description="sum before tax, as 1234.50")
    tax: str = Field(description="tax, as 1234.50")
    total: str = Field(description="sum to pay, as 1234.50")


def text_of(file):
    """The text of a file: its own if it has any, else what OCR reads, row by row."""
    if file.suffix.lower() == ".txt":
        return file.read_text(encoding="utf-8")
    page = PdfReader(file).pages[0] if file.suffix.lower() == ".pdf" else None
    if page and len(text := page.extract_text()) > 20:
        return text
    found = RapidOCR()(page.images[0].data if page else file.read_bytes())
    pieces = zip(found.boxes, found.txts, strict=True) if found.txts else []
    return "\n".join(t for _, t in sorted(pieces, key=lambda p: (round(p[0][0][1] / 12), p[0][0][0])))


def adds_up(read):
    """Whether the lines make the net sum, and net and tax the total. What is no number does not add up."""
    try:
        net, tax, total, *amounts = map(Decimal, [read.net, read.tax, read.total, *read.amounts])
    except InvalidOperation:
        return False
    return bool(amounts) and sum(amounts) == net and net + tax == total


if __name__ == "__main__":
    if len(sys.argv) < 2 or not all(Path(name).is_file() for name in sys.argv[1:]):
        sys.exit("Usage: python 03.py FILE ..., with pictures, PDFs or text files of one page each.")
    rule = {"role": "system", "content": "Read this invoice. Copy what is printed, calculate nothing."}
    for file in map(Path, sys.argv[1:]):
        asked = [rule, {"role": "user", "content": (text := text_of(file))}]
        reply = OpenAI().chat.completions.parse(model=MODEL, messages=asked, response_format=Invoice)
        read = reply.choices[0].message.parsed
        verdict = "adds up" if adds_up(read) else "A PERSON: does not add up"
        print(f"{file.name} ({text[:50].strip()} ...)\n  {read}\n  {verdict}")
