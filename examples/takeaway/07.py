"""Translate a text file, with codes and your own terms protected, and mark what a person should read first.

pip install openai sacrebleu
export OPENAI_API_KEY=...            (and OPENAI_BASE_URL, CHAT_MODEL for another provider)
python 07.py letter.txt English Portuguese [terms.csv]        terms.csv: a line 'gift card,cartão-presente' a term"""

import csv
import os
import re
import sys
from pathlib import Path

from openai import OpenAI
from sacrebleu.metrics import CHRF

CHAT = os.environ.get("CHAT_MODEL", "gpt-6-luna")
DOUBTFUL = 60  # a chrF of the round trip below this is marked: choose yours on sentences that somebody has judged
KEEP = r"\{\{?\w+\}?\}|<[^>]+>|https?://\S+[^\s.]|[\w.]+@[\w.]+\w|\[\d+\]|#\w+|\b[A-Z]+-?\d[\w-]*\b"
client, chrf = OpenAI(), CHRF()


def ask(text, source, target):
    rules = f"Translate from {source} into {target}. Keep words such as XQ1 as they are. Give only the translation."
    messages = [{"role": "system", "content": rules}, {"role": "user", "content": text}]
    return client.chat.completions.create(model=CHAT, messages=messages).choices[0].message.content.strip()


def masked(text, terms):
    """The text with XQ1, XQ2, … for what must not be translated, and what each mask stands for."""
    masks = {}

    def hide(match):
        masks[name := f"XQ{len(masks) + 1}"] = terms.get(match[0].lower(), match[0])
        return name

    words = "".join(rf"|\b{re.escape(term)}\b" for term in sorted(terms, key=len, reverse=True))
    return re.sub(f"{KEEP}(?i:{words})" if words else KEEP, hide, text), masks


def translated(sentence, source, target, terms):
    """(translation, score of the round trip, what was lost)."""
    hidden, masks = masked(sentence, terms)
    there = ask(hidden, source, target)
    score = chrf.sentence_score(ask(there, target, source), [hidden]).score
    lost = [original for name, original in masks.items() if not re.search(rf"{name}(?!\d)", there)]
    for name, original in reversed(masks.items()):
        there = there.replace(name, original)
    return there, score, lost


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5) or not Path(sys.argv[1]).is_file():
        sys.exit("Usage: python 07.py FILE.txt FROM TO [TERMS.csv]")
    rows = csv.reader(Path(sys.argv[4]).read_text(encoding="utf-8").splitlines()) if len(sys.argv) == 5 else []
    terms = {row[0].lower(): row[1] for row in rows}
    for sentence in re.split(r"(?<=[.!?])\s+", Path(sys.argv[1]).read_text(encoding="utf-8").strip()):
        there, score, lost = translated(sentence, *sys.argv[2:4], terms)
        print("READ" if lost or score < DOUBTFUL else "    ", round(score), sentence, "->", there, *lost, sep="\t")
