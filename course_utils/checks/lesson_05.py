"""Exercises of lesson 5: the critical path, rooms that the photos do not show, and when a critic loop stops."""

from .engine import Exercise, register

PATH = (
    "def critical_path(seconds, needs):\n"
    "    paths = {}\n"
    "    def to(name):\n"
    "        if name not in paths:\n"
    "            before = max((to(n) for n in needs[name]), key=length, default=[])\n"
    "            paths[name] = [*before, name]\n"
    "        return paths[name]\n"
    "    def length(path):\n"
    "        return sum(seconds[n] for n in path)\n"
    "    return max(map(to, needs), key=length)"
)
DIAMOND = {"see": [], "draft": ["see"], "pictures": ["see"], "title": ["draft"], "publish": ["title", "pictures"]}
UNORDERED = {"c": ["a", "b"], "b": [], "a": [], "d": ["b"]}

register(
    Exercise(
        id="05-critical",
        title="The critical path",
        stars=2,
        minutes=7,
        task="Write `critical_path(seconds, needs)`: the names of the steps that decide how long the whole takes, from the "
        "first to the last. `seconds` says how long each step takes, `needs` which steps it waits for. A step may stand "
        "in `needs` before those that it waits for. In the cases no two paths are equally long.",
        answer="critical_path",
        starter="def critical_path(seconds, needs):\n    ...",
        solution=PATH,
        alternatives=[
            "def critical_path(seconds, needs):\n"
            "    end, last = {}, {}\n"
            "    while len(end) < len(needs):\n"
            "        for name in needs:\n"
            "            if name not in end and all(n in end for n in needs[name]):\n"
            "                last[name] = max(needs[name], key=end.get, default=None)\n"
            "                end[name] = seconds[name] + (end[last[name]] if last[name] else 0)\n"
            "    name, path = max(end, key=end.get), []\n"
            "    while name:\n"
            "        path.insert(0, name)\n"
            "        name = last[name]\n"
            "    return path",
        ],
        cases=[
            ({"see": 1, "draft": 4, "pictures": 5, "title": 2, "publish": 1}, DIAMOND),
            ({"see": 1, "draft": 4, "pictures": 9, "title": 2, "publish": 1}, DIAMOND),
            ({"a": 1, "b": 2, "c": 5, "d": 7}, UNORDERED),
            ({"a": 3, "b": 2, "c": 5, "d": 1}, UNORDERED),
            ({"only": 2.5}, {"only": []}),
            ({"a": 1, "b": 1, "c": 1, "z": 9}, {"a": [], "b": ["a"], "c": ["b"], "z": []}),
        ],
        named=[
            (
                "def critical_path(seconds, needs):\n"
                "    paths = {}\n"
                "    def to(name):\n"
                "        if name not in paths:\n"
                "            paths[name] = [*max((to(n) for n in needs[name]), key=len, default=[]), name]\n"
                "        return paths[name]\n"
                "    return max(map(to, needs), key=len)",
                "That is the path with the most steps. Compare seconds, not the number of names.",
            ),
            (
                "def critical_path(seconds, needs):\n    return [max(seconds, key=seconds.get)]",
                "That is the longest single step. What it waits for and what waits for it take time, too; and it may lie "
                "on no critical path at all.",
            ),
            (
                "def critical_path(seconds, needs):\n    return list(needs)",
                "These are all steps. Steps that run beside each other do not add up.",
            ),
        ],
        wrong=[
            (PATH.replace("    return max(map(to, needs), key=length)", "    return to(list(needs)[-1])"), "gives"),
            (
                PATH.replace(
                    "    return max(map(to, needs), key=length)", "    return length(max(map(to, needs), key=length))"
                ),
                "gives",
            ),
        ],
        hints=[
            "A step ends when the last of those it waits for has ended, plus its own seconds.",
            "A function that calls itself helps: the path to a step is the longest path to one of its needs, and the step.",
            "`max(paths, key=…, default=[])` deals with a step that needs nothing.",
        ],
        after="Halve a step that is not in this list, and the whole takes as long as before.",
    ),
    Exercise(
        id="05-rooms",
        title="Rooms that no photo shows",
        stars=1,
        minutes=5,
        task="Write `not_shown(claimed, seen)`. `claimed` says how many rooms of each kind a text promises, for example "
        "`{'bathroom': 2}`; `seen` holds the kind of room that each photo shows. Return the kinds that are promised more "
        "often than they are shown, in alphabetical order.",
        answer="not_shown",
        starter="def not_shown(claimed, seen):\n    ...",
        solution="def not_shown(claimed, seen):\n"
        "    return sorted(room for room, number in claimed.items() if number > seen.count(room))",
        alternatives=[
            "from collections import Counter\n\n"
            "def not_shown(claimed, seen):\n"
            "    return sorted(Counter(claimed) - Counter(seen))",
        ],
        cases=[
            ({"bathroom": 2, "bedroom": 1}, ["bedroom", "kitchen", "bathroom"]),
            ({"bathroom": 1, "bedroom": 1}, ["bedroom", "kitchen", "bathroom"]),
            ({"office": 1, "bedroom": 3}, ["bedroom", "bedroom", "kitchen"]),
            ({"bedroom": 1}, ["bedroom", "bedroom", "kitchen"]),
            ({"kitchen": 1, "bedroom": 2}, []),
            ({}, ["kitchen"]),
        ],
        named=[
            (
                "def not_shown(claimed, seen):\n    return sorted(room for room in claimed if room not in seen)",
                "Two bathrooms pass here as soon as one is seen: compare the numbers.",
            ),
            (
                "def not_shown(claimed, seen):\n"
                "    return sorted(room for room, number in claimed.items() if number != seen.count(room))",
                "A text that mentions one of two bedrooms promises nothing false: only more than is shown counts.",
            ),
            (
                "def not_shown(claimed, seen):\n"
                "    return sorted(room for room in set(seen) if seen.count(room) > claimed.get(room, 0))",
                "Upside down: these rooms are shown and not promised.",
            ),
        ],
        wrong=[
            (
                "def not_shown(claimed, seen):\n"
                "    return {room: number for room, number in claimed.items() if number > seen.count(room)}",
                "gives",
            ),
            (
                "def not_shown(claimed, seen):\n"
                "    return sorted(room for room, number in claimed.items() if number > len(seen))",
                "gives",
            ),
            ("def not_shown(claimed, seen):\n    print(sorted(claimed))", "None"),
        ],
        hints=[
            "`seen.count('bathroom')` is the number of photos that show a bathroom.",
            "Go through `claimed.items()` and keep the rooms whose number is larger.",
        ],
    ),
    Exercise(
        id="05-stop",
        title="When to stop the critic",
        stars=2,
        minutes=7,
        task="Write `version_to_publish(scores, full, least)`. `scores[0]` is the draft's score, `scores[1]` that after the "
        "first round, and so on. After each round the loop stops if the score is `full`, or if the round gained less than "
        "`least`. No round is run after that, and none at all if the draft is full. Return the number of the best version "
        "that exists by then, the earliest if several are equally good.",
        answer="version_to_publish",
        starter="def version_to_publish(scores, full, least):\n    ...",
        solution="def version_to_publish(scores, full, least):\n"
        "    last = 0\n"
        "    while last + 1 < len(scores) and scores[last] < full:\n"
        "        last += 1\n"
        "        if scores[last] - scores[last - 1] < least:\n"
        "            break\n"
        "    existing = scores[: last + 1]\n"
        "    return existing.index(max(existing))",
        alternatives=[
            "def version_to_publish(scores, full, least):\n"
            "    best = 0\n"
            "    for i in range(1, len(scores)):\n"
            "        if scores[i - 1] >= full:\n"
            "            break\n"
            "        if scores[i] > scores[best]:\n"
            "            best = i\n"
            "        if scores[i] - scores[i - 1] < least:\n"
            "            break\n"
            "    return best",
        ],
        cases=[
            ([6, 8, 9, 9, 10], 10, 1),
            ([6, 8, 7, 10], 10, 1),
            ([10, 4, 4], 10, 1),
            ([5, 5, 9], 10, 1),
            ([5, 7, 10, 8], 10, 1),
            ([4, 6, 7, 9], 10, 2),
            ([7], 10, 1),
        ],
        named=[
            (
                "def version_to_publish(scores, full, least):\n    return scores.index(max(scores))",
                "That looks into rounds that were never run: the loop has stopped before the best one.",
            ),
            (
                "def version_to_publish(scores, full, least):\n"
                "    last = 0\n"
                "    while last + 1 < len(scores) and scores[last] < full:\n"
                "        last += 1\n"
                "        if scores[last] - scores[last - 1] < least:\n"
                "            break\n"
                "    return last",
                "That is the last version. A round can make a text worse; keep the best one so far.",
            ),
            (
                "def version_to_publish(scores, full, least):\n    return len(scores) - 1",
                "That runs every round there is: without a stop rule the loop pays for rounds that gain nothing.",
            ),
        ],
        wrong=[
            (
                "def version_to_publish(scores, full, least):\n"
                "    for i in range(1, len(scores)):\n"
                "        if scores[i] - scores[i - 1] < least:\n"
                "            return i - 1\n"
                "    return len(scores) - 1",
                "gives",
            ),
            ("def version_to_publish(scores, full, least):\n    return max(scores)", "gives"),
        ],
        hints=[
            "Walk through the scores from left to right and remember the place where you stop.",
            "A round that gains too little has been run all the same: its version exists, and may be the best.",
            "`scores[: last + 1]` are the versions that exist.",
        ],
        after="Three habits in one rule: stop when done, stop when it no longer pays, and never publish a worse version.",
    ),
)
