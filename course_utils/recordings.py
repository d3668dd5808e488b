"""Outputs of real models to the lessons' own inputs, so that they read the same on every processor and cost no time.

data/recordings/*.jsonl holds one file a lesson, a line a record {key, payload-free value}, sorted by key. Look-up reads
all files. A record is found by what the model saw, never by a lesson or a tier's name.
"""

import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

from .settings import DATA, CourseError, replies

FOLDER = DATA / "recordings"
_lock = threading.RLock()
_records: dict[str, dict] = {}
_read: dict[Path, tuple] = {}


def key(payload: dict) -> str:
    """sha256 of the payload as canonical JSON (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read(file: Path) -> dict[str, dict]:
    """The records of one file: key -> value. CourseError if a line is damaged, unsorted or twice there."""
    records, last = {}, ""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            name, value = row["key"], row["value"]
            good = len(name) == 64 and isinstance(value, dict) and row["check"] == key(value)[:12] and name > last
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            raise CourseError(
                f"data/recordings/{file.name} is damaged at line {number}. Restore it with: git checkout -- data/recordings"
            )
        records[name], last = value, name
    return records


def write(file: Path, records: dict[str, dict]) -> None:
    """Write records sorted by key, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="\n") as out:
        for name in sorted(records):
            row = {"key": name, "value": records[name], "check": key(records[name])[:12]}
            out.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
    partial.replace(file)


def _refresh():
    for file in sorted(FOLDER.glob("*.jsonl")):
        stat = file.stat()
        mark = (stat.st_mtime_ns, stat.st_size)
        if _read.get(file) != mark:
            _records.update(read(file))
            _read[file] = mark


def find(name: str) -> dict | None:
    """The stored value under a key, or None."""
    with _lock:
        if not _read or name not in _records:
            _refresh()
        if asked := os.environ.get("COURSE_ASKED"):  # `make record` keeps what was asked for
            with open(asked, "a", encoding="utf-8") as out:
                out.write(name + "\n")
        return _records.get(name)


def store(name: str, value: dict) -> None:
    """Add a value to the file of the lesson that is being recorded (COURSE_RECORDING, set by `make record`), at once."""
    lesson = os.environ.get("COURSE_RECORDING") or "other"
    file = FOLDER / f"{lesson}.jsonl"
    with _lock:
        records = read(file) if file.exists() else {}
        records[name] = value
        write(file, records)
        _records[name] = value


def recorded(payload: dict, compute: Callable[[], dict]) -> tuple[dict, str]:
    """The stored output for a payload and 'record', else compute() and 'model'.

    With COURSE_REPLIES=replay a miss raises CourseError; with record the new output is stored.
    """
    name = key(payload)
    if (value := find(name)) is not None:
        return value, "record"
    if replies() == "replay":
        raise CourseError(
            f"This input is not on record (key {name[:12]}), and COURSE_REPLIES=replay forbids asking a model. "
            "Set COURSE_REPLIES=auto, or record it with make record."
        )
    value = compute()
    if replies() == "record":
        store(name, value)
    return value, "model"
