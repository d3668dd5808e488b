"""Vector stores on 50,000 vectors: recall against speed, filters, memory, and what a killed writer leaves.

    python benchmarks/vector_stores.py [--entries N] [--queries N] [--only PART …]

Writes data/measurements/vector_stores.json. All engines are asked through LangChain's interface, one query at a time,
and index on one thread. `milliseconds` are of processor time a query, of client and server together, so that a busy
machine matters little; `speed` is that of FAISS's exact search over the same entries, measured beside each setting,
divided by the setting's.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import killed_writer
import measurement

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from course_utils import load  # noqa: E402
from course_utils.stores import engine  # noqa: E402
from course_utils.stores.base import Known  # noqa: E402

K, ROUNDS = 10, 2


class Bench:
    """The collection, the queries, their exact neighbours, and the exact search to compare with."""

    def __init__(self, entries: int, queries: int):
        whole, asked = load("docstrings"), load("docstrings", split="dev")
        self.entries, self.vectors = whole.entries[:: len(whole) // entries][:entries], None
        self.vectors = whole.vectors[:: len(whole) // entries][:entries]
        self.queries = asked.vectors[:: len(asked) // queries][:queries]
        self.texts = [f"{e.id}: {e.text}" for e in self.entries]
        self.known = Known(self.texts, self.vectors)
        self.packages = np.array([e.package for e in self.entries])
        self.exact = self.true()
        self.flat = self.filled(engine("faiss", self.known))

    def true(self, allowed=None):
        """Ids of the exact nearest of each query, ties by place, among the places allowed."""
        vectors = self.vectors if allowed is None else self.vectors[allowed]
        places = np.arange(len(self.vectors)) if allowed is None else np.flatnonzero(allowed)
        distances = (vectors**2).sum(1) - 2 * self.queries @ vectors.T
        order = np.argsort(distances, axis=1, kind="stable")[:, :K]
        return [[self.entries[places[i]].id for i in row] for row in order]

    def filled(self, store, count=None):
        for start in range(0, count or len(self.texts), 1000):
            part = slice(start, min(start + 1000, count or len(self.texts)))
            metadatas = [{"package": e.package} for e in self.entries[part]]
            store.add_texts(self.texts[part], metadatas, ids=[e.id for e in self.entries[part]])
        return store

    def ask(self, store, where=None, rounds=ROUNDS, queries=None):
        """Ids found, and the milliseconds of processor time a query, of the best round."""
        queries = (self.queries if queries is None else queries).tolist()
        found, best = [], np.inf
        for _ in range(rounds):
            start = processor_seconds(store)
            answers = [store.similarity_search_by_vector(query, k=K, filter=where) for query in queries]
            best = min(best, (processor_seconds(store) - start) / len(queries))
            found = [[d.id for d in documents] for documents in answers]
        return found, round(1000 * best, 3)

    def point(self, store, **row):
        """A row of the table: recall@10, milliseconds a query, and those of the exact search beside it."""
        _, exact = self.ask(self.flat, queries=self.queries[:40], rounds=2)
        found, milliseconds = self.ask(store)
        row |= {
            "recall": round(recall(found, self.exact), 4),
            "milliseconds": milliseconds,
            "exact_milliseconds": exact,
            "speed": round(exact / milliseconds, 2),
        }
        print(row, flush=True)
        return row


def processor_seconds(store) -> float:
    """Processor time of this process, and of the server's process that answers a store's connection."""
    own = time.process_time()
    if hasattr(store, "connection"):
        import psutil

        pid = store.connection.info.backend_pid
        precise = Path(f"/proc/{pid}/schedstat")  # nanoseconds on a processor; psutil counts in hundredths of a second
        if precise.is_file():
            return own + int(precise.read_text().split()[0]) / 1e9
        times = psutil.Process(pid).cpu_times()
        return own + times.user + times.system
    return own


def recall(found, exact) -> float:
    """Mean share of the true nearest that were found."""
    return float(np.mean([len(set(f) & set(e)) / len(e) for f, e in zip(found, exact, strict=True) if e]))


def sizes(bench) -> list[dict]:
    """The exact search over more and more entries."""
    rows = []
    for count in (1000, 5000, 10_000, 25_000, 50_000):
        if count <= len(bench.texts):
            store = bench.filled(engine("faiss", bench.known), count)
            _, milliseconds = bench.ask(store, rounds=3)
            rows.append({"entries": count, "milliseconds": milliseconds})
            print(rows[-1], flush=True)
    return rows


def faiss_curves(bench) -> tuple[list, dict, list]:
    import faiss

    rows, built = [bench.point(bench.flat, engine="FAISS", index="flat", setting="exact")], {}
    dimensions, lists = bench.vectors.shape[1], 224

    def made(name, index, train=True):
        start = time.process_time()
        if hasattr(index, "pq"):
            index.pq.cp.niter = 10
        if train:
            index.train(bench.vectors[::3])
        store = bench.filled(engine("faiss", bench.known, index=index))
        built[f"FAISS {name}"] = {
            "build_cpu_seconds": round(time.process_time() - start, 1),
            "megabytes": round(faiss.serialize_index(index).nbytes / 1e6, 1),
        }
        return store

    built["FAISS flat"] = {"megabytes": round(bench.vectors.nbytes / 1e6, 1), "build_cpu_seconds": 0.0}
    index = faiss.IndexHNSWFlat(dimensions, 16)
    index.hnsw.efConstruction = 64
    store = made("HNSW", index, train=False)
    for width in (10, 20, 40, 80, 160, 320):
        index.hnsw.efSearch = width
        rows.append(bench.point(store, engine="FAISS", index="HNSW", setting=width))
    filtered = []
    for package in tenants(bench):
        for width in (40, 400):
            index.hnsw.efSearch = width
            filtered.append(filter_row(bench, store, package, engine="FAISS", way=f"HNSW, ef {width}"))
        filtered.append(filter_row(bench, bench.flat, package, engine="FAISS", way="exact"))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(dimensions), dimensions, lists)
    store = made("IVF", index)
    for probes in (1, 2, 4, 8, 16, 32, 64):
        index.nprobe = probes
        rows.append(bench.point(store, engine="FAISS", index="IVF", setting=probes))
    for name, index in (
        ("int8", faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_8bit)),
        ("PQ, 48 bytes", faiss.IndexPQ(dimensions, 48, 8)),
        ("PQ, 24 bytes", faiss.IndexPQ(dimensions, 24, 8)),
    ):
        store = made(name, index)
        rows.append(bench.point(store, engine="FAISS", index=name, setting="all"))
    return rows, built, filtered


def chroma_curve(bench, folder) -> tuple[list, dict, list]:
    start = time.process_time()
    bench.filled(engine("chroma", bench.known, folder=folder, m=16, ef_construction=64))
    spent = time.process_time() - start
    rows, filtered = chroma_points(bench, folder)
    size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    return rows, {"Chroma HNSW": {"build_cpu_seconds": round(spent, 1), "megabytes": round(size / 1e6, 1)}}, filtered


def chroma_points(bench, folder) -> tuple[list, list]:
    """Chroma takes up another ef_search when the collection is opened anew."""
    from chromadb.api.shared_system_client import SharedSystemClient

    def opened(width):
        store = engine("chroma", bench.known, folder=folder)
        store._collection.modify(configuration={"hnsw": {"ef_search": width}})
        SharedSystemClient.clear_system_cache()
        return engine("chroma", bench.known, folder=folder)

    widths = (10, 20, 40, 80, 160, 320)
    rows = [bench.point(opened(width), engine="Chroma", index="HNSW", setting=width) for width in widths]
    filtered = []
    for width in (40, 400):
        store = opened(width)
        for name in tenants(bench):
            filtered.append(filter_row(bench, store, name, engine="Chroma", way=f"HNSW, ef {width}"))
    return rows, filtered


def qdrant_point(bench) -> list:
    few = Bench(20_000, len(bench.queries)) if len(bench.texts) > 20_000 else bench
    return [
        few.point(
            few.filled(engine("qdrant", few.known)), engine="Qdrant local", index="exact", setting="20,000 entries"
        )
    ]


def pgvector_curves(bench, folder) -> tuple[list, dict, list]:
    from course_utils.stores.postgres import postgres_url

    os.environ.pop("DATABASE_URL", None)
    store = bench.filled(engine("pgvector", bench.known, url=postgres_url(folder)))
    sql = store.connection.execute
    sql("SET max_parallel_workers_per_gather = 0")  # one process answers, so that its time is the whole
    rows, built, filtered = [], {}, []
    queries, bench.queries, exact, bench.exact = bench.queries, bench.queries[:20], bench.exact, bench.exact[:20]
    rows.append(bench.point(store, engine="pgvector", index="exact", setting="no index"))
    bench.queries, bench.exact = queries, exact

    def build(kind, **options):
        start = time.perf_counter()
        store.build_index(kind, **options)
        name = sql("SELECT indexname FROM pg_indexes WHERE indexdef LIKE %s", [f"%USING {kind}%"]).fetchone()[0]
        size = sql("SELECT pg_relation_size(%s)", [name]).fetchone()[0]
        built[f"pgvector {kind}"] = {
            "build_seconds": round(time.perf_counter() - start, 1),
            "megabytes": round(size / 1e6, 1),
        }
        return name

    name = build("hnsw", m=16, ef_construction=64)
    for width in (10, 20, 40, 80, 160, 320):
        store.setting("hnsw.ef_search", width)
        rows.append(bench.point(store, engine="pgvector", index="HNSW", setting=width))
    for tenant in tenants(bench):
        for way, width in (("HNSW, ef 40", 40), ("HNSW, ef 400", 400)):
            store.setting("hnsw.ef_search", width)
            filtered.append(filter_row(bench, store, tenant, engine="pgvector", way=way))
        store.setting("enable_indexscan", "off")
        filtered.append(filter_row(bench, store, tenant, engine="pgvector", way="exact"))
        store.setting("enable_indexscan", "on")
    store.setting("hnsw.ef_search", 40)
    sql(f'DROP INDEX "{name}"')
    for tenant in tenants(bench):
        store.build_index("hnsw", where={"package": tenant}, m=16, ef_construction=64)
        filtered.append(filter_row(bench, store, tenant, engine="pgvector", way="partial index, ef 40"))
    for (partial,) in sql("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%USING hnsw%'").fetchall():
        sql(f'DROP INDEX "{partial}"')
    sql("CREATE INDEX by_metadata ON entries USING gin (metadata jsonb_path_ops)")  # and no index of vectors
    sql("ANALYZE entries")
    for tenant in tenants(bench):
        filtered.append(filter_row(bench, store, tenant, engine="pgvector", way="exact, metadata indexed"))
    sql("DROP INDEX by_metadata")
    build("ivfflat", lists=224)
    for probes in (1, 4, 16, 64):
        store.setting("ivfflat.probes", probes)
        rows.append(bench.point(store, engine="pgvector", index="IVF", setting=probes))
    return rows, built, filtered


def tenants(bench) -> list[str]:
    """Three packages: about 4 %, 1 % and 0.1 % of the entries."""
    names, counts = np.unique(bench.packages, return_counts=True)
    order = [int(np.abs(counts / len(bench.packages) - share).argmin()) for share in (0.04, 0.01, 0.001)]
    return [str(names[i]) for i in order]


def filter_row(bench, store, package, **row) -> dict:
    allowed = bench.packages == package
    found, milliseconds = bench.ask(store, where={"package": package}, rounds=2)
    owners = dict(zip((e.id for e in bench.entries), bench.packages.tolist(), strict=True))
    row |= {
        "package": package,
        "share": round(float(allowed.mean()), 5),
        "rows": round(float(np.mean([len(f) for f in found])), 2),
        "foreign": sum(owners[id] != package for f in found for id in f),
        "recall": round(recall(found, bench.true(allowed)), 4),
        "milliseconds": milliseconds,
    }
    if hasattr(store, "plan"):  # what the database chose to do
        plan = store.plan(bench.queries[0].tolist(), K, {"package": package})
        row["plan"] = "index" if "Index Scan" in plan else "exact"
    print(row, flush=True)
    return row


def crashes(folder, trials=3) -> list[dict]:
    rows = []
    for name in killed_writer.ENGINES:
        for trial in range(trials):
            place = Path(folder) / f"{name.replace(', ', '-').replace(' ', '-')}{trial}"
            rows.append({"engine": name} | killed_writer.trial(name, str(place), batches=25 + 8 * trial))
            print(rows[-1], flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=100)
    parts = ("sizes", "faiss", "chroma", "qdrant", "pgvector", "crashes")
    parser.add_argument("--only", nargs="*", default=parts, choices=parts)
    options = parser.parse_args()
    file = measurement.FOLDER / "vector_stores.json"
    figures = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for name in ("machine", "python", "date"):
        figures.pop(name, None)
    curves, built, filters = (figures.get(n, e) for n, e in (("curves", []), ("built", {}), ("filters", [])))

    def keep(rows, sizes=None, filtered=()):
        asked = {row["engine"] for row in rows}
        curves[:] = [row for row in curves if row["engine"] not in asked] + rows
        built.update(sizes or {})
        engines = {row["engine"] for row in filtered}
        filters[:] = [row for row in filters if row["engine"] not in engines] + list(filtered)
        measurement.write("vector_stores", figures | {"curves": curves, "built": built, "filters": filters})

    with tempfile.TemporaryDirectory(prefix="vs", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        figures |= {"entries": options.entries, "queries": options.queries}
        bench = Bench(options.entries, options.queries) if set(options.only) - {"crashes"} else None
        if "crashes" in options.only:
            figures["crashes"] = crashes(folder)
        if "sizes" in options.only:
            figures["sizes"] = sizes(bench)
        if "faiss" in options.only:
            keep(*faiss_curves(bench))
        if "chroma" in options.only:
            keep(*chroma_curve(bench, f"{folder}/chroma"))
        if "pgvector" in options.only:
            keep(*pgvector_curves(bench, f"{folder}/pg"))
        if "qdrant" in options.only:
            keep(qdrant_point(bench))
        keep([])


if __name__ == "__main__":
    main()
