"""The document store: every version is kept, and what nobody has approved is never given to a model."""

import hashlib
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Passage:
    """A paragraph of an approved document, and its cosine with the question."""

    document: str
    version: int
    title: str
    text: str
    score: float = 0.0


class Documents:
    """Documents in a SQLite file, searched by meaning. embed(list of str): unit vectors, (n, d)."""

    def __init__(self, path, embed: Callable):
        self.embed = embed
        self._one = threading.Semaphore()  # not a Lock: simulated time sees who waits at a semaphore, and goes on
        self._read, self._passages, self._vectors = None, [], None
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        columns = "id TEXT, version INT, title TEXT, text TEXT, digest TEXT, approved INT, PRIMARY KEY (id, version)"
        self._db.execute(f"CREATE TABLE IF NOT EXISTS documents ({columns})")

    def put(self, id: str, title: str, text: str, *, approved=False) -> int:
        """Store a document and return its version; the same text again is the same version."""
        digest = hashlib.sha256(f"{title}\0{text}".encode()).hexdigest()
        latest = "SELECT version, digest FROM documents WHERE id = ? ORDER BY version DESC LIMIT 1"
        version, stored = self._db.execute(latest, (id,)).fetchone() or (0, "")
        if digest != stored:
            version += 1
            row = (id, version, title, text, digest)
            self._db.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, 0)", row)
        if approved:
            self.approve(id, version)
        return version

    def approve(self, id: str, version: int) -> bool:
        """Let models read this version, and no other one of the document."""
        found = self._db.execute("SELECT 1 FROM documents WHERE id = ? AND version = ?", (id, version)).fetchone()
        if found:
            self._db.execute("UPDATE documents SET approved = (version = ?) WHERE id = ?", (version, id))
        return bool(found)

    def state(self) -> str:
        """Changes whenever what models may read changes: part of the cache's scope."""
        rows = self._db.execute("SELECT digest FROM documents WHERE approved ORDER BY id, version")
        return hashlib.sha256(repr(rows.fetchall()).encode()).hexdigest()[:12]

    def search(self, question: str, k=3) -> list[Passage]:
        """The k paragraphs of approved documents that are most similar, best first."""
        with self._one:
            self._refresh()
            passages, vectors = self._passages, self._vectors
        if vectors is None:
            return []
        scores = (vectors @ self.embed([question])[0]).round(3)
        best = sorted(range(len(scores)), key=lambda i: -scores[i])[:k]
        return [Passage(**vars(passages[i]) | {"score": float(scores[i])}) for i in best]

    def _refresh(self):
        """Read and embed the approved documents, if they have changed since."""
        if (state := self.state()) != self._read:
            approved = self._db.execute("SELECT id, version, title, text FROM documents WHERE approved ORDER BY id")
            rows = approved.fetchall()
            self._passages = [Passage(*row, part) for *row, text in rows for part in text.split("\n\n") if part.strip()]
            self._vectors = self.embed([f"{p.title}\n{p.text}" for p in self._passages]) if self._passages else None
            self._read = state
