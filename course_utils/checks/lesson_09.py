"""Exercises of lesson 9: what retries buy, a limit for going in circles, a list of allowed calls."""

from .engine import Exercise, register

ONCE = {"name": "search", "args": {"about": "SQL"}}
AGAIN = {"name": "search", "args": {"about": "SQL"}}
OTHER = {"name": "search", "args": {"about": "a timeout"}}
LINT = {"name": "lint", "args": {}}
TWO = {"name": "refund", "args": {"order": "HL-1", "amount": 5}}
TURNED = {"name": "refund", "args": {"amount": 5, "order": "HL-1"}}

register(
    Exercise(
        id="09-retry",
        title="What retries buy",
        stars=2,
        minutes=5,
        task="A test tells right answers from wrong ones, so you ask again until an answer passes, at most `most` times. "
        "Each try succeeds with the chance `p`, whatever came before, and costs `price`. Write `retried(p, price, most)`: "
        "the pair of the chance that a right answer comes in the end, and what the tries cost on average.",
        answer="retried",
        starter="def retried(p, price, most):\n    ...",
        solution="def retried(p, price, most):\n    cost, open_still = 0, 1\n    for _ in range(most):\n"
        "        cost += open_still * price\n        open_still *= 1 - p\n    return 1 - open_still, cost",
        alternatives=[
            "def retried(p, price, most):\n    chance = 1 - (1 - p) ** most\n"
            "    return chance, price * (most if p == 0 else chance / p)",
        ],
        cases=[(0.5, 1.0, 1), (0.5, 1.0, 2), (0.5, 2.0, 4), (1.0, 3.0, 4), (0.0, 1.0, 4), (0.3, 0.01, 3)],
        named=[
            (
                "def retried(p, price, most):\n    return 1 - (1 - p) ** most, price * most",
                "That pays for all tries each time. After a right answer nobody asks again.",
            ),
            (
                "def retried(p, price, most):\n    return p * most, sum((1 - p) ** i * price for i in range(most))",
                "Chances don't add: 0.5 four times is not 2. Multiply the chances that each try *fails*.",
            ),
            (
                "def retried(p, price, most):\n    return p**most, sum((1 - p) ** i * price for i in range(most))",
                "p to the power of most is the chance that all tries are right: pass^k. Here one right answer is enough.",
            ),
        ],
        wrong=[
            ("def retried(p, price, most):\n    return 1 - (1 - p) ** most, price / max(p, 1e-9)", "gives"),
            ("def retried(p, price, most):\n    return 1 - (1 - p) ** most", "gives"),
        ],
        hints=[
            "The second try happens only if the first one failed: with the chance 1 - p.",
            "Keep the chance that the matter is still open; it is multiplied by 1 - p with each try.",
            "A try costs its price times the chance that it is made at all.",
        ],
        after="Without such a test nobody knows when to stop: the lesson's retries have to agree with each other instead.",
    ),
    Exercise(
        id="09-circles",
        title="A limit for going in circles",
        stars=2,
        minutes=5,
        task="An agent that asks the same thing again learns nothing new. Write `in_circles(calls, most)`: True if the "
        "newest call, the last of `calls`, has been made more than `most` times in all, with the same name and the same "
        "arguments. A call is a dict such as {'name': 'search', 'args': {'about': 'SQL'}}. No calls, no circle.",
        answer="in_circles",
        starter="def in_circles(calls, most):\n    ...",
        solution="def in_circles(calls, most):\n    return bool(calls) and calls.count(calls[-1]) > most",
        alternatives=[
            "def in_circles(calls, most):\n    if not calls:\n        return False\n    newest, seen = calls[-1], 0\n"
            "    for call in calls:\n        if call['name'] == newest['name'] and call['args'] == newest['args']:\n"
            "            seen += 1\n    return seen > most",
        ],
        cases=[
            ([ONCE, AGAIN], 1),
            ([ONCE, OTHER], 1),
            ([ONCE, LINT, AGAIN], 1),
            ([ONCE, AGAIN, LINT], 1),
            ([ONCE, AGAIN], 2),
            ([TWO, TURNED], 1),
            ([], 1),
            ([LINT, LINT, LINT], 2),
        ],
        named=[
            (
                "def in_circles(calls, most):\n    names = [c['name'] for c in calls]\n"
                "    return bool(calls) and names.count(names[-1]) > most",
                "A second search for something else is progress, not a circle: compare the arguments, too.",
            ),
            (
                "def in_circles(calls, most):\n    return len(calls) > most and all(c == calls[-1] for c in calls[-most - 1:])",
                "Only calls in a row count there. An agent can also go round by two: search, lint, search.",
            ),
            (
                "def in_circles(calls, most):\n    return any(calls.count(c) > most for c in calls)",
                "An old circle that the agent has left is counted there: look at the newest call only.",
            ),
            (
                "def in_circles(calls, most):\n    texts = [str(c) for c in calls]\n"
                "    return bool(calls) and texts.count(texts[-1]) > most",
                "As text, the same arguments in another order look different. Compare the dicts.",
            ),
        ],
        wrong=[
            ("def in_circles(calls, most):\n    return bool(calls) and calls.count(calls[-1]) >= most", "gives"),
            ("def in_circles(calls, most):\n    return calls.count(calls[-1]) > most", "IndexError"),
        ],
        hints=[
            "Two dicts are equal if they hold the same pairs, in whatever order.",
            "`calls.count(x)` counts the elements that equal x.",
            "Think of the empty list before you look at its last element.",
        ],
    ),
    Exercise(
        id="09-allow",
        title="Allowed calls only",
        stars=3,
        minutes=7,
        task="Write `allowed_only(code, names)` with the module `ast`: True if the code holds no import and no attribute "
        "(nothing like `a.b`), and if everything that it calls is a plain name in `names`. Look at *all* nodes, however "
        "deep they stand. Code that cannot be parsed is not allowed.",
        answer="allowed_only",
        starter="import ast\n\n\ndef allowed_only(code, names):\n    ...",
        solution="import ast\n\n\ndef allowed_only(code, names):\n    try:\n        tree = ast.parse(code)\n"
        "    except SyntaxError:\n        return False\n    for node in ast.walk(tree):\n"
        "        if isinstance(node, ast.Import | ast.ImportFrom | ast.Attribute):\n            return False\n"
        "        if isinstance(node, ast.Call):\n"
        "            if not isinstance(node.func, ast.Name) or node.func.id not in names:\n"
        "                return False\n    return True",
        alternatives=[
            "import ast\n\n\ndef allowed_only(code, names):\n    try:\n        nodes = list(ast.walk(ast.parse(code)))\n"
            "    except SyntaxError:\n        return False\n"
            "    bad = any(isinstance(n, (ast.Import, ast.ImportFrom, ast.Attribute)) for n in nodes)\n"
            "    called = [n.func for n in nodes if isinstance(n, ast.Call)]\n"
            "    return not bad and all(getattr(f, 'id', None) in names for f in called)",
        ],
        cases=[
            ("print(sum([1, 2]))", {"print", "sum"}),
            ("print(open('x'))", {"print"}),
            ("import os", {"print"}),
            ("from os import remove", {"print", "remove"}),
            ("def f():\n    if True:\n        import os", {"print"}),
            ("x = ().__class__", {"print"}),
            ("(lambda: 1)()", {"print"}),
            ("[print][0]('x')", {"print"}),
            ("note = 'import this later'", set()),
            ("print('unfinished", {"print"}),
            ("x = 1 + 1", set()),
        ],
        named=[
            (
                "import ast\n\n\ndef allowed_only(code, names):\n    return 'import' not in code and '.' not in code and "
                "all(w in names for w in __import__('re').findall(r'(\\w+)\\(', code))",
                "Searching the text finds words in strings, and misses calls of what has no name. Look at the tree.",
            ),
            (
                "import ast\n\n\ndef allowed_only(code, names):\n    try:\n        tree = ast.parse(code)\n"
                "    except SyntaxError:\n        return False\n    for node in tree.body:\n"
                "        if isinstance(node, ast.Import | ast.ImportFrom | ast.Attribute):\n            return False\n"
                "        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):\n"
                "            if getattr(node.value.func, 'id', None) not in names:\n                return False\n"
                "    return True",
                "Only the outermost statements are looked at. ast.walk also goes into functions and arguments.",
            ),
            (
                "import ast\n\n\ndef allowed_only(code, names):\n    try:\n        tree = ast.parse(code)\n"
                "    except SyntaxError:\n        return False\n    for node in ast.walk(tree):\n"
                "        if isinstance(node, ast.Import | ast.ImportFrom | ast.Attribute):\n            return False\n"
                "        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):\n"
                "            if node.func.id not in names:\n                return False\n    return True",
                "A call of something without a plain name, such as [print][0]('x'), slips through: refuse it.",
            ),
        ],
        wrong=[
            (
                "import ast\n\n\ndef allowed_only(code, names):\n    for node in ast.walk(ast.parse(code)):\n"
                "        if isinstance(node, ast.Import | ast.ImportFrom | ast.Attribute):\n            return False\n"
                "        if isinstance(node, ast.Call) and getattr(node.func, 'id', None) not in names:\n"
                "            return False\n    return True",
                "SyntaxError",
            ),
            ("def allowed_only(code, names):\n    return True", "gives"),
        ],
        hints=[
            "`ast.walk(ast.parse(code))` gives every node of the code, the deepest ones, too.",
            "A call is an `ast.Call`; what it calls is its `.func`, and a plain name is an `ast.Name` with an `.id`.",
            "`ast.parse` raises a SyntaxError for what is no Python.",
        ],
        after="A list of what is allowed fails safe: what its author forgot is refused.",
    ),
)
