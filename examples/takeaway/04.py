"""A support bot that sorts a message and answers it, with any OpenAI-compatible provider.

pip install openai numpy scikit-learn
export OPENAI_API_KEY=...            (and OPENAI_BASE_URL, CHAT_MODEL, EMBEDDING_MODEL for another provider)
python 04.py messages.csv answers_folder "Do my points expire?"

messages.csv: lines of intent,text (at least two a kind); the intent 'escalate' goes to a person. answers_folder holds
INTENT.txt, an answer given word for word; for an intent without such a file the model answers from all of them."""

import csv
import os
import re
import sys
from pathlib import Path

import numpy as np
from openai import OpenAI
from sklearn.linear_model import LogisticRegression

CHAT = os.environ.get("CHAT_MODEL", "gpt-6-luna")
EMBED = os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")
ALARM = re.compile(r"\b(lawyer|court|police|press|hurt|burn\w*|smoke|shock|fire|human|person|manager)\b", re.I)
UNSURE, ESCALATE_AT = 0.4, 0.15
client = OpenAI()


def embed(texts):
    return np.array([row.embedding for row in client.embeddings.create(model=EMBED, input=list(texts)).data])


def train(file):
    """A head on embeddings, from lines of intent,text."""
    with open(file, encoding="utf-8", newline="") as lines:
        rows = [(row[0].strip(), row[1].strip()) for row in csv.reader(lines) if len(row) > 1]
    if len({intent for intent, _ in rows}) < 2:
        sys.exit(f"{file} needs lines of intent,text with at least two intents.")
    intents, texts = zip(*rows, strict=True)
    return LogisticRegression(C=30, max_iter=2000).fit(embed(texts), intents)


def way_out(head, text):
    """The intent of a message; 'escalate' on a word of alarm or a small chance of it, 'unsure' if no chance is high."""
    chances = dict(zip(head.classes_, head.predict_proba(embed([text]))[0], strict=True))
    if ALARM.search(text) or chances.get("escalate", 0) >= ESCALATE_AT:
        return "escalate"
    return max(chances, key=chances.get) if max(chances.values()) >= UNSURE else "unsure"


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit('Usage: python 04.py MESSAGES.csv FOLDER "MESSAGE"')
    intent, folder = way_out(train(sys.argv[1]), sys.argv[3]), Path(sys.argv[2])
    files = {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.txt"))}
    reply = "I am passing you on to a colleague." if intent == "escalate" else files.get(intent)
    if reply is None:
        rules = "Answer the customer from the text only, in one sentence. If it holds no answer, say so."
        asked = "Context:\n" + "\n\n".join(files.values()) + f"\n\nQuestion: {sys.argv[3]}"
        messages = [{"role": "system", "content": rules}, {"role": "user", "content": asked}]
        reply = client.chat.completions.create(model=CHAT, messages=messages).choices[0].message.content
    print(f"[{intent}] {reply}")
