"""The ledger of claims: `scoreboard.record("C6", …)` in a lesson; `python -m course_utils scoreboard` collects them.

A record is an output of its own MIME type, so the committed, executed notebooks are the only home of the figures;
`scoreboard --readme` writes them into README's table, and a test keeps both equal.
"""

import argparse
import html
import json
import math
from pathlib import Path

from . import settings
from .settings import CourseError
from .widgets import box, emit

MIME = "application/vnd.course.claim+json"
COLUMNS = ("claim", "lesson", "part", "popular", "measured", "interval", "evidence", "verdict")
EVIDENCE = ("real", "arithmetic", "simulated")
VERDICTS = ("holds", "holds with conditions", "fails")
NOT_YET = "not yet measured"
README = settings.ROOT / "README.md"
MARKS = ("<!-- ledger -->\n", "<!-- /ledger -->\n")  # README's table stands between them

CLAIMS = {  # id: (what tutorials say, lessons that measure it)
    "C1": ("Three calls of one second take 3 s in sequence and 1 s in parallel", (1,)),
    "C2": ("An embedding query costs 10,000 times less than an LLM call", (1,)),
    "C3": ("Routing and filtering save 10 to 100 times, 50 to 80 %, 5 to 10 times", (1, 13)),
    "C4": ("Of a request's time the LLM takes 70 %, search 5 %, reranking 10 %", (1, 10)),
    "C5": ("Composed models solve what no single one can", (1, 4, 6)),
    "C6": ("Retrieval with reranking beats the LLM alone, and reranking beats retrieval alone", (2,)),
    "C7": ("A router cuts the cost of LLM calls by 50 to 80 %", (4, 13)),
    "C8": ("Filtering 80 % of the requests cheaply saves 5 to 10 times", (13,)),
    "C9": ("An ensemble is more accurate than its members", (6, 13)),
    "C10": ("Fallbacks and cross-checks make a system reliable", (12,)),
    "C11": ("A semantic cache saves money", (12,)),
    "C12": ("Batching multiplies throughput", (10,)),
    "C13": ("Approximate search is fast and loses little", (11,)),
    "C14": ("Agents solve open-ended tasks", (9,)),
    "C15": ("A well composed system costs a fraction at equal quality", (13,)),
    "C16": ("A small model in front makes answers faster", (1, 4)),
}


def _plain(value):
    """A number or text as JSON can hold it; CourseError for what is no result."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
        raise CourseError(f"scoreboard: a figure is a number or a short text, not {value!r}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise CourseError(f"scoreboard: {value} is no figure.")
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _interval(interval):
    if interval is None:
        return None
    low, high = map(_plain, interval)
    if not low <= high:
        raise CourseError(f"scoreboard: the interval runs from low to high, not from {low} to {high}.")
    return [low, high]


def _refuse_mocks(claim, evidence, calls):
    """Only simulated evidence may rest on mocks."""
    from .metering import meter

    if calls is None:
        sources = meter.sources
    else:
        sources = set(calls["source"]) if hasattr(calls, "columns") else {call.source for call in calls}
    if evidence != "simulated" and "mock" in sources:
        raise CourseError(
            f"scoreboard: {claim} cannot be recorded as {evidence} evidence, because a mock answered. "
            "Measure outside provider.mock(), or record it as simulated."
        )


def record(
    claim: str,
    lesson: int,
    part: str,
    *,
    popular,
    measured,
    interval=None,
    evidence: str,
    verdict: str,
    reference: str = "",
    calls=None,
) -> None:
    """Show a measured claim as one line and write it into the notebook's output.

    claim: C1 to C16; part: which half of the claim, in a few words, once per lesson. popular, measured: a number or a
    short text (with its unit). interval: (low, high), 95 %. evidence: 'real', 'arithmetic' or 'simulated'; the last
    needs `reference`, the published figure beside it. verdict: 'holds', 'holds with conditions' or 'fails'.
    calls: a frame of the meter that the figure rests on, if it is not in view any more. CourseError for a claim, an
    evidence or a verdict that is not known, and for replies of mocks as other than simulated evidence.
    """
    if claim not in CLAIMS:
        raise CourseError(f"scoreboard: there is no claim {claim!r}; the ledger has C1 to C16.")
    if lesson not in range(1, 14) or not part:
        raise CourseError(f"scoreboard: {claim} needs its lesson, 1 to 13, and the part of the claim in a few words.")
    if evidence not in EVIDENCE or verdict not in VERDICTS:
        raise CourseError(
            f"scoreboard: evidence is one of {', '.join(EVIDENCE)}; verdict one of {', '.join(VERDICTS)}."
        )
    if evidence == "simulated" and not reference:
        raise CourseError(
            f"scoreboard: simulated evidence for {claim} needs reference='…', a published figure beside it."
        )
    _refuse_mocks(claim, evidence, calls)
    if evidence == "simulated":
        verdict = f"{verdict}, in this simulation (published: {reference})"
    row = dict(zip(COLUMNS, (claim, lesson, str(part), _plain(popular), _plain(measured)), strict=False))
    row |= {"interval": _interval(interval), "evidence": evidence, "verdict": verdict}
    span = f" (95 % interval {_figure(row['interval'])})" if row["interval"] else ""
    figures = f"popular {_figure(row['popular'])}, measured {_figure(row['measured'])}{span}"
    line = f"{CLAIMS[claim][0]}. {part}: {figures}; {evidence}."
    page = f"<p><strong>{claim}: {html.escape(verdict)}.</strong> {html.escape(line)}</p>"
    kind = {"holds": "right", "fails": "wrong"}.get(verdict.split(",")[0], "task")
    emit(box(kind, page), f"{claim}: {verdict}. {line}", **{MIME: row})


def _figure(value) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return f"{_figure(value[0])} to {_figure(value[1])}"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if isinstance(value, float) else str(value)


def _order(row):
    return int(row["claim"][1:]), row["lesson"] if isinstance(row["lesson"], int) else 99, row["part"]


def notebooks() -> list[Path]:
    """The course's own notebooks."""
    return sorted(settings.ROOT.glob("notebooks/**/[0-9]*.ipynb"))


def collect(paths=None) -> list[dict]:
    """The claims that executed notebooks recorded, by claim, lesson and part.

    paths: notebook files (default: the course's). CourseError if a file is no notebook or a part is recorded twice.
    """
    rows, seen = [], {}
    for path in map(Path, notebooks() if paths is None else paths):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            found = [o["data"][MIME] for c in cells for o in c.get("outputs", []) if MIME in o.get("data", {})]
            found = [{column: row[column] for column in COLUMNS} for row in found]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise CourseError(f"scoreboard: {path} cannot be read as an executed notebook ({problem!r}).") from None
        for row in found:
            key = (row["claim"], row["lesson"], row["part"])
            if key in seen:
                raise CourseError(
                    f"scoreboard: {key[0]}, part {key[2]!r}, stands in {seen[key]} and again in {path.name}."
                )
            seen[key] = path.name
        rows += found
    return sorted(rows, key=_order)


def ledger(rows) -> list[dict]:
    """The rows, and one 'not yet measured' for every claim and lesson that has none."""
    have = {(row["claim"], row["lesson"]) for row in rows}
    open_rows = [
        dict.fromkeys(COLUMNS) | {"claim": claim, "lesson": lesson, "part": "", "popular": title, "verdict": NOT_YET}
        for claim, (title, lessons) in CLAIMS.items()
        for lesson in lessons
        if (claim, lesson) not in have
    ]
    return sorted([*rows, *open_rows], key=_order)


def frame(paths=None):
    """The ledger as a pandas data frame, for lesson 13."""
    import pandas

    return pandas.DataFrame(ledger(collect(paths)), columns=list(COLUMNS))


def markdown(rows) -> str:
    """The ledger as README's table, Markdown, a line a measured part and one for each claim and lesson still open."""
    lines = ["| claim | lesson | what was measured | popular | measured | 95 % interval | evidence | verdict |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    last = None
    for row in rows:
        name = f"**{row['claim']}** {CLAIMS[row['claim']][0]}" if row["claim"] != last else row["claim"]
        last = row["claim"]
        figures = [row["part"] or "–"] + [_figure(row[c]) for c in ("popular", "measured", "interval")]
        if row["verdict"] == NOT_YET:
            figures[1] = "–"
        cells = [name, f"L{row['lesson']}", *figures, row["evidence"] or "–", row["verdict"]]
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def in_readme(text: str, rows) -> str:
    """README's text with the ledger of these rows between its two marks. CourseError without the marks."""
    first, last = MARKS
    if text.count(first) != 1 or text.count(last) != 1 or text.index(first) > text.index(last):
        raise CourseError(f"README.md needs the lines {first.strip()} and {last.strip()}, once and in this order.")
    return text[: text.index(first) + len(first)] + markdown(rows) + text[text.index(last) :]


def _print(rows):
    for claim, (title, _) in CLAIMS.items():
        print(f"{claim:4} {title}")
        for row in (r for r in rows if r["claim"] == claim):
            if row["verdict"] == NOT_YET:
                print(f"       lesson {row['lesson']}: {NOT_YET}")
                continue
            span = f" ({_figure(row['interval'])})" if row["interval"] else ""
            print(f"       lesson {row['lesson']}, {row['part']}: {row['verdict']} [{row['evidence']}]")
            print(f"         popular {_figure(row['popular'])}; measured {_figure(row['measured'])}{span}")
    measured = {r["claim"] for r in rows if r["verdict"] != NOT_YET}
    print(f"\n{len(measured)} of {len(CLAIMS)} claims measured, {sum(r['verdict'] != NOT_YET for r in rows)} figures.")


def main(argv=None) -> int:
    """`python -m course_utils scoreboard [--json | --readme] [notebook …]`: print the ledger, or write README's table.

    Returns the exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m course_utils scoreboard", description="The ledger of claims.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="executed notebooks (default: the course's)")
    parser.add_argument("--json", action="store_true", help="rows as JSON")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    options = parser.parse_args(argv)
    try:
        rows = ledger(collect(options.notebooks or None))
        if options.readme:
            README.write_text(in_readme(README.read_text(encoding="utf-8"), rows), encoding="utf-8", newline="\n")
    except CourseError as problem:
        print(problem)
        return 1
    if options.readme:
        print(f"README.md: {len(rows)} rows of the ledger.")
    elif options.json:
        print(json.dumps(rows, indent=1))
    else:
        _print(rows)
    return 0
