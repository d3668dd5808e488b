"""Sound in committed notebooks: its first 3 s at 8 kHz, so that files stay small. A learner's kernel plays it all."""

import base64
import io
import re
import wave

SOUND = re.compile(r"data:audio/([\w.+-]+);base64,([A-Za-z0-9+/=\s]+)")
SECONDS, RATE = 3, 8000
TOLERATED = 80_000  # characters of base64: sound of another type may be this long


def shorten_within(text: str) -> str:
    """A text (HTML, say) with every embedded sound shortened."""

    def shorter(match):
        short = shorten(match[2], match[1])
        return match[0] if short == match[2] else f"data:audio/wav;base64,{short}"

    return SOUND.sub(shorter, text) if "data:audio/" in text else text


def shorten(sound: str, kind: str = "wav") -> str:
    """Base64 of a WAV file -> base64 of its first 3 s, one channel, 16 bit, 8 kHz. A short one stays as it is.

    ValueError for sound that is large and no 16-bit WAV.
    """
    import numpy

    try:
        with wave.open(io.BytesIO(base64.b64decode(sound))) as file:
            channels, width, rate, length = file.getparams()[:4]
            frames = file.readframes(min(length, SECONDS * rate))
    except (wave.Error, EOFError):
        if len(sound) < TOLERATED:
            return sound
        raise ValueError(f"sound of type {kind} is too large to commit; embed it as WAV, or cut it to 3 s.") from None
    if width != 2:
        raise ValueError(f"sound has {8 * width} bits a sample; embed 16-bit WAV.")
    if (rate, channels) == (RATE, 1) and length <= SECONDS * rate:
        return sound
    samples = numpy.frombuffer(frames, "<i2").reshape(-1, channels).astype(float).mean(axis=1)
    step = max(1, round(rate / RATE))
    samples = numpy.convolve(samples, numpy.ones(step) / step, "same")  # a plain low pass before samples are left out
    times = numpy.arange(int(len(samples) * RATE / rate)) * (rate / RATE)
    short = numpy.interp(times, numpy.arange(len(samples)), samples).round().astype("<i2")
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(short.tobytes())
    return base64.b64encode(target.getvalue()).decode("ascii")
