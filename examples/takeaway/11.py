"""Keep your text files in a vector database on disk, ask with a filter, and see what the index missed.

pip install openai numpy chromadb
export OPENAI_API_KEY=...            (and OPENAI_BASE_URL, EMBEDDING_MODEL for another provider)
python 11.py my_folder "How long do I have to return a lamp?" [only_this_file.txt]
"""

import os
import re
import sys
from pathlib import Path

import chromadb
import numpy as np
from chromadb.config import Settings
from openai import OpenAI

EMBED = os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")
K = 3
client = OpenAI()


def embed(texts):
    return [row.embedding for row in client.embeddings.create(model=EMBED, input=texts).data]


def passages(folder):
    """(id, file, text) of each paragraph of all .txt and .md files; the id names the file and the place in it."""
    for file in sorted(f for f in Path(folder).rglob("*") if f.suffix in (".txt", ".md")):
        for place, block in enumerate(re.split(r"\n\s*\n", file.read_text(encoding="utf-8"))):
            if block.strip():
                yield f"{file.name}#{place}", file.name, block.strip()


def update(store, rows):
    """Write what is new or changed, delete what is gone: the store then holds what the folder holds."""
    there = store.get()
    known = dict(zip(there["ids"], there["documents"], strict=True))
    if new := [row for row in rows if known.get(row[0]) != row[2]]:
        ids, files, texts = (list(column) for column in zip(*new, strict=True))
        store.upsert(ids=ids, documents=texts, embeddings=embed(texts), metadatas=[{"file": f} for f in files])
    if gone := sorted(set(known) - {row[0] for row in rows}):
        store.delete(ids=gone)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or not (rows := list(passages(sys.argv[1]))):
        sys.exit('Usage: python 11.py FOLDER "QUESTION" [FILE], with .txt or .md files in the folder.')
    database = chromadb.PersistentClient(str(Path(sys.argv[1]) / ".vectors"), Settings(anonymized_telemetry=False))
    store = database.get_or_create_collection("passages", configuration={"hnsw": {"space": "cosine"}})
    update(store, rows)
    where = {"file": sys.argv[3]} if len(sys.argv) == 4 else None
    question = embed([sys.argv[2]])[0]
    found = store.query(query_embeddings=[question], n_results=K, where=where)
    for id, text in zip(found["ids"][0], found["documents"][0], strict=True):
        print(f"{id}\n{text}\n")
    every = store.get(where=where, include=["embeddings"])  # the exact answer, for comparison
    scores = np.array(every["embeddings"]) @ question / np.linalg.norm(every["embeddings"], axis=1)
    best = {every["ids"][i] for i in np.argsort(-scores, kind="stable")[:K]}
    print(f"The index found {len(best & set(found['ids'][0]))} of the {len(best)} nearest passages.")
