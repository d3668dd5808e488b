"""Lesson 2's search and its grounded prompt, as the lesson shows them; importing it embeds the handbook (some seconds).

`readers` names the three tiers, which the lesson takes from a table of its own.
"""

import functools
import re

import bm25s
from langchain_core.documents import Document
from openai import LengthFinishReasonError
from pydantic import BaseModel, Field

from course_utils import chat_model, embed, load, rerank


def normal(text):
    """Lower case, words and figures only, single spaces."""
    text = text.lower().replace("–", "-").replace(",", "")
    return " ".join(re.findall(r"[\w£€%.@+-]+", text)).replace(" %", "%").replace(". ", " ").rstrip(".")


def contains_answer(said, question):
    return any(f" {normal(a)} " in f" {normal(said)} " for a in question.answers)


passages = load("passages")
documents = [Document(f"{p.title}\n{p.text}", id=p.id) for p in passages]
by_id = {d.id: d for d in documents}


class Grounded(BaseModel):
    passage: int = Field(description="number of the passage that answers the question, 0 if none does")
    answer: str = Field(description="the answer in a few words, or: Not in the handbook")


REFUSAL = "Not in the handbook"
RULES = (
    "You answer questions about a company's handbook, from the numbered passages only. Read the question again: the "
    "passages often speak of something similar but not of what is asked. Then passage is 0 and the answer is "
    f'"{REFUSAL}". Otherwise give the passage\'s number and the answer in a few words, copied from it.'
)


def prompt(question, found):
    numbered = "\n\n".join(f"[{n}] {d.page_content}" for n, d in enumerate(found, 1))
    return [("system", RULES), ("human", f"{numbered}\n\nQuestion: {question}")]


def reading(tier):
    return chat_model(tier, max_tokens=60).with_structured_output(Grounded, method="json_schema")


readers = {tier: reading(tier) for tier in ("nano", "small", "large")}


async def ask(tier, question, found):
    """The model's Grounded reply, and the documents in the order in which it saw them."""
    found = sorted(found, key=lambda d: d.id)  # a fixed order, so that a reply can be looked up
    try:
        return await readers[tier].ainvoke(prompt(question, found)), found
    except LengthFinishReasonError:
        return Grounded(passage=0, answer=""), found


vectors = embed([d.page_content for d in documents])
ids = [d.id for d in documents]


def by_meaning(question):
    return (vectors @ embed(question)).round(3)


def best(scores, k):
    """Indices of the k highest scores, ties by id."""
    return sorted(range(len(ids)), key=lambda i: (-scores[i], ids[i]))[:k]


index = bm25s.BM25()
texts = [d.page_content for d in documents]
index.index(bm25s.tokenize(texts, stopwords="en", show_progress=False), show_progress=False)


def by_words(question):
    tokens = bm25s.tokenize([question], stopwords="en", return_ids=False, show_progress=False)[0]
    return index.get_scores(tokens).round(3)


def scaled(scores):
    return (scores - scores.min()) / max(scores.max() - scores.min(), 1e-9)


def fused(question):
    return (scaled(by_meaning(question)) + scaled(by_words(question))).round(3)


@functools.cache  # the same question is searched once
def search(question, top_n=3):
    candidates = [documents[i] for i in best(fused(question), 50)]
    return [document for document, score in rerank(question, candidates, top_n=top_n)]
