"""Recommend from your own catalogue: to known customers by what others took, to new ones by their words.

pip install openai numpy scipy implicit
export OPENAI_API_KEY=...        (and OPENAI_BASE_URL, CHAT_MODEL, EMBEDDING_MODEL for another provider)
python 08.py products.csv purchases.csv CUSTOMER "a warm lamp"     products.csv: id,text   purchases.csv: customer,id"""

import csv
import os
import sys

import numpy as np
from implicit.als import AlternatingLeastSquares
from openai import OpenAI
from scipy.sparse import csr_matrix

CHAT = os.environ.get("CHAT_MODEL", "gpt-6-luna")
EMBED = os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")
client = OpenAI()


def embed(texts):
    vectors = np.array([row.embedding for row in client.embeddings.create(model=EMBED, input=texts).data])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def scaled(scores):
    return (scores - scores.mean()) / (scores.std() + 1e-9)


def by_others(purchases, customer, count):
    """Scores of all products from the customers who took alike."""
    names = sorted({c for c, _ in purchases})
    at = tuple(zip(*((names.index(c), i) for c, i in purchases), strict=True))
    taken = csr_matrix((np.ones(len(purchases)), at), (len(names), count))
    als = AlternatingLeastSquares(16, regularization=1, alpha=2, num_threads=1, random_state=0)
    als.fit(taken, show_progress=False)
    return als.item_factors @ als.user_factors[names.index(customer)]


def recommend(texts, purchases, customer, words, top_k=3, m=1):
    """Places of the best products: content by words and purchases, and more of the others the more is known."""
    vectors, known = embed(texts), [i for c, i in purchases if c == customer]
    asked = [*(embed([words]) if words else []), *vectors[known]]
    scores, share = scaled(sum(vectors @ a for a in asked)), len(known) / (len(known) + m)
    if known:
        scores = share * scaled(by_others(purchases, customer, len(texts))) + (1 - share) * scaled(scores)
    return [i for i in np.argsort(-scores, kind="stable") if i not in known][:top_k], known


if __name__ == "__main__":
    rows = [list(csv.DictReader(open(f, encoding="utf-8"))) for f in sys.argv[1:3]] if len(sys.argv) > 3 else [[], []]
    ids, texts, words = [r["id"] for r in rows[0]], [r["text"] for r in rows[0]], " ".join(sys.argv[4:])
    purchases = [(r["customer"], ids.index(r["id"])) for r in rows[1]]
    if not texts or not words and sys.argv[3] not in {c for c, _ in purchases}:
        sys.exit("Usage: python 08.py PRODUCTS.csv PURCHASES.csv CUSTOMER [WORDS], with words for a new customer.")
    found, known = recommend(texts, purchases, sys.argv[3], words)
    asked = "In one short sentence, tell the customer why it suits them. Use only these facts. "
    asked += f"Said: {words}. Bought: {'; '.join(texts[i] for i in known)}. Recommended: {texts[found[0]]}"
    reply = client.chat.completions.create(model=CHAT, messages=[{"role": "user", "content": asked}])
    print(*(f"{ids[i]}: {texts[i]}" for i in found), reply.choices[0].message.content, sep="\n")
