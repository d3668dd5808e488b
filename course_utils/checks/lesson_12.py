"""Exercises of lesson 12: a pause between tries, effects that happen once, and what a cache's threshold is worth."""

from .engine import Exercise, register

register(
    Exercise(
        id="12-pause",
        title="How long to wait",
        stars=1,
        minutes=4,
        task="Write `pause(n, chance, retry_after=0.0)`: the seconds to wait after the n-th try, n counting from 1. `chance` "
        "is a random number from 0 to 1. Full jitter: `chance` times a limit that is 1 s after the first try, doubles with "
        "each further one, and never exceeds 8 s. What the server asked for, `retry_after`, is waited for as well.",
        answer="pause",
        starter="def pause(n, chance, retry_after=0.0):\n    ...",
        solution="def pause(n, chance, retry_after=0.0):\n    return retry_after + chance * min(8.0, 2 ** (n - 1))",
        alternatives=[
            "def pause(n, chance, retry_after=0.0):\n"
            "    limit = 1.0\n"
            "    for _ in range(n - 1):\n"
            "        limit = min(8.0, 2 * limit)\n"
            "    return retry_after + limit * chance",
        ],
        cases=[(1, 1.0), (1, 0.5), (2, 1.0), (3, 0.25, 6.0), (4, 1.0), (5, 1.0), (9, 0.5, 2.0), (4, 0.0)],
        named=[
            (
                "def pause(n, chance, retry_after=0.0):\n    return retry_after + chance * min(8.0, 2**n)",
                "Twice too long: after the first try the limit is 1 s, so the power is n - 1.",
            ),
            (
                "def pause(n, chance, retry_after=0.0):\n    return retry_after + chance * 2 ** (n - 1)",
                "There is no cap: after the ninth try this waits up to 256 s. Take the smaller of it and 8 s.",
            ),
            (
                "def pause(n, chance, retry_after=0.0):\n    return max(retry_after, chance * min(8.0, 2 ** (n - 1)))",
                "The larger of the two brings everybody back at retry_after sharp, together. Add the random part to it.",
            ),
            (
                "def pause(n, chance, retry_after=0.0):\n    return chance * min(8.0, 2 ** (n - 1))",
                "The server's Retry-After is left out: it says when it will be ready, so add it.",
            ),
            (
                "def pause(n, chance, retry_after=0.0):\n    return retry_after + min(8.0, 2 ** (n - 1))",
                "chance has no effect: without it all clients that failed together come back together.",
            ),
        ],
        wrong=[
            ("def pause(n, chance, retry_after=0.0):\n    return retry_after + chance * min(8.0, n)", "gives"),
            ("def pause(n, chance, retry_after=0.0):\n    print(chance)", "None"),
        ],
        hints=[
            "The limits are 1, 2, 4, 8, 8, 8 …: a power of 2, capped by `min`.",
            "After the n-th try the limit is `min(8.0, 2 ** (n - 1))`.",
            "`retry_after + chance * limit`.",
        ],
        after="With `random.uniform(0, limit)` in place of `chance * limit` this is what most libraries call full jitter.",
    ),
    Exercise(
        id="12-once",
        title="Delivered twice, done once",
        stars=2,
        minutes=4,
        task="Write `payments(deliveries)`. `deliveries` is a list of (key, amount) pairs in the order in which they come; a "
        "key may come again. Return the list of pairs that are paid: the first of each key. If a key comes again with "
        "*another amount*, that is no repetition but a mistake: raise a ValueError.",
        answer="payments",
        starter="def payments(deliveries):\n    ...",
        solution="def payments(deliveries):\n"
        "    paid = {}\n"
        "    for key, amount in deliveries:\n"
        "        if paid.setdefault(key, amount) != amount:\n"
        '            raise ValueError(f"{key} was used for another amount")\n'
        "    return list(paid.items())",
        alternatives=[
            "def payments(deliveries):\n"
            "    done, keys = [], {}\n"
            "    for key, amount in deliveries:\n"
            "        if key not in keys:\n"
            "            keys[key] = amount\n"
            "            done.append((key, amount))\n"
            "        elif keys[key] != amount:\n"
            "            raise ValueError(key)\n"
            "    return done",
        ],
        cases=[
            ([("a", 10.0), ("b", 20.0)],),
            ([("a", 10.0), ("a", 10.0), ("b", 20.0)],),
            ([("a", 10.0), ("b", 10.0), ("a", 10.0), ("b", 10.0)],),
            ([("b", 5.0), ("a", 7.0), ("b", 6.0)],),
            ([],),
        ],
        named=[
            (
                "def payments(deliveries):\n    return list(deliveries)",
                "Each delivery is paid, and a job that comes twice is paid twice: remember the keys.",
            ),
            (
                "def payments(deliveries):\n    return list(dict(deliveries).items())",
                "The last delivery of a key wins here, silently. The first was paid already; another amount is a mistake.",
            ),
            (
                "def payments(deliveries):\n    paid = {}\n    for key, amount in deliveries:\n"
                "        paid.setdefault(key, amount)\n    return list(paid.items())",
                "A key that comes again with another amount is passed over in silence: raise a ValueError.",
            ),
            (
                "def payments(deliveries):\n    paid = []\n    for pair in deliveries:\n"
                "        if pair not in paid:\n            paid.append(pair)\n    return paid",
                "The same key with another amount counts as a new payment here: compare keys, not pairs.",
            ),
            (
                "def payments(deliveries):\n    paid, amounts = [], set()\n    for key, amount in deliveries:\n"
                "        if amount not in amounts:\n            amounts.add(amount)\n"
                "            paid.append((key, amount))\n    return paid",
                "Two customers may be owed the same sum: what counts as the same is the key, not the amount.",
            ),
        ],
        wrong=[
            ("def payments(deliveries):\n    return sorted(set(deliveries))", "gives"),
            ("def payments(deliveries):\n    print(deliveries)", "None"),
        ],
        hints=[
            "Keep a dictionary from key to the amount that was paid; dictionaries keep their order.",
            "`paid.setdefault(key, amount)` stores the amount if the key is new, and returns what stands there.",
            "If that is not this delivery's amount: `raise ValueError(...)`.",
        ],
        after="The service's queue does the same in the database, by `UNIQUE (owner, key)`, and answers 409 to the mistake.",
    ),
    Exercise(
        id="12-worth",
        title="Is the cache worth its mistakes?",
        stars=2,
        minutes=4,
        task="Write `worth(hits, wrong_hits, call, mistake)`: what a cache gains, in dollars. Each of its `hits` saves the "
        "price of a `call`; each of the `wrong_hits`, which are among the hits, costs a `mistake`. The answer is below zero "
        "if the cache loses.",
        answer="worth",
        starter="def worth(hits, wrong_hits, call, mistake):\n    ...",
        solution="def worth(hits, wrong_hits, call, mistake):\n    return hits * call - wrong_hits * mistake",
        alternatives=[
            "def worth(hits, wrong_hits, call, mistake):\n"
            "    right = hits - wrong_hits\n"
            "    return right * call + wrong_hits * (call - mistake)",
        ],
        cases=[(100, 0, 0.01, 5.0), (100, 10, 0.01, 5.0), (1000, 1, 0.01, 5.0), (0, 0, 0.01, 5.0), (40, 20, 2.0, 1.0)],
        named=[
            (
                "def worth(hits, wrong_hits, call, mistake):\n    return (hits - wrong_hits) * call - wrong_hits * mistake",
                "A wrong hit saves its call, too: the model was not asked. So all hits save.",
            ),
            (
                "def worth(hits, wrong_hits, call, mistake):\n    return hits * call",
                "The wrong hits cost nothing here. Someone acts on a wrong answer, or writes again.",
            ),
            (
                "def worth(hits, wrong_hits, call, mistake):\n    return hits * call - hits * wrong_hits * mistake",
                "wrong_hits is a number of hits, not a share of them: it stands alone.",
            ),
            (
                "def worth(hits, wrong_hits, call, mistake):\n    return max(0.0, hits * call - wrong_hits * mistake)",
                "A loss is a result, too: do not cut it off at zero.",
            ),
        ],
        wrong=[
            ("def worth(hits, wrong_hits, call, mistake):\n    return wrong_hits * mistake - hits * call", "gives"),
            ("def worth(hits, wrong_hits, call, mistake):\n    print(hits)", "None"),
        ],
        hints=[
            "All hits save a call, right or wrong.",
            "Only the wrong ones cost a mistake.",
            "`hits * call - wrong_hits * mistake`.",
        ],
        after="At $0.0001 a call and $5 a mistake, one wrong hit in 50,000 eats all that the others save.",
    ),
)
