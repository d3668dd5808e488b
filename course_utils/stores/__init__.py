"""Vector databases behind LangChain's vector-store interface, so that one harness asks them all.

`engine("faiss")` and so on; LangChain brings Chroma's own adapter, the others are here, a file each. All measure plain
(Euclidean) distance, so the same vectors have the same neighbours everywhere.
"""

import importlib

from ..settings import CourseError

ENGINES = {
    "chroma": ("chroma", "open_chroma"),
    "faiss": ("faiss_store", "FaissStore"),
    "qdrant": ("qdrant_store", "QdrantStore"),
    "pgvector": ("postgres", "PostgresStore"),
    "weaviate": ("weaviate_store", "WeaviateStore"),
    "pinecone": ("pinecone_store", "PineconeStore"),
}


def engine(name: str, embedding, /, **options):
    """A LangChain vector store of an engine, with an embedding model. What an engine takes stands in its file.

    CourseError: no such engine, or its client or service is not here.
    """
    if name not in ENGINES:
        raise CourseError(f"There is no engine {name!r}. There are: {', '.join(ENGINES)}.")
    module, maker = ENGINES[name]
    try:
        found = importlib.import_module(f".{module}", __name__)
    except ModuleNotFoundError as problem:
        raise CourseError(f"{name} needs the package {problem.name}, which is not here: make stores.") from None
    return getattr(found, maker)(embedding, **options)
