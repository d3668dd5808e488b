"""Figures in prose and in the facts: dates, times, codes, quantities with their unit, and bare numbers."""

import datetime
import re
from decimal import Decimal

MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"]
MONTHS = {name: place for place, name in enumerate([*MONTHS, "December"], 1)}
UNITS = {  # how prose writes a unit -> its one name; keys of the facts end in the same names
    "%": "percent", "percent": "percent", "gbp": "gbp", "eur": "eur", "pence": "pence", "working days": "working days",
    "working day": "working days", "weeks": "weeks", "week": "weeks", "months": "months", "month": "months",
    "years": "years", "year": "years", "days": "days", "day": "days", "hours": "hours", "hour": "hours",
    "minutes": "minutes", "minute": "minutes", "min": "minutes", "seconds": "seconds", "s": "seconds", "cm": "cm",
    "mm": "mm", "m": "m", "metres": "m", "m²": "m2", "m2": "m2", "kg": "kg", "km/h": "kmh", "kmh": "kmh",
    "litres": "litres", "ml": "ml", "W": "watts", "watts": "watts", "dB": "db", "db": "db", "kHz": "khz", "khz": "khz",
    "°C": "celsius", "celsius": "celsius", "ppm": "ppm", "lumens": "lumens", "kelvin": "kelvin", "GHz": "ghz",
    "ghz": "ghz", "points": "points", "pixels": "pixels", "words": "words", "MB": "mb", "mb": "mb", "ms": "ms",
    "pieces": "pieces", "amps": "amps", "LUFS": "lufs", "lufs": "lufs",
}  # fmt: skip
SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
WORDS = {word: value for value, word in enumerate(f"{SMALL} seventeen eighteen nineteen twenty".split())}
WORDS |= {word: ten * 10 for ten, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)}

_MONTH = "|".join(MONTHS)
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True) if unit not in ("gbp", "eur", "m2"))
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_RANGE = rf"(?P<low>{_NUMBER})(?: to |–| by | and )(?=(?:£|€)?(?:{_NUMBER})(?:[ ](?:{_UNIT})(?!\w)))"
PATTERNS = [  # tried in this order; what one has matched, the next ones do not see
    ("code", r"[\w.]+@[\w.]+\.example\b|\b\w+\.example\b"),
    ("code", r"\+?\d{3,5}(?: \d{3}){2,3}\b"),  # telephones
    ("code", r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b|\b\d{4}-\d{3}\b"),  # IBANs, Portuguese postcodes
    ("code", r"\b[A-Z]{1,4}-[A-Z0-9]+(?:-[A-Z0-9]+)*\b|\b[A-Z]{1,3}\d{1,9}(?: \d[A-Z]{2})?\b|\b\d[A-Z]{2}\b|\bv\d\b"),
    ("date", rf"\b(\d{{1,2}}) ({_MONTH}) (\d{{4}})\b"),
    ("date", r"\b\d{4}-\d{2}-\d{2}\b"),
    ("day", rf"\b(\d{{1,2}}) ({_MONTH})\b"),
    ("month", rf"\b({_MONTH}) (\d{{4}})\b"),
    ("time", r"\b\d{2}:\d{2}\b"),
    ("money", rf"(£|€)({_NUMBER})"),
    ("range", _RANGE),
    ("quantity", rf"(?<![\w.])(-?(?:{_NUMBER}))[ ]?({_UNIT})(?!\w)"),
    ("words", rf"\b({'|'.join(WORDS)})(?:-({'|'.join(WORDS)}))? ({_UNIT})(?!\w)"),
    ("number", rf"(?<![\w])(?:{_NUMBER})(?:st|nd|rd|th)?\b"),
]


def number(text) -> str:
    """One spelling of a number: 1,180.00 and 1180 are the same."""
    return format(Decimal(str(text).replace(",", "")).normalize(), "f")


def in_text(text: str) -> set[tuple]:
    """The figures that stand in a text, each as a tuple beginning with its kind."""
    found: set[tuple] = set()
    for kind, pattern in PATTERNS:
        for match in re.finditer(pattern, text):
            found |= _read(kind, match, text)
        text = re.sub(pattern, lambda match: " " * len(match[0]), text)
    return found


def _read(kind, match, text) -> set[tuple]:
    if kind == "date":
        if match.re.groups:
            return {("date", datetime.date(int(match[3]), MONTHS[match[2]], int(match[1])).isoformat())}
        return {("date", match[0])}
    if kind == "day":
        return {("day", f"{MONTHS[match[2]]:02}-{int(match[1]):02}")}
    if kind == "month":
        return {("month", f"{match[2]}-{MONTHS[match[1]]:02}")}
    if kind == "money":
        return {("quantity", number(match[2]), {"£": "gbp", "€": "eur"}[match[1]])}
    if kind == "range":  # the lower number, which has the upper one's unit
        unit = re.match(rf"(?:{_NUMBER})[ ]({_UNIT})(?!\w)", text[match.end() :])[1]
        return {("quantity", number(match["low"]), UNITS[unit])}
    if kind == "quantity":
        return {("quantity", number(match[1]), UNITS[match[2]])}
    if kind == "words":
        return {("quantity", number(WORDS[match[1]] + WORDS.get(match[2], 0)), UNITS[match[3]])}
    if kind == "number":
        return {("number", number(re.sub(r"[a-z]", "", match[0])))}
    return {(kind, match[0])}


def unit_of(key: str) -> str | None:
    """The unit that a key of the facts names: `report_days` -> days."""
    parts = key.split("_")
    if "working" in parts:
        return "working days"
    return next((UNITS[part] for part in reversed(parts) if part in UNITS and len(part) > 1 or part == "m"), None)


def in_facts(node, unit=None, out=None) -> set[tuple]:
    """All figures of the facts. A number counts with its key's unit and bare; a date also as day and as month."""
    out = set() if out is None else out
    if isinstance(node, dict):
        currency = str(node["currency"]).lower() if "currency" in node else None
        for key, value in node.items():
            out |= in_text(str(key).replace("_", " "))
            in_facts(value, unit_of(str(key)) or currency or unit, out)
    elif isinstance(node, list):
        for value in node:
            in_facts(value, unit, out)
    elif isinstance(node, datetime.date):
        out |= {("date", node.isoformat()), ("day", f"{node:%m-%d}"), ("month", f"{node:%Y-%m}")}
        out.add(("number", str(node.year)))
    elif isinstance(node, int | float) and not isinstance(node, bool):
        out.add(("number", number(node)))
        if unit:
            out.add(("quantity", number(node), unit))
    elif isinstance(node, str):
        out |= in_text(node)
        out |= {("number", figure[1]) for figure in in_text(node) if figure[0] == "quantity"}
    return out
