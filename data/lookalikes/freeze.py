"""The hash of the test split: python data/lookalikes/freeze.py prints it; test.sha256 holds the one that was frozen."""

import hashlib
import json
from pathlib import Path

FILE = Path(__file__).with_name("questions.jsonl")


def frozen() -> str:
    """sha256 of the test rows, by id, each as canonical JSON, joined by line feeds."""
    rows = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines() if line]
    rows = sorted((row for row in rows if row["split"] == "test"), key=lambda row: row["id"])
    lines = [json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for row in rows]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


if __name__ == "__main__":
    print(frozen())
