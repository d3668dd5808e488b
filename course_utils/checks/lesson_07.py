"""Exercises of lesson 7: what a translation lost, when to translate, which translations a person reads."""

from .engine import Exercise, register

register(
    Exercise(
        id="07-lost",
        title="What was lost?",
        stars=1,
        minutes=5,
        task="Write `lost(parts, source, translation)`: the list of those `parts` (placeholders, codes) that stand in "
        "`translation` fewer times than in `source`, in the order of `parts`.",
        answer="lost",
        starter="def lost(parts, source, translation):\n    ...",
        solution="def lost(parts, source, translation):\n"
        "    return [part for part in parts if translation.count(part) < source.count(part)]",
        alternatives=[
            "def lost(parts, source, translation):\n"
            "    gone = []\n"
            "    for part in parts:\n"
            "        if translation.count(part) < source.count(part):\n"
            "            gone.append(part)\n"
            "    return gone",
        ],
        cases=[
            (["{name}", "HL-7"], "Hi {name}, HL-7 is here.", "Olá, HL-7 chegou."),
            (["{name}", "HL-7"], "Hi {name}, HL-7 is here.", "Olá {name}, HL-7 chegou."),
            (["{id}"], "Keep {id}: {id} is your number.", "Guarde {id}: é o seu número."),
            (["{name}"], "Dear {name},", "Caro {Name},"),
            (["{b}", "{a}"], "{a} and {b}", "nada"),
            (["{id}"], "Order {id}.", "Pedido {id}."),
            ([], "Nothing.", "Nada."),
        ],
        named=[
            (
                "def lost(parts, source, translation):\n    return [p for p in parts if p not in translation]",
                "A part that stood there twice and comes back once is lost, too: count.",
            ),
            (
                "def lost(parts, source, translation):\n"
                "    low = translation.lower()\n"
                "    return [p for p in parts if low.count(p.lower()) < source.lower().count(p.lower())]",
                "A program will look for {name}, and {Name} is another placeholder: case counts.",
            ),
            (
                "def lost(parts, source, translation):\n"
                "    return [p for p in parts if translation.split().count(p) < source.split().count(p)]",
                "Split at blanks, '{id}.' is another word than '{id}': count in the text itself.",
            ),
            (
                "def lost(parts, source, translation):\n"
                "    return [p for p in parts if translation.count(p) >= source.count(p)]",
                "These are the parts that were kept.",
            ),
        ],
        wrong=[
            (
                "def lost(parts, source, translation):\n"
                "    return any(translation.count(p) < source.count(p) for p in parts)",
                "gives",
            ),
            (
                "def lost(parts, source, translation):\n"
                "    return sorted(p for p in parts if translation.count(p) < source.count(p))",
                "gives",
            ),
        ],
        hints=[
            "`text.count(part)` says how often a part stands in a text.",
            "Compare the count in the translation with the count in the source.",
            "`[part for part in parts if …]` keeps the order.",
        ],
        after="A gate of one line: with `lost` you can refuse to send a message before a customer sees it.",
    ),
    Exercise(
        id="07-leave",
        title="Translate, or leave it?",
        stars=2,
        minutes=7,
        task="Write `should_translate(english, missed, needless)`. `english` is the chance, 0 to 1, that a message is "
        "English. A foreign message that nobody translates costs `missed`; an English one that is translated for nothing "
        "costs `needless`. Return True if translating has the lower expected cost, or the same.",
        answer="should_translate",
        starter="def should_translate(english, missed, needless):\n    ...",
        solution="def should_translate(english, missed, needless):\n"
        "    return english * needless <= (1 - english) * missed",
        alternatives=[
            "def should_translate(english, missed, needless):\n"
            "    cost_of_translating = needless * english\n"
            "    cost_of_leaving = missed * (1 - english)\n"
            "    if cost_of_translating > cost_of_leaving:\n"
            "        return False\n"
            "    return True",
        ],
        cases=[
            (0.9, 10, 1),
            (0.95, 10, 1),
            (0.5, 1, 1),
            (0.25, 1, 4),
            (0.0, 1, 100),
            (1.0, 100, 1),
            (0.4, 1, 5),
        ],
        named=[
            (
                "def should_translate(english, missed, needless):\n    return english < 0.5",
                "The costs have no effect: at ten to one a message that is English with 0.8 should still be translated.",
            ),
            (
                "def should_translate(english, missed, needless):\n    return english * missed <= (1 - english) * needless",
                "The costs are swapped: `needless` is paid when the message is English, `missed` when it is not.",
            ),
            (
                "def should_translate(english, missed, needless):\n    return english * needless < (1 - english) * missed",
                "At the same expected cost the answer is to translate.",
            ),
            (
                "def should_translate(english, missed, needless):\n    return needless <= missed",
                "The chance has no effect: weigh each cost by how likely it is.",
            ),
        ],
        wrong=[
            (
                "def should_translate(english, missed, needless):\n    return english * needless > (1 - english) * missed",
                "gives",
            ),
            ("def should_translate(english, missed, needless):\n    return True", "gives"),
        ],
        hints=[
            "Expected cost of translating: you pay `needless`, but only if the message is English.",
            "Expected cost of leaving it: `missed`, with the chance `1 - english`.",
            "Compare the two with `<=`.",
        ],
        after="With `missed` nine times `needless` this is the lesson's 0.9.",
    ),
    Exercise(
        id="07-review",
        title="What still goes out",
        stars=2,
        minutes=6,
        task="Write `still_sent(scores, wrong, k)`: a person reads the `k` translations with the *lowest* scores and mends "
        "them. How many wrong ones are sent all the same? `wrong` is a list of True and False beside `scores`. Equal "
        "scores go by place, the earlier first.",
        answer="still_sent",
        starter="def still_sent(scores, wrong, k):\n    ...",
        solution="def still_sent(scores, wrong, k):\n"
        "    order = sorted(range(len(scores)), key=lambda i: scores[i])\n"
        "    return sum(wrong[i] for i in order[k:])",
        alternatives=[
            "def still_sent(scores, wrong, k):\n"
            "    pairs = sorted(zip(scores, range(len(scores)), wrong))\n"
            "    return len([1 for score, place, bad in pairs[k:] if bad])",
        ],
        cases=[
            ([10, 90, 40, 60], [True, False, True, True], 0),
            ([10, 90, 40, 60], [True, False, True, True], 2),
            ([10, 90, 40, 60], [True, False, True, True], 4),
            ([50, 50, 50], [True, False, True], 1),
            ([5, 1, 3], [False, True, False], 1),
            ([30, 20, 10], [True, True, False], 2),
            ([10, 20, 30, 40], [True, True, False, False], 1),
        ],
        named=[
            (
                "def still_sent(scores, wrong, k):\n"
                "    order = sorted(range(len(scores)), key=lambda i: scores[i])\n"
                "    return sum(wrong[i] for i in order[:k])",
                "That counts what the person catches. Asked is what is left.",
            ),
            (
                "def still_sent(scores, wrong, k):\n"
                "    order = sorted(range(len(scores)), key=lambda i: -scores[i])\n"
                "    return sum(wrong[i] for i in order[k:])",
                "The person reads the lowest scores, not the highest.",
            ),
            (
                "def still_sent(scores, wrong, k):\n    return sum(wrong[k:])",
                "The list is not in the order of the scores: sort first.",
            ),
            (
                "def still_sent(scores, wrong, k):\n"
                "    order = sorted(range(len(scores)), key=lambda i: (scores[i], wrong[i]))\n"
                "    return sum(wrong[i] for i in order[k:])",
                "Equal scores go by place. Nobody knows in advance which of them is wrong.",
            ),
        ],
        wrong=[
            ("def still_sent(scores, wrong, k):\n    return sum(wrong) - k", "gives"),
            ("def still_sent(scores, wrong, k):\n    return sum(wrong)", "gives"),
        ],
        hints=[
            "Sort the places, not the scores: `sorted(range(len(scores)), key=lambda i: scores[i])`.",
            "The first k places are read by the person; look at the rest.",
            "True counts as 1: `sum(wrong[i] for i in …)`.",
        ],
    ),
)
