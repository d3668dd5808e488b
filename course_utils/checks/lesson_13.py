"""Exercises of lesson 13: the ceiling of a filter, the bill of a request, a system of one's own."""

from collections import namedtuple

from .engine import Exercise, register

Try = namedtuple("Try", "said sure")
Request = namedtuple("Request", "id door")
# A desk small enough to look at: (door, what each route says and how sure it is, the answer that is wanted, routes that
# may be asked, what to say if others were).
WORLD = [
    ("photo", {"head": ("cracked", 0.9), "large": ("cracked", 0.9)}, "cracked", ["head"], "a photo needs no language model"),
    ("phone", {"head": ("billing", 0.9), "large": ("faq", 1.0)}, "billing", ["head"], "lesson 4's head sorts better than large"),
    ("post", {"rules": ("120.00", 1.0), "small": ("120.00", 1.0), "large": ("120.00", 1.0)}, "120.00", ["rules"],
     "the rules' sums hold, so the page is done"),
    ("post", {"rules": (None, 0.0), "small": ("75.00", 1.0), "large": ("75.00", 1.0)}, "75.00", ["rules", "small"],
     "the rules' sums did not hold and small's do, so nobody else need read the page"),
    ("post", {"rules": ("9.00", 0.0), "small": ("90.10", 0.0), "large": ("90.00", 1.0)}, "90.00", ["rules", "small", "large"],
     "neither the rules' sums nor small's hold, so large must read the page"),
]  # fmt: skip


def _try_out(mine):
    """None, or why a system does not yet do on WORLD what was asked."""
    for door, says, wanted, cheap, why in WORLD:
        asked = []

        def ask(route, says=says, asked=asked, door=door):
            if route not in says:
                raise KeyError(f"there is no route {route!r} for door {door!r}; there are {', '.join(says)}")
            asked.append(route)
            return Try(*says[route])

        got = mine(Request("t-1", door), ask)
        if got is None or got is ...:
            return f"For a request of door `{door}` your system returns `{got}`. Return what `ask(…)` gave."
        if not isinstance(got, Try):
            return f"Return the whole try that `ask(…)` gave, not `{got!r}`: the leaderboard reads it."
        if "large" in asked and "large" not in cheap:
            return f"Door `{door}`: your system asked large, and {why}."
        if len(asked) > len(cheap):
            return f"Door `{door}`: your system asked {', '.join(asked)}; {why}."
        if got.said != wanted:
            return f"Door `{door}`: after asking {', '.join(asked)} it answers `{got.said}`; {why}."
    return None


MINE = (
    "def mine(request, ask):\n"
    '    if request.door == "post":\n'
    '        for route in ("rules", "small"):\n'
    "            first = ask(route)\n"
    "            if first.sure:\n"
    "                return first\n"
    '        return ask("large")\n'
    '    routes = {"help": "small", "chat": "translated head", "phone": "head", "photo": "head"}\n'
    "    return ask(routes[request.door])"
)

register(
    Exercise(
        id="13-ceiling",
        title="How much can a filter save?",
        stars=1,
        minutes=5,
        task="Write `saving(f, share)`: how many times cheaper a system gets if a cheap filter answers the share `f` of the "
        "requests and the large model the rest. The filter looks at every request, and one look costs `share` of a call "
        "to the large model. So `saving(0.8, 0)` is 5.",
        answer="saving",
        starter="def saving(f, share):\n    ...",
        solution="def saving(f, share):\n    return 1 / (share + 1 - f)",
        alternatives=[
            "def saving(f, share):\n    before, after = 1, share * 1 + (1 - f) * 1\n    return before / after"
        ],
        cases=[(0.8, 0), (0.8, 0.05), (0.9, 0), (0.5, 0.1), (0.0, 0.2)],
        named=[
            (
                "def saving(f, share):\n    return 1 / (1 - f)",
                "That is the ceiling of a filter that costs nothing. Yours looks at every request, for `share` of a call.",
            ),
            (
                "def saving(f, share):\n    return 1 / (share * f + 1 - f)",
                "The filter must look at all requests to know which are easy, so its price is paid for all, not for `f`.",
            ),
            (
                "def saving(f, share):\n    return f - share",
                "That is the share of the bill that is saved. Asked is how many times cheaper: old bill by new bill.",
            ),
        ],
        wrong=[
            ("def saving(f, share):\n    return share + 1 - f", "gives"),
            ("def saving(f, share):\n    print(1 / (share + 1 - f))", "None"),
        ],
        hints=[
            "Take a call to the large model as 1. What does a request cost before there is a filter?",
            "With the filter each request costs `share`, and the share `1 - f` of them 1 more.",
            "Divide the old price by the new one.",
        ],
        after="At 80 % and 5 % it is 4, not 5. What you cannot filter and what you pay for all set the limit.",
    ),
    Exercise(
        id="13-bill",
        title="The bill of one request",
        stars=2,
        minutes=5,
        task="Write `bill(tries)`: what a request costs that went through several routes. `tries` is a list of tuples "
        "`(reader, reader's dollars, route's dollars)`. A route's dollars are paid each time; a reader's once, however many "
        "routes use what it has read.",
        answer="bill",
        starter="def bill(tries):\n    ...",
        solution="def bill(tries):\n"
        "    readers = {reader: dollars for reader, dollars, _ in tries}\n"
        "    return sum(readers.values()) + sum(dollars for _, _, dollars in tries)",
        alternatives=[
            "def bill(tries):\n"
            "    total, read = 0, []\n"
            "    for reader, price, dollars in tries:\n"
            "        if reader not in read:\n"
            "            read.append(reader)\n"
            "            total += price\n"
            "        total += dollars\n"
            "    return total",
        ],
        cases=[
            ([("page", 15, 0), ("page", 15, 1), ("page", 15, 20)],),
            ([("near", 1, 2)],),
            ([("near", 1, 2), ("reranked", 20, 2)],),
            ([],),
            ([("words", 0, 1), ("english", 7, 1), ("words", 0, 1)],),
        ],
        named=[
            (
                "def bill(tries):\n    return sum(price + dollars for _, price, dollars in tries)",
                "The page is paid for each time a route looks at it. It was read once.",
            ),
            (
                "def bill(tries):\n    return (tries[-1][1] + tries[-1][2]) if tries else 0",
                "Only the last route is paid. Those before it were asked too, and their answers thrown away.",
            ),
            (
                "def bill(tries):\n    return sum(dollars for _, _, dollars in tries)",
                "The readers are missing: on media they are the larger part of the bill.",
            ),
        ],
        wrong=[
            ("def bill(tries):\n    return tries[0][1] + sum(t[2] for t in tries)", "gives"),
            ("def bill(tries):\n    return max(t[1] for t in tries) + sum(t[2] for t in tries)", "gives"),
            ("def bill(tries):\n    return [t[2] for t in tries]", "gives"),
        ],
        hints=[
            "Two sums: one over the routes, one over the readers.",
            "A dictionary keeps one value a key: `{reader: dollars for …}`.",
        ],
    ),
    Exercise(
        id="13-mine",
        title="A system of your own",
        stars=3,
        minutes=8,
        task="Write `mine(request, ask)`. It sees `request.door` and `request.text`; `ask(route)` gives a try with `said` and "
        "`sure`; it returns the try that it settles for. Photos and calls go to their heads. A scan goes to the rules; if "
        "their sums do not hold (`sure` is 0) to small; if those do not hold either to large. For help and chat choose "
        "yourself. Then see where it stands: the cell below enters it on the board.",
        answer="mine",
        starter="def mine(request, ask):\n    ...",
        solution=MINE,
        alternatives=[
            "def mine(request, ask):\n"
            '    if request.door != "post":\n'
            '        return ask("large" if request.door in ("help", "chat") else "head")\n'
            '    first = ask("rules")\n'
            "    if not first.sure:\n"
            '        first = ask("small")\n'
            '    return first if first.sure else ask("large")',
        ],
        check=_try_out,
        wrong=[
            ('def mine(request, ask):\n    return ask("large")', "a photo needs no language model"),
            (
                "def mine(request, ask):\n"
                '    routes = {"phone": "head", "post": "rules", "photo": "head"}\n'
                '    return ask(routes.get(request.door, "large"))',
                "small's do, so nobody else need read the page",
            ),
            (
                'def mine(request, ask):\n    if request.door != "post":\n        return ask("head")\n'
                '    tries = [ask(r) for r in ("rules", "small", "large")]\n'
                "    return max(tries, key=lambda t: t.sure)",
                "so the page is done",
            ),
            (
                'def mine(request, ask):\n    if request.door != "post":\n        return ask("head")\n'
                '    first = ask("rules")\n    return first if first.sure else ask("large")',
                "small's do",
            ),
            (
                'def mine(request, ask):\n    if request.door != "post":\n        return ask("head")\n'
                '    first = ask("rules")\n    return first if first.sure else ask("small")',
                "large must read the page",
            ),
            ('def mine(request, ask):\n    return ask("head").said', "Return the whole try"),
            ('def mine(request, ask):\n    ask("head")', "returns `None`"),
            ('def mine(request, ask):\n    return ask("oracle")', "there is no route 'oracle'"),
        ],
        hints=[
            'Begin with the door that needs most thought: `if request.door == "post":`',
            "A cascade is a loop: ask, look at `sure`, return or go on.",
            "The other doors fit into a dictionary from door to route.",
        ],
        after="The board below holds it now. Change its routes for help and chat, and run this cell again.",
    ),
)
