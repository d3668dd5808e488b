"""How long a text lasts when it is spoken, on record: what a timeline needs of a voice, without making the sound."""

import asyncio

from .. import catalogue, clock, recordings
from ..metering import Call, current_step, meter
from . import text_to_speech


def speaking_seconds(text: str, voice: str = "bf_emma") -> float:
    """Seconds of `text` in a voice of Kokoro's: each sentence from the record, else measured on sound that is made now.

    CourseError for a text or a voice that cannot be spoken.
    """
    text_to_speech.checked(text, voice, 1.0)
    parts = [_sentence_seconds(sentence, voice) for sentence in text_to_speech.sentences(text)]
    return round(sum(parts) + text_to_speech.PAUSE * (len(parts) - 1), 2)


def _sentence_seconds(text: str, voice: str) -> float:
    payload = {"capability": "speaking-time", "weights": text_to_speech.SHA256, "voice": voice, "text": text}
    value, _ = recordings.recorded(payload, lambda: {"seconds": round(text_to_speech.speak(text, voice).seconds, 2)})
    return value["seconds"]


async def spoken(text: str, voice: str = "bf_emma") -> float:
    """The same, after the time that the catalogue gives for making the sound; the meter has it as text to speech."""
    seconds, entry, start = speaking_seconds(text, voice), catalogue.LOCAL["text-to-speech"], clock.now()
    await asyncio.sleep(entry.base_seconds + entry.unit_seconds * seconds)
    cost = entry.call_price + entry.unit_price * seconds
    call = Call("text-to-speech", entry.model, start, clock.now(), cost=cost, source="record", step=current_step())
    meter.add(call)
    return seconds
