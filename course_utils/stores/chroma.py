"""Chroma by LangChain's own adapter: in memory, or in a folder."""

import uuid

import chromadb
from chromadb.config import Settings
from langchain_chroma import Chroma


def open_chroma(embedding, name="", folder=None, ef_search=100, ef_construction=100, m=16, threads=1):
    """A Chroma collection that measures plain distance. folder: kept there; without, in memory.

    m: links of an entry; ef_construction, ef_search: how many candidates are held while building and searching.
    """
    quiet = Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(str(folder), quiet) if folder else chromadb.EphemeralClient(quiet)
    hnsw = {"space": "l2", "ef_search": ef_search, "ef_construction": ef_construction, "max_neighbors": m}
    settings = {"hnsw": hnsw | {"num_threads": threads}}
    name = name or ("entries" if folder else f"entries-{uuid.uuid4().hex[:12]}")  # those in memory share one client
    return Chroma(name, embedding, client=client, collection_configuration=settings)
