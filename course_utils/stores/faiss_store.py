"""FAISS, a library of indexes: it knows numbers and vectors, so ids, texts, metadata and files are kept here."""

import json
import os
from pathlib import Path

import faiss
import numpy as np

from ..settings import CourseError
from .base import Engine, Row

faiss.omp_set_num_threads(1)


class FaissStore(Engine):
    """A FAISS index with what it lacks beside it.

    kind: 'flat' (exact), or a trained, empty index of one's own as `index`. An update deletes and adds, which HNSW
    indexes cannot. folder: `save()` writes there, all at once; what was not saved is lost with the process.
    """

    def __init__(self, embedding, dimensions: int = 384, index=None, folder=None):
        super().__init__(embedding)
        self.folder = Path(folder) if folder else None
        self.index = faiss.IndexIDMap2(index if index is not None else faiss.IndexFlatL2(dimensions))
        self.rows: dict[int, Row] = {}
        self.numbers: dict[str, int] = {}
        self.selected: dict[tuple, np.ndarray] = {}  # numbers that fit a filter, until the next write
        self.next = 0
        if self.folder and (self.folder / "rows.json").is_file():
            self._read()

    def upsert(self, ids, vectors, texts, metadatas):
        last = {id: place for place, id in enumerate(ids)}  # of equal ids in one call the last one counts
        self.remove([id for id in last if id in self.numbers])
        vectors = np.asarray(vectors, np.float32)[list(last.values())]
        numbers = np.arange(self.next, self.next + len(last), dtype=np.int64)
        self.index.add_with_ids(np.ascontiguousarray(vectors), numbers)
        self.next += len(last)
        self.selected.clear()
        for number, (id, place) in zip(numbers.tolist(), last.items(), strict=True):
            self.rows[number] = Row(id, texts[place], metadatas[place])
            self.numbers[id] = number

    def nearest(self, vector, k, where):
        k = min(k, len(self.rows))
        if k < 1:
            return []
        query = np.asarray([vector], np.float32)
        options = {}
        if where:  # the index itself skips what does not fit
            options["params"] = self._parameters(faiss.IDSelectorBatch(self._fits(where)))
        distances, numbers = self.index.search(query, k, **options)
        found = zip(numbers[0].tolist(), distances[0].tolist(), strict=True)
        return [(self.rows[n], d) for n, d in found if n >= 0]

    def _fits(self, where):
        key = tuple(sorted(where.items()))
        if key not in self.selected:
            fits = [n for n, row in self.rows.items() if all(row.metadata.get(f) == v for f, v in key)]
            self.selected[key] = np.array(fits, np.int64)
        return self.selected[key]

    def _parameters(self, selector):
        inner = faiss.downcast_index(self.index.index)
        if isinstance(inner, faiss.IndexHNSW):
            return faiss.SearchParametersHNSW(sel=selector, efSearch=inner.hnsw.efSearch)
        if isinstance(inner, faiss.IndexIVF):
            return faiss.SearchParametersIVF(sel=selector, nprobe=inner.nprobe)
        return faiss.SearchParameters(sel=selector)

    def fetch(self, ids):
        return [self.rows[self.numbers[id]] for id in ids if id in self.numbers]

    def remove(self, ids):
        gone = [self.numbers[id] for id in dict.fromkeys(ids) if id in self.numbers]
        if not gone:
            return
        if isinstance(faiss.downcast_index(self.index.index), faiss.IndexHNSW):
            raise CourseError("FAISS cannot delete from an HNSW index: build it anew, or filter the entry out.")
        self.index.remove_ids(np.array(gone, np.int64))
        for number in gone:
            del self.numbers[self.rows.pop(number).id]
        self.selected.clear()

    def count(self):
        return len(self.rows)

    def save(self):
        """Write index and rows to the folder; each file appears whole or not at all. CourseError without a folder."""
        if self.folder is None:
            raise CourseError("This FAISS store has no folder to be saved to: give folder=… when it is made.")
        self.folder.mkdir(parents=True, exist_ok=True)
        version = f"{self.next}-{len(self.rows)}-{os.getpid()}"
        faiss.write_index(self.index, str(self.folder / f"index-{version}.faiss"))
        kept = {n: [row.id, row.text, row.metadata] for n, row in self.rows.items()}
        state = {"index": f"index-{version}.faiss", "next": self.next, "rows": kept}
        partial = self.folder / "rows.json.partial"
        partial.write_text(json.dumps(state), encoding="utf-8")
        partial.replace(self.folder / "rows.json")  # from here on the new state counts
        for old in self.folder.glob("index-*.faiss"):
            if old.name != state["index"]:
                old.unlink(missing_ok=True)

    def _read(self):
        state = json.loads((self.folder / "rows.json").read_text(encoding="utf-8"))
        self.index = faiss.read_index(str(self.folder / state["index"]))
        self.next = state["next"]
        self.rows = {int(n): Row(*row) for n, row in state["rows"].items()}
        self.numbers = {row.id: n for n, row in self.rows.items()}
