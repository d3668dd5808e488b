"""Weaviate, a server with its own hybrid search, by its own client: WEAVIATE_URL, and WEAVIATE_API_KEY if it asks."""

import json
import os
import uuid
from urllib.parse import urlparse

import weaviate
from weaviate.classes.config import Configure, DataType, Property, VectorDistances
from weaviate.classes.data import DataObject
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.classes.query import Filter, MetadataQuery

from ..settings import CourseError
from .base import Engine, Row


class WeaviateStore(Engine):
    """A Weaviate collection whose vectors come from outside.

    filters: the metadata fields that a filter may ask for. url: the server (default: WEAVIATE_URL); grpc_port: where it
    answers searches.
    """

    def __init__(self, embedding, name="Entries", filters=("package", "kind", "tenant"), url=None, grpc_port=50051):
        super().__init__(embedding)
        url = url or os.environ.get("WEAVIATE_URL", "").strip()
        if not url:
            raise CourseError("Weaviate needs a server: set WEAVIATE_URL in the environment or in the file .env.")
        address, key = urlparse(url), os.environ.get("WEAVIATE_API_KEY", "").strip()
        secure = address.scheme == "https"
        self.client = weaviate.connect_to_custom(
            http_host=address.hostname,
            http_port=address.port or (443 if secure else 80),
            http_secure=secure,
            grpc_host=address.hostname,
            grpc_port=grpc_port,
            grpc_secure=secure,
            auth_credentials=Auth.api_key(key) if key else None,
            additional_config=AdditionalConfig(timeout=Timeout(init=10)),
        )
        self.filters = tuple(filters)
        if not self.client.collections.exists(name):
            fields = ("entry_id", "text", "metadata", *self.filters)
            self.client.collections.create(
                name,
                properties=[Property(name=field, data_type=DataType.TEXT) for field in fields],
                vector_config=Configure.Vectors.self_provided(
                    vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.L2_SQUARED)
                ),
            )
        self.collection = self.client.collections.use(name)

    def upsert(self, ids, vectors, texts, metadatas):
        objects = [
            DataObject(
                uuid=_uuid(id),
                vector=[float(x) for x in vector],
                properties={"entry_id": id, "text": text, "metadata": json.dumps(metadata)}
                | {field: str(metadata[field]) for field in self.filters if field in metadata},
            )
            for id, vector, text, metadata in zip(ids, vectors, texts, metadatas, strict=True)
        ]
        result = self.collection.data.insert_many(objects)
        if result.has_errors:
            raise CourseError(
                f"Weaviate refused {len(result.errors)} entries: {next(iter(result.errors.values())).message}"
            )

    def nearest(self, vector, k, where):
        if unknown := set(where) - set(self.filters):
            raise CourseError(f"This collection filters by {', '.join(self.filters)}, not by {', '.join(unknown)}.")
        equal = [Filter.by_property(field).equal(str(value)) for field, value in where.items()]
        found = self.collection.query.near_vector(
            [float(x) for x in vector],
            limit=k,
            filters=Filter.all_of(equal) if equal else None,
            return_metadata=MetadataQuery(distance=True),
        )
        return [(_row(one), one.metadata.distance) for one in found.objects]

    def fetch(self, ids):
        wanted = Filter.by_id().contains_any([_uuid(id) for id in ids])
        return [_row(one) for one in self.collection.query.fetch_objects(filters=wanted, limit=len(ids)).objects]

    def remove(self, ids):
        self.collection.data.delete_many(where=Filter.by_id().contains_any([_uuid(id) for id in ids]))

    def count(self):
        return self.collection.aggregate.over_all(total_count=True).total_count

    def close(self):
        self.client.close()


def _uuid(id: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, id))


def _row(found) -> Row:
    return Row(found.properties["entry_id"], found.properties["text"], json.loads(found.properties["metadata"]))
