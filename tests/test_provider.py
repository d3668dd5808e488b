"""The provider's wire, by the genuine openai and anthropic SDKs, in this process and over loopback; faults; the log."""

import asyncio
import json

import anthropic
import httpx2
import openai
import pytest

from course_utils import provider
from course_utils.chat import chat_model
from course_utils.clock import now, run
from course_utils.metering import meter, step
from course_utils.settings import CourseError, CourseStop

CONTEXT = "[1] Unopened lamps can be returned within 45 days of delivery.\n[2] Rugs can be returned within 14 days."
QUESTION = f"{CONTEXT}\n\nQuestion: How many days do I have to return a lamp?"
MESSAGES = [{"role": "user", "content": QUESTION}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_order",
        "description": "Look up an order by its number.",
        "parameters": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
    },
}
ASK_TOOL = [{"role": "user", "content": "Where is my order HL-4719?"}]


@pytest.fixture(autouse=True)
def mocks():
    with provider.mock():
        yield


@pytest.fixture(scope="module")
def server():
    with provider.serve() as served:
        yield served


@pytest.fixture(params=["in process", "loopback"])
def client(request):
    if request.param == "in process":
        return openai.OpenAI(**provider.client_options(False))
    return openai.OpenAI(base_url=request.getfixturevalue("server").url + "/v1", api_key="x")


@pytest.fixture(params=["in process", "loopback"])
def claude(request):
    if request.param == "in process":
        sync = httpx2.Client(transport=provider.transport("httpx2"))
        return anthropic.Anthropic(base_url="http://course.invalid", api_key="x", http_client=sync)
    return anthropic.Anthropic(base_url=request.getfixturevalue("server").url, api_key="x")


def ask(client, messages=MESSAGES, model="small", **options):
    return client.chat.completions.create(model=model, messages=messages, **options)


# ------------------------------------------------------------------------------------------------------- OpenAI
def test_openai_whole(client):
    reply = ask(client)
    choice = reply.choices[0]
    assert "45 days" in choice.message.content and choice.finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 20


def test_openai_stream_says_the_same(client):
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    whole = ask(client)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage and chunks[-2].choices[0].finish_reason == "stop"


def test_openai_max_tokens_and_stop(client):
    assert ask(client, max_tokens=3).choices[0].finish_reason == "length"
    assert "days" not in ask(client, stop=["days"]).choices[0].message.content


def test_openai_tools_and_their_echo(client):
    message = ask(client, ASK_TOOL, tools=[TOOL]).choices[0].message
    call = message.tool_calls[0]
    assert call.function.name == "get_order" and json.loads(call.function.arguments) == {"order": "HL-4719"}
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"status": "shipped", "expected": "Friday"}'}
    after = ask(client, [*ASK_TOOL, message.model_dump(exclude_none=True), result], tools=[TOOL]).choices[0]
    assert after.finish_reason == "stop" and "shipped" in after.message.content
    chunks = [c.choices[0].delta for c in ask(client, ASK_TOOL, tools=[TOOL], stream=True)]
    parts = [c.tool_calls[0] for c in chunks if c.tool_calls]
    assert json.loads("".join(p.function.arguments for p in parts)) == {"order": "HL-4719"} and parts[0].id == call.id


def test_openai_tool_choice(client):
    named = {"type": "function", "function": {"name": "get_order"}}
    assert ask(client, MESSAGES, tools=[TOOL], tool_choice=named).choices[0].message.tool_calls
    assert ask(client, MESSAGES, tools=[TOOL], tool_choice="required").choices[0].message.tool_calls
    assert not ask(client, ASK_TOOL, tools=[TOOL], tool_choice="none").choices[0].message.tool_calls


def test_openai_json_schema(client):
    schema = {
        "type": "object",
        "properties": {"order": {"type": "string"}},
        "required": ["order"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "o", "schema": schema, "strict": True}}
    text = ask(client, ASK_TOOL, response_format=wanted).choices[0].message.content
    assert json.loads(text) == {"order": "HL-4719"}


@pytest.mark.parametrize(
    "body, error",
    [
        ({"model": "gpt-none", "messages": MESSAGES}, openai.NotFoundError),
        ({"model": "small", "messages": []}, openai.BadRequestError),
        ({"model": "small", "messages": [{"role": "king", "content": "x"}]}, openai.BadRequestError),
        ({"model": "small", "messages": MESSAGES, "n": 3}, openai.BadRequestError),
        ({"model": "small", "messages": MESSAGES, "max_tokens": 0.5}, openai.BadRequestError),
        (
            {"model": "small", "messages": [{"role": "tool", "content": "x", "tool_call_id": "?"}]},
            openai.BadRequestError,
        ),
        ({"model": "small", "messages": MESSAGES, "tools": [{"type": "web"}]}, openai.BadRequestError),
        ({"model": "small", "messages": MESSAGES, "response_format": {"type": "xml"}}, openai.BadRequestError),
    ],
)
def test_openai_errors(client, body, error):
    with pytest.raises(error) as info:
        client.chat.completions.create(**body)
    assert info.value.body["message"] and info.value.body["type"] in ("invalid_request_error", "not_found_error")


def test_unauthorized_and_too_large():
    import httpx

    wire = httpx.Client(transport=provider.transport(), base_url="http://course.invalid")
    assert wire.post("/v1/chat/completions", json={}).status_code == 401
    key = {"authorization": "Bearer x"}
    assert wire.post("/v1/chat/completions", content=b"{", headers=key).status_code == 400
    assert wire.post("/v1/chat/completions", content=b" " * (21 * 2**20), headers=key).status_code == 413
    assert wire.post("/v1/none", headers=key).status_code == 404


def test_openai_embeddings(client):
    floats = client.embeddings.create(model="embedding", input=["lamp", "rug"], encoding_format="float")
    base64 = client.embeddings.create(model="embedding", input=["lamp", "rug"])  # the SDK asks for base64
    assert len(floats.data) == 2 and len(floats.data[0].embedding) == 384
    assert base64.data[1].embedding == pytest.approx(floats.data[1].embedding, abs=1e-7)
    ids = client.embeddings.create(model="embedding", input=[75, 1141])  # token ids, as some clients send
    assert len(ids.data) == 1
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="embedding", input=[])


def test_openai_moderations_and_models(client):
    kind = client.moderations.create(model="moderation", input=["I will kill you.", "Where is my lamp?"])
    assert [r.flagged for r in kind.results] == [True, False]
    assert {"nano", "small", "large"} <= {m.id for m in client.models.list()}


# ---------------------------------------------------------------------------------------------------- Anthropic
def test_anthropic_whole_and_stream(claude):
    asked = dict(model="small", max_tokens=100, system="Answer from the text.", messages=MESSAGES)
    reply = claude.messages.create(**asked)
    assert "45 days" in reply.content[0].text and reply.stop_reason == "end_turn" and reply.usage.input_tokens > 20
    with claude.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == reply.content[0].text and final.usage.output_tokens == reply.usage.output_tokens
    assert claude.messages.create(**asked | {"max_tokens": 3}).stop_reason == "max_tokens"


def test_anthropic_tools_and_their_echo(claude):
    function = TOOL["function"]
    tool = {"name": function["name"], "description": function["description"], "input_schema": function["parameters"]}
    asked = dict(model="small", max_tokens=100, tools=[tool])
    reply = claude.messages.create(messages=ASK_TOOL, **asked)
    use = reply.content[-1]
    assert reply.stop_reason == "tool_use" and use.input == {"order": "HL-4719"}
    result = {"type": "tool_result", "tool_use_id": use.id, "content": '{"status": "shipped"}'}
    turn = [
        {"role": "assistant", "content": [b.model_dump() for b in reply.content]},
        {"role": "user", "content": [result]},
    ]
    after = claude.messages.create(messages=ASK_TOOL + turn, **asked)
    assert after.stop_reason == "end_turn" and "shipped" in after.content[0].text
    with claude.messages.stream(messages=ASK_TOOL, **asked) as stream:
        assert stream.get_final_message().content[-1].input == {"order": "HL-4719"}


def test_anthropic_errors(claude):
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.create(model="none", max_tokens=9, messages=MESSAGES)
    with pytest.raises(anthropic.BadRequestError, match="role"):
        claude.messages.create(model="small", max_tokens=9, messages=[{"role": "system", "content": "x"}])


# ---------------------------------------------------------------------------------------- time, faults, the log
def test_latency_is_the_catalogues_and_the_same_when_run_again():
    model = chat_model("small")

    def seconds():
        run(model.ainvoke(QUESTION))
        return meter.seconds

    first = seconds()
    assert 0.05 < first < 5 and seconds() == first
    with provider.latency(seconds=1.0):
        run(gather(3, model.ainvoke, QUESTION))
        assert meter.seconds == 1.0 and len(meter.calls) == 3
        model.batch([QUESTION] * 3, config={"max_concurrency": 3})
        assert meter.calls[-1].duration == pytest.approx(1.0)
    run(gather(3, model.ainvoke, QUESTION))  # alike, yet each with its own jitter
    assert meter.seconds == pytest.approx(max(c.duration for c in meter.calls), abs=1e-3)
    assert meter.seconds < 0.95 * sum(c.duration for c in meter.calls)


async def gather(n, f, *args):
    return await asyncio.gather(*(f(*args) for _ in range(n)))


def test_faults_take_their_shape():
    sdk = openai.AsyncOpenAI(**provider.client_options(True), max_retries=0)

    def raises(kind, error, **when):
        with provider.fault(kind, "small", **when), pytest.raises(error):
            run(ask_async(sdk))

    raises("429", openai.RateLimitError)
    raises("500", openai.InternalServerError)
    raises("529", openai.InternalServerError)
    raises("outage", openai.InternalServerError)
    raises("timeout", openai.InternalServerError, seconds=5)
    assert meter.calls[-1].status == 504 and meter.seconds == 5
    with provider.fault("refusal"):
        assert run(ask_async(sdk)).choices[0].message.content.startswith("I'm sorry")
    with provider.fault("500", "large"):  # another model's
        run(ask_async(sdk))
    with pytest.raises(CourseError, match="outage"):
        provider.fault("flood").__enter__()
    with pytest.raises(CourseError, match="retry_after"):
        provider.fault("429", often=3).__enter__()


async def ask_async(sdk, **options):
    return await sdk.chat.completions.create(model="small", messages=MESSAGES, **options)


def test_retry_after_an_outage_window():
    sdk = openai.AsyncOpenAI(**provider.client_options(True), max_retries=2)
    with provider.latency(seconds=1.0), provider.fault("429", first=1, retry_after=2) as storm:
        start = now()
        run(ask_async(sdk))
        assert now() - start == pytest.approx(3.0) and storm.hits == 1
    assert [c.status for c in meter.calls] == [429, 200]

    async def over_time():
        statuses = []
        for _ in range(4):
            try:
                await ask_async(sdk.with_options(max_retries=0))
                statuses.append(200)
            except openai.APIStatusError as error:
                statuses.append(error.status_code)
            await asyncio.sleep(10)
        return statuses

    with provider.fault("outage", start=5, end=25):
        assert run(over_time()) == [200, 503, 503, 200]


def test_a_truncated_stream_and_malformed_json():
    import httpx

    sdk = openai.AsyncOpenAI(**provider.client_options(True), max_retries=0)

    async def read():
        return [c async for c in await ask_async(sdk, stream=True)]

    with provider.fault("truncated"), pytest.raises((httpx.RemoteProtocolError, openai.APIError)):
        run(read())
    assert meter.calls[-1].status == 502
    schema = {
        "type": "json_schema",
        "json_schema": {"name": "o", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
    }
    with provider.fault("malformed"):
        text = run(ask_async(sdk, response_format=schema)).choices[0].message.content
    with pytest.raises(ValueError):
        json.loads(text)


def test_a_call_is_recorded_once_with_its_step():
    async def main():
        with step("answer"):
            await chat_model("large").ainvoke(QUESTION)

    run(main())
    frame = meter.frame()
    assert len(frame) == 1 and frame.loc[0, "step"] == "answer" and frame.loc[0, "source"] == "mock"
    assert frame.loc[0, "cost"] > 0 and frame.loc[0, "model"] == "large"
    assert meter.sources == {"mock"} and 'data-source="mock"' in meter._repr_html_()
    assert set(meter.calls[0].attributes()) >= {"gen_ai.request.model", "gen_ai.usage.input_tokens"}


def test_a_miss_in_replay_is_a_sentence_and_is_not_retried(monkeypatch):
    monkeypatch.setenv("COURSE_REPLIES", "replay")
    monkeypatch.setattr("course_utils.simulator.replies._mocks", 0)
    with pytest.raises(CourseStop, match="not on record"):
        chat_model("small").invoke("A question that nobody ever recorded, 7261?")


def test_an_occupied_port_is_a_sentence(server):
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(CourseError, match=f"Port {port} is in use"):
        provider.serve(port)
