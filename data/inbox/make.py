"""Draw Monday's inbox from the held-out splits of earlier lessons: inbox.jsonl and test.sha256.

    python data/inbox/make.py

No text, picture or sound is made here; a row points at one that another data set holds. Drawn with a fixed seed, before
anything was scored on it.
"""

import hashlib
import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from course_utils import load  # noqa: E402
from course_utils.local.vision import examples  # noqa: E402
from course_utils.settings import DATA  # noqa: E402

SEED = 13
LAMP = "images/gallery/skerry-lamp-cracked.jpg"  # the lamp that arrived cracked, in the course's thread


def row(door, source, answers, kind, text="", file="", language="en"):
    """One request without its number."""
    file = Path(file).relative_to(DATA).as_posix() if file and Path(file).is_absolute() else file
    return dict(door=door, text=text, file=file, answers=answers, kind=kind, language=language, source=source)


def drawn(draw: random.Random) -> list[dict]:
    """The 200 requests, door by door."""
    rows = []
    for q in draw.sample(load("questions", split="test"), 70):
        rows.append(row("help", f"questions:{q.id}", q.answers, q.type, text=q.text))
    tasks = draw.sample(load("bilingual tasks"), 20)
    for task in tasks:
        rows.append(row("chat", f"bilingual tasks:{task.id}", [task.intent], task.intent, text=task.pt, language="pt"))
    told = {task.source for task in tasks}  # the English original of a Portuguese request is left out
    for m in draw.sample([m for m in load("messages", split="test") if m.id not in told], 56):
        rows.append(row("chat", f"messages:{m.id}", [m.intent], m.intent, text=m.text))
    for call in draw.sample(load("calls"), 20):
        rows.append(row("phone", f"calls:{call.id}", [call.intent], call.intent, file=call.file))
    test = load("invoices", split="test")
    known, new = [i for i in test if i.layout != "C"], [i for i in test if i.layout == "C"]
    read_by_large = [
        i for n, i in enumerate(known) if n % 8 < 3
    ]  # lesson 3 has large's replies to these and to all of C
    for i in draw.sample(read_by_large, 14) + draw.sample(new, 3):
        kind = f"layout {i.layout}"
        rows.append(row("post", f"invoices:{i.id}", [i.net, i.tax, i.total], kind, file=i.file, language=i.language))
    for file, label in draw.sample(examples("damage", "test"), 16):
        rows.append(row("photo", f"damage:{label}/{file.name}", [label], label, file=file))
    rows.append(row("photo", "gallery:skerry-lamp-cracked", ["cracked"], "cracked", file=LAMP))
    return rows


def write(name: str, rows: list[dict]) -> str:
    """Write rows as JSON lines; the text's sha256."""
    text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    (HERE / name).write_text(text, encoding="utf-8", newline="\n")
    return hashlib.sha256(text.encode()).hexdigest()


def main():
    draw = random.Random(SEED)
    rows = drawn(draw)
    draw.shuffle(rows)
    rows = [{"id": f"r-{n:03}"} | r for n, r in enumerate(rows, 1)]
    digest = write("inbox.jsonl", rows)
    (HERE / "test.sha256").write_text(f"{digest}  inbox.jsonl\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
