"""Pinecone, a managed service, by its own client: an index of your account, or any address that speaks its protocol."""

import os

from pinecone import Pinecone

from ..settings import CourseError
from .base import Engine, Row

PER_CALL = 100  # entries a write: with texts of a paragraph this stays below the service's 2 MB


class PineconeStore(Engine):
    """A namespace of a Pinecone index that was made with the metric 'euclidean'.

    index: its name, or its host as `host`; the key is PINECONE_API_KEY or `api_key`. Writes are seen a moment later.
    """

    def __init__(self, embedding, index="", host="", namespace="entries", api_key=None):
        super().__init__(embedding)
        key = api_key or os.environ.get("PINECONE_API_KEY", "").strip()
        if not key:
            raise CourseError("Pinecone needs a key: set PINECONE_API_KEY in the environment or in the file .env.")
        if not (index or host):
            raise CourseError("Pinecone needs the name of an index of yours, or its host: index=… or host=….")
        client = Pinecone(api_key=key)
        self.index, self.namespace = client.index(index) if index else client.index(host=host), namespace

    def upsert(self, ids, vectors, texts, metadatas):
        vectors = [
            {"id": id, "values": [float(x) for x in vector], "metadata": {"_text": text, **metadata}}
            for id, vector, text, metadata in zip(ids, vectors, texts, metadatas, strict=True)
        ]
        for start in range(0, len(vectors), PER_CALL):
            self.index.upsert(vectors=vectors[start : start + PER_CALL], namespace=self.namespace)

    def nearest(self, vector, k, where):
        equal = {field: {"$eq": value} for field, value in where.items()} or None
        found = self.index.query(
            vector=[float(x) for x in vector], top_k=k, filter=equal, include_metadata=True, namespace=self.namespace
        )
        return [(_row(match), match.score) for match in found.matches]

    def fetch(self, ids):
        return [_row(vector) for vector in self.index.fetch(ids=ids, namespace=self.namespace).vectors.values()]

    def remove(self, ids):
        self.index.delete(ids=ids, namespace=self.namespace)

    def count(self):
        namespaces = self.index.describe_index_stats().namespaces
        return namespaces[self.namespace].vector_count if self.namespace in namespaces else 0


def _row(found) -> Row:
    metadata = dict(found.metadata or {})
    return Row(found.id, metadata.pop("_text", ""), metadata)
