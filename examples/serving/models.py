"""The models behind the server: MiniLM on onnxruntime, and llama.cpp's own server for a language model."""

import os
import secrets

from course_utils.catalogue import TIERS
from course_utils.local import embedding, weights

EMBEDDING = "all-MiniLM-L6-v2"


class Embedder:
    """all-MiniLM-L6-v2. `embedder(texts)` gives float32 (texts, 384), computed in one run of the model.

    precision: 'int8' for the stored weights that the course ships, 'full' for float32 weights (layer `weights`).
    The last bits of a vector depend on its company in the run; `tokens` counts what the model reads of the texts.
    """

    def __init__(self, precision: str = "int8"):
        if precision not in ("int8", "full"):
            raise ValueError("precision is 'int8' or 'full'.")
        self.precision = precision
        self._encoder = embedding.full_precision() if precision == "full" else embedding.encoder()

    def __call__(self, texts: list[str]):
        return self._encoder.encode(texts, batch=max(1, len(texts)), threads=1)

    def tokens(self, texts: list[str]) -> int:
        return sum(len(self._encoder.tokens(text).ids) for text in texts)


class LanguageServer:
    """llama.cpp's server with a course tier's weights, on a loopback port: `url`, `key`, `close()`.

    slots: requests at a time, each with `context` tokens of its own. Requests that are being answered share each run
    of the model (continuous batching), and a slot remembers the prompt that it read last (prompt cache).
    CourseError if the tier's weights are not installed.
    """

    def __init__(self, tier: str = "nano", slots: int = 2, context: int = 2048, threads: int | None = None):
        file = weights.path(tier)
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.n_ctx, params.n_parallel, params.kv_unified = context * slots, slots, False
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads or min(2, os.cpu_count() or 1)
        params.cache_ram_mib, params.n_ctx_checkpoints = 0, 0  # slots remember their last prompt, and nothing else
        params.warmup, params.no_extra_bufts, params.verbosity = False, True, -1
        self.key = secrets.token_hex(16)
        params.api_keys = [self.key]
        self.tier, self.slots, self.model = tier, slots, TIERS[tier].model
        self._server = xllamacpp.Server(params)
        self.url = self._server.listening_address.rstrip("/")

    def close(self) -> None:
        """Stop it and free its memory."""
        self._server = None

    __enter__ = lambda self: self  # noqa: E731

    def __exit__(self, *_):
        self.close()
