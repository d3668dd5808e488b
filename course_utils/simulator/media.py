"""Sound, pictures and reranking at the provider: OpenAI's audio and images routes, Cohere's rerank, by local models.

`routes` makes them with the application's helpers; each handler takes a body and `log`, which opens a log entry.
"""

import asyncio
import base64
import email
import email.message
import io
import math
import re

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .. import catalogue
from ..settings import CourseError
from .protocol import ApiError

OPENAI_VOICES = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split()
VOICE = "af_heart"  # what says the words of OpenAI's voices
LARGEST = 2048  # pixels a side of a painting


def routes(raw, body, route, log) -> list[Route]:
    """The routes. `raw` and `body` read a request's bytes or JSON, `route` wraps an endpoint, `log` opens an entry."""

    async def json_body(request):
        found = await body(request)
        if not isinstance(found, dict):
            raise ApiError(400, "The body must be a JSON object.")
        return found

    async def form(request):
        return read_form(request.headers.get("content-type", ""), await raw(request))

    def post(path, read, function):
        @route()
        async def endpoint(request):
            return await function(await read(request), log)

        return Route(path, endpoint, methods=["POST"])

    return [
        post("/v1/audio/transcriptions", form, transcriptions),
        post("/v1/audio/speech", json_body, speech),
        post("/v1/images/generations", json_body, images),
        post("/v2/rerank", json_body, rerank),
    ]


def read_form(kind: str, data: bytes) -> dict:
    """The fields of a multipart form, name -> list of bytes. ApiError 400 if it is none.

    Read here because python-multipart, which Starlette would use, is not part of the course's own environment.
    """
    head = email.message.Message()
    head["content-type"] = kind
    boundary = head.get_boundary()
    if head.get_content_type() != "multipart/form-data" or not boundary:
        raise ApiError(400, "Send the sound as multipart/form-data, with the fields file and model.", param="file")
    fields = {}
    for part in (b"\r\n" + data).split(b"\r\n--" + boundary.encode())[1:-1]:
        start, _, value = part.partition(b"\r\n\r\n")
        name = email.message_from_bytes(start.lstrip()).get_param("name", header="content-disposition")
        fields.setdefault(name, []).append(value)
    return fields


def _text(body: dict, name: str, default: str | None = None) -> str:
    """A field that must be a text. ApiError 400 if it is missing or something else."""
    value = body.get(name, default)
    value = default if value is None else value
    if not isinstance(value, str) or not value.strip():
        raise ApiError(400, f"{name} must be a text, and not empty.", param=name)
    return value


async def _made(log, kind: str, model: str, work, units):
    """What `work` makes in a thread, after the catalogue's latency for its `units(made)`; one entry in the log."""
    entry, local = log(kind, model), catalogue.LOCAL[kind]
    try:
        made = await asyncio.to_thread(work)
        count = units(made)
        await asyncio.sleep(local.base_seconds + local.unit_seconds * count)
    except CourseError as problem:
        entry.done(400)
        raise ApiError(400, str(problem)) from None
    except asyncio.CancelledError:  # the client gave up
        entry.done(499)
        raise
    entry.call.source = getattr(made, "source", "model")
    entry.call.cost = local.call_price + local.unit_price * count
    entry.done()
    return made


async def transcriptions(form: dict, log):
    """OpenAI's transcription: file, model, prompt, response_format json, text or verbose_json."""
    from ..local import speech_to_text

    names = ("model", "prompt", "response_format")
    told = {name: form[name][0].decode("utf-8", "replace") for name in names if name in form}
    model, kind = _text(told, "model"), _text(told, "response_format", "json")
    if kind not in ("json", "text", "verbose_json"):
        raise ApiError(400, "response_format must be json, text or verbose_json.", param="response_format")
    if "file" not in form:
        raise ApiError(400, "Send a sound file in the field file.", param="file")
    words = b"word" in form.get("timestamp_granularities[]", [])
    sound, prompt = form["file"][0], told.get("prompt") or None

    def hear():
        import tqdm

        tqdm.tqdm.monitor_interval = 0  # Whisper's bar would start a daemon thread, for which the clock does not wait
        return speech_to_text.hear(sound, prompt, words)

    heard = await _made(log, "speech-to-text", model, hear, lambda heard: heard.seconds)
    if kind == "text":
        return PlainTextResponse(heard.text + "\n")
    if kind == "json":
        return JSONResponse({"text": heard.text})
    segments = [{"id": i, **{k: s[k] for k in ("start", "end", "text")}} for i, s in enumerate(heard.segments)]
    whole = {"task": "transcribe", "language": heard.language, "duration": round(heard.seconds, 2), "text": heard.text}
    whole["segments"] = segments
    if words:
        whole["words"] = [word for s in heard.segments for word in s.get("words", [])]
    return JSONResponse(whole)


async def speech(body: dict, log):
    """OpenAI's speech: model, input, voice (OpenAI's names too), speed -> a WAV file."""
    from ..local import text_to_speech

    model, text, voice = _text(body, "model"), _text(body, "input"), _text(body, "voice", VOICE)
    if body.get("response_format") not in (None, "wav"):
        raise ApiError(400, "Only WAV is offered here: set response_format='wav'.", param="response_format")
    speed = body.get("speed") or 1.0
    if isinstance(speed, bool) or not isinstance(speed, int | float):
        raise ApiError(400, "speed must be a number from 0.5 to 2.", param="speed")
    voice = VOICE if voice in OPENAI_VOICES else voice
    if voice not in text_to_speech.VOICES and not voice.startswith("espeak:"):  # a path is for this machine's own code
        known = ", ".join(text_to_speech.VOICES)
        raise ApiError(400, f"There is no voice {voice!r}. Use {known}, or one of OpenAI's names.", param="voice")
    said = await _made(
        log, "text-to-speech", model, lambda: text_to_speech.speak(text, voice, speed), lambda said: said.seconds
    )
    return Response(said.wav(), media_type="audio/wav")


async def images(body: dict, log):
    """OpenAI's image generation by the course's painter: prompt, size -> one PNG as base64."""
    from ..local import painting

    prompt, size = _text(body, "prompt"), _text(body, "size", "512x512")
    if body.get("n") not in (None, 1):
        raise ApiError(400, "Only one picture (n = 1) is offered here.", param="n")
    if body.get("response_format") not in (None, "b64_json"):
        raise ApiError(
            400, "Only response_format='b64_json' is offered here: there are no URLs.", param="response_format"
        )
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", "512x512" if size == "auto" else size)
    sides = tuple(int(side) for side in match.groups()) if match else ()
    if not sides or not all(64 <= side <= LARGEST for side in sides):
        raise ApiError(400, f"size must be WIDTHxHEIGHT, 64 to {LARGEST} pixels a side: '512x512'.", param="size")

    def paint():
        file = io.BytesIO()
        painting.draw(prompt, sides).save(file, "PNG")
        return file.getvalue()

    model = _text(body, "model", catalogue.LOCAL["painting"].model)
    png = await _made(log, "painting", model, paint, lambda _: 1)
    plan = {name: value for name, value in painting.understood(prompt).items() if value}
    words = ", ".join(f"{name}: {value if isinstance(value, str) else ' '.join(value)}" for name, value in plan.items())
    picture = {"b64_json": base64.b64encode(png).decode(), "revised_prompt": words}  # what the painter took from it
    return JSONResponse({"created": 0, "data": [picture]})


async def rerank(body: dict, log):
    """Cohere's rerank: model, query, documents (texts, or objects with a text), top_n -> chances, the best first."""
    from ..local import reranking

    model, query, given = _text(body, "model"), _text(body, "query"), body.get("documents")
    texts = [d.get("text") if isinstance(d, dict) else d for d in given] if isinstance(given, list) else []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ApiError(400, "documents must be a list of texts, or of objects with a text.", param="documents")
    top = body.get("top_n")
    if top is not None and (isinstance(top, bool) or not isinstance(top, int) or top < 1):
        raise ApiError(400, "top_n must be a number of at least 1.", param="top_n")
    scores = await _made(log, "reranking", model, lambda: reranking.score(query, texts), lambda _: len(texts))
    odds = [round(float(value), 3) for value in scores]
    order = sorted(range(len(texts)), key=lambda i: -odds[i])[:top]
    results = [{"index": i, "relevance_score": round(1 / (1 + math.exp(-odds[i])), 3)} for i in order]
    return JSONResponse({"id": "rerank-course", "results": results, "meta": {}})
