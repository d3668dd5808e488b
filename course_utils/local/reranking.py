"""Rerank passages for a question: features from MiniLM's token vectors and from the words, weighed by a linear model.

`score` is the core, `rerank` the metered face. data/models/reranker/README.md tells what each feature is, how the
weights were fitted, and how well it does. A passage's vectors stay in memory, so that scoring it again is cheap.
"""

import functools
import json
import math
import os
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass

from .. import catalogue, clock, metering
from ..settings import MODELS, CourseError
from . import embedding, store
from .embedding_clients import chosen, key_of

WEIGHTS = MODELS / "reranker" / "weights.json"
FEATURES = ("dense", "sentence", "late", "sentence_late", "words", "codes")
HOSTED = catalogue.HOSTED["reranking"]  # COURSE_RERANKER -> model
KEPT = 96  # MiB of passages' vectors
_FIRST = 1995  # ids of MiniLM's whole words begin here, the most frequent word first: 'the', 'of', 'and', ...
_CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])\w+(?:-\w+)*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_lock = threading.Lock()


@dataclass
class _Text:
    """What the features need of a text. Row for row, `vectors`, `rarity` and `sentence` are of its words' tokens."""

    mean: object  # (384,)
    vectors: object  # (tokens, 384)
    rarity: object  # (tokens,) from 0 for 'the' to 1
    sentence: object  # (tokens,) number of the sentence that a token stands in
    sentences: object  # (sentences, 384)
    words: dict  # stem -> how often
    weights: dict  # stem -> rarity
    codes: set

    @property
    def bytes(self) -> int:
        return self.vectors.nbytes + self.sentences.nbytes + 200 * len(self.words)


def _stem(word: str) -> str:
    """A word without its commonest English endings: 'returned' and 'returns' meet."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            word = word.removesuffix(ending)
            break
    return word.removesuffix("e") if len(word) > 3 else word


def _rarity(token: str, number: int) -> float:
    """How rare a token is in English, 0 to 1: MiniLM's vocabulary is sorted by frequency, which falls as 1 / rank."""
    if number > _FIRST:
        return max((math.log(number - _FIRST) / math.log(30522 - _FIRST)) ** 2, 0.01)
    return 0.3 if token.isdigit() else 0.05


def _unit(rows):
    import numpy as np

    return rows / np.maximum(np.sqrt((rows * rows).sum(axis=-1, keepdims=True)), 1e-9)


def _read(text: str, encoding, vectors) -> _Text:
    import numpy as np

    mean, tokens, word_ids = _unit(vectors.mean(axis=0)), encoding.tokens, encoding.word_ids
    rows = [
        i
        for i, (token, word) in enumerate(zip(tokens, word_ids, strict=True))
        if word is not None and any(c.isalnum() for c in token)  # neither [CLS] and [SEP] nor punctuation
    ]
    ends, offsets, ids = [match.start() for match in _SENTENCE.finditer(text)], encoding.offsets, encoding.ids
    sentence = np.searchsorted(ends, [offsets[i][0] for i in rows], side="right")
    rarity = [_rarity(tokens[i], ids[i]) for i in rows]
    words, weights = {}, {}
    for i, rare in zip(rows, rarity, strict=True):
        if not tokens[i].startswith("##"):
            start, end = encoding.word_to_chars(word_ids[i])
            stem = _stem(text[start:end].lower())
            words[stem] = words.get(stem, 0) + 1
        weights[stem] = max(weights.get(stem, 0.0), rare)
    sentences = [vectors[np.array(rows)[sentence == number]].mean(axis=0) for number in sorted({*sentence.tolist()})]
    return _Text(
        mean=mean,
        vectors=_unit(vectors[rows]),
        rarity=np.array(rarity),
        sentence=sentence,
        sentences=_unit(np.array(sentences)) if sentences else np.zeros((0, len(mean)), np.float32),
        words=words,
        weights=weights,
        codes={code.lower().replace("-", "") for code in _CODE.findall(text)},
    )


def _read_all(texts: list[str]) -> list[_Text]:
    """The texts read, from memory where they were read before."""
    memory: OrderedDict = store.keep("reranking", OrderedDict, mib=KEPT)
    with _lock:
        known = {text: memory[text] for text in texts if text in memory}
    new = list(dict.fromkeys(text for text in texts if text not in known))
    encoder = embedding.encoder()
    for text, vectors in zip(new, embedding.token_vectors(new), strict=True):
        clean = text.encode("utf-8", "replace").decode("utf-8")
        known[text] = _read(clean, encoder.tokens(clean), vectors)
    with _lock:
        memory.update(known)
        for text in known:
            memory.move_to_end(text)
        while sum(item.bytes for item in memory.values()) > KEPT << 20:
            memory.popitem(last=False)
    return [known[text] for text in texts]


def features(question: str, texts: list[str]):
    """float64 (texts, features) in the order of FEATURES: what the linear model weighs. Unmetered."""
    import numpy as np

    asked, *passages = _read_all([question, *texts])
    return np.array([_compare(asked, passage) for passage in passages]).reshape(len(texts), len(FEATURES))


def _compare(q: _Text, p: _Text) -> list[float]:
    dense = float(q.mean @ p.mean)
    sentence = late = sentence_late = 0.0
    if len(q.rarity) and len(p.rarity):
        near = q.vectors @ p.vectors.T
        share = q.rarity / q.rarity.sum()
        late = float(share @ near.max(axis=1))
        sentence = float((p.sentences @ q.mean).max())
        sentence_late = max(float(share @ near[:, p.sentence == n].max(axis=1)) for n in {*p.sentence.tolist()})
    codes = len(q.codes & p.codes) / len(q.codes) if q.codes else 0.0
    return [dense, sentence, late, sentence_late, _overlap(q, p), codes]


def _overlap(q: _Text, p: _Text) -> float:
    """The question's words that the passage has, each by its rarity and, as in BM25, with less for each repetition."""
    norm = 1.2 * (0.5 + 0.5 * len(p.rarity) / 100)
    gain = sum(rare * 2.2 * p.words[w] / (p.words[w] + norm) for w, rare in q.weights.items() if w in p.words)
    return gain / max(sum(q.weights.values()), 1e-9)


@functools.cache
def _model():
    import numpy as np

    model = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return np.array([model["weights"][name] for name in FEATURES]), model["bias"]


def score(question: str, texts: list[str]):
    """float64 (texts,): the log-odds that each text answers the question, whatever other texts there are. Unmetered.

    Texts count up to their 256th token.
    """
    weights, bias = _model()
    return features(question, list(texts)) @ weights + bias


def _text(passage) -> str:
    text = passage if isinstance(passage, str) else getattr(passage, "page_content", getattr(passage, "text", None))
    if not isinstance(text, str):
        raise CourseError(f"rerank takes strings or LangChain Documents, not {type(passage).__name__}.")
    return text


def rerank(question: str, passages, top_n: int | None = None) -> list[tuple]:
    """(passage, score) pairs, the best first: each passage as it was given, its score from 0 to 1 at three decimals.

    Passages are strings, LangChain Documents or anything else with a `text`. The score is the estimated chance that a
    passage answers the question; equals keep their order. Metered by passages. COURSE_RERANKER=cohere asks Cohere.
    CourseError: no question, no text, or top_n below 1.
    """
    passages = [passages] if isinstance(passages, str) else list(passages)
    texts = [_text(passage) for passage in passages]
    if not isinstance(question, str) or not question.strip():
        raise CourseError("rerank needs a question to rank the passages by: give it as the first argument.")
    if top_n is not None and (not isinstance(top_n, int) or top_n < 1):
        raise CourseError(f"top_n={top_n!r} is no number of passages: use 1 or more, or leave it out for all.")
    if not passages:
        return []
    if (name := chosen("COURSE_RERANKER", HOSTED)) != "course":
        order, shown = _ask(name, question, texts)
    else:
        with metering.local("reranking", units=len(texts)):
            odds = [round(float(value), 3) for value in score(question, texts)]
        order = sorted(range(len(texts)), key=lambda i: -odds[i])  # log-odds still differ where chances round to 0
        shown = [round(1 / (1 + math.exp(-value)), 3) for value in odds]
    return [(passages[i], shown[i]) for i in order[:top_n]]


def _ask(name: str, question: str, texts: list[str]) -> tuple[list[int], list[float]]:
    """Cohere's order and scores, recorded once with the source 'hosted'. CO_API_URL points its client elsewhere."""
    key, start = key_of(name, "COURSE_RERANKER"), clock.now()
    try:
        import cohere
    except ImportError:
        raise CourseError("COURSE_RERANKER=cohere needs the package cohere: run make providers.") from None
    client = cohere.ClientV2(api_key=key, base_url=os.environ.get("CO_API_URL") or None)
    try:
        results = client.rerank(model=HOSTED[name], query=question, documents=texts).results
    except cohere.core.ApiError as problem:
        raise CourseError(f"{name} did not rerank (status {problem.status_code}): {problem.body}") from None
    call = metering.Call("reranking", HOSTED[name], start, clock.now(), source="hosted")
    call.cost, call.step = catalogue.LOCAL["reranking"].call_price, metering.current_step()
    metering.meter.add(call)
    scores = {result.index: round(result.relevance_score, 3) for result in results}
    order = sorted(scores, key=lambda i: (-scores[i], i))
    return order, [scores.get(i, 0.0) for i in range(len(texts))]
