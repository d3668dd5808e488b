"""Fit the reranker's weights on the train questions and report on dev: `python data/models/reranker/make.py`.

Writes weights.json, and prints the tables of README.md. The test questions are never read. Takes about two minutes.
"""

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from course_utils import load  # noqa: E402
from course_utils.local import reranking  # noqa: E402

PENALTY = 0.1  # on squared weights; cross-validation on train hardly tells .01 to .3 apart
NAMES = list(reranking.FEATURES)
FORMS = {"titled": lambda p: f"{p.title}\n{p.text}", "plain": lambda p: p.text}
TYPES = ("single-fact", "paraphrased", "exact-code", "multi-hop")


def prepare(questions, passages) -> dict:
    """Form of the passages -> (features (questions, passages, features), BM25 scores (questions, passages))."""
    import bm25s

    prepared = {}
    for form, text_of in FORMS.items():
        texts = [text_of(passage) for passage in passages]
        index = bm25s.BM25()
        index.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)
        asked = bm25s.tokenize([q.text for q in questions], show_progress=False, return_ids=False)
        lexical = np.stack([index.get_scores(words) for words in asked])
        prepared[form] = np.stack([reranking.features(q.text, texts) for q in questions]), lexical
    return prepared


def fit(rows, names) -> np.ndarray:
    """Weights of at least 0 that make a gold passage likely among all passages (a softmax a question)."""
    from scipy.optimize import minimize

    columns = [NAMES.index(name) for name in names]
    scale = np.concatenate([features for features, _ in rows])[:, columns].std(axis=0)
    rows = [(features[:, columns] / scale, gold) for features, gold in rows]

    def loss(weights):
        total, slope = PENALTY * weights @ weights, 2 * PENALTY * weights
        for features, gold in rows:
            scores = features @ weights
            share = np.exp(scores - scores.max())
            share /= share.sum()
            right = share * gold / (share @ gold)
            total -= np.log(share @ gold) / len(rows)
            slope -= features.T @ (right - share) / len(rows)
        return total, slope

    found = minimize(loss, np.full(len(names), 0.1), jac=True, bounds=[(0, None)] * len(names), method="L-BFGS-B").x
    weights = np.zeros(len(NAMES))
    weights[columns] = found / scale
    return weights


def calibrate(scores: np.ndarray, gold: np.ndarray) -> tuple[float, float]:
    """slope and bias that turn scores into log-odds of being gold."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=100).fit(scores[:, None], gold)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def ndcg(order, gold: set, k: int = 10) -> float:
    """nDCG at k, a passage counting 1 or 0."""
    got = sum(1 / np.log2(place + 2) for place, passage in enumerate(order[:k]) if passage in gold)
    return got / sum(1 / np.log2(place + 2) for place in range(min(k, len(gold))))


def candidates(dense, lexical, n=20) -> np.ndarray:
    """The first n by either search, in the order of passages."""
    first = (np.argsort(-np.round(s, 3), kind="stable")[:n] for s in (dense, lexical))
    return np.array(sorted({*np.concatenate(list(first)).tolist()}))


def fused(dense, lexical, share=0.8):
    """Min-max fusion; .8 for the dense score did best on dev."""

    def stretched(scores):
        return (scores - scores.min()) / max(np.ptp(scores), 1e-9)

    return share * stretched(dense) + (1 - share) * stretched(lexical)


def ranked(scores, among=None) -> list[int]:
    among = np.arange(len(scores)) if among is None else among
    return among[np.argsort(-np.round(scores[among], 3), kind="stable")].tolist()


def main():
    questions = [q for split in ("train", "dev") for q in load("questions", split=split)]
    passages = load("passages")
    place = {passage.id: number for number, passage in enumerate(passages)}
    gold = [{place[name] for name in q.passages} for q in questions]
    prepared = prepare(questions, passages)
    train = [i for i, q in enumerate(questions) if q.split == "train"]
    dev = [i for i, q in enumerate(questions) if q.split == "dev" and gold[i]]

    def hits(i):
        return np.isin(np.arange(len(passages)), list(gold[i])).astype(float)

    rows = [(prepared[form][0][i], hits(i)) for form in FORMS for i in train if gold[i]]
    sets = {
        "reranker": NAMES,
        "without late interaction": [n for n in NAMES if "late" not in n],
        "without sentences": [n for n in NAMES if "sentence" not in n],
        "without words and codes": [n for n in NAMES if n not in ("words", "codes")],
    }
    fitted = {name: fit(rows, names) for name, names in sets.items()}
    weights = fitted["reranker"]
    scores, right = [], []
    for form in FORMS:
        features, lexical = prepared[form]
        for i in train:  # unanswerable questions too: none of their passages is right
            among = candidates(features[i, :, 0], lexical[i])
            scores.append(features[i, among] @ weights)
            right.append(hits(i)[among])
    slope, bias = calibrate(np.concatenate(scores), np.concatenate(right))
    model = {"weights": {n: round(float(w * slope), 3) for n, w in zip(NAMES, weights, strict=True)}}
    (HERE / "weights.json").write_text(json.dumps(model | {"bias": round(bias, 3)}, indent=1) + "\n", encoding="utf-8")
    print((HERE / "weights.json").read_text(encoding="utf-8"))
    report(questions, gold, prepared, dev, fitted)
    certainty(questions, gold, prepared)


def ways_to_rank(features, lexical, fitted) -> dict:
    """Name -> a function from a question's number to passages, the best first."""
    ways = {
        "BM25": lambda i: ranked(lexical[i]),
        "dense": lambda i: ranked(features[i, :, 0]),
        "dense + BM25, .8 : .2": lambda i: ranked(fused(features[i, :, 0], lexical[i])),
        "late interaction alone": lambda i: ranked(features[i, :, NAMES.index("late")]),
    }
    for name, weights in fitted.items():
        ways[name] = lambda i, w=weights: ranked(features[i] @ w, candidates(features[i, :, 0], lexical[i]))
    return ways


def report(questions, gold, prepared, dev, fitted):
    """nDCG@10 on dev, for passages with and without their page's title, and the difference to dense alone."""
    for form, (features, lexical) in prepared.items():
        ways = ways_to_rank(features, lexical, fitted)
        found = [set(candidates(features[i, :, 0], lexical[i]).tolist()) & gold[i] for i in dev]
        share = np.mean([len(f) / len(gold[i]) for f, i in zip(found, dev, strict=True)])
        print(f"| {form}: candidates hold {share:.2f} of the gold | all | " + " | ".join(TYPES) + " | to dense |")
        dense = np.array([ndcg(ways["dense"](i), gold[i]) for i in dev])
        for name, way in ways.items():
            values = np.array([ndcg(way(i), gold[i]) for i in dev])
            by_type = [np.mean([v for v, i in zip(values, dev, strict=True) if questions[i].type == t]) for t in TYPES]
            low, high = interval(values - dense)
            change = f"{(values - dense).mean():+.3f} ({low:+.3f} to {high:+.3f})"
            print(f"| {name} | {values.mean():.3f} | " + " | ".join(f"{v:.3f}" for v in by_type) + f" | {change} |")


def interval(differences) -> tuple[float, float]:
    """95 % bootstrap interval of a mean."""
    random = np.random.default_rng(0)
    means = random.choice(differences, (10_000, len(differences))).mean(axis=1)
    return tuple(np.quantile(means, (0.025, 0.975)))


def certainty(questions, gold, prepared):
    """On dev: does the best passage's chance tell answerable questions from the others, and is it right?"""
    from sklearn.metrics import roc_auc_score

    reranking._model.cache_clear()
    weights, bias = reranking._model()
    best, answerable, right = [], [], []
    features, lexical = prepared["titled"]
    for i, question in enumerate(questions):
        if question.split == "dev":
            among = candidates(features[i, :, 0], lexical[i])
            first = ranked(features[i] @ weights, among)[0]
            best.append(1 / (1 + np.exp(-(features[i, first] @ weights + bias))))
            answerable.append(bool(gold[i]))
            right.append(first in gold[i])
    best, right = np.array(best), np.array(right)
    print(f"answerable or not by the best chance, dev: AUC {roc_auc_score(answerable, best):.2f}")
    for low, high in ((0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 1.01)):
        here = (best >= low) & (best < high)
        if here.any():
            said = f"{here.sum()} questions, first passage gold in {right[here].mean():.2f}"
            print(f"best chance {low} to {min(high, 1)}: {said}")


if __name__ == "__main__":
    main()
