"""The provider's sound, pictures and reranking, by the genuine openai and cohere SDKs, in process and over loopback."""

import base64
import io
import wave

import cohere
import httpx
import openai
import pytest

from course_utils import provider
from course_utils.metering import meter
from course_utils.settings import DATA

RECORDING = DATA / "speech" / "ask_return_lamp.mp3"
PICTURE = DATA / "images" / "gallery" / "flat-1-kitchen.jpg"


@pytest.fixture(autouse=True)
def models_answer(monkeypatch):
    monkeypatch.setenv("COURSE_REPLIES", "auto")  # the routes are tested, not the recordings


@pytest.fixture(scope="module")
def server():
    with provider.serve() as served:
        yield served


@pytest.fixture(params=["in process", "loopback"])
def client(request):
    if request.param == "in process":
        return openai.OpenAI(**provider.client_options(False), max_retries=0)
    return openai.OpenAI(base_url=request.getfixturevalue("server").url + "/v1", api_key="x", max_retries=0)


@pytest.fixture(params=["in process", "loopback"])
def cohere_client(request):
    if request.param == "in process":
        http = httpx.Client(transport=provider.transport())
        return cohere.ClientV2(api_key="x", base_url="http://course.invalid", httpx_client=http)
    return cohere.ClientV2(api_key="x", base_url=request.getfixturevalue("server").url)


def uri(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def ask(client, url, text="What room is this?", **options):
    content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
    return client.chat.completions.create(model="small", messages=[{"role": "user", "content": content}], **options)


def last(operation):
    return [call for call in meter.session if call.operation == operation][-1]


def test_a_recording_is_transcribed_and_logged_once(client):
    before = len(meter.session)
    heard = client.audio.transcriptions.create(model="whisper-1", file=RECORDING)
    assert "lamp" in heard.text
    assert len(meter.session) == before + 1
    call = last("speech-to-text")
    assert call.model == "whisper-1" and call.cost > 0 and call.duration >= 0.34


def test_a_transcription_as_text_and_with_segments(client):
    create = client.audio.transcriptions.create
    text = create(model="whisper-1", file=RECORDING, response_format="text")
    whole = create(model="whisper-1", file=("a.mp3", RECORDING.read_bytes()), response_format="verbose_json")
    assert text.strip() == whole.text == " ".join(s.text for s in whole.segments)
    assert 1 < whole.segments[-1].end <= whole.duration + 0.5


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "empty"), (b"no sound at all", "no sound file"), (b"ID3" + b"\r\n\x00" * 90, "damaged")]
)
def test_bad_sound_is_refused_in_a_sentence(client, data, says):
    with pytest.raises(openai.BadRequestError, match=says):
        client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", data))
    assert last("speech-to-text").status == 400


def test_speech_is_a_wav_file(client):
    made = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.", response_format="wav").content
    with wave.open(io.BytesIO(made)) as file:
        assert file.getframerate() == 24_000 and file.getnframes() > 6_000
    assert last("text-to-speech").cost > 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"input": " "}, "not empty"),
        ({"response_format": "mp3"}, "Only WAV"),
        ({"voice": "nobody"}, "no voice"),
        ({"speed": 9}, "out of range"),
    ],
)
def test_what_cannot_be_said_is_refused(client, options, says):
    given = {"model": "tts-1", "voice": "alloy", "input": "Hello.", "response_format": "wav"} | options
    with pytest.raises(openai.BadRequestError, match=says):
        client.audio.speech.create(**given)


def test_a_painting_is_a_png_of_the_size_asked_for(client):
    from PIL import Image

    made = client.images.generate(model="painting", prompt="a blue armchair", size="256x256").data[0]
    picture = Image.open(io.BytesIO(base64.b64decode(made.b64_json)))
    assert picture.format == "PNG" and picture.size == (256, 256)
    assert "armchair" in made.revised_prompt and "blue" in made.revised_prompt


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"prompt": "justice"}, "finds nothing"),
        ({"size": "9x9"}, "size must be"),
        ({"n": 2}, "Only one"),
        ({"response_format": "url"}, "b64_json"),
    ],
)
def test_what_cannot_be_painted_is_refused(client, options, says):
    with pytest.raises(openai.BadRequestError, match=says):
        client.images.generate(**({"model": "painting", "prompt": "a lamp"} | options))


def test_a_picture_in_a_chat_is_seen_outside_mock_blocks(client):
    reply = ask(client, uri(PICTURE.read_bytes()))
    assert "kitchen" in reply.choices[0].message.content
    call = last("chat")
    assert (call.source, call.skill, call.status) == ("mock", "vision", 200)


def test_a_picture_fills_a_schema(client):
    import json

    schema = {"type": "object", "properties": {"room": {"enum": ["bedroom", "kitchen"]}}, "required": ["room"]}
    form = {"type": "json_schema", "json_schema": {"name": "seen", "schema": schema}}
    reply = ask(client, uri(PICTURE.read_bytes()), response_format=form)
    assert json.loads(reply.choices[0].message.content) == {"room": "kitchen"}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (uri(b""), "empty"),
        (uri(b"no picture"), "no picture"),
        (uri(PICTURE.read_bytes()[:900]), "damaged"),
        ("data:image/png;base64,%%%", "base64"),
        ("https://example.org/a.png", "data: URI"),
        (str(PICTURE), "data: URI"),
    ],
)
def test_a_bad_picture_is_refused_in_a_sentence(client, url, says):
    with pytest.raises(openai.BadRequestError, match=says):
        ask(client, url)
    assert last("chat").status == 400


def test_cohere_reranks(cohere_client):
    texts = ["Rugs are woven in Porto.", "A lamp can be returned within 45 days.", "We open at nine."]
    found = cohere_client.rerank(model="reranking", query="How long may I return a lamp?", documents=texts, top_n=2)
    assert [result.index for result in found.results][0] == 1 and len(found.results) == 2
    assert 0 <= found.results[1].relevance_score <= found.results[0].relevance_score <= 1
    assert last("reranking").cost == pytest.approx(0.002)


def test_cohere_is_told_what_is_wrong(cohere_client):
    with pytest.raises(cohere.BadRequestError, match="documents must be"):
        cohere_client.rerank(model="reranking", query="lamp", documents=[])
