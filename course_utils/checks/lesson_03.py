"""Exercises of lesson 3: sums that must hold, check digits by hand, an invoice that came twice."""

from decimal import Decimal

from .engine import Exercise, register

D = Decimal
GOOD = "GB59HRBL96186141902914"

register(
    Exercise(
        id="03-adds-up",
        title="Does it add up?",
        stars=1,
        minutes=4,
        task="Write `adds_up(amounts, net, tax, total)`: True if the amounts add up to `net`, and `net` plus `tax` to "
        "`total`, to the cent. All are Decimals; a value that was not read is None, and then nothing adds up. An invoice "
        "without any amount does not add up, either.",
        answer="adds_up",
        starter="def adds_up(amounts, net, tax, total):\n    ...",
        solution="def adds_up(amounts, net, tax, total):\n"
        "    if not amounts or None in [*amounts, net, tax, total]:\n"
        "        return False\n"
        "    return sum(amounts) == net and net + tax == total",
        alternatives=[
            "def adds_up(amounts, net, tax, total):\n"
            "    try:\n"
            "        return bool(amounts) and sum(amounts) == net and net + tax == total\n"
            "    except TypeError:\n"
            "        return False",
        ],
        cases=[
            ([D("10.00"), D("2.50")], D("12.50"), D("2.50"), D("15.00")),
            ([D("10.00"), D("2.50")], D("12.50"), D("2.50"), D("15.01")),
            ([D("10.00"), D("2.00")], D("12.50"), D("2.50"), D("15.00")),
            ([D("0.10"), D("0.20")], D("0.30"), D("0.00"), D("0.30")),
            ([D("10.00")], D("10.00"), None, D("10.00")),
            ([D("10.00")], D("10.40"), D("0.00"), D("10.40")),
            ([], D("0.00"), D("0.00"), D("0.00")),
        ],
        named=[
            (
                "def adds_up(amounts, net, tax, total):\n"
                "    return bool(amounts) and None not in [net, tax, total] and net + tax == total",
                "The lines of goods are not looked at: a wrong amount in a line would pass.",
            ),
            (
                "def adds_up(amounts, net, tax, total):\n"
                "    if None in [*amounts, net, tax, total]:\n        return False\n"
                "    return sum(amounts) == net and net + tax == total",
                "An invoice of which no line was read passes here: the sum of nothing is 0. Ask for at least one amount.",
            ),
            (
                "def adds_up(amounts, net, tax, total):\n"
                "    if not amounts or None in [*amounts, net, tax, total]:\n        return False\n"
                "    return abs(sum(amounts) - net) < 1 and abs(net + tax - total) < 1",
                "Almost is not equal: with Decimals there is no rounding to forgive, and 40 cents are an error.",
            ),
        ],
        wrong=[
            (
                "def adds_up(amounts, net, tax, total):\n    return sum(amounts) + tax == total",
                "unsupported operand",
            ),
            ("def adds_up(amounts, net, tax, total):\n    print(sum(amounts) == net)", "None"),
        ],
        hints=[
            "First deal with what is missing: `None in [*amounts, net, tax, total]`.",
            "`sum(amounts)` of Decimals is a Decimal, exact to the cent.",
            "Two equalities, both needed, and at least one amount.",
        ],
        after="Decimals are the point: with floats, 0.1 + 0.2 is not 0.3.",
    ),
    Exercise(
        id="03-digits",
        title="Check digits by hand",
        stars=2,
        minutes=6,
        task="Write `holds_mod_97(account)`. An IBAN holds if this number leaves the remainder 1 when divided by 97: take "
        "the spaces out, move the first four characters to the end, turn each letter into its number (A is 10, B is 11 … "
        "Z is 35), and read the whole as one integer. Small letters count as capitals.",
        answer="holds_mod_97",
        starter="def holds_mod_97(account):\n    ...",
        solution="def holds_mod_97(account):\n"
        "    account = account.replace(' ', '').upper()\n"
        "    moved = account[4:] + account[:4]\n"
        "    return int(''.join(str(int(letter, 36)) for letter in moved)) % 97 == 1",
        alternatives=[
            "def holds_mod_97(account):\n"
            "    letters = [c for c in account.upper() if c != ' ']\n"
            "    digits = ''\n"
            "    for c in letters[4:] + letters[:4]:\n"
            "        digits += c if c.isdigit() else str(ord(c) - ord('A') + 10)\n"
            "    return int(digits) % 97 == 1",
        ],
        cases=[
            (GOOD,),
            ("GB59 HRBL 9618 6141 9029 14",),
            ("gb59hrbl96186141902914",),
            ("GB59HRBL96186141902919",),
            ("GB59HRBL96186141920914",),
            ("PT50654316006913455273306",),
            ("PT50654316006913455273360",),
            ("DE53250208569791581324",),
            ("GB04HRBL96186141902916",),
            ("GB00HRBL96186141902914",),
        ],
        named=[
            (
                "def holds_mod_97(account):\n"
                "    account = account.replace(' ', '').upper()\n"
                "    return int(''.join(str(int(letter, 36)) for letter in account)) % 97 == 1",
                "The first four characters have to go to the end before the number is read.",
            ),
            (
                "def holds_mod_97(account):\n"
                "    account = account.replace(' ', '').upper()\n"
                "    moved = account[4:] + account[:4]\n"
                "    return int(''.join(str(int(letter, 36)) for letter in moved)) % 97 == 0",
                "The remainder of a good account is 1, not 0.",
            ),
            (
                "def holds_mod_97(account):\n"
                "    account = account.replace(' ', '').upper()\n"
                "    moved = account[4:] + account[:4]\n"
                "    return sum(int(letter, 36) for letter in moved) % 97 == 1",
                "That adds the characters up. Put the digits side by side and read them as one long integer: so that two "
                "exchanged digits are noticed.",
            ),
        ],
        wrong=[
            (
                "def holds_mod_97(account):\n"
                "    moved = account[4:] + account[:4]\n"
                "    return int(''.join(str(int(letter, 36)) for letter in moved)) % 97 == 1",
                "ValueError",
            ),
            ("def holds_mod_97(account):\n    return len(account.replace(' ', '')) == 22", "gives"),
        ],
        hints=[
            "`int('B', 36)` is 11, and `int('7', 36)` is 7: base 36 knows all letters.",
            "`account[4:] + account[:4]` moves the first four to the end.",
            "Join the numbers as text, then `int(...) % 97 == 1`. Python's integers have no limit.",
        ],
        after="A random error passes once in 97 times; one wrong digit, or two exchanged neighbours, never.",
    ),
    Exercise(
        id="03-twice",
        title="An invoice that came twice",
        stars=2,
        minutes=6,
        task="Write `twice(invoices)`: the positions of those that were there before, in order. An invoice is a dict with "
        "`supplier`, `number`, `date` and `total`. It was there before if an earlier one has the same supplier and the same "
        "number, however it is spaced (`'NT-2025-0990'` is `'NT 2025 0990'`: compare letters and digits only), or the same "
        "supplier, date and total under another number.",
        answer="twice",
        starter="def twice(invoices):\n    ...",
        solution="import re\n\n"
        "def twice(invoices):\n"
        "    seen, found = set(), []\n"
        "    for place, one in enumerate(invoices):\n"
        "        marks = {\n"
        "            (one['supplier'], re.sub(r'\\W', '', one['number']).upper()),\n"
        "            (one['supplier'], one['date'], one['total']),\n"
        "        }\n"
        "        if marks & seen:\n"
        "            found.append(place)\n"
        "        seen |= marks\n"
        "    return found",
        alternatives=[
            "def twice(invoices):\n"
            "    def plain(text):\n"
            "        return ''.join(c for c in text.upper() if c.isalnum())\n"
            "    found = []\n"
            "    for n, a in enumerate(invoices):\n"
            "        for b in invoices[:n]:\n"
            "            if a['supplier'] == b['supplier'] and (\n"
            "                plain(a['number']) == plain(b['number']) or (a['date'], a['total']) == (b['date'], b['total'])\n"
            "            ):\n"
            "                found.append(n)\n"
            "                break\n"
            "    return found",
        ],
        cases=[
            (
                [
                    {"supplier": "N", "number": "NT-2025-0990", "date": "2025-09-01", "total": D("120.00")},
                    {"supplier": "S", "number": "NT-2025-0990", "date": "2025-10-01", "total": D("77.00")},
                    {"supplier": "N", "number": "NT 2025 0990", "date": "2025-09-02", "total": D("121.00")},
                    {"supplier": "N", "number": "NT-2025-0991", "date": "2025-09-01", "total": D("120.00")},
                ],
            ),
            (
                [
                    {"supplier": "N", "number": "0412", "date": "2025-01-31", "total": D("60.00")},
                    {"supplier": "N", "number": "0419", "date": "2025-02-28", "total": D("60.00")},
                    {"supplier": "N", "number": "0412", "date": "2025-03-31", "total": D("60.00")},
                ],
            ),
            (
                [
                    {"supplier": "N", "number": "1", "date": "2025-01-31", "total": D("60.00")},
                    {"supplier": "S", "number": "2", "date": "2025-01-31", "total": D("60.00")},
                ],
            ),
            ([],),
        ],
        named=[
            (
                "def twice(invoices):\n"
                "    seen, found = set(), []\n"
                "    for n, one in enumerate(invoices):\n"
                "        mark = (one['supplier'], ''.join(c for c in one['number'].upper() if c.isalnum()))\n"
                "        if mark in seen:\n            found.append(n)\n        seen.add(mark)\n    return found",
                "An invoice that comes again under another number is missed: compare supplier, date and total, too.",
            ),
            (
                "def twice(invoices):\n"
                "    seen, found = set(), []\n"
                "    for n, one in enumerate(invoices):\n"
                "        marks = {(one['supplier'], ''.join(c for c in one['number'].upper() if c.isalnum())),\n"
                "                 (one['supplier'], one['total'])}\n"
                "        if marks & seen:\n            found.append(n)\n        seen |= marks\n    return found",
                "The same sum in two months is no duplicate: a rent is the same every month. The date belongs to the mark.",
            ),
            (
                "def twice(invoices):\n"
                "    seen, found = set(), []\n"
                "    for n, one in enumerate(invoices):\n"
                "        marks = {''.join(c for c in one['number'].upper() if c.isalnum()),\n"
                "                 (one['supplier'], one['date'], one['total'])}\n"
                "        if marks & seen:\n            found.append(n)\n        seen |= marks\n    return found",
                "Two suppliers may use the same number. The supplier belongs to the mark.",
            ),
        ],
        wrong=[
            ("def twice(invoices):\n    return []", "gives"),
            (
                "def twice(invoices):\n"
                "    numbers = [one['number'] for one in invoices]\n"
                "    return [n for n, number in enumerate(numbers) if number in numbers[:n]]",
                "gives",
            ),
        ],
        hints=[
            "Keep a set of marks that were seen. A mark is a tuple, such as (supplier, number).",
            "Each invoice has two marks; if either was seen, it was there before.",
            "`re.sub(r'\\W', '', number).upper()` keeps letters and digits.",
        ],
    ),
)
