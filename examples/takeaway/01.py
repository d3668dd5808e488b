"""One request, four ways: a small model, a large one, a code model, or a search in your own text files.

pip install openai numpy
export OPENAI_API_KEY=...     (and OPENAI_BASE_URL, CHAT_MODEL, LARGE_MODEL, EMBEDDING_MODEL for another provider)
python 01.py my_folder "How long do I have to return a lamp?" """

import os
import re
import sys
from pathlib import Path

import numpy as np
from openai import OpenAI

SMALL = os.environ.get("CHAT_MODEL", "gpt-6-luna")
LARGE = os.environ.get("LARGE_MODEL", "gpt-6.1-sol" if SMALL == "gpt-6-luna" else SMALL)
EMBED = os.environ.get("EMBEDDING_MODEL", "text-embedding-3-small")
EXAMPLES = {  # change these: three typical requests for each way
    "small": ["Say hello to a new customer.", "Shorten this text.", "Correct the spelling of this sentence."],
    "large": ["Compare two business plans.", "Explain the causes of a problem.", "Plan a campaign, step by step."],
    "code": ["Write a Python function.", "Why does my program stop with an error?", "Explain this SQL query."],
    "retrieval": ["How long can I return this?", "Who is responsible for this?", "What is the name of the manager?"],
}
RULES = "Answer the question from the passages in one short sentence. If they do not answer it, reply: I do not know."
client = OpenAI()


def embed(texts):  # rows of length 1
    vectors = np.array([row.embedding for row in client.embeddings.create(model=EMBED, input=texts).data])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def chat(model, request, system):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": request}]
    return client.chat.completions.create(model=model, messages=messages, max_tokens=300).choices[0].message.content


def route(request):  # the way whose example is closest in meaning
    names = [way for way, texts in EXAMPLES.items() for _ in texts]
    return names[int((embed([t for texts in EXAMPLES.values() for t in texts]) @ embed([request])[0]).argmax())]


def search(folder, question, top_k=2):
    """The paragraphs of all .txt and .md files that are closest to the question."""
    files = sorted(f for f in Path(folder).rglob("*") if f.suffix in (".txt", ".md"))
    blocks = [b.strip() for f in files for b in re.split(r"\n\s*\n", f.read_text(encoding="utf-8")) if b.strip()]
    return [blocks[i] for i in np.argsort(-(embed(blocks) @ embed([question])[0]))[:top_k]] if blocks else []


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit('Usage: python 01.py FOLDER "REQUEST", with .txt or .md files in the folder.')
    folder, request = sys.argv[1:]
    if (way := route(request)) == "retrieval":
        passages = "\n\n".join(f"[{n}] {text}" for n, text in enumerate(search(folder, request), 1))
        reply = chat(LARGE, f"{passages}\n\nQuestion: {request}", RULES)
    else:
        manner = "Answer with short code." if way == "code" else "Be brief."
        reply = chat(SMALL if way == "small" else LARGE, request, manner)
    print(f"{way}: {reply}")
