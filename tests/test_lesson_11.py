"""Lesson 11: its vectors and sentences, the loader, the measurements and what they must hold, the pictures."""

import gzip
import hashlib
import json

import numpy as np
import pytest

from course_utils import load
from course_utils.datasets import docstrings
from course_utils.indexplots import filter_curves, speed_curves
from course_utils.settings import DATA, CourseError

DOCS, DEV, TEST = load("docstrings"), load("docstrings", split="dev"), load("docstrings", split="test")
MEASURED = json.loads((DATA / "measurements" / "vector_stores.json").read_text(encoding="utf-8"))


# ---- the data


def test_there_are_50_000_entries_with_a_vector_each_and_queries_apart():
    assert len(DOCS) == 50_000 and DOCS.vectors.shape == (50_000, 384)
    assert len(DEV) == len(TEST) == 500 and DEV.vectors.shape == TEST.vectors.shape == (500, 384)
    ids = [e.id for e in DOCS.entries]
    assert ids == sorted(ids) and len(set(ids)) == len(ids)
    texts = {e.text.lower() for e in DOCS.entries}
    assert len(texts) == len(ids)
    for split in (DEV, TEST):
        assert not texts & {e.text.lower() for e in split.entries}


def test_vectors_are_whole_numbers_of_length_127_and_exact_in_float32():
    for collection in (DOCS, DEV, TEST):
        vectors = collection.vectors
        assert vectors.dtype == np.float32 and (vectors == vectors.round()).all() and abs(vectors).max() <= 127
        lengths = np.sqrt((vectors**2).sum(1))
        assert 124 < lengths.min() and lengths.max() < 130
    product = DEV.vectors[:50] @ DOCS.vectors[:2000].T
    assert (product == DEV.vectors[:50].astype(np.int64) @ DOCS.vectors[:2000].astype(np.int64).T).all()


def test_vectors_are_those_of_the_course_s_model():
    from course_utils import embed

    for place in (0, 12_345, 49_999):
        entry = DOCS.entries[place]
        vector = (embed(f"{entry.id.rsplit('.', 1)[-1]}: {entry.text}") * 127).round()
        assert abs(vector - DOCS.vectors[place]).max() <= 1  # another processor may round otherwise
    assert abs((embed(DEV.entries[3].text) * 127).round() - DEV.vectors[3]).max() <= 1


def test_neighbours_mean_something():
    """The nearest entry of a sentence is from its own package far more often than chance gives."""
    rows = DEV.vectors[:200]
    nearest = (-2 * rows @ DOCS.vectors.T + (DOCS.vectors**2).sum(1)).argmin(1)
    hits = np.mean([DOCS.entries[i].package == q.package for i, q in zip(nearest, DEV.entries, strict=False)])
    packages, counts = np.unique([e.package for e in DOCS.entries], return_counts=True)
    assert hits > 10 * ((counts / counts.sum()) ** 2).sum()


def test_the_test_split_is_frozen():
    rows = [json.loads(line) for line in (docstrings.FOLDER / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    text = "\n".join(json.dumps(row, sort_keys=True) for row in rows if row["split"] == "test")
    assert hashlib.sha256(text.encode()).hexdigest() == (docstrings.FOLDER / "test.sha256").read_text().strip()


def test_every_package_is_named_with_a_permissive_licence():
    packages = json.loads((docstrings.FOLDER / "packages.json").read_text(encoding="utf-8"))
    named = {row["package"]: row for row in packages}
    counts = {}
    for entry in DOCS.entries:
        counts[entry.package] = counts.get(entry.package, 0) + 1
    assert {name: row["entries"] for name, row in named.items() if row["entries"]} == counts
    assert {e.package for e in [*DEV.entries, *TEST.entries]} <= set(named)
    for row in packages:
        assert row["version"] and row["licence"], row
        assert not any(word in row["licence"].upper() for word in ("GPL", "MPL", "GENERAL PUBLIC")), row


def test_the_data_fit_into_20_megabytes():
    assert sum(file.stat().st_size for file in docstrings.FOLDER.rglob("*") if file.is_file()) < 20e6
    assert gzip.decompress((docstrings.FOLDER / "entries.jsonl.gz").read_bytes()).count(b"\n") == 50_000


# ---- the measurements


def test_the_measurements_say_where_and_when_and_are_of_the_whole_collection():
    assert MEASURED["machine"] and MEASURED["date"] >= "2026-11-25" and MEASURED["entries"] == 50_000


def test_three_engines_have_a_curve_of_three_points_or_more_and_the_best_recall_is_high():
    curves = {}
    for row in MEASURED["curves"]:
        curves.setdefault((row["engine"], row["index"]), []).append((row["recall"], row["speed"]))
    for name in (("FAISS", "HNSW"), ("FAISS", "IVF"), ("Chroma", "HNSW"), ("pgvector", "HNSW"), ("pgvector", "IVF")):
        assert len(curves[name]) >= 3 and max(r for r, _ in curves[name]) > 0.9, name
    assert curves["FAISS", "flat"][0][0] == 1.0
    assert len(curves["Qdrant local", "exact"]) == 1


def test_no_filtered_search_returned_a_foreign_row():
    assert len(MEASURED["filters"]) >= 12 and all(row["foreign"] == 0 for row in MEASURED["filters"])


def test_no_store_lost_what_it_had_acknowledged_but_faiss_that_was_not_saved():
    engines = {row["engine"] for row in MEASURED["crashes"]}
    assert engines == {"chroma", "qdrant", "pgvector", "faiss", "faiss, saved each time"}
    for row in MEASURED["crashes"]:
        if row["engine"] != "faiss":
            assert row["there"] == row["acknowledged"] and row["found"] == row["searched"], row


def test_recall_of_faiss_is_what_the_file_says():
    """The deterministic part of the measurements, computed again: IVF is trained, HNSW walked, on 50,000 vectors."""
    faiss = pytest.importorskip("faiss")
    faiss.omp_set_num_threads(1)
    queries = DEV.vectors[:: 500 // MEASURED["queries"]][: MEASURED["queries"]]
    distances = (DOCS.vectors**2).sum(1) - 2 * queries @ DOCS.vectors.T
    truth = np.argsort(distances, axis=1, kind="stable")[:, :10]
    index = faiss.IndexHNSWFlat(384, 16)
    index.hnsw.efConstruction = 64
    index.add(DOCS.vectors)
    for row in MEASURED["curves"]:
        if (row["engine"], row["index"]) == ("FAISS", "HNSW") and row["setting"] in (40, 160):
            index.hnsw.efSearch = row["setting"]
            found = index.search(queries, 10)[1]
            recall = np.mean([len(set(f) & set(t)) / 10 for f, t in zip(found, truth, strict=True)])
            assert abs(recall - row["recall"]) < 0.02, row


# ---- bad input


def test_what_cannot_be_done_is_said_in_a_sentence():
    with pytest.raises(CourseError, match="no split 'train'"):
        load("docstrings", split="train")
    with pytest.raises(CourseError, match="does not take part"):
        load("docstrings", part="texts")
    with pytest.raises(CourseError, match="at least one"):
        speed_curves({"nothing": []})
    with pytest.raises(CourseError, match="needs 2 values"):
        filter_curves({"one": [1.0]}, [0.1, 0.2])


def test_pictures_say_what_they_show():
    figure = speed_curves({"A": [(10.0, 0.9), (2.0, 0.99)], "B": [(1.0, 1.0)]}, title="T")
    assert "A recall 0.99 at 2 times the speed to 0.90 at 10 times" in figure.alt_text
    figure = filter_curves({"walk": [0.1, 9.5]}, [0.001, 0.5], title="T")
    assert "walk 0.1 rows at 0.1 % to 9.5 at 50 %" in figure.alt_text
