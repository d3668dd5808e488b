"""`python -m course_utils models`: every local model's figure, measured now on its held-out files."""

import importlib
import json
import sys

MODULES = ("speech_to_text", "text_to_speech", "reading", "vision", "translation", "language", "sentiment", "entities")


def measure(modules=MODULES, said=lambda text: None) -> list[dict]:
    """Rows {model, metric, value, n, split, name}; `said` is told which module is being measured."""
    rows = []
    for module in modules:
        said(f"measuring {module} …")
        rows += [{"model": module, **row} for row in importlib.import_module(f".{module}", __package__).figures()]
    return rows


def main(arguments: list[str]) -> int:
    """Print the figures as lines, or as JSON rows with --json. Names of modules limit them."""
    wanted = [a for a in arguments if not a.startswith("-")] or list(MODULES)
    if unknown := [name for name in wanted if name not in MODULES]:
        print(f"There is no model {', '.join(unknown)}. There are: {', '.join(MODULES)}.", file=sys.stderr)
        return 2
    rows = measure(wanted, lambda text: print(text, file=sys.stderr, flush=True))
    if "--json" in arguments:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        print(f"{row['model']:15} {row['metric']:9} {row['value']:8.3f}  n = {row['n']:4}  {row['split']}")
    return 0
