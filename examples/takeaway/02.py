"""Ask your own text files. Retrieval-augmented generation in one file, with any OpenAI-compatible provider.

pip install openai numpy bm25s
export OPENAI_API_KEY=...            (and OPENAI_BASE_URL, CHAT_MODEL, EMBEDDING_MODEL for another provider)
python 02.py my_folder "How long do I have to return a lamp?" """

import os
import re
import sys
from pathlib import Path

import bm25s
import numpy as np
from openai import OpenAI

CHAT = os.environ.get("CHAT_MODEL", "gpt-6-luna")
EMBED = os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")
RULES = (
    "Answer the question from the passages in one short sentence, and end with the number of the passage you used, "
    "like [2]. If no passage answers it, reply only: Not in these files."
)
client = OpenAI()


def passages(folder):
    """Paragraphs of all .txt and .md files, each with its file's name."""
    for file in sorted(f for f in Path(folder).rglob("*") if f.suffix in (".txt", ".md")):
        for block in re.split(r"\n\s*\n", file.read_text(encoding="utf-8")):
            if len(block.split()) > 5:
                yield f"{file.name}: {block.strip()}"


def embed(texts):
    vectors = np.array([row.embedding for row in client.embeddings.create(model=EMBED, input=texts).data])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def ranks(scores):
    return np.argsort(np.argsort(-scores, kind="stable"), kind="stable")  # 0 for the best score


def search(question, texts, top_k=3):
    """The best passages by meaning and by words, their ranks fused."""
    by_meaning = embed(texts) @ embed([question])[0]
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)
    by_words = index.get_scores(bm25s.tokenize([question], return_ids=False, show_progress=False)[0])
    fused = 1 / (60 + ranks(by_meaning)) + 1 / (60 + ranks(by_words))
    return [texts[i] for i in np.argsort(-fused, kind="stable")[:top_k]]


if __name__ == "__main__":
    if len(sys.argv) != 3 or not (texts := list(passages(sys.argv[1]))):
        sys.exit('Usage: python 02.py FOLDER "QUESTION", with .txt or .md files in the folder.')
    found = search(sys.argv[2], texts)
    numbered = "\n\n".join(f"[{i}] {text}" for i, text in enumerate(found, 1))
    asked = f"{numbered}\n\nQuestion: {sys.argv[2]}"
    messages = [{"role": "system", "content": RULES}, {"role": "user", "content": asked}]
    reply = client.chat.completions.create(model=CHAT, messages=messages).choices[0].message.content
    print(reply, *found, sep="\n\n---\n\n")
