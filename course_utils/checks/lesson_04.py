"""Exercises of lesson 4: a window of memory, the checks before a refund, the time to first audio."""

from .engine import Exercise, register

TALK = [
    ("hello there", "good day"),
    ("my lamp broke", "which lamp"),
    ("the green one", "I see"),
    ("help", "of course I do"),
]
ORDER = {"id": "HL-1", "customer": "C-1", "total": 80.0}

register(
    Exercise(
        id="04-window",
        title="A window with a budget",
        stars=2,
        minutes=5,
        task="Write `last_turns(turns, budget)`: the longest run of the *last* turns that has at most `budget` words. "
        "`turns` is a list of pairs of texts, what the customer said and what the bot said; both count. Return the turns "
        "in their order, and an empty list if not even the last one fits.",
        answer="last_turns",
        starter="def last_turns(turns, budget):\n    ...",
        solution="def last_turns(turns, budget):\n"
        "    kept = []\n"
        "    for turn in reversed(turns):\n"
        "        budget -= len(' '.join(turn).split())\n"
        "        if budget < 0:\n"
        "            break\n"
        "        kept.insert(0, turn)\n"
        "    return kept",
        alternatives=[
            "def last_turns(turns, budget):\n"
            "    for start in range(len(turns)):\n"
            "        words = sum(len(text.split()) for turn in turns[start:] for text in turn)\n"
            "        if words <= budget:\n"
            "            return turns[start:]\n"
            "    return []",
        ],
        cases=[(TALK, 9), (TALK, 10), (TALK, 100), (TALK, 3), (TALK, 5), ([], 10), (TALK[:1] * 3, 8)],
        named=[
            (
                "def last_turns(turns, budget):\n    kept = []\n    for turn in turns:\n"
                "        budget -= len(' '.join(turn).split())\n        if budget < 0:\n            break\n"
                "        kept.append(turn)\n    return kept",
                "That keeps the first turns. A window keeps the last ones: begin at the end.",
            ),
            (
                "def last_turns(turns, budget):\n    kept = []\n    for turn in reversed(turns):\n"
                "        budget -= len(' '.join(turn).split())\n        if budget < 0:\n            break\n"
                "        kept.append(turn)\n    return kept",
                "The right turns, but the last comes first: the model would read the talk backwards.",
            ),
            (
                "def last_turns(turns, budget):\n    kept = []\n    for turn in reversed(turns):\n"
                "        budget -= len(turn[0].split())\n        if budget < 0:\n            break\n"
                "        kept.insert(0, turn)\n    return kept",
                "The bot's words are sent, too, and paid for: count both texts of a turn.",
            ),
            (
                "def last_turns(turns, budget):\n    kept = []\n    for turn in reversed(turns):\n"
                "        words = len(' '.join(turn).split())\n        if words <= budget:\n"
                "            budget -= words\n            kept.insert(0, turn)\n    return kept",
                "A long turn is skipped and an older one kept: then the talk has a hole. Stop at the first that does not fit.",
            ),
        ],
        wrong=[
            ("def last_turns(turns, budget):\n    return turns[-budget:]", "gives"),
            (
                "def last_turns(turns, budget):\n    return [t for t in turns if len(' '.join(t).split()) <= budget]",
                "gives",
            ),
        ],
        hints=[
            "`reversed(turns)` begins with the last turn.",
            "The words of a turn: `len(' '.join(turn).split())`.",
            "Subtract from the budget, and stop as soon as it falls below 0; `kept.insert(0, turn)` keeps the order.",
        ],
    ),
    Exercise(
        id="04-guard",
        title="May this be paid back?",
        stars=2,
        minutes=4,
        task="Write `why_not(order, customer, amount, refunded)`: the reason against a refund, or `''` if there is none. "
        "`order` is a dict with `id`, `customer` and `total`, or `None` if there is no such order; `refunded` is the set of "
        "the ids of orders already paid back. Check in this order and return the first that holds: `'unknown order'`, "
        "`'not your order'`, `'bad amount'` (not above 0, or above the total), `'refunded already'`.",
        answer="why_not",
        starter="def why_not(order, customer, amount, refunded):\n    ...",
        solution="def why_not(order, customer, amount, refunded):\n"
        "    if order is None:\n        return 'unknown order'\n"
        "    if order['customer'] != customer:\n        return 'not your order'\n"
        "    if not 0 < amount <= order['total']:\n        return 'bad amount'\n"
        "    return 'refunded already' if order['id'] in refunded else ''",
        alternatives=[
            "def why_not(order, customer, amount, refunded):\n"
            "    if not order:\n        return 'unknown order'\n"
            "    checks = [\n"
            "        (customer != order['customer'], 'not your order'),\n"
            "        (amount <= 0 or amount > order['total'], 'bad amount'),\n"
            "        (order['id'] in refunded, 'refunded already'),\n"
            "    ]\n"
            "    return next((reason for holds, reason in checks if holds), '')",
        ],
        cases=[
            (ORDER, "C-1", 80.0, set()),
            (ORDER, "C-1", 80.01, set()),
            (ORDER, "C-1", 0, set()),
            (ORDER, "C-1", -5, set()),
            (ORDER, "C-2", 10, set()),
            (ORDER, "C-2", -10, {"HL-1"}),
            (ORDER, "C-1", 10, {"HL-1"}),
            (ORDER, "C-1", 10, {"HL-2"}),
            (None, "C-1", 10, set()),
        ],
        named=[
            (
                "def why_not(order, customer, amount, refunded):\n    if order is None:\n        return 'unknown order'\n"
                "    if order['customer'] != customer:\n        return 'not your order'\n"
                "    if amount > order['total']:\n        return 'bad amount'\n"
                "    return 'refunded already' if order['id'] in refunded else ''",
                "A refund of minus 5 pounds passes: it would take money from the customer. Ask for an amount above 0.",
            ),
            (
                "def why_not(order, customer, amount, refunded):\n    if order is None:\n        return 'unknown order'\n"
                "    if not 0 < amount <= order['total']:\n        return 'bad amount'\n"
                "    return 'refunded already' if order['id'] in refunded else ''",
                "Anybody who knows a number can have somebody else's money: check the customer.",
            ),
            (
                "def why_not(order, customer, amount, refunded):\n    if order is None:\n        return 'unknown order'\n"
                "    if order['customer'] != customer:\n        return 'not your order'\n"
                "    if not 0 < amount <= order['total']:\n        return 'bad amount'\n    return ''",
                "The second refund passes, too. A request that is sent twice must not pay twice.",
            ),
            (
                "def why_not(order, customer, amount, refunded):\n    if order is None:\n        return 'unknown order'\n"
                "    if order['customer'] != customer:\n        return 'not your order'\n"
                "    if not 0 < amount < order['total']:\n        return 'bad amount'\n"
                "    return 'refunded already' if order['id'] in refunded else ''",
                "The whole sum may be paid back, too: at most the total, not less than it.",
            ),
        ],
        wrong=[
            (
                "def why_not(order, customer, amount, refunded):\n    if order['customer'] != customer:\n"
                "        return 'not your order'\n    return ''",
                "gives",
            ),
            ("def why_not(order, customer, amount, refunded):\n    return ''", "gives"),
        ],
        hints=[
            "Begin with the order that does not exist: nothing of it can be looked up.",
            "`0 < amount <= order['total']` is one comparison in Python.",
            "`order['id'] in refunded` asks whether the set holds it.",
        ],
        after="The order of the checks matters: who asks for another customer's order must not learn its total.",
    ),
    Exercise(
        id="04-first-audio",
        title="Time to first audio",
        stars=1,
        minutes=3,
        task="Write `first_audio(hear, write, speak, streamed)`: seconds until the first sound. `hear` is the time for "
        "hearing. `write` and `speak` are lists, for each sentence the seconds to write it and to make its sound. If "
        "`streamed` is true, a sentence is spoken as soon as it is written; else all is written, then all spoken, then "
        "played.",
        answer="first_audio",
        starter="def first_audio(hear, write, speak, streamed):\n    ...",
        solution="def first_audio(hear, write, speak, streamed):\n"
        "    if streamed:\n        return hear + write[0] + speak[0]\n"
        "    return hear + sum(write) + sum(speak)",
        alternatives=[
            "def first_audio(hear, write, speak, streamed):\n"
            "    n = 1 if streamed else len(write)\n"
            "    return hear + sum(write[:n]) + sum(speak[:n])",
        ],
        cases=[
            (0.8, [0.5, 0.25, 0.25], [1.0, 2.0, 1.5], True),
            (0.8, [0.5, 0.25, 0.25], [1.0, 2.0, 1.5], False),
            (0.0, [0.5], [1.0], True),
            (0.0, [0.5], [1.0], False),
            (1.0, [2.0, 0.1], [0.5, 3.0], True),
        ],
        named=[
            (
                "def first_audio(hear, write, speak, streamed):\n    if streamed:\n"
                "        return hear + max(write[0], speak[0])\n"
                "    return hear + sum(write) + sum(speak)",
                "Writing and speaking of the *same* sentence cannot overlap: it must be written before it is spoken.",
            ),
            (
                "def first_audio(hear, write, speak, streamed):\n    if streamed:\n"
                "        return hear + sum(write) + speak[0]\n    return hear + sum(write) + sum(speak)",
                "Streamed, the first sentence is spoken while the others are still being written: only write[0] is waited for.",
            ),
            (
                "def first_audio(hear, write, speak, streamed):\n    if streamed:\n        return write[0] + speak[0]\n"
                "    return sum(write) + sum(speak)",
                "The caller waits while the line hears, too: add hear.",
            ),
            (
                "def first_audio(hear, write, speak, streamed):\n    if streamed:\n        return hear + write[0] + speak[0]\n"
                "    return hear + sum(write) + speak[0]",
                "Not streamed, nothing is played before all of it is spoken: add all of speak.",
            ),
        ],
        wrong=[
            ("def first_audio(hear, write, speak, streamed):\n    return hear + sum(write) + sum(speak)", "gives"),
            ("def first_audio(hear, write, speak, streamed):\n    print(hear)", "None"),
        ],
        hints=[
            "Write down for the caller, second by second, what must be finished before the first sound.",
            "Streamed: hearing, the first sentence written, the first sentence spoken.",
            "Whole: hearing, all sentences written, all spoken.",
        ],
    ),
)
