"""Speech to text: OpenAI's Whisper (the openai-whisper library) with the tiny.en weights, or a hosted service.

transcribe(audio)   the face: metered, hosted if a provider is set
hear(audio)         the unmetered core: from the record, else by the model
"""

import contextlib
import os
import sys
import threading
import types
from dataclasses import dataclass, field
from pathlib import Path

from .. import metering, recordings
from ..settings import CourseError, cache
from . import audio as sound
from . import store, whisper_weights

_one_at_a_time = threading.Lock()  # Whisper hangs its memory of a sentence on the model itself
SILENT = 0.001  # no sample is louder: 60 dB below full scale
# What the shop's callers name, as a prompt for Whisper: the best of six on the dev recordings (data/models/whisper).
# The codes show a pattern only; none of them exists.
DOMAIN_PROMPT = (
    "Harbourlight, Skerry, Tidelight, Beacon, Fathom, Jetty, Dunes, Shingle, Estuary, Marram, Rockpool, Limpet, Wharf, "
    "Boathouse, Capstan, Moorings, Porthole, Gullwing, Northline, Saltmere. "
    "Order HL-20100, item LMP-1099, error E-11, case CS-4100."
)


@dataclass(frozen=True)
class Transcript:
    """What was heard. `segments`: dicts of start, end (seconds), text, and with words=True words (start, end, word)."""

    text: str
    segments: list = field(repr=False)
    language: str
    seconds: float
    source: str = "model"

    def __str__(self):
        return self.text


def transcribe(audio, prompt: str | None = None, words: bool = False, rate: int | None = None) -> Transcript:
    """What is said in `audio`: a path, the bytes of a file, a Speech, or an array of samples with its `rate`.

    `prompt` holds names and codes that may occur (DOMAIN_PROMPT has the shop's); words=True adds times of words.
    Silence gives ''. CourseError for an empty, damaged or too long file. English; COURSE_WHISPER=base.en, tiny (many
    languages), or the path of a checkpoint loads another model; COURSE_SPEECH or COURSE_PROVIDER a hosted one.
    """
    if service := sound.hosted():
        from . import hosted_speech

        samples, _ = sound.read(audio, rate)
        value = hosted_speech.transcribe(service, samples, prompt, words)
        return Transcript(**value, seconds=len(samples) / sound.RATE, source="hosted")
    with metering.local("speech-to-text", units=0) as work:
        heard = hear(audio, prompt, words, rate)
        work.units, work.source = heard.seconds, heard.source
    return heard


def hear(audio, prompt: str | None = None, words: bool = False, rate: int | None = None) -> Transcript:
    """The unmetered core of transcribe(): the recorded output for this very sound, else Whisper's now."""
    samples, name = sound.read(audio, rate)
    options = _options(len(samples) / sound.RATE)
    if float(abs(samples).max()) < SILENT:
        return Transcript("", [], "en", len(samples) / sound.RATE)
    payload = {
        "capability": "speech-to-text",
        "weights": _weights_name(),
        "audio": name,
        "prompt": prompt or "",
        "words": words,
        "options": options,
    }
    value, source = recordings.recorded(payload, lambda: decode(samples, prompt, words))
    return Transcript(**value, seconds=len(samples) / sound.RATE, source=source)


def decode(samples, prompt: str | None = None, words: bool = False) -> dict:
    """Whisper's own answer for float32 samples at 16 kHz: {text, segments, language}. Never from the record."""
    import torch

    model, options = _model(), _options(len(samples) / sound.RATE)
    with _one_at_a_time, _one_thread(torch):
        out = model.transcribe(
            samples,
            fp16=False,
            language=None if model.is_multilingual else "en",
            initial_prompt=prompt,
            carry_initial_prompt=bool(prompt),
            word_timestamps=words,
            verbose=None,
            **options,
        )
    segments = [_segment(s) for s in out["segments"]]
    return {"text": out["text"].strip(), "segments": segments, "language": out["language"]}


@contextlib.contextmanager
def _one_thread(torch):
    """As fast here, and the machine may be shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _options(seconds: float) -> dict:
    """Greedy, so always the same. At most 64 tokens for a short call, since on digits Whisper can loop."""
    return {
        "temperature": 0.0,
        "sample_len": 64 if seconds <= 12 else 224,
        "condition_on_previous_text": False,
    }


def _segment(segment: dict) -> dict:
    kept = {
        "start": round(float(segment["start"]), 2),
        "end": round(float(segment["end"]), 2),
        "text": segment["text"].strip(),
    }
    if "words" in segment:
        kept["words"] = [
            {"start": round(float(w["start"]), 2), "end": round(float(w["end"]), 2), "word": w["word"].strip()}
            for w in segment["words"]
        ]
    return kept


def _chosen() -> str:
    return os.environ.get("COURSE_WHISPER", "").strip()


def _weights_name() -> str:
    """What stands for the weights in the key of a record."""
    path = Path(_chosen()).expanduser()
    return store.fingerprint(path) if _chosen() and path.is_file() else _chosen() or whisper_weights.SHA256


def _model():
    name = _chosen()
    return store.keep(f"whisper {name or 'tiny.en'}", lambda: _load(name), mib=160)


def library():
    """The whisper package. It wants numba for the times of words alone: 60 MiB and 2 s that can be spared."""
    if "whisper" not in sys.modules and "numba" not in sys.modules:
        sys.modules["numba"] = types.SimpleNamespace(
            jit=lambda *args, **_: args[0] if args else lambda function: function
        )
        try:
            import whisper
        finally:
            del sys.modules["numba"]
    import whisper

    return whisper


def _load(name: str):
    """A Whisper model: the course's tiny.en, an official one by name (whisper downloads it), or a checkpoint."""
    whisper = library()
    if not name or name == "tiny.en":
        model = whisper.load_model(str(whisper_weights.checkpoint()), device="cpu")
        model.set_alignment_heads(whisper._ALIGNMENT_HEADS["tiny.en"])  # for times of words
        return model
    if name not in whisper.available_models() and not Path(name).expanduser().is_file():
        known = ", ".join(whisper.available_models())
        raise CourseError(f"COURSE_WHISPER={name} is neither a model of Whisper's ({known}) nor a file.")
    path = Path(name).expanduser()
    try:
        return whisper.load_model(
            str(path) if path.is_file() else name, device="cpu", download_root=str(cache() / "whisper")
        )
    except Exception as problem:  # the network's, or a file that is no checkpoint
        raise CourseError(f"The model COURSE_WHISPER={name} cannot be loaded: {problem}") from None


def figures() -> list[dict]:
    """Rows of name, metric, value, n, split, measured now on held-out recordings (about 50 s)."""
    from .speech_figures import figures_to_text

    return figures_to_text()
