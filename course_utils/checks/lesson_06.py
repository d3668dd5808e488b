"""Exercises of lesson 6: the desk's decision, a vote of independent voters, errors that come together."""

from .engine import Exercise, register

register(
    Exercise(
        id="06-decide",
        title="Stop, ask a person, or publish",
        stars=1,
        minutes=4,
        task="Write `decide(scores, veto=0.90, person=0.65)` as the moderation handbook has it. `scores` holds one number "
        "from 0 to 1 of each checker. A post is `'stop'` if any single score is at or above `veto`, else `'person'` if any is at "
        "or above `person`, else `'publish'`.",
        answer="decide",
        starter="def decide(scores, veto=0.90, person=0.65):\n    ...",
        solution="def decide(scores, veto=0.90, person=0.65):\n"
        "    highest = max(scores)\n"
        "    return 'stop' if highest >= veto else 'person' if highest >= person else 'publish'",
        alternatives=[
            "def decide(scores, veto=0.90, person=0.65):\n"
            "    if any(s >= veto for s in scores):\n"
            "        return 'stop'\n"
            "    if any(s >= person for s in scores):\n"
            "        return 'person'\n"
            "    return 'publish'",
        ],
        cases=[
            ([0.1, 0.95, 0.2],),
            ([0.1, 0.7, 0.2],),
            ([0.6, 0.6, 0.6],),
            ([0.0, 0.9, 0.0],),
            ([0.65, 0.1, 0.1],),
            ([0.89, 0.7, 0.7],),
            ([0.5, 0.1], 0.4, 0.2),
            ([0.1, 0.92],),
            ([0.95, 0.91],),
        ],
        named=[
            (
                "def decide(scores, veto=0.90, person=0.65):\n    m = sum(scores) / len(scores)\n"
                "    return 'stop' if m >= veto else 'person' if m >= person else 'publish'",
                "That is the mean: one checker who sees it clearly is outvoted by two who cannot see it at all.",
            ),
            (
                "def decide(scores, veto=0.90, person=0.65):\n"
                "    if all(s >= veto for s in scores):\n        return 'stop'\n"
                "    return 'person' if any(s >= person for s in scores) else 'publish'",
                "A veto needs one voice, not all of them.",
            ),
            (
                "def decide(scores, veto=0.90, person=0.65):\n    m = max(scores)\n"
                "    return 'stop' if m > veto else 'person' if m > person else 'publish'",
                "At the limit itself the rule holds already: at or above, so >=.",
            ),
        ],
        wrong=[
            (
                "def decide(scores, veto=0.90, person=0.65):\n    m = max(scores)\n"
                "    return 'person' if m >= person else 'stop' if m >= veto else 'publish'",
                "gives",
            ),
            (
                "def decide(scores, veto=0.90, person=0.65):\n    m = max(scores)\n"
                "    return 'stop' if m >= 0.90 else 'person' if m >= 0.65 else 'publish'",
                "gives",
            ),
        ],
        hints=[
            "Only the highest score matters: `max(scores)`.",
            "Ask the stricter question first: what is above the veto is above the other limit, too.",
            "Use the parameters `veto` and `person`, not the figures.",
        ],
    ),
    Exercise(
        id="06-independent",
        title="What independence would give",
        stars=2,
        minutes=6,
        task="Write `majority_right(p, q, r)`: the chance that at least two of three voters are right, if they are right with "
        "chance `p`, `q` and `r` and their errors are independent. With 0.9 three times it is 0.972.",
        answer="majority_right",
        starter="def majority_right(p, q, r):\n    ...",
        solution="def majority_right(p, q, r):\n    return p * q + p * r + q * r - 2 * p * q * r",
        alternatives=[
            "def majority_right(p, q, r):\n"
            "    exactly_two = p * q * (1 - r) + p * (1 - q) * r + (1 - p) * q * r\n"
            "    return exactly_two + p * q * r",
            "from itertools import product\n\n"
            "def majority_right(p, q, r):\n"
            "    total = 0\n"
            "    for a, b, c in product((0, 1), repeat=3):\n"
            "        if a + b + c >= 2:\n"
            "            total += (p if a else 1 - p) * (q if b else 1 - q) * (r if c else 1 - r)\n"
            "    return total",
        ],
        cases=[
            (0.9, 0.9, 0.9),
            (0.5, 0.5, 0.5),
            (0.9, 0.8, 0.7),
            (1.0, 0.5, 0.0),
            (0.4, 0.4, 0.4),
            (0.95, 0.6, 0.6),
        ],
        named=[
            (
                "def majority_right(p, q, r):\n    return p * q * r",
                "That is the chance that all three are right. Two are enough.",
            ),
            (
                "def majority_right(p, q, r):\n    return p * q + p * r + q * r",
                "Each pair is counted whether or not the third is right, so the case 'all three' is in it three times.",
            ),
            (
                "def majority_right(p, q, r):\n    m = (p + q + r) / 3\n    return 3 * m**2 - 2 * m**3",
                "The formula for equal voters does not take a mean: 0.95, 0.6, 0.6 is not three times 0.717.",
            ),
            (
                "def majority_right(p, q, r):\n    return 1 - (1 - p) * (1 - q) * (1 - r)",
                "That is the chance that at least one is right. It takes two to outvote the third.",
            ),
        ],
        wrong=[
            ("def majority_right(p, q, r):\n    return (p + q + r) / 3", "gives"),
            ("def majority_right(p, q, r):\n    return p * q * (1 - r) + p * (1 - q) * r + (1 - p) * q * r", "gives"),
        ],
        hints=[
            "Four cases are good: all three right, or exactly one of the three wrong.",
            "Independent means: multiply. First and second right, third wrong: `p * q * (1 - r)`.",
            "Add the four products.",
        ],
    ),
    Exercise(
        id="06-together",
        title="Errors that come together",
        stars=2,
        minutes=5,
        task="Write `together(a, b)`: how many times more often two members err on the same post than independent ones would. "
        "`a` and `b` are lists of True and False, True where the member is wrong, a place a post. Divide the share of posts "
        "on which both are wrong by the product of the two shares of errors. If one of them never errs, return 0.",
        answer="together",
        starter="def together(a, b):\n    ...",
        solution="def together(a, b):\n"
        "    n = len(a)\n"
        "    both = sum(x and y for x, y in zip(a, b)) / n\n"
        "    chance = sum(a) / n * sum(b) / n\n"
        "    return both / chance if chance else 0",
        alternatives=[
            "def together(a, b):\n"
            "    if not any(a) or not any(b):\n"
            "        return 0\n"
            "    both = [x and y for x, y in zip(a, b)]\n"
            "    return sum(both) * len(a) / (sum(a) * sum(b))",
        ],
        cases=[
            ([True, True, False, False], [True, True, False, False]),
            ([True, True, False, False], [True, False, True, False]),
            ([True, False, False, False], [False, True, False, False]),
            ([True] + [False] * 9, [True] + [False] * 9),
            ([False, False], [True, False]),
            ([True, True, True, False, False, False], [True, True, False, True, False, False]),
        ],
        named=[
            (
                "def together(a, b):\n    return sum(x and y for x, y in zip(a, b)) / len(a)",
                "That is the share on which both err. What would independent members have? Divide by that.",
            ),
            (
                "def together(a, b):\n    n = len(a)\n    both = sum(x == y for x, y in zip(a, b)) / n\n"
                "    chance = sum(a) / n * sum(b) / n\n    return both / chance if chance else 0",
                "Posts on which both are right count here, too. Only common errors matter.",
            ),
            (
                "def together(a, b):\n    n = len(a)\n    both = sum(x and y for x, y in zip(a, b)) / n\n"
                "    return both / (sum(a) / n * sum(b) / n)",
                "A member that never errs makes the product 0: return 0 then, not an error.",
            ),
        ],
        wrong=[
            (
                "def together(a, b):\n    product = sum(a) * sum(b)\n"
                "    return sum(x and y for x, y in zip(a, b)) / product if product else 0",
                "gives",
            ),
            (
                "def together(a, b):\n    n = len(a)\n    both = sum(x or y for x, y in zip(a, b)) / n\n"
                "    chance = sum(a) / n * sum(b) / n\n    return both / chance if chance else 0",
                "gives",
            ),
        ],
        hints=[
            "`zip(a, b)` walks through both lists; `x and y` is True where both are wrong.",
            "`sum(a) / len(a)` is the first member's share of errors.",
            "1 means independent, above 1 they err together, 0 never.",
        ],
        after="In the lesson the text classifier and the judge err together: both are blind to the photo.",
    ),
)
