"""Sound in and out: files of any rate, WAV, FLAC and MP3 bytes, noise, a telephone line, a player for notebooks."""

import base64
import hashlib
import html
import io
import os
import wave
from pathlib import Path

from ..settings import CourseError, provider

RATE = 16_000  # samples a second that Whisper hears
LIMIT = 15 * 60  # seconds of audio that one call takes
_FORMATS = {  # first bytes -> FFmpeg's name: only these are opened, since others (playlists) can name further files
    b"RIFF": "wav",
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"ID3": "mp3",
    b"\xff\xfb": "mp3",
    b"\xff\xf3": "mp3",
    b"\xff\xf2": "mp3",
    b"\x1aE\xdf\xa3": "matroska",
}


def hosted() -> str:
    """The hosted speech service in use: 'openai', 'elevenlabs', or '' for the course's own models.

    COURSE_SPEECH decides, else COURSE_PROVIDER where that provider offers speech. CourseError for an unknown name.
    """
    name = os.environ.get("COURSE_SPEECH", "").strip().lower() or ("openai" if provider() == "openai" else "course")
    if name not in ("course", "openai", "elevenlabs"):
        raise CourseError(f"COURSE_SPEECH={name} is not known. Use course, openai or elevenlabs.")
    return "" if name == "course" else name


def read(audio, rate: int | None = None):
    """Sound of any kind -> (float32 samples, mono, 16 kHz; sha256 of what came in).

    `audio`: a path, the bytes of a file, a Speech, or an array (n,) or (n, channels) with its `rate` (16,000 if not
    given). CourseError if it is empty, no sound file, damaged, shorter than 0.1 s or longer than 15 minutes.
    """
    import numpy as np

    if hasattr(audio, "samples"):
        audio, rate = audio.samples, audio.rate
    if isinstance(audio, str | Path):
        try:
            audio = Path(audio).read_bytes()
        except OSError as problem:
            raise CourseError(f"The sound file {audio} cannot be opened ({problem.strerror}).") from None
    if isinstance(audio, bytes | bytearray):
        samples, rate = _decode(bytes(audio))
        name = hashlib.sha256(audio).hexdigest()
    else:
        samples, rate = _mono(np.asarray(audio)), int(rate or RATE)
        if not 1000 <= rate <= 400_000:
            raise CourseError(f"A sample rate of {rate} is no sound's. Give rate= in samples a second: 16000, say.")
        if not np.isfinite(samples).all():
            raise CourseError("The audio holds values that are no numbers (NaN or infinity). Check how it was made.")
        name = hashlib.sha256(np.int16(np.clip(samples, -1, 1) * 32767).tobytes() + b"%d" % rate).hexdigest()
    seconds = len(samples) / rate
    if seconds < 0.1:
        raise CourseError(f"The audio is {seconds:.2f} s long; at least 0.1 s is needed.")
    if seconds > LIMIT:
        raise CourseError(f"The audio is {seconds / 60:.0f} minutes long; a call takes {LIMIT // 60}. Cut it in parts.")
    return resample(samples, rate, RATE), name


def _mono(samples):
    import numpy as np

    if samples.ndim not in (1, 2) or samples.dtype.kind not in "fiu":
        raise CourseError("Audio as an array must hold numbers, in the shape (samples,) or (samples, channels).")
    if samples.dtype.kind == "i":
        samples = samples / -float(np.iinfo(samples.dtype).min)
    elif samples.dtype.kind == "u":  # 8-bit sound is unsigned, with silence in the middle
        samples = samples / (np.iinfo(samples.dtype).max / 2) - 1
    if samples.ndim == 2:
        samples = samples.mean(axis=int(np.argmin(samples.shape)))
    return samples.astype(np.float32)


def _decode(data: bytes):
    """The bytes of a sound file -> (float32 mono samples, rate)."""
    import av
    import numpy as np

    if not data:
        raise CourseError("The sound file is empty (0 bytes). Record or save it again.")
    kind = next((name for start, name in _FORMATS.items() if data.startswith(start)), None)
    kind = kind or ("mp4" if data[4:8] == b"ftyp" else None)
    if kind is None:
        raise CourseError("This is no sound file that can be read here. Use WAV, FLAC, MP3, OGG, M4A or WebM.")
    parts = []
    try:
        with av.open(io.BytesIO(data), format=kind) as file:
            stream = file.streams.audio[0]
            rate, count = stream.codec_context.sample_rate, 0
            to_float = av.AudioResampler(format="fltp")
            for frame in file.decode(stream):
                for part in to_float.resample(frame):
                    parts.append(part.to_ndarray().mean(axis=0))
                    count += part.samples
                if count > (LIMIT + 60) * rate:
                    break
    except (av.FFmpegError, IndexError, ValueError):
        if not parts:
            raise CourseError("The sound file is damaged or holds no sound. Record or save it again.") from None
    if not parts:
        raise CourseError("The sound file holds no sound. Record or save it again.")
    return np.concatenate(parts).astype(np.float32), rate


def resample(samples, old: int, new: int):
    """float32 samples at `old` Hz -> float32 samples at `new` Hz (polyphase filter)."""
    if old == new:
        return samples
    from math import gcd

    from scipy.signal import resample_poly

    common = gcd(old, new)
    return resample_poly(samples, new // common, old // common).astype("float32")


def wav(samples, rate: int) -> bytes:
    """float32 samples -> the bytes of a 16-bit mono WAV file."""
    import numpy as np

    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def encode(samples, rate: int, kind: str = "mp3") -> bytes:
    """float32 samples -> the bytes of a file: 'wav', 'flac' (nothing lost) or 'mp3' (48 kbit/s)."""
    if kind == "wav":
        return wav(samples, rate)
    import av
    import numpy as np

    codec = {"mp3": "libmp3lame", "flac": "flac"}.get(kind)
    if codec is None:
        raise CourseError(f"Sound cannot be written as {kind}. Use wav, flac or mp3.")
    out = io.BytesIO()
    with av.open(out, "w", format=kind) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono", format="s16" if kind == "flac" else "fltp")
        if kind == "mp3":
            stream.bit_rate = 48_000
        else:
            stream.options = {"compression_level": "12"}
        data = (np.clip(samples, -1, 1) * 32767).astype(np.int16) if kind == "flac" else np.asarray(samples, np.float32)
        frame = av.AudioFrame.from_ndarray(data[None], format="s16" if kind == "flac" else "fltp", layout="mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    return out.getvalue()


def add_noise(samples, snr: float, seed: int = 0):
    """Samples with white noise `snr` decibels below them (whole-file power). The same noise everywhere for a seed."""
    import numpy as np

    noise = np.random.default_rng(seed).integers(-30_000, 30_001, len(samples)).astype(np.float64)
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    scale = round(
        float(np.sqrt(power / (30_000**2 / 3) / 10 ** (snr / 10))), 9
    )  # rounded: another processor's last digit
    return (samples + noise * scale).astype(np.float32)


def telephone(samples, rate: int):
    """Samples as a telephone line leaves them: 300 to 3,400 Hz at 8 kHz, mu-law in 8 bits; back at `rate`."""
    import numpy as np
    from scipy.signal import butter, sosfiltfilt

    low = sosfiltfilt(butter(4, (300, 3400), "bandpass", fs=8000, output="sos"), resample(samples, rate, 8000))
    low = low / max(1e-9, np.abs(low).max())
    coded = np.round(np.sign(low) * np.log1p(255 * np.abs(low)) / np.log(256) * 127) / 127
    back = np.sign(coded) * np.expm1(np.abs(coded) * np.log(256)) / 255
    return resample(back.astype(np.float32) * 0.9, 8000, rate)


def player(samples, rate: int, text: str, note: str) -> str:
    """HTML: an audio element that carries the sound itself (MP3), with what it says as text below."""
    sound = base64.b64encode(encode(samples, rate)).decode()
    words, label = html.escape(text), html.escape(text[:80])
    return (
        f'<figure style="margin:0.5em 0"><audio controls preload="metadata" aria-label="Speech: {label}"'
        f' src="data:audio/mpeg;base64,{sound}"></audio>'
        f"<figcaption>{html.escape(note)}<br>Transcript: {words}</figcaption></figure>"
    )
