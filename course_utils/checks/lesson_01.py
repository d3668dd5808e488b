"""Exercises of lesson 1: how long a plan takes, what a router's requests cost, when an agent stops."""

from .engine import Exercise, register

_PRICES = {"search": (0.02, 0.0), "small": (0.1, 0.5), "large": (2.0, 10.0)}  # dollars per million tokens, in and out

register(
    Exercise(
        id="01-wait",
        title="How long does a plan take?",
        stars=1,
        minutes=4,
        task="Write `wait(stages)`. A plan is a list of stages, one after the other. Each stage is a list of seconds: the "
        "calls of a stage wait together. `wait([[1, 2], [0.5]])` is 2.5. An empty stage takes no time.",
        answer="wait",
        starter="def wait(stages):\n    ...",
        solution="def wait(stages):\n    return sum(max(stage, default=0) for stage in stages)",
        alternatives=[
            "def wait(stages):\n"
            "    total = 0\n"
            "    for stage in stages:\n"
            "        if stage:\n"
            "            total += max(stage)\n"
            "    return total",
        ],
        cases=[
            ([[1, 2], [0.5]],),
            ([[1, 1, 1]],),
            ([[1], [1], [1]],),
            ([[0.2], [3, 1, 2], [], [0.1, 0.4]],),
            ([],),
        ],
        named=[
            (
                "def wait(stages):\n    return sum(sum(stage) for stage in stages)",
                "That is as if nothing waited together. Inside a stage only the slowest call counts.",
            ),
            (
                "def wait(stages):\n    return max(max(stage, default=0) for stage in stages) if stages else 0",
                "Calls of a stage wait together, but the stages follow one another: their times add up.",
            ),
            (
                "def wait(stages):\n    return sum(sum(stage) / len(stage) for stage in stages if stage)",
                "That is the mean of each stage. You wait for the slowest call, which takes longer than the mean.",
            ),
        ],
        wrong=[
            ("def wait(stages):\n    return sum(max(stage) for stage in stages)", "ValueError"),
            ("def wait(stages):\n    return sum(min(stage, default=0) for stage in stages)", "gives"),
            ("def wait(stages):\n    print(sum(max(stage, default=0) for stage in stages))", "None"),
        ],
        hints=[
            "The time of one stage is its slowest call: `max`.",
            "The stages follow one another: `sum`.",
            "`max([], default=0)` is 0, where `max([])` is an error.",
        ],
        after="This is the whole arithmetic of pipelines (sum) and ensembles (maximum).",
    ),
    Exercise(
        id="01-bill",
        title="The bill of a router",
        stars=2,
        minutes=4,
        task="A router sent each request one of several ways. Write `bill(routed, prices)`: the dollars of all requests. "
        "`routed` is a list of `(way, tokens in, tokens out)`. `prices` gives each way two prices, in and out, in dollars "
        "**per million tokens**. With `prices = {'small': (0.1, 0.5), 'large': (2, 10)}` the bill of "
        "`[('small', 500, 150)]` is 0.000125. No requests cost nothing.",
        answer="bill",
        starter="def bill(routed, prices):\n    ...",
        solution="def bill(routed, prices):\n"
        "    total = 0\n"
        "    for way, tokens_in, tokens_out in routed:\n"
        "        price_in, price_out = prices[way]\n"
        "        total += tokens_in * price_in + tokens_out * price_out\n"
        "    return total / 1_000_000",
        alternatives=[
            "def bill(routed, prices):\n    return sum(i * prices[w][0] / 1e6 + o * prices[w][1] / 1e6 for w, i, o in routed)",
        ],
        cases=[
            ([("small", 500, 150)], _PRICES),
            ([("small", 500, 150), ("large", 500, 150)], _PRICES),
            ([("small", 60, 20)] * 16 + [("large", 3000, 500)] * 4, _PRICES),
            ([("search", 15, 0), ("large", 900, 40)], _PRICES),
            ([], _PRICES),
        ],
        named=[
            (
                "def bill(routed, prices):\n    return sum((i + o) * prices[w][0] for w, i, o in routed) / 1e6",
                "Tokens out have a price of their own, five times that of tokens in here.",
            ),
            (
                "def bill(routed, prices):\n    return sum(i * prices[w][0] + o * prices[w][1] for w, i, o in routed)",
                "The prices are per *million* tokens: divide by 1,000,000.",
            ),
            (
                "def bill(routed, prices):\n    p = prices['large']\n"
                "    return sum(i * p[0] + o * p[1] for _, i, o in routed) / 1e6",
                "That is the bill without a router, all at *large*. Look up each request's own way: `prices[way]`.",
            ),
        ],
        wrong=[
            (
                "def bill(routed, prices):\n    return sum(i * prices[w][1] + o * prices[w][0] for w, i, o in routed) / 1e6",
                "gives",
            ),
            (
                "def bill(routed, prices):\n    return sum(prices[w][0] + prices[w][1] for w, i, o in routed) / 1e6",
                "gives",
            ),
        ],
        hints=[
            "Each request is a triple: `for way, tokens_in, tokens_out in routed`.",
            "One request: tokens in × price in, plus tokens out × price out. Then add them up.",
            "`price_in, price_out = prices[way]`, and divide by 1,000,000 at the end.",
        ],
        after="Look at the third case: the four requests that went to *large* make up nearly the whole bill. What a router saves "
        "depends on them.",
    ),
    Exercise(
        id="01-stop",
        title="When does the agent stop?",
        stars=2,
        minutes=5,
        task="`steps` is what an agent would do: a list of `(done, cost)`, one for each call. Write `run_agent(steps, limit, "
        "budget)` that gives `(calls, spent, why)`. `why` is `'done'` after a call that is done, `'limit'` once `limit` calls "
        "were made without being done, and `'budget'` if the *next* call would bring the sum above `budget`; that call is "
        "not made. The budget is looked at before the call, the limit first. So "
        "`run_agent([(False, 3)] * 9, 9, 10)` is `(3, 9, 'budget')`: 9 are spent, and a "
        "fourth call would bring it to 12. Steps never run out before one of the three.",
        answer="run_agent",
        starter="def run_agent(steps, limit, budget):\n    ...",
        solution="def run_agent(steps, limit, budget):\n"
        "    spent = 0\n"
        "    for calls, (done, cost) in enumerate(steps):\n"
        "        if calls == limit:\n"
        "            return calls, spent, 'limit'\n"
        "        if spent + cost > budget:\n"
        "            return calls, spent, 'budget'\n"
        "        spent += cost\n"
        "        if done:\n"
        "            return calls + 1, spent, 'done'",
        alternatives=[
            "def run_agent(steps, limit, budget):\n"
            "    calls, spent = 0, 0\n"
            "    while True:\n"
            "        if calls >= limit:\n"
            "            return calls, spent, 'limit'\n"
            "        done, cost = steps[calls]\n"
            "        if spent + cost > budget:\n"
            "            return calls, spent, 'budget'\n"
            "        calls, spent = calls + 1, spent + cost\n"
            "        if done:\n"
            "            return calls, spent, 'done'",
        ],
        cases=[
            ([(False, 2), (True, 3)], 5, 10),
            ([(False, 1)] * 20, 4, 100),
            ([(False, 3)] * 20, 10, 10),
            ([(False, 5), (True, 5), (False, 1)], 5, 10),
            ([(False, 5), (False, 5), (False, 1)], 2, 10),
            ([(True, 1)] * 3, 0, 10),
            ([(True, 11)] * 3, 3, 10),
        ],
        named=[
            (
                "def run_agent(steps, limit, budget):\n    spent = 0\n    for calls, (done, cost) in enumerate(steps):\n"
                "        if calls == limit:\n            return calls, spent, 'limit'\n"
                "        if spent > budget:\n            return calls, spent, 'budget'\n        spent += cost\n"
                "        if done:\n            return calls + 1, spent, 'done'",
                "The budget is noticed too late, when it is spent already. Ask before the call: `spent + cost > budget`.",
            ),
            (
                "def run_agent(steps, limit, budget):\n    spent = 0\n    for calls, (done, cost) in enumerate(steps):\n"
                "        if calls == limit:\n            return calls, spent, 'limit'\n"
                "        if spent + cost >= budget:\n            return calls, spent, 'budget'\n        spent += cost\n"
                "        if done:\n            return calls + 1, spent, 'done'",
                "A call that uses up the budget exactly is still allowed: stop only *above* it.",
            ),
            (
                "def run_agent(steps, limit, budget):\n    spent = 0\n    for calls, (done, cost) in enumerate(steps):\n"
                "        if calls > limit:\n            return calls, spent, 'limit'\n"
                "        if spent + cost > budget:\n            return calls, spent, 'budget'\n        spent += cost\n"
                "        if done:\n            return calls + 1, spent, 'done'",
                "One call too many: with a limit of 4 the fifth call is not made.",
            ),
        ],
        wrong=[
            (
                "def run_agent(steps, limit, budget):\n    spent = 0\n    for calls, (done, cost) in enumerate(steps, 1):\n"
                "        spent += cost\n        if done:\n            return calls, spent, 'done'",
                "gives",
            ),
            ("def run_agent(steps, limit, budget):\n    return min(limit, len(steps)), budget, 'limit'", "gives"),
        ],
        hints=[
            "Go through the steps with `enumerate`: the index is the number of calls made so far.",
            "Before each call, ask two questions: have I made `limit` calls, and can I pay for this one?",
            "After the call, add its cost, and return if it is done.",
        ],
        after="Both belong in every agent: the limit bounds time, the budget bounds money.",
    ),
)
