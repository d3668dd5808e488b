"""Kill a vector store's process in mid-write, open the store again, and see what is left.

    python benchmarks/killed_writer.py ENGINE FOLDER write | check

`write` writes batches until it is killed and prints a line after each one that the store acknowledged; `check` opens
the store and prints, as JSON, how many of the entries it finds by id and by their vectors. `trial` does it all.
The process is killed, not the machine: what the operating system holds for the disk survives this, and not a power cut.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ("chroma", "qdrant", "pgvector", "faiss", "faiss, saved each time")
BATCH, BATCHES, DIMENSIONS = 20, 400, 32


def vector(number: int):
    """Whole numbers that are different for each entry."""
    import numpy as np

    return np.random.default_rng(number).integers(-60, 60, DIMENSIONS).astype("float32")


class Numbered:
    """Embeddings of the texts '0', '1', …"""

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text):
        return vector(int(text)).tolist()


def open_store(engine: str, folder: str):
    sys.path.insert(0, str(ROOT))
    from course_utils import stores

    name = engine.split(",")[0]
    if name == "pgvector":
        from course_utils.stores.postgres import postgres_url

        os.environ.pop("DATABASE_URL", None)
        return stores.engine(name, Numbered(), dimensions=DIMENSIONS, url=postgres_url(folder))
    size = {} if name == "chroma" else {"dimensions": DIMENSIONS}
    return stores.engine(name, Numbered(), folder=folder, **size)


def write(engine: str, folder: str) -> None:
    store = open_store(engine, folder)
    for batch in range(BATCHES):
        ids = [str(n) for n in range(batch * BATCH, (batch + 1) * BATCH)]
        store.add_texts(ids, [{"batch": batch}] * BATCH, ids=ids)
        if engine == "faiss, saved each time" or (engine == "faiss" and batch % 25 == 24):
            store.save()
        print((batch + 1) * BATCH, flush=True)


def check(engine: str, folder: str, expected: int) -> dict:
    store = open_store(engine, folder)
    ids = [str(n) for n in range(expected)]
    there = {
        document.id for start in range(0, expected, 500) for document in store.get_by_ids(ids[start : start + 500])
    }
    sample = ids[:: max(1, expected // 60)] + ids[-BATCH:]
    nearest = [store.similarity_search(id, k=1) for id in sample]
    found = sum(bool(one) and one[0].id == id for one, id in zip(nearest, sample, strict=True))
    return {"acknowledged": expected, "there": len(there), "searched": len(sample), "found": found}


def family(process) -> list:
    import psutil

    try:
        parent = psutil.Process(process.pid)
        return [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return []


def servers(folder: str) -> list:
    """The database server of a folder, and its helpers: they are no children of the writer."""
    import psutil

    file = Path(folder) / "postmaster.pid"
    if not file.is_file():
        return []
    parent = psutil.Process(int(file.read_text(encoding="utf-8").split()[0]))
    return [parent, *parent.children(recursive=True)]


def trial(engine: str, folder: str, batches: int = 60) -> dict:
    """Kill the writer and its server after `batches` acknowledged writes, and check. See `check` for the figures."""
    command = [sys.executable, "-W", "ignore", str(Path(__file__).resolve()), engine, str(folder)]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    writer = subprocess.Popen([*command, "write"], **quiet)
    acknowledged = 0
    while acknowledged < batches * BATCH:
        line = writer.stdout.readline()
        if not line:
            raise RuntimeError(f"{engine}: the writer ended by itself: {writer.stderr.read()[-600:]}")
        acknowledged = int(line)
    import psutil

    killed = [*servers(folder), *family(writer)]
    for process in killed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    rest = writer.stdout.read().split()  # what it had acknowledged before the signal came
    writer.wait()
    writer.stderr.close()
    psutil.wait_procs(killed, timeout=30)  # else the next server takes the dying one for a living one
    acknowledged = max([acknowledged, *map(int, rest)])
    checked = subprocess.run([*command, "check", str(acknowledged)], **quiet)
    left = servers(folder)  # pgserver leaves it running, as the killed writer never signed off
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=30)
    if checked.returncode:
        raise RuntimeError(f"{engine}: the store cannot be opened again: {checked.stderr[-600:]}")
    return json.loads(checked.stdout.splitlines()[-1])


if __name__ == "__main__":
    engine, folder, what = sys.argv[1:4]
    if what == "write":
        write(engine, folder)
    else:
        print(json.dumps(check(engine, folder, int(sys.argv[4]))))
