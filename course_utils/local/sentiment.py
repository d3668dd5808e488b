"""How a customer feels: logistic regression on MiniLM embeddings, beside a lexicon (VADER) as the weak baseline."""

import csv
from typing import NamedTuple

from .. import metering
from ..settings import DATA, CourseError
from . import embedding, store
from .scores import row

LABELS = ("negative", "neutral", "positive")


class Sentiment(NamedTuple):
    """A label (negative, neutral, positive) and the probability that the head gives it."""

    label: str
    confidence: float


def examples(split: str) -> list[tuple[str, str]]:
    """The course's own (text, label) pairs of 'train' or 'test'."""
    with (DATA / "language" / "sentiment.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file) if row["split"] == split]


def _train():
    from sklearn.linear_model import LogisticRegression

    texts, labels = zip(*examples("train"), strict=True)
    return LogisticRegression(C=10, max_iter=1000).fit(embedding.encode(list(texts)), labels)


def feel(texts: list[str]) -> list[Sentiment]:
    """The unmetered core of `sentiment`, for a list of texts."""
    if not all(isinstance(text, str) and text.strip() for text in texts) or not texts:
        raise CourseError("There is no sentiment to read: a text is empty.")
    head = store.keep("sentiment", _train, mib=1)
    rows = head.predict_proba(embedding.encode(list(texts)))
    best = rows.argmax(axis=1)
    return [Sentiment(str(head.classes_[i]), round(float(row[i]), 3)) for i, row in zip(best, rows, strict=True)]


def sentiment(text: str) -> Sentiment:
    """(label, confidence) of an English text: negative, neutral or positive. CourseError on empty text."""
    with metering.local("sentiment", units=1):
        return feel([text])[0]


def by_lexicon(text: str) -> str:
    """VADER's label, by the thresholds of its authors: a word list with rules and no training."""
    score = store.keep("vader", _vader, mib=5).polarity_scores(text)["compound"]
    return "positive" if score >= 0.05 else "negative" if score <= -0.05 else "neutral"


def _vader():
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def figures() -> list[dict]:
    """Accuracy of head and lexicon on held-out sentences, measured now."""
    texts, labels = zip(*examples("test"), strict=True)
    answers = {"head": [found.label for found in feel(list(texts))], "lexicon": [by_lexicon(text) for text in texts]}
    shares = {name: sum(map(str.__eq__, got, labels)) / len(labels) for name, got in answers.items()}
    return [row("sentiment", "accuracy", share, len(labels), f"test, {name}") for name, share in shares.items()]
