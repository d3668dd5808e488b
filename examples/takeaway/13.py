"""A small inbox, composed: a head sorts, a small model answers questions, a large one only what fails a check.

pip install openai numpy scikit-learn
export OPENAI_API_KEY=...            (and OPENAI_BASE_URL, CHAT_MODEL, LARGE_MODEL, EMBEDDING_MODEL for another provider)
python 13.py labelled.csv my_folder inbox.txt

labelled.csv: lines of desk,text; one desk is 'question'. my_folder: .txt or .md files. inbox.txt: a request a line."""

import csv
import os
import re
import sys
from pathlib import Path

import numpy as np
from openai import OpenAI
from sklearn.linear_model import LogisticRegression

SMALL, LARGE = os.environ.get("CHAT_MODEL", "gpt-6-luna"), os.environ.get("LARGE_MODEL", "gpt-6.1-sol")
EMBED = os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")
RULES = "Answer the question in a few words, copied from the text. If the text does not say, reply only: Not here."
client, tokens = OpenAI(), {SMALL: 0, LARGE: 0}


def embed(texts):
    vectors = np.array([row.embedding for row in client.embeddings.create(model=EMBED, input=list(texts)).data])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def said_by(model, question, found):
    asked = f"{RULES}\n\nContext:\n{found}\n\nQuestion: {question}"
    messages = [{"role": "user", "content": asked}]
    reply = client.chat.completions.create(model=model, messages=messages, max_tokens=60)
    tokens[model] += reply.usage.total_tokens
    return reply.choices[0].message.content.strip()


def copied(answer, found):
    plain = [" ".join(re.findall(r"\w+", text.lower())) for text in (answer, found)]
    return bool(plain[0]) and plain[0] in plain[1]


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Usage: python 13.py LABELLED.csv FOLDER INBOX.txt")
    with open(sys.argv[1], encoding="utf-8", newline="") as lines:
        desks, examples = zip(*[row[:2] for row in csv.reader(lines) if len(row) > 1], strict=True)
    files = [f.read_text(encoding="utf-8") for f in sorted(Path(sys.argv[2]).iterdir()) if f.suffix in (".txt", ".md")]
    passages = [block for text in files for block in re.split(r"\n\s*\n", text) if block.strip()]
    head, vectors = LogisticRegression(C=30, max_iter=2000).fit(embed(examples), desks), embed(passages)
    for request in Path(sys.argv[3]).read_text(encoding="utf-8").splitlines():
        vector, answer = embed([request])[0], ""
        route = head.predict([vector])[0]
        if route == "question":
            found = "\n\n".join(passages[i] for i in np.argsort(-(vectors @ vector), kind="stable")[:3])
            route, answer = "small", said_by(SMALL, request, found)
            if not copied(answer, found):
                route, answer = "large", said_by(LARGE, request, found)
        print(f"[{route}] {request} {answer}")
    print("tokens:", tokens)
