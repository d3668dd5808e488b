"""Qdrant: in memory, in a folder (both search exactly, in this process), or a server by its address."""

import uuid

from qdrant_client import QdrantClient, models

from .base import Engine, Row


class QdrantStore(Engine):
    """A Qdrant collection. folder: kept there, by one process at a time; url: a Qdrant server; neither: in memory."""

    def __init__(self, embedding, name="entries", dimensions: int = 384, folder=None, url=None, api_key=None):
        super().__init__(embedding)
        where = (
            {"path": str(folder)} if folder else {"url": url, "api_key": api_key} if url else {"location": ":memory:"}
        )
        self.client, self.name = QdrantClient(**where), name
        if not self.client.collection_exists(name):
            size = models.VectorParams(size=dimensions, distance=models.Distance.EUCLID)
            self.client.create_collection(name, vectors_config=size)

    def upsert(self, ids, vectors, texts, metadatas):
        points = [
            models.PointStruct(
                id=_uuid(id), vector=list(vector), payload={"id": id, "text": text, "metadata": metadata}
            )
            for id, vector, text, metadata in zip(ids, vectors, texts, metadatas, strict=True)
        ]
        self.client.upsert(self.name, points, wait=True)

    def nearest(self, vector, k, where):
        fits = [
            models.FieldCondition(key=f"metadata.{field}", match=models.MatchValue(value=value))
            for field, value in where.items()
        ]
        query_filter = models.Filter(must=fits) if fits else None
        found = self.client.query_points(self.name, query=list(vector), limit=k, query_filter=query_filter).points
        return [(_row(point), point.score) for point in found]

    def fetch(self, ids):
        return [_row(point) for point in self.client.retrieve(self.name, [_uuid(id) for id in ids])]

    def remove(self, ids):
        self.client.delete(self.name, models.PointIdsList(points=[_uuid(id) for id in ids]), wait=True)

    def count(self):
        return self.client.count(self.name).count


def _uuid(id: str) -> str:
    """Qdrant's points have numbers or UUIDs for ids: a UUID that is made from the id, the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, id))


def _row(point) -> Row:
    return Row(point.payload["id"], point.payload["text"], point.payload["metadata"])
