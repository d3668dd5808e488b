"""What the adapters share: LangChain's vector-store interface on five small methods of an engine."""

import uuid
from abc import abstractmethod
from dataclasses import dataclass

from langchain_core.documents import Document
from langchain_core.vectorstores import VectorStore

from ..settings import CourseError


@dataclass(frozen=True)
class Row:
    """A stored entry without its vector."""

    id: str
    text: str
    metadata: dict


class Engine(VectorStore):
    """A vector store whose engine is five methods: `upsert`, `nearest`, `fetch`, `remove`, `count`.

    A filter is a dictionary of metadata that must be equal, as in {"package": "numpy"}.
    """

    def __init__(self, embedding):
        self._embedding = embedding

    @property
    def embeddings(self):
        return self._embedding

    @abstractmethod
    def upsert(self, ids: list[str], vectors, texts: list[str], metadatas: list[dict]) -> None:
        """Write entries; an id that is there is replaced."""

    @abstractmethod
    def nearest(self, vector, k: int, where: dict) -> list[tuple[Row, float]]:
        """At most k entries that fit `where`, the nearest first, with their distance."""

    @abstractmethod
    def fetch(self, ids: list[str]) -> list[Row]:
        """The entries of these ids that are there, in any order."""

    @abstractmethod
    def remove(self, ids: list[str]) -> None:
        """Delete the entries of these ids; an id that is not there is no error."""

    @abstractmethod
    def count(self) -> int:
        """How many entries there are."""

    def add_texts(self, texts, metadatas=None, *, ids=None, **_):
        """Embed and write; returns the ids. CourseError if ids or metadatas are not one a text."""
        texts = list(texts)
        ids = [i or str(uuid.uuid4()) for i in (ids or [None] * len(texts))]
        metadatas = [m or {} for m in (metadatas or [None] * len(texts))]
        if not len(ids) == len(metadatas) == len(texts):
            raise CourseError(
                f"{len(texts)} texts need as many ids and metadatas, not {len(ids)} and {len(metadatas)}."
            )
        if texts:
            self.upsert(ids, self._embedding.embed_documents(texts), texts, metadatas)
        return ids

    def delete(self, ids=None, **_):
        """Delete by ids; without ids nothing is deleted."""
        if ids:
            self.remove(list(ids))
        return True

    def get_by_ids(self, ids, /):
        """The documents of these ids that are there."""
        return [_document(row) for row in self.fetch(list(ids))] if ids else []

    def similarity_search_with_score(self, query, k=4, filter=None, **_):
        """(document, distance) pairs of the nearest entries; a smaller distance is nearer."""
        found = self.nearest(self._embedding.embed_query(query), k, filter or {})
        return [(_document(row), distance) for row, distance in found]

    def similarity_search(self, query, k=4, filter=None, **_):
        """The documents of the nearest entries."""
        return [document for document, _ in self.similarity_search_with_score(query, k, filter)]

    def similarity_search_by_vector(self, embedding, k=4, filter=None, **_):
        """The documents of the entries nearest to a vector."""
        return [_document(row) for row, _ in self.nearest(embedding, k, filter or {})]

    @classmethod
    def from_texts(cls, texts, embedding, metadatas=None, *, ids=None, **options):
        """A new store with these texts."""
        store = cls(embedding, **options)
        store.add_texts(texts, metadatas, ids=ids)
        return store


def _document(row: Row) -> Document:
    return Document(row.text, id=row.id, metadata=dict(row.metadata))


class Known:
    """LangChain embeddings that look vectors up: of the texts given, and of `embed(text)` for any other.

    vectors: (n, dimensions), a row a text.
    """

    def __init__(self, texts, vectors, embed=None):
        self._rows = {text: row for row, text in enumerate(texts)}
        self._vectors, self._embed = vectors, embed

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text):
        if text in self._rows:
            return self._vectors[self._rows[text]].astype(float).tolist()
        if self._embed is None:
            raise CourseError("This text has no stored vector, and no embedding model was given.")
        return [float(x) for x in self._embed(text)]
