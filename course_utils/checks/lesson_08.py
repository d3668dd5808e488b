"""Exercises of lesson 8: coverage, a hybrid by what is known, unsupported claims, a business rule."""

import re

from .engine import Exercise, register

register(
    Exercise(
        id="08-coverage",
        title="Coverage",
        stars=1,
        minutes=5,
        task="Write `coverage(lists, catalogue)`: the share of the `catalogue` (a list of SKUs) that stands in at least "
        "one of the recommendation `lists` (a list of lists of SKUs). A SKU that is no longer in the catalogue does not count.",
        answer="coverage",
        starter="def coverage(lists, catalogue):\n    ...",
        solution="def coverage(lists, catalogue):\n"
        "    shown = {sku for ranking in lists for sku in ranking}\n"
        "    return len(shown & set(catalogue)) / len(set(catalogue))",
        alternatives=[
            "def coverage(lists, catalogue):\n"
            "    hit = [any(sku in ranking for ranking in lists) for sku in catalogue]\n"
            "    return sum(hit) / len(hit)",
        ],
        cases=[
            ([["a", "b"], ["b", "c"]], ["a", "b", "c", "d"]),
            ([["a"], ["a"], ["a"]], ["a", "b"]),
            ([["a", "b"], ["c", "x"]], ["a", "b", "c", "d", "e"]),
            ([["x", "y"]], ["a", "b"]),
            ([[], []], ["a", "b"]),
        ],
        named=[
            (
                "def coverage(lists, catalogue):\n    return sum(len(r) for r in lists) / len(catalogue)",
                "A product that stands in two lists counts once: collect what is shown in a set first.",
            ),
            (
                "def coverage(lists, catalogue):\n    return len({s for r in lists for s in r}) / len(catalogue)",
                "A SKU that left the catalogue still counts here. Keep only what is in both.",
            ),
            (
                "def coverage(lists, catalogue):\n"
                "    return sum(len(set(r) & set(catalogue)) / len(catalogue) for r in lists) / max(len(lists), 1)",
                "That is the mean share that one customer sees. Coverage asks what anybody sees.",
            ),
        ],
        wrong=[
            (
                "def coverage(lists, catalogue):\n    return len({s for r in lists for s in r} & set(catalogue))",
                "gives",
            ),
            (
                "def coverage(lists, catalogue):\n"
                "    shown = {s for r in lists for s in r}\n    return len(shown & set(catalogue)) / len(shown)",
                "gives",
            ),
        ],
        hints=[
            "A set holds each SKU once: `{sku for ranking in lists for sku in ranking}`.",
            "`shown & set(catalogue)` is what is in both.",
        ],
    ),
    Exercise(
        id="08-blend",
        title="Weigh by what is known",
        stars=2,
        minutes=7,
        task="Write `blend(others, content, n, m=1)`: the hybrid's scores as a list. `others` are the collaborative "
        "filter's scores, `content` those of content, both lists of the same length and on one scale. With n purchases "
        "known, the share of `others` is n / (n + m), and content has the rest. A product that nobody has bought yet has "
        "`None` in `others`: there, content counts alone.",
        answer="blend",
        starter="def blend(others, content, n, m=1):\n    ...",
        solution="def blend(others, content, n, m=1):\n"
        "    share = n / (n + m)\n"
        "    return [c if o is None else share * o + (1 - share) * c for o, c in zip(others, content)]",
        alternatives=[
            "def blend(others, content, n, m=1):\n"
            "    result = []\n"
            "    for i in range(len(content)):\n"
            "        if others[i] is None:\n"
            "            result.append(content[i])\n"
            "        else:\n"
            "            result.append((n * others[i] + m * content[i]) / (n + m))\n"
            "    return result",
        ],
        cases=[
            ([1.0, 0.0], [0.0, 1.0], 3),
            ([1.0, 0.0], [0.0, 1.0], 0),
            ([2.0, None, -1.0], [0.5, 1.5, 0.5], 4, 2),
            ([0.0, None], [1.0, -2.0], 1),
            ([None, None], [0.3, 0.4], 0, 5),
        ],
        named=[
            (
                "def blend(others, content, n, m=1):\n    share = m / (n + m)\n"
                "    return [c if o is None else share * o + (1 - share) * c for o, c in zip(others, content)]",
                "The wrong way round: the more is known, the more the collaborative filter should say.",
            ),
            (
                "def blend(others, content, n, m=1):\n    share = n / (n + m)\n"
                "    return [share * (o or 0) + (1 - share) * c for o, c in zip(others, content)]",
                "A product that nobody has bought is treated like one with a score of 0, so it sinks as a customer "
                "buys more. Let content count alone there, with its whole weight.",
            ),
            (
                "def blend(others, content, n, m=1):\n"
                "    return [c if o is None else (o + c) / 2 for o, c in zip(others, content)]",
                "n has no effect: a new customer needs another mixture than a known one.",
            ),
            (
                "def blend(others, content, n, m=1):\n    share = n / (n + m)\n"
                "    return [c if not o else share * o + (1 - share) * c for o, c in zip(others, content)]",
                "A score of 0 is a score: `not o` is true for it, too. Ask `o is None`.",
            ),
        ],
        wrong=[
            (
                "def blend(others, content, n, m=1):\n    share = n / (n + m)\n"
                "    return [share * o + (1 - share) * c for o, c in zip(others, content)]",
                "TypeError",
            ),
            (
                "def blend(others, content, n, m=1):\n"
                "    return [c if o is None else n * o + m * c for o, c in zip(others, content)]",
                "gives",
            ),
        ],
        hints=[
            "`share = n / (n + m)`: with n = 0 it is 0, with n = m a half.",
            "Go through both lists together: `for o, c in zip(others, content)`.",
            "`c if o is None else …` keeps a score of 0 apart from no score.",
        ],
    ),
    Exercise(
        id="08-claims",
        title="Claims without support",
        stars=2,
        minutes=9,
        task="Write `unsupported(sentence, vocabulary, facts)`: the words of `vocabulary` that the `sentence` uses, "
        "whole words in whatever case, and that are not among `facts`, the words that are true. Then every price such as "
        "£45 in the sentence that is not among the facts. Return a list: words in alphabetical order, then prices in the "
        "order in which they stand. `re` is imported.",
        answer="unsupported",
        given={"re": re},
        starter="def unsupported(sentence, vocabulary, facts):\n    ...",
        solution="import re\n\n\ndef unsupported(sentence, vocabulary, facts):\n"
        "    said = set(re.findall(r'[a-z]+', sentence.lower()))\n"
        "    prices = re.findall(r'£\\d+', sentence)\n"
        "    return sorted(said & set(vocabulary) - set(facts)) + [p for p in prices if p not in facts]",
        alternatives=[
            "import re\n\n\ndef unsupported(sentence, vocabulary, facts):\n"
            "    found = []\n"
            "    for word in sorted(set(vocabulary)):\n"
            "        if re.search(rf'\\b{word}\\b', sentence, re.IGNORECASE) and word not in facts:\n"
            "            found.append(word)\n"
            "    for price in re.findall(r'£[0-9]+', sentence):\n"
            "        if price not in facts:\n"
            "            found.append(price)\n"
            "    return found",
        ],
        cases=[
            ("The oak clock goes with your brass lamp.", ["oak", "brass", "steel"], ["brass"]),
            ("Made of Oak, for the Kitchen.", ["oak", "kitchen", "hall"], ["kitchen"]),
            ("A soaking bath, £45.", ["oak", "bath"], ["bath", "£45"]),
            ("Steel at £45, not £54.", ["steel"], ["steel", "£45"]),
            ("In walnut and jute for £9.", ["walnut", "jute", "oak"], []),
            ("Nothing of the kind.", ["oak"], []),
        ],
        named=[
            (
                "import re\n\n\ndef unsupported(sentence, vocabulary, facts):\n"
                "    words = [w for w in sorted(vocabulary) if w in sentence.lower() and w not in facts]\n"
                "    return words + [p for p in re.findall(r'£\\d+', sentence) if p not in facts]",
                "'soaking' contains 'oak', but does not speak of oak: compare whole words.",
            ),
            (
                "import re\n\n\ndef unsupported(sentence, vocabulary, facts):\n"
                "    said = set(re.findall(r'[A-Za-z]+', sentence))\n"
                "    return sorted(said & set(vocabulary) - set(facts)) + "
                "[p for p in re.findall(r'£\\d+', sentence) if p not in facts]",
                "A capital letter hides a claim: 'Oak' is oak. Compare in lower case.",
            ),
            (
                "import re\n\n\ndef unsupported(sentence, vocabulary, facts):\n"
                "    said = set(re.findall(r'[a-z]+', sentence.lower()))\n"
                "    return sorted(said & set(vocabulary) - set(facts))",
                "Prices are claims, too: a wrong one is the dearest of all.",
            ),
            (
                "import re\n\n\ndef unsupported(sentence, vocabulary, facts):\n"
                "    said = set(re.findall(r'[a-z]+', sentence.lower()))\n"
                "    return sorted(said & set(vocabulary)) + re.findall(r'£\\d+', sentence)",
                "That lists all claims. A claim that the facts support is none to worry about.",
            ),
        ],
        wrong=[
            (
                "import re\n\n\ndef unsupported(sentence, vocabulary, facts):\n"
                "    said = set(re.findall(r'[a-z]+', sentence.lower()))\n"
                "    return sorted(said - set(facts)) + [p for p in re.findall(r'£\\d+', sentence) if p not in facts]",
                "gives",
            ),
            ("def unsupported(sentence, vocabulary, facts):\n    return []", "gives"),
        ],
        hints=[
            "`re.findall(r'[a-z]+', sentence.lower())` gives the whole words, without commas and full stops.",
            "Sets do the rest: `said & vocabulary - facts` (the minus binds first).",
            "A price is `£` and digits: `re.findall(r'£\\d+', sentence)`.",
        ],
        after="Note what it cannot see: 'as cheap as your lamp' has no word of the list in it, and may still be false.",
    ),
    Exercise(
        id="08-rule",
        title="At most two of a kind",
        stars=2,
        minutes=8,
        task="Write `at_most(ranking, kind, most, k)`: the first `k` of `ranking` (SKUs, best first), with at most `most` "
        "of each kind. `kind` is a dict from SKU to kind. If the rule leaves fewer than `k`, fill up with what was passed "
        "over, best first, so that a customer always sees `k` where there are as many.",
        answer="at_most",
        starter="def at_most(ranking, kind, most, k):\n    ...",
        solution="def at_most(ranking, kind, most, k):\n"
        "    kept, passed, count = [], [], {}\n"
        "    for sku in ranking:\n"
        "        count[kind[sku]] = count.get(kind[sku], 0) + 1\n"
        "        (kept if count[kind[sku]] <= most else passed).append(sku)\n"
        "    return (kept + passed)[:k]",
        alternatives=[
            "def at_most(ranking, kind, most, k):\n"
            "    kept = []\n"
            "    for sku in ranking:\n"
            "        if sum(kind[other] == kind[sku] for other in kept) < most:\n"
            "            kept.append(sku)\n"
            "    return (kept + [sku for sku in ranking if sku not in kept])[:k]",
        ],
        cases=[
            (["a", "b", "c", "d"], {"a": 1, "b": 1, "c": 1, "d": 2}, 2, 3),
            (["a", "b", "c", "d"], {"a": 1, "b": 1, "c": 2, "d": 2}, 1, 2),
            (["a", "b", "c"], {"a": 1, "b": 1, "c": 1}, 1, 3),
            (["a", "b"], {"a": 1, "b": 2}, 2, 5),
            (["a", "b", "c"], {"a": 1, "b": 1, "c": 2}, 1, 3),
            (["a", "b", "c"], {"a": 2, "b": 1, "c": 1}, 2, 3),
            (["a", "b", "c", "d", "e"], {"a": 1, "b": 1, "c": 1, "d": 1, "e": 2}, 1, 4),
        ],
        named=[
            (
                "def at_most(ranking, kind, most, k):\n    kept = []\n    for sku in ranking:\n"
                "        if sum(kind[o] == kind[sku] for o in kept) < most:\n            kept.append(sku)\n"
                "    return kept[:k]",
                "Where the rule leaves fewer than k, the customer sees a half-empty page: fill up with what was passed over.",
            ),
            (
                "def at_most(ranking, kind, most, k):\n    kept, rest = [], []\n    for sku in ranking[:k]:\n"
                "        (kept if sum(kind[o] == kind[sku] for o in kept) < most else rest).append(sku)\n"
                "    return (kept + rest)[:k]",
                "Only the first k are looked at, so nothing from further down can come up: go through the whole ranking.",
            ),
            (
                "def at_most(ranking, kind, most, k):\n    return ranking[:k]",
                "The rule has no effect: count how many of each kind were kept.",
            ),
        ],
        wrong=[
            ("def at_most(ranking, kind, most, k):\n    return sorted(ranking, key=kind.get)[:k]", "gives"),
            (
                "def at_most(ranking, kind, most, k):\n    kept = []\n    for sku in ranking:\n"
                "        if sum(kind[o] == kind[sku] for o in kept) <= most:\n            kept.append(sku)\n"
                "    return (kept + [s for s in ranking if s not in kept])[:k]",
                "gives",
            ),
        ],
        hints=[
            "Walk through the ranking once and count kinds in a dict.",
            "Two lists: what is kept, and what is passed over. Their sum, cut at k, is the answer.",
        ],
    ),
)
