"""The vector stores: LangChain's standard suite, exactness, filters, and what a killed writer leaves."""

import contextlib
import inspect
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from langchain_tests.integration_tests import VectorStoreIntegrationTests

from course_utils import load, stores
from course_utils.settings import CourseError
from course_utils.stores.base import Known
from tools import need
from vector_stand_ins import PineconeStandIn, WeaviateStandIn, serving

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
import killed_writer  # noqa: E402

DIMENSIONS = 6  # of the standard suite's embeddings


def asynchronous(suite):
    """Mark a suite's coroutine tests, which expect pytest-asyncio's auto mode."""
    for name, test in inspect.getmembers(suite, inspect.iscoroutinefunction):
        if name.startswith("test_"):
            setattr(suite, name, pytest.mark.asyncio(test))
    return suite


@pytest.fixture(scope="module")
def postgres():
    need("postgres")
    from course_utils.stores.postgres import postgres_url

    return postgres_url()


@contextlib.contextmanager
def opened(name, embedding, dimensions, request):
    """A fresh store of an engine; the two hosted ones talk to their stand-ins."""
    with contextlib.ExitStack() as stack:
        if name == "chroma":
            store = stores.engine(name, embedding)
            yield store
            store.delete_collection()
        elif name == "pgvector":
            url = request.getfixturevalue("postgres")
            store = stores.engine(name, embedding, name="tested", dimensions=dimensions, url=url)
            store.connection.execute("TRUNCATE tested")
            yield store
            store.connection.execute("DROP TABLE tested")
            store.close()
        elif name == "pinecone":
            host = stack.enter_context(serving(PineconeStandIn().app))
            yield stores.engine(name, embedding, host=host, api_key="a-key")
        elif name == "weaviate":
            stand_in = WeaviateStandIn()
            url, port = stack.enter_context(serving(stand_in.app)), stack.enter_context(stand_in.answering())
            store = stores.engine(name, embedding, url=url, grpc_port=port)
            yield store
            store.close()
        else:
            yield stores.engine(name, embedding, dimensions=dimensions)


class _Suite(VectorStoreIntegrationTests):
    name = ""

    @pytest.fixture()
    def vectorstore(self, request):
        with opened(self.name, self.get_embeddings(), DIMENSIONS, request) as store:
            yield store


@asynchronous
class TestFaiss(_Suite):
    name = "faiss"


@asynchronous
class TestQdrant(_Suite):
    name = "qdrant"


@asynchronous
class TestPgvector(_Suite):
    name = "pgvector"


@asynchronous
class TestPinecone(_Suite):
    name = "pinecone"


@asynchronous
class TestWeaviate(_Suite):
    name = "weaviate"


ENGINES = ("faiss", "chroma", "qdrant", "pgvector", "pinecone", "weaviate")
ENTRIES = load("docstrings").entries[::125]  # 400
VECTORS = load("docstrings").vectors[::125]
TEXTS = [f"{e.id}: {e.text}" for e in ENTRIES]
TENANTS = [f"tenant {n % 7}" for n in range(len(ENTRIES))]


@pytest.fixture(params=ENGINES)
def store(request):
    with opened(request.param, Known(TEXTS, VECTORS), 384, request) as store:
        metadatas = [{"package": e.package, "tenant": t} for e, t in zip(ENTRIES, TENANTS, strict=True)]
        store.add_texts(TEXTS, metadatas, ids=[e.id for e in ENTRIES])
        yield store


def ids(documents):
    return [d.id for d in documents]


def true(query, allowed, k=10):
    """Ids of the k nearest of the places allowed, and the ids at the k-th distance, which may change places."""
    distances = ((VECTORS - query) ** 2).sum(1)
    order = sorted(np.flatnonzero(allowed), key=lambda i: distances[i])[:k]
    ties = {ENTRIES[i].id for i in np.flatnonzero(allowed) if distances[i] == distances[order[-1]]}
    return {ENTRIES[i].id for i in order}, ties


def test_neighbours_are_the_true_ones_and_a_tenant_sees_only_its_own(store):
    queries = load("docstrings", split="dev").vectors[:20]
    for number, query in enumerate(queries):
        found = ids(store.similarity_search_by_vector(query.tolist(), k=10))
        wanted, ties = true(query, np.ones(len(ENTRIES), bool))
        assert set(found) ^ wanted <= ties and len(found) == 10
        tenant = f"tenant {number % 7}"
        mine = store.similarity_search_by_vector(query.tolist(), k=10, filter={"tenant": tenant})
        wanted, ties = true(query, np.array([t == tenant for t in TENANTS]))
        assert set(ids(mine)) ^ wanted <= ties and len(mine) == 10
        assert {d.metadata["tenant"] for d in mine} == {tenant}


def test_an_unknown_tenant_sees_nothing(store):
    assert store.similarity_search(TEXTS[0], k=10, filter={"tenant": "tenant 99"}) == []
    assert store.similarity_search(TEXTS[0], k=10, filter={"tenant": "tenant"}) == []  # no prefix, either


def test_texts_and_metadata_come_back_and_the_nearest_of_a_text_is_itself(store):
    found = store.similarity_search(TEXTS[5], k=1)[0]
    assert (found.id, found.page_content, found.metadata["package"]) == (ENTRIES[5].id, TEXTS[5], ENTRIES[5].package)


def test_an_entry_that_moved_to_another_tenant_leaves_the_old_one(store):
    store.add_texts([TEXTS[0]], [{"package": "x", "tenant": "new"}], ids=[ENTRIES[0].id])
    assert ids(store.similarity_search(TEXTS[0], k=5, filter={"tenant": "new"})) == [ENTRIES[0].id]
    assert ENTRIES[0].id not in ids(store.similarity_search(TEXTS[0], k=5, filter={"tenant": TENANTS[0]}))
    store.delete([ENTRIES[0].id])
    assert ENTRIES[0].id not in ids(store.similarity_search(TEXTS[0], k=5))
    assert store.get_by_ids([ENTRIES[0].id]) == []


@pytest.mark.parametrize("kind, width", [("hnsw", "hnsw.ef_search"), ("ivfflat", "ivfflat.probes")])
def test_pgvector_s_indexes_find_most_and_a_partial_index_serves_its_tenant(request, kind, width):
    with opened("pgvector", Known(TEXTS, VECTORS), 384, request) as store:
        store.add_texts(TEXTS, [{"tenant": t} for t in TENANTS], ids=[e.id for e in ENTRIES])
        store.build_index(kind)
        store.setting(width, 10)
        store.setting("enable_seqscan", "off")
        assert "Index Scan" in store.plan(VECTORS[0].tolist())
        queries = load("docstrings", split="dev").vectors[:20]
        allowed = np.ones(len(ENTRIES), bool)
        found = [set(ids(store.similarity_search_by_vector(q.tolist(), k=10))) for q in queries]
        assert np.mean([len(f & true(q, allowed)[0]) / 10 for f, q in zip(found, queries, strict=True)]) > 0.6
        if kind == "hnsw":
            mine, least = {"tenant": "tenant 3"}, {"tenant": "tenant 4"}
            store.build_index(kind, where=mine)
            store.setting("enable_sort", "off")  # 57 rows: sorting them would be the better plan
            assert "tested_embedding_idx1" in store.plan(VECTORS[0].tolist(), where=mine)
            assert "tested_embedding_idx1" not in store.plan(VECTORS[0].tolist(), where=least)


def test_the_standing_of_a_filter_in_faiss_indexes_of_other_kinds():
    import faiss

    index = faiss.IndexHNSWFlat(384, 16)
    store = stores.engine("faiss", Known(TEXTS, VECTORS), index=index)
    store.add_texts(TEXTS, [{"tenant": t} for t in TENANTS], ids=[e.id for e in ENTRIES])
    index.hnsw.efSearch = 400
    found = store.similarity_search(TEXTS[3], k=10, filter={"tenant": TENANTS[3]})
    assert len(found) == 10 and {d.metadata["tenant"] for d in found} == {TENANTS[3]}
    with pytest.raises(CourseError, match="cannot delete from an HNSW index"):
        store.delete([ENTRIES[3].id])
    assert store.count() == len(ENTRIES)
    cells = faiss.IndexIVFFlat(faiss.IndexFlatL2(384), 384, 8)
    cells.train(VECTORS)
    cells.nprobe = 8
    store = stores.engine("faiss", Known(TEXTS, VECTORS), index=cells)
    store.add_texts(TEXTS, [{"tenant": t} for t in TENANTS], ids=[e.id for e in ENTRIES])
    found = store.similarity_search(TEXTS[3], k=10, filter={"tenant": TENANTS[3]})
    assert len(found) == 10 and {d.metadata["tenant"] for d in found} == {TENANTS[3]}


# ---- persistence


@pytest.mark.parametrize("name", killed_writer.ENGINES)
def test_a_killed_writer_loses_nothing_that_was_acknowledged(name, tmp_path):
    """FAISS is the exception, and says so: it keeps what was saved."""
    import tempfile

    if name == "pgvector":
        need("postgres")
    with tempfile.TemporaryDirectory(prefix="kw", ignore_cleanup_errors=True) as folder:  # short: it holds a socket
        os.chmod(folder, 0o755)
        left = killed_writer.trial(name, f"{folder}/d", batches=30)
    assert left["acknowledged"] >= 30 * killed_writer.BATCH
    if name == "faiss":
        assert left["there"] in (left["acknowledged"] // 500 * 500, left["acknowledged"])  # a save may be under way
    else:
        assert left["there"] == left["acknowledged"]
        assert left["found"] == left["searched"] > 20


def test_a_store_in_a_folder_is_there_in_the_next_one(tmp_path):
    import faiss  # noqa: F401

    first = stores.engine("faiss", Known(TEXTS, VECTORS), folder=tmp_path / "f")
    first.add_texts(TEXTS[:9], [{"n": n} for n in range(9)], ids=[e.id for e in ENTRIES[:9]])
    first.save()
    first.delete([ENTRIES[0].id])
    first.save()
    again = stores.engine("faiss", Known(TEXTS, VECTORS), folder=tmp_path / "f")
    assert again.count() == 8 and again.similarity_search(TEXTS[4], k=1)[0].metadata == {"n": 4}
    again.add_texts(TEXTS[9:11], ids=[e.id for e in ENTRIES[9:11]])
    assert again.count() == 10
    assert len(list((tmp_path / "f").glob("index-*"))) == 1


# ---- bad input


def test_what_cannot_be_done_is_said_in_a_sentence(monkeypatch):
    known = Known(TEXTS, VECTORS)
    for name in ("PINECONE_API_KEY", "WEAVIATE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CourseError, match="There is no engine 'milvus'"):
        stores.engine("milvus", known)
    with pytest.raises(CourseError, match="set PINECONE_API_KEY"):
        stores.engine("pinecone", known, index="x")
    with pytest.raises(CourseError, match="name of an index"):
        stores.engine("pinecone", known, api_key="x")
    with pytest.raises(CourseError, match="set WEAVIATE_URL"):
        stores.engine("weaviate", known)
    store = stores.engine("faiss", known)
    with pytest.raises(CourseError, match="as many ids"):
        store.add_texts(TEXTS[:2], ids=["one"])
    with pytest.raises(CourseError, match="no folder"):
        store.save()
    with pytest.raises(CourseError, match="no stored vector"):
        store.similarity_search("a text that nobody embedded")
    assert store.similarity_search(TEXTS[0]) == []


def test_weaviate_refuses_a_filter_that_its_collection_does_not_have():
    stand_in = WeaviateStandIn()
    with serving(stand_in.app) as url, stand_in.answering() as port:
        store = stores.engine("weaviate", Known(TEXTS, VECTORS), url=url, grpc_port=port)
        with pytest.raises(CourseError, match="filters by package, kind, tenant, not by colour"):
            store.similarity_search(TEXTS[0], filter={"colour": "red"})
        store.close()


def test_the_pinecone_client_sends_its_key():
    stand_in = PineconeStandIn()
    with serving(stand_in.app) as host:
        stores.engine("pinecone", Known(TEXTS, VECTORS), host=host, api_key="a-key").count()
    assert stand_in.keys == ["a-key"]
