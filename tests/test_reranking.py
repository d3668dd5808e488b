"""The reranker: what answers comes first, alone or in company, whatever kind of passage is given."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from course_utils import clock, load, metering, rerank, run
from course_utils.catalogue import LOCAL
from course_utils.datasets.handbook import Passage
from course_utils.local import reranking, store
from course_utils.settings import CourseError

QUESTION = "How long do I have to send a rug back?"
PASSAGES = [
    "Our shop is in Porto, near the river.",
    "Rugs can be returned within 60 days of delivery. Roll them up, do not fold them.",
    "Gift cards never expire.",
    "A rug is vacuumed once a week.",
]


def test_the_answer_comes_first_and_scores_are_chances():
    ranked = rerank(QUESTION, PASSAGES)
    assert ranked[0][0] == PASSAGES[1] and ranked[1][0] == PASSAGES[3]
    scores = [score for _, score in ranked]
    assert scores == sorted(scores, reverse=True) and all(0 <= s <= 1 and s == round(s, 3) for s in scores)
    assert scores[0] > 0.5 > 0.1 > scores[-1]
    assert [p for p, _ in rerank(QUESTION, PASSAGES, top_n=2)] == [PASSAGES[1], PASSAGES[3]]


def test_a_passages_score_is_the_same_alone_in_any_company_and_read_anew():
    together = reranking.score(QUESTION, PASSAGES)
    assert [float(reranking.score(QUESTION, [text])[0]) for text in PASSAGES] == together.tolist()
    store.forget("reranking")
    assert reranking.score(QUESTION, PASSAGES[::-1])[::-1].tolist() == together.tolist()
    assert reranking.score(QUESTION, []).shape == (0,)


def test_passages_come_back_as_they_were_given():
    from langchain_core.documents import Document

    documents = [Document(page_content=text, metadata={"n": n}) for n, text in enumerate(PASSAGES)]
    (best, score), *_ = rerank(QUESTION, documents, top_n=1)
    assert best is documents[1] and score == rerank(QUESTION, PASSAGES)[0][1]
    passages = [Passage(f"p#{n}", "p", "P", text) for n, text in enumerate(PASSAGES)]
    assert rerank(QUESTION, passages)[0][0] is passages[1]


def test_equals_keep_their_order():
    twins = [SimpleNamespace(text="Rugs can be returned within 60 days.", n=n) for n in range(3)]
    assert [passage.n for passage, _ in rerank(QUESTION, twins)] == [0, 1, 2]


def test_a_code_is_found_however_it_is_written():
    texts = ["Error E4 means that the bulb is loose.", "Error E7 means that the lamp is too hot.", "Lamps may flicker."]
    assert rerank("What does error e7 mean?", texts)[0][0] == texts[1]
    texts = ["HL-1002 is the Gull lamp.", "HL-1020 is the Skerry lamp."]
    assert [rerank(f"Which lamp is {code}?", texts)[0][0] for code in ("HL1002", "HL-1020")] == texts


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("", PASSAGES), "needs a question"),
        ((None, PASSAGES), "needs a question"),
        ((QUESTION, [3]), "not int"),
        ((QUESTION, PASSAGES, 0), "top_n=0 is no number of passages"),
        ((QUESTION, PASSAGES, "2"), "top_n='2' is no number"),
    ],
)
def test_bad_input_gets_a_sentence(arguments, said):
    with pytest.raises(CourseError, match=said):
        rerank(*arguments)


def test_odd_passages_do_no_harm():
    assert rerank(QUESTION, []) == []
    odd = ["", "...", "the", "\ud800", "word " * 600, PASSAGES[1]]
    assert rerank(QUESTION, odd)[0][0] == PASSAGES[1]
    assert np.isfinite(reranking.score("the?", odd)).all() and np.isfinite(reranking.score("?!", odd)).all()


def test_a_call_is_metered_once_and_takes_the_catalogues_time():
    entry, before = LOCAL["reranking"], len(metering.meter.session)

    async def timed():
        start = clock.now()
        rerank(QUESTION, PASSAGES)
        return clock.now() - start

    assert run(timed()) == pytest.approx(entry.base_seconds + entry.unit_seconds * len(PASSAGES))
    (call,) = metering.meter.session[before:]
    assert (call.operation, call.model, call.cost) == ("reranking", entry.model, pytest.approx(entry.call_price))


def test_memory_for_passages_is_bounded(monkeypatch):
    store.forget("reranking")
    monkeypatch.setattr(reranking, "KEPT", 1)
    assert len(rerank(QUESTION, [f"Passage {n}. " + "A long text about rugs. " * 40 for n in range(8)])) == 8
    kept = store.keep("reranking", dict, mib=1)
    assert 1 <= len(kept) < 8 and sum(text.bytes for text in kept.values()) <= 1 << 20
    store.forget("reranking")


def test_on_dev_it_beats_the_dense_search_whose_candidates_it_gets():
    """A few questions and passages, so that it stays quick; README.md has the figures of all."""
    questions = [q for q in load("questions", split="dev") if q.passages][::4]
    gold = {name for question in questions for name in question.passages}
    passages = [p for n, p in enumerate(load("passages")) if p.id in gold or n % 3 == 0]
    titled = [f"{p.title}\n{p.text}" for p in passages]
    dense, reranked = [], []
    for question in questions:
        near = np.round(reranking.features(question.text, titled)[:, 0], 3)
        first = np.argsort(-near, kind="stable")[:20]
        order = [int(first[n]) for n in np.argsort(-reranking.score(question.text, [titled[i] for i in first]))]
        for ranks, found in ((first, dense), (order, reranked)):
            found.append(
                next((1 / place for place, i in enumerate(ranks, 1) if passages[i].id in question.passages), 0)
            )
    assert np.mean(reranked) > np.mean(dense) + 0.05


def test_the_weights_are_those_of_the_features():
    model = json.loads(reranking.WEIGHTS.read_text(encoding="utf-8"))
    assert list(model["weights"]) == list(reranking.FEATURES) and all(w >= 0 for w in model["weights"].values())


def test_cohere_is_asked_when_chosen(monkeypatch):
    cohere = pytest.importorskip("cohere")
    monkeypatch.setenv("COURSE_RERANKER", "cohere")
    monkeypatch.delenv("COHERE_API_KEY", raising=False)
    with pytest.raises(CourseError, match="COURSE_RERANKER=cohere needs a key: set COHERE_API_KEY"):
        rerank(QUESTION, PASSAGES)
    seen = {}

    def answer(self, *, model, query, documents):
        seen.update(model=model, query=query, documents=documents)
        return SimpleNamespace(
            results=[SimpleNamespace(index=i, relevance_score=i / 10) for i in range(len(documents))]
        )

    monkeypatch.setenv("COHERE_API_KEY", "not-a-real-key")
    monkeypatch.setattr(cohere.ClientV2, "rerank", answer)
    before = len(metering.meter.session)
    assert rerank(QUESTION, PASSAGES, top_n=1) == [(PASSAGES[3], 0.3)]
    assert seen == {"model": "rerank-v3.5", "query": QUESTION, "documents": PASSAGES}
    (call,) = metering.meter.session[before:]
    assert (call.source, call.model) == ("hosted", "rerank-v3.5")
    monkeypatch.setenv("COURSE_RERANKER", "nobody")
    with pytest.raises(CourseError, match="COURSE_RERANKER=nobody is not known. Use one of: course, cohere"):
        rerank(QUESTION, PASSAGES)
