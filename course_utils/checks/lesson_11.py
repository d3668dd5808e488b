"""Exercises of lesson 11: recall against the exact answer, memory of an index, a search that keeps to its tenant."""

from .engine import Exercise, register

register(
    Exercise(
        id="11-recall",
        title="Recall against the exact answer",
        stars=1,
        minutes=5,
        task="Write `mean_recall(found, exact)`. Both are lists with a list of ids for each query: what an index found, and the "
        "true nearest. The recall of one query is the share of its *true* nearest that were found; return the mean over "
        "the queries. An index may find fewer than it was asked for; a query whose exact list is empty is left out of the "
        "mean.",
        answer="mean_recall",
        starter="def mean_recall(found, exact):\n    ...",
        solution="def mean_recall(found, exact):\n"
        "    shares = [len(set(f) & set(e)) / len(e) for f, e in zip(found, exact) if e]\n"
        "    return sum(shares) / len(shares)",
        alternatives=[
            "def mean_recall(found, exact):\n"
            "    total = n = 0\n"
            "    for f, e in zip(found, exact):\n"
            "        if len(e) > 0:\n"
            "            total += sum(id in f for id in e) / len(e)\n"
            "            n += 1\n"
            "    return total / n",
        ],
        cases=[
            ([["a", "b"], ["c", "d"]], [["a", "b"], ["c", "x"]]),
            ([["b", "a"], ["d", "c"]], [["a", "b"], ["c", "d"]]),
            ([["a"], ["c", "d"]], [["a", "b"], ["c", "d"]]),
            ([["a", "b", "c"], ["x"]], [["a", "b"], ["y"]]),
            ([["a"], [], ["c"]], [["a", "b"], [], ["c"]]),
            ([[], ["a", "b"]], [["a", "b"], ["a", "b"]]),
        ],
        named=[
            (
                "def mean_recall(found, exact):\n"
                "    shares = [len(set(f) & set(e)) / max(len(f), 1) for f, e in zip(found, exact) if e]\n"
                "    return sum(shares) / len(shares)",
                "That divides by what was found: an index that returns one right row of ten would get 1. Divide by what "
                "there was to find.",
            ),
            (
                "def mean_recall(found, exact):\n"
                "    shares = [sum(a == b for a, b in zip(f, e)) / len(e) for f, e in zip(found, exact) if e]\n"
                "    return sum(shares) / len(shares)",
                "That compares place by place. A neighbour in another place is found all the same: compare sets.",
            ),
            (
                "def mean_recall(found, exact):\n"
                "    shares = [float(set(f) == set(e)) for f, e in zip(found, exact) if e]\n"
                "    return sum(shares) / len(shares)",
                "That counts queries that are wholly right. Nine of ten neighbours are a recall of 0.9, not 0.",
            ),
        ],
        wrong=[
            (
                "def mean_recall(found, exact):\n"
                "    return sum(len(set(f) & set(e)) for f, e in zip(found, exact)) / len(exact)",
                "gives",
            ),
            (
                "def mean_recall(found, exact):\n"
                "    return sum(len(set(f) & set(e)) / len(e) for f, e in zip(found, exact) if e) / len(exact)",
                "gives",
            ),
        ],
        hints=[
            "`zip(found, exact)` walks through both lists, query by query.",
            "For one query: how many ids are in both lists, divided by the length of the exact one.",
            "Leave a query without an exact list out of the sum and out of the count.",
        ],
    ),
    Exercise(
        id="11-memory",
        title="What must fit into memory",
        stars=2,
        minutes=7,
        task='Write `gigabytes(vectors, dimensions, kind)` for the indexes of this lesson, in units of 10**9 bytes. "flat" '
        'keeps each number in 4 bytes. "int8" keeps it in 1 byte. "hnsw" is flat and has, for each vector, 32 links of 4 '
        'bytes. "pq" keeps 48 bytes a vector, whatever its dimensions; leave its small tables out.',
        answer="gigabytes",
        starter="def gigabytes(vectors, dimensions, kind):\n    ...",
        solution="def gigabytes(vectors, dimensions, kind):\n"
        '    each = {"flat": 4 * dimensions, "int8": dimensions, "hnsw": 4 * dimensions + 4 * 32, "pq": 48}[kind]\n'
        "    return vectors * each / 10**9",
        alternatives=[
            "def gigabytes(vectors, dimensions, kind):\n"
            '    if kind == "pq":\n'
            "        return 48 * vectors / 1e9\n"
            '    width = 1 if kind == "int8" else 4\n'
            '    links = 128 if kind == "hnsw" else 0\n'
            "    return (dimensions * width + links) * vectors / 1e9",
        ],
        cases=[
            (1_000_000, 384, "flat"),
            (1_000_000, 384, "int8"),
            (1_000_000, 384, "hnsw"),
            (1_000_000_000, 384, "pq"),
            (50_000, 1536, "hnsw"),
            (100_000_000, 1536, "pq"),
        ],
        named=[
            (
                "def gigabytes(vectors, dimensions, kind):\n"
                '    each = {"flat": 4 * dimensions, "int8": dimensions, "hnsw": 4 * dimensions + 32, "pq": 48}[kind]\n'
                "    return vectors * each / 10**9",
                "A link is the number of another vector, and that takes 4 bytes: 32 links are 128 bytes.",
            ),
            (
                "def gigabytes(vectors, dimensions, kind):\n"
                '    each = {"flat": 4 * dimensions, "int8": dimensions, "hnsw": 4 * 32, "pq": 48}[kind]\n'
                "    return vectors * each / 10**9",
                "An HNSW index keeps the vectors, too: the links come on top.",
            ),
            (
                "def gigabytes(vectors, dimensions, kind):\n"
                '    each = {"flat": 4 * dimensions, "int8": dimensions, "hnsw": 4 * dimensions + 128, "pq": 48}[kind]\n'
                "    return vectors * each / 2**30",
                "Those are gibibytes, 2**30 bytes. Prices and datasheets count in 10**9.",
            ),
            (
                "def gigabytes(vectors, dimensions, kind):\n"
                '    each = {"flat": 4 * dimensions, "int8": dimensions, "hnsw": 4 * dimensions + 128, '
                '"pq": 48 * dimensions}[kind]\n'
                "    return vectors * each / 10**9",
                "48 bytes is the whole vector in a PQ index: the dimensions do not matter any more.",
            ),
        ],
        wrong=[
            ("def gigabytes(vectors, dimensions, kind):\n    return vectors * dimensions * 4 / 10**9", "gives"),
            (
                "def gigabytes(vectors, dimensions, kind):\n"
                '    each = {"flat": 4 * dimensions, "int8": dimensions, "hnsw": 4 * dimensions + 128, "pq": 48}[kind]\n'
                "    return vectors * each",
                "gives",
            ),
        ],
        hints=[
            "Find the bytes of one vector first; then multiply by how many there are.",
            "flat: 4 × dimensions. hnsw: the same and 4 × 32.",
            "Divide by 10**9 at the end.",
        ],
        after="A billion vectors of 384 numbers need 1,536 GB flat and 48 GB as PQ: that is what quantising is for.",
    ),
    Exercise(
        id="11-tenant",
        title="A search that keeps to its tenant",
        stars=3,
        minutes=9,
        task="Write `search_tenant(rows, query, tenant, k)`. `rows` is a list of dictionaries with `id`, `tenant` and `x`, a "
        "number; `query` is a number. Return the ids of the `k` rows *of this tenant* whose `x` is nearest to `query`, the "
        "nearest first, ties by id. If the tenant has fewer than k rows, return what it has, and never a row of another. "
        "A tenant of None or '' is a mistake of the caller: raise ValueError.",
        answer="search_tenant",
        starter="def search_tenant(rows, query, tenant, k):\n    ...",
        solution="def search_tenant(rows, query, tenant, k):\n"
        "    if not tenant:\n"
        '        raise ValueError("Which tenant? A search without one would show everybody\'s rows.")\n'
        '    mine = [row for row in rows if row["tenant"] == tenant]\n'
        '    mine.sort(key=lambda row: (abs(row["x"] - query), row["id"]))\n'
        '    return [row["id"] for row in mine[:k]]',
        alternatives=[
            "def search_tenant(rows, query, tenant, k):\n"
            '    if tenant is None or tenant == "":\n'
            "        raise ValueError(tenant)\n"
            "    pairs = []\n"
            "    for row in rows:\n"
            '        if row["tenant"] == tenant:\n'
            '            pairs.append((abs(row["x"] - query), row["id"]))\n'
            "    return [id for distance, id in sorted(pairs)][:k]",
        ],
        given=lambda: {"ROWS": ROWS},
        cases=lambda given: [
            (given["ROWS"], 5, "anna", 2),
            (given["ROWS"], 5, "bert", 2),
            (given["ROWS"], 5, "cleo", 3),
            (given["ROWS"], 0, "bert", 3),
            (given["ROWS"], 5, "nobody", 2),
            (given["ROWS"], 5, "", 2),
            (given["ROWS"], 5, None, 2),
        ],
        named=[
            (
                "def search_tenant(rows, query, tenant, k):\n"
                "    if not tenant:\n        raise ValueError\n"
                '    best = sorted(rows, key=lambda row: (abs(row["x"] - query), row["id"]))[:k]\n'
                '    return [row["id"] for row in best if row["tenant"] == tenant]',
                "That filters after the search: the k nearest of all may be foreign rows, and the tenant gets too few. "
                "Filter first.",
            ),
            (
                "def search_tenant(rows, query, tenant, k):\n"
                '    mine = [row for row in rows if not tenant or row["tenant"] == tenant]\n'
                '    mine.sort(key=lambda row: (abs(row["x"] - query), row["id"]))\n'
                '    return [row["id"] for row in mine[:k]]',
                "Without a tenant this shows everybody's rows. A forgotten filter must be an error, not an open door.",
            ),
            (
                "def search_tenant(rows, query, tenant, k):\n"
                "    if not tenant:\n        raise ValueError\n"
                '    near = sorted(rows, key=lambda row: (abs(row["x"] - query), row["id"]))\n'
                '    mine = [row for row in near if row["tenant"] == tenant]\n'
                '    rest = [row for row in near if row["tenant"] != tenant]\n'
                '    return [row["id"] for row in (mine + rest)[:k]]',
                "That fills up with rows of other tenants: too few is right, foreign is a leak.",
            ),
        ],
        wrong=[
            (
                "def search_tenant(rows, query, tenant, k):\n"
                "    if not tenant:\n        raise ValueError\n"
                '    mine = [row for row in rows if row["tenant"] == tenant]\n'
                '    mine.sort(key=lambda row: (row["x"], row["id"]))\n'
                '    return [row["id"] for row in mine[:k]]',
                "gives",
            ),
            (
                "def search_tenant(rows, query, tenant, k):\n"
                "    if not tenant:\n        return []\n"
                '    mine = [row for row in rows if row["tenant"] == tenant]\n'
                '    mine.sort(key=lambda row: (abs(row["x"] - query), row["id"]))\n'
                '    return [row["id"] for row in mine[:k]]',
                "ValueError",
            ),
        ],
        hints=[
            "Two steps in this order: keep the tenant's rows, then sort them by distance.",
            '`sorted(…, key=lambda row: (abs(row["x"] - query), row["id"]))` puts ties in the order of their ids.',
            "`if not tenant: raise ValueError(…)` comes first.",
        ],
        after="Filter first is exact search over the tenant's rows. It is also the remedy for small tenants above.",
    ),
)

ROWS = [
    {"id": "a1", "tenant": "anna", "x": 1.0},
    {"id": "a2", "tenant": "anna", "x": 9.0},
    {"id": "a3", "tenant": "anna", "x": 4.5},
    {"id": "b1", "tenant": "bert", "x": 5.0},
    {"id": "b2", "tenant": "bert", "x": 5.0},
    {"id": "b3", "tenant": "bert", "x": 5.5},
    {"id": "c1", "tenant": "cleo", "x": 100.0},
]
