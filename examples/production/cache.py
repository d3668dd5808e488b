"""A semantic cache: an answer given before serves a question that means the same, as far as an embedding can tell."""

import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

from .timing import loop_time

_TELLING = re.compile(r"\w*\d[\w.,-]*\w|\d|\b(?:not?|never|without|before|after|except|unless)\b|n't\b")


def same_figures(a: str, b: str) -> bool:
    """Whether two questions have the same figures, codes and negations, which embeddings hardly see."""
    return sorted(_TELLING.findall(a.lower())) == sorted(_TELLING.findall(b.lower()))


@dataclass
class Hit:
    """An answer from the cache: the question that it was given to, and how similar that is (cosine)."""

    question: str
    answer: dict
    similarity: float


class SemanticCache:
    """Answers by the meaning of their question. get() needs the same scope, a cosine of `threshold` and guard(old, new).

    embed(list of str): unit vectors, (n, d). store: any mutable mapping, such as a diskcache.Cache that processes share.
    scope says for whom and from what an answer was made: owner, version of prompt and documents. Age is measured by
    `clock` and not by the store, which would read the wall clock.
    """

    def __init__(
        self, embed: Callable, *, threshold=0.95, ttl=86_400.0, store=None, clock=loop_time, guard=same_figures
    ):
        self.embed, self.threshold, self.ttl, self.clock, self.guard = embed, threshold, ttl, clock, guard
        self.store: MutableMapping = {} if store is None else store

    def get(self, question: str, scope="") -> Hit | None:
        """The most similar question's answer, or None."""
        rows = [row for row in self.store.get(scope, ()) if self.clock() - row["time"] < self.ttl]
        if not rows:
            return None
        vector = self.embed([question])[0]
        cosines = [round(float(vector @ row["vector"]), 3) for row in rows]
        for cosine, row in sorted(zip(cosines, rows, strict=True), key=lambda pair: -pair[0]):
            if cosine < self.threshold:
                return None
            if self.guard is None or self.guard(row["question"], question):
                return Hit(row["question"], row["answer"], cosine)
        return None

    def put(self, question: str, answer: dict, scope="") -> None:
        """Keep an answer. What is too old goes at the same time."""
        now = self.clock()
        rows = [r for r in self.store.get(scope, ()) if now - r["time"] < self.ttl and r["question"] != question]
        row = {"question": question, "answer": answer, "time": now, "vector": self.embed([question])[0]}
        self.store[scope] = [*rows, row]
