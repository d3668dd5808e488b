"""Speech by OpenAI or ElevenLabs behind the course's own calls, each recorded once with the source 'hosted'.

OPENAI_BASE_URL and ELEVENLABS_BASE_URL point the clients at another server.
"""

import os

from .. import clock, metering
from ..catalogue import HOSTED
from ..settings import CourseError, provider_key
from . import audio as sound

VOICES = {  # the course's voice -> the service's; a name that is not here goes to the service as it is
    "openai": {"af_heart": "coral", "am_michael": "onyx", "bf_emma": "fable", "pf_dora": "shimmer", "pm_alex": "echo"},
    "elevenlabs": dict.fromkeys(("af_heart", "am_michael", "bf_emma", "pf_dora", "pm_alex"), "JBFqnCBsd6RMkjVDRZzb"),
}


def _client(service: str):
    if service == "openai":
        from openai import OpenAI

        return OpenAI(api_key=provider_key("openai"))
    key = os.environ.get("ELEVENLABS_API_KEY", "").strip()
    if not key:
        raise CourseError("COURSE_SPEECH=elevenlabs needs a key: set ELEVENLABS_API_KEY in the environment or in .env.")
    try:
        from elevenlabs.client import ElevenLabs
    except ImportError:
        raise CourseError("COURSE_SPEECH=elevenlabs needs the package elevenlabs: run make providers.") from None
    return ElevenLabs(api_key=key, base_url=os.environ.get("ELEVENLABS_BASE_URL") or None)


def _call(service: str, capability: str, ask):
    """ask(client, model), recorded; the service's own complaint becomes one sentence."""
    client, model, start = _client(service), HOSTED[capability][service], clock.now()
    try:
        answer = ask(client, model)
    except CourseError:
        raise
    except Exception as problem:  # every client has its own family of errors
        status = getattr(problem, "status_code", None)
        raise CourseError(f"{service} did not answer ({type(problem).__name__}, status {status}): {problem}") from None
    metering.meter.add(
        metering.Call(capability, model, start, clock.now(), cost=None, source="hosted", step=metering.current_step())
    )
    return answer


def transcribe(service: str, samples, prompt: str | None, words: bool) -> dict:
    """float32 samples at 16 kHz -> {text, segments, language} as `hear` has them. ElevenLabs takes no prompt."""
    file = ("audio.wav", sound.wav(samples, sound.RATE), "audio/wav")
    if service == "openai":
        more = {"prompt": prompt} if prompt else {}
        out = _call(
            service,
            "speech-to-text",
            lambda client, model: client.audio.transcriptions.create(
                model=model,
                file=file,
                response_format="verbose_json",
                timestamp_granularities=["segment", "word"] if words else ["segment"],
                **more,
            ),
        )
        language, timed = out.language or "", [(w.start, w.end, w.word) for w in out.words or []]
        segments = [{"start": s.start, "end": s.end, "text": s.text.strip()} for s in out.segments or []]
    else:
        out = _call(
            service, "speech-to-text", lambda client, model: client.speech_to_text.convert(model_id=model, file=file)
        )
        language, segments = out.language_code, []
        timed = [(w.start, w.end, w.text) for w in out.words if w.type == "word"]
    text = out.text.strip()
    if not segments and text:
        segments = [{"start": 0.0, "end": len(samples) / sound.RATE, "text": text}]
    if words:
        for segment in segments:
            inside = [w for w in timed if segment["start"] <= (w[0] or 0) < segment["end"]]
            segment["words"] = [{"start": a, "end": b, "word": word} for a, b, word in inside]
    return {"text": text, "segments": segments, "language": language}


def speak(service: str, text: str, voice: str, speed: float):
    """Text -> (float32 samples, rate) from the service."""
    import numpy as np

    name, pace = VOICES[service].get(voice, voice), min(1.2, max(0.7, speed))  # ElevenLabs takes no more, no less
    if service == "openai":
        data = _call(
            service,
            "text-to-speech",
            lambda client, model: client.audio.speech.create(
                model=model, voice=name, input=text, speed=speed, response_format="pcm"
            ).read(),
        )
    else:
        data = _call(
            service,
            "text-to-speech",
            lambda client, model: b"".join(
                client.text_to_speech.convert(
                    name,
                    text=text,
                    model_id=model,
                    output_format="pcm_24000",
                    voice_settings={"speed": pace},
                )
            ),
        )
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768, 24_000
