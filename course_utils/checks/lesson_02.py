"""Exercises of lesson 2: recall by hand, rank fusion, a fair check of a cited answer."""

from .engine import Exercise, register

register(
    Exercise(
        id="02-recall",
        title="Recall at k",
        stars=1,
        minutes=5,
        task="Write `recall_at_k(found, relevant, k)`: the share of the `relevant` passages that stand among the first "
        "`k` of `found`. `found` is a list of ids, best first; `relevant` is a list of ids.",
        answer="recall_at_k",
        starter="def recall_at_k(found, relevant, k):\n    ...",
        solution="def recall_at_k(found, relevant, k):\n"
        "    return len(set(found[:k]) & set(relevant)) / len(set(relevant))",
        alternatives=[
            "def recall_at_k(found, relevant, k):\n"
            "    hits = [passage in found[:k] for passage in relevant]\n"
            "    return sum(hits) / len(hits)",
        ],
        cases=[
            (["a", "b", "c", "d"], ["a", "d"], 3),
            (["a", "b", "c", "d"], ["a", "d"], 4),
            (["a", "b"], ["x"], 2),
            (["c", "a", "b"], ["a"], 1),
            (["c", "a", "b"], ["a"], 10),
        ],
        named=[
            (
                "def recall_at_k(found, relevant, k):\n    return len(set(found[:k]) & set(relevant)) / k",
                "That is precision at k: it divides by what was looked at. Recall divides by what there was to find.",
            ),
            (
                "def recall_at_k(found, relevant, k):\n    return len(set(found) & set(relevant)) / len(relevant)",
                "k has no effect: only the first k of found may count.",
            ),
            (
                "def recall_at_k(found, relevant, k):\n    return float(any(p in relevant for p in found[:k]))",
                "That is a hit rate: one of two relevant passages found is a recall of 0.5, not 1.",
            ),
        ],
        wrong=[
            ("def recall_at_k(found, relevant, k):\n    return len(set(found[:k]) & set(relevant))", "gives"),
            ("def recall_at_k(found, relevant, k):\n    print(len(set(found[:k]) & set(relevant)))", "None"),
        ],
        hints=[
            "`found[:k]` are the first k ids, and a slice past the end is no error.",
            "Count the ids that are in both lists: `set(a) & set(b)`.",
            "Divide by the number of relevant passages, not by k.",
        ],
    ),
    Exercise(
        id="02-fuse",
        title="Fuse two rankings",
        stars=2,
        minutes=8,
        task="Write `fuse(rankings, k=60)`: reciprocal rank fusion. Each ranking is a list of ids, best first. An id gets "
        "1 / (k + rank) from each ranking that has it, with rank 1 for the first place. Return all ids, the highest sum "
        "first, ties in alphabetical order.",
        answer="fuse",
        starter="def fuse(rankings, k=60):\n    ...",
        solution="def fuse(rankings, k=60):\n"
        "    scores = {}\n"
        "    for ranking in rankings:\n"
        "        for rank, id in enumerate(ranking, 1):\n"
        "            scores[id] = scores.get(id, 0) + 1 / (k + rank)\n"
        "    return sorted(scores, key=lambda id: (-scores[id], id))",
        alternatives=[
            "from collections import defaultdict\n\n"
            "def fuse(rankings, k=60):\n"
            "    total = defaultdict(float)\n"
            "    for ranking in rankings:\n"
            "        for place in range(len(ranking)):\n"
            "            total[ranking[place]] += 1 / (k + place + 1)\n"
            "    return [id for id, score in sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))]",
        ],
        cases=[
            ([["a", "b", "c"], ["c", "a", "d"]],),
            ([["a", "b"], ["b", "a"]],),
            ([["x", "y", "z"], ["z"]],),
            ([["p", "q"], ["r", "p"], ["q", "r"]], 1),
            ([["m", "n"]], 0),
            ([["a", "b", "d"], ["c", "b", "d"]], 0),
        ],
        named=[
            (
                "def fuse(rankings, k=60):\n    scores = {}\n    for r in rankings:\n        for rank, id in enumerate(r):\n"
                "            scores[id] = scores.get(id, 0) + 1 / (k + rank + 1e-9)\n"
                "    return sorted(scores, key=lambda id: (-scores[id], id))",
                "The first place has rank 1 here, not 0: enumerate(ranking, 1).",
            ),
            (
                "def fuse(rankings, k=60):\n    scores = {}\n    for r in rankings:\n        for rank, id in enumerate(r, 1):\n"
                "            scores[id] = scores.get(id, 0) + 1 / (k + rank)\n"
                "    return sorted(scores, key=lambda id: (scores[id], id))",
                "The order is upside down: the highest sum comes first.",
            ),
            (
                "def fuse(rankings, k=60):\n    scores = {}\n    for r in rankings:\n        for rank, id in enumerate(r, 1):\n"
                "            scores[id] = 1 / (k + rank)\n    return sorted(scores, key=lambda id: (-scores[id], id))",
                "Each ranking overwrites the one before: add to what an id has already.",
            ),
        ],
        wrong=[
            ("def fuse(rankings, k=60):\n    return rankings[0]", "gives"),
            (
                "def fuse(rankings, k=60):\n    return sorted({i for r in rankings for i in r})",
                "gives",
            ),
        ],
        hints=[
            "Keep a dictionary from id to sum; start each id at 0.",
            "`enumerate(ranking, 1)` gives (1, first id), (2, second id), …",
            "Sort by a pair: `key=lambda id: (-scores[id], id)`.",
        ],
        after="Note that the two scores behind the rankings never had to be comparable.",
    ),
    Exercise(
        id="02-cited",
        title="Is a cited answer right?",
        stars=2,
        minutes=7,
        task="Write `cited_right(answer, number, ids, accepted, gold)`. `answer` is what the model said, `number` the passage "
        "that it cites, counted from 1, and `ids` the ids of the passages that it was shown. The answer is right only if "
        "it contains one of the `accepted` answers, in whatever case, *and* the passage that it cites is in `gold`. A "
        "number that no passage has is no citation.",
        answer="cited_right",
        starter="def cited_right(answer, number, ids, accepted, gold):\n    ...",
        solution="def cited_right(answer, number, ids, accepted, gold):\n"
        "    contains = any(a.lower() in answer.lower() for a in accepted)\n"
        "    return contains and 1 <= number <= len(ids) and ids[number - 1] in gold",
        alternatives=[
            "def cited_right(answer, number, ids, accepted, gold):\n"
            "    if number < 1 or number > len(ids):\n"
            "        return False\n"
            "    if ids[number - 1] not in gold:\n"
            "        return False\n"
            "    for a in accepted:\n"
            "        if a.casefold() in answer.casefold():\n"
            "            return True\n"
            "    return False",
        ],
        cases=[
            ("45 days", 1, ["lamps", "rugs"], ["45 days"], ["lamps"]),
            ("45 days", 2, ["lamps", "rugs"], ["45 days"], ["lamps"]),
            ("It is 45 Days.", 2, ["rugs", "lamps"], ["45 days", "forty-five days"], ["lamps"]),
            ("30 days", 1, ["lamps", "rugs"], ["45 days"], ["lamps"]),
            ("45 days", 0, ["rugs", "lamps"], ["45 days"], ["lamps"]),
            ("45 days", 3, ["rugs", "lamps"], ["45 days"], ["lamps"]),
        ],
        named=[
            (
                "def cited_right(answer, number, ids, accepted, gold):\n"
                "    return any(a.lower() in answer.lower() for a in accepted)",
                "An answer that cites the wrong passage counts here. A reader who checks the source would not find it.",
            ),
            (
                "def cited_right(answer, number, ids, accepted, gold):\n"
                "    ok = any(a.lower() in answer.lower() for a in accepted)\n"
                "    return ok and number <= len(ids) and ids[number - 1] in gold",
                "Number 0 means that no passage was cited, but ids[-1] is the last one: ask for number >= 1.",
            ),
            (
                "def cited_right(answer, number, ids, accepted, gold):\n"
                "    return 1 <= number <= len(ids) and ids[number - 1] in gold",
                "The right passage is not yet the right answer: look into the answer, too.",
            ),
        ],
        wrong=[
            (
                "def cited_right(answer, number, ids, accepted, gold):\n"
                "    return answer in accepted and 1 <= number <= len(ids) and ids[number - 1] in gold",
                "gives",
            ),
            (
                "def cited_right(answer, number, ids, accepted, gold):\n"
                "    return any(a.lower() in answer.lower() for a in accepted) and ids[number] in gold",
                "gives",
            ),
        ],
        hints=[
            "Three conditions: the text is there, the number exists, the passage is a gold one.",
            "The number counts from 1, a Python list from 0.",
            "What does `ids[0 - 1]` give?",
        ],
    ),
)
