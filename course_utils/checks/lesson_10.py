"""Exercises of lesson 10: when to turn a request away, batches that are not mostly padding, how many servers."""

import math

from .engine import Exercise, register


def _wait(servers, load):
    """Mean wait in service times with so many servers at a load below 1 (Erlang C)."""
    offered = servers * load
    last = offered**servers / math.factorial(servers) / (1 - load)
    chance = last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)
    return chance / (servers * (1 - load))


register(
    Exercise(
        id="10-gate",
        title="Let in, or come back later",
        stars=1,
        minutes=5,
        task="Write `turn_away(inside, active, waiting, seconds)`. `inside` requests are at work or in line, `active` may "
        "work at a time, `waiting` more may stand in line, and a request takes `seconds` in the mean. Return None if the "
        "next one may come in. Otherwise return the seconds for Retry-After: the time until all who are inside are done, "
        "`active` at a time, rounded up, and at least 1.",
        answer="turn_away",
        given={"math": math},
        starter="def turn_away(inside, active, waiting, seconds):\n    ...",
        solution="import math\n\n\ndef turn_away(inside, active, waiting, seconds):\n"
        "    if inside < active + waiting:\n"
        "        return None\n"
        "    return max(1, math.ceil(inside * seconds / active))",
        alternatives=[
            "def turn_away(inside, active, waiting, seconds):\n"
            "    if inside >= active + waiting:\n"
            "        until = inside / active * seconds\n"
            "        whole = int(until) + (until > int(until))\n"
            "        return whole if whole > 1 else 1\n",
        ],
        cases=[
            (0, 4, 12, 0.5),
            (15, 4, 12, 0.5),
            (16, 4, 12, 0.5),
            (20, 4, 12, 0.5),
            (8, 8, 0, 0.02),
            (7, 8, 0, 0.02),
            (48, 16, 32, 2.5),
            (4, 4, 12, 9.0),
            (17, 4, 12, 0.5),
        ],
        named=[
            (
                "import math\n\n\ndef turn_away(inside, active, waiting, seconds):\n"
                "    if inside <= active + waiting:\n        return None\n"
                "    return max(1, math.ceil(inside * seconds / active))",
                "One too many: with all places taken the next request has none. Compare with < and not <=.",
            ),
            (
                "import math\n\n\ndef turn_away(inside, active, waiting, seconds):\n"
                "    if inside < active:\n        return None\n"
                "    return max(1, math.ceil(inside * seconds / active))",
                "There is a line, too: `waiting` more may stand in it before anyone is turned away.",
            ),
            (
                "import math\n\n\ndef turn_away(inside, active, waiting, seconds):\n"
                "    if inside < active + waiting:\n        return None\n"
                "    return max(1, math.ceil(inside * seconds))",
                "They are not served one after the other: `active` work at a time, so divide by it.",
            ),
            (
                "def turn_away(inside, active, waiting, seconds):\n"
                "    if inside < active + waiting:\n        return None\n"
                "    return max(1, round(inside * seconds / active))",
                "Rounded to the nearest, Retry-After can come too early: round up, with math.ceil.",
            ),
        ],
        wrong=[
            (
                "import math\n\n\ndef turn_away(inside, active, waiting, seconds):\n"
                "    if inside < active + waiting:\n        return None\n"
                "    return math.ceil(inside * seconds / active) - 1",
                "gives",
            ),
            ("def turn_away(inside, active, waiting, seconds):\n    return 0", "gives"),
        ],
        hints=[
            "The house has `active + waiting` places. Is one free?",
            "`inside / active` rounds of `seconds` each; `math.ceil` rounds up.",
            "`max(1, …)` keeps a client from coming back at once.",
        ],
        after="Real gates follow the mean time of a request as they go, because it drifts with the load.",
    ),
    Exercise(
        id="10-batches",
        title="Batches without much padding",
        stars=2,
        minutes=7,
        task="Write `in_batches(lengths, most, room)`. `lengths` are the tokens of the texts that wait. Sort them, shortest "
        "first, and cut them into batches: a list of lists. A batch has at most `most` texts, and with all its texts "
        "padded to the longest of them at most `room` tokens. A text longer than `room` gets a batch of its own.",
        answer="in_batches",
        starter="def in_batches(lengths, most, room):\n    ...",
        solution="def in_batches(lengths, most, room):\n"
        "    batches = []\n"
        "    for length in sorted(lengths):\n"
        "        last = batches[-1] if batches else None\n"
        "        if last and len(last) < most and length * (len(last) + 1) <= room:\n"
        "            last.append(length)\n"
        "        else:\n"
        "            batches.append([length])\n"
        "    return batches",
        alternatives=[
            "def in_batches(lengths, most, room):\n"
            "    left, done = sorted(lengths), []\n"
            "    while left:\n"
            "        n = 1\n"
            "        while n < min(most, len(left)) and (n + 1) * left[n] <= room:\n"
            "            n += 1\n"
            "        done.append(left[:n])\n"
            "        left = left[n:]\n"
            "    return done",
        ],
        cases=[
            ([7, 120, 9, 8], 16, 256),
            ([10, 10, 10, 10, 10], 2, 1000),
            ([100, 100, 100], 16, 256),
            ([300, 5, 6], 16, 256),
            ([], 8, 256),
            ([64, 64, 64, 64], 4, 256),
            ([3, 100, 2, 101, 1, 99], 3, 250),
        ],
        named=[
            (
                "def in_batches(lengths, most, room):\n    batches = []\n    for length in sorted(lengths):\n"
                "        last = batches[-1] if batches else None\n"
                "        if last and len(last) < most and sum(last) + length <= room:\n            last.append(length)\n"
                "        else:\n            batches.append([length])\n    return batches",
                "The sum of the lengths is not what is computed: every text is padded to the longest. Multiply that by "
                "the number of texts.",
            ),
            (
                "def in_batches(lengths, most, room):\n    batches = []\n    for length in lengths:\n"
                "        last = batches[-1] if batches else None\n"
                "        if last and len(last) < most and max([*last, length]) * (len(last) + 1) <= room:\n"
                "            last.append(length)\n        else:\n            batches.append([length])\n    return batches",
                "Sort first: in the order in which they come, one long text makes its neighbours long, too.",
            ),
            (
                "def in_batches(lengths, most, room):\n    batches = []\n    for length in sorted(lengths):\n"
                "        last = batches[-1] if batches else None\n"
                "        if last and length * (len(last) + 1) <= room:\n            last.append(length)\n"
                "        else:\n            batches.append([length])\n    return batches",
                "`most` has no effect: a batch may have room left and still be full.",
            ),
        ],
        wrong=[
            (
                "def in_batches(lengths, most, room):\n    ordered = sorted(lengths)\n"
                "    return [ordered[i:i + most] for i in range(0, len(ordered), most)]",
                "gives",
            ),
            (
                "def in_batches(lengths, most, room):\n"
                "    return [[length] for length in sorted(lengths) if length <= room]",
                "gives",
            ),
        ],
        hints=[
            "`sorted(lengths)` first; then the newest text is always the longest of its batch.",
            "A batch of n texts with longest L computes n × L tokens.",
            "Look at the last batch: does this text still fit into it? If not, begin a new one.",
        ],
        after="Sorting helps throughput and costs fairness: the longest text always goes last.",
    ),
    Exercise(
        id="10-servers",
        title="How many servers?",
        stars=2,
        minutes=6,
        task="Write `servers_needed(rate, seconds, longest)`: the smallest number of servers with which a request waits at "
        "most `longest` seconds in the mean. `rate` requests come a second, each takes `seconds` in the mean. "
        "`erlang_c(servers, load)` gives the mean wait in service times, for loads below 1.",
        answer="servers_needed",
        given={"erlang_c": _wait},
        starter="def servers_needed(rate, seconds, longest):\n    ...",
        solution="def servers_needed(rate, seconds, longest):\n"
        "    servers = 1\n"
        "    while rate * seconds >= servers or erlang_c(servers, rate * seconds / servers) * seconds > longest:\n"
        "        servers += 1\n"
        "    return servers",
        alternatives=[
            "def servers_needed(rate, seconds, longest):\n"
            "    for servers in range(1, 1000):\n"
            "        load = rate * seconds / servers\n"
            "        if load < 1 and seconds * erlang_c(servers, load) <= longest:\n"
            "            return servers",
        ],
        cases=[
            (0.5, 1.0, 1.5),
            (0.8, 1.0, 1.0),
            (3.6, 1.0, 0.5),
            (10.0, 0.5, 2.0),
            (40.0, 0.25, 0.05),
            (2.0, 3.0, 3.0),
            (1.0, 1.0, 30.0),
        ],
        named=[
            (
                "import math\n\n\ndef servers_needed(rate, seconds, longest):\n"
                "    return math.floor(rate * seconds) + 1",
                "That is enough for the work and says nothing of the wait: near full load it is far longer than allowed.",
            ),
            (
                "def servers_needed(rate, seconds, longest):\n    servers = 1\n"
                "    while rate * seconds >= servers or erlang_c(servers, rate * seconds / servers) > longest:\n"
                "        servers += 1\n    return servers",
                "erlang_c counts in service times: multiply by `seconds` before you compare.",
            ),
            (
                "def servers_needed(rate, seconds, longest):\n    servers = 1\n"
                "    while rate * seconds >= servers or erlang_c(1, rate * seconds / servers) * seconds > longest:\n"
                "        servers += 1\n    return servers",
                "That splits the line: each server has a line of its own. With one line for all, give erlang_c the "
                "number of servers.",
            ),
        ],
        wrong=[
            (
                "def servers_needed(rate, seconds, longest):\n    servers = 1\n"
                "    while erlang_c(servers, rate * seconds / servers) * seconds > longest:\n"
                "        servers += 1\n    return servers",
                "",
            ),
            ("def servers_needed(rate, seconds, longest):\n    return rate * seconds", "gives"),
        ],
        hints=[
            "The load of `servers` servers is `rate * seconds / servers`.",
            "Begin with one server and add another until both hold: load below 1, wait short enough.",
        ],
    ),
)
