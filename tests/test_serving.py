"""The server of lesson 10: batching, the gate, OpenAI's routes with real clients in Python and Node, overload, the end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import numpy as np
import openai
import pytest

from course_utils import embed, run
from course_utils.local import weights
from course_utils.settings import strict
from tools import need

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))

from serving.app import CHAT, EMBEDDINGS, create_app, off_the_loop  # noqa: E402
from serving.batching import Batcher  # noqa: E402
from serving.gate import Busy, Closed, Gate  # noqa: E402
from serving.load import closed_loop, open_loop, percentile, summary  # noqa: E402
from serving.models import EMBEDDING, Embedder, LanguageServer  # noqa: E402
from serving.server import Served, free_port  # noqa: E402

NODE = ROOT / "tests" / "node"


def talk_to(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server", timeout=None)


def body(text="a lamp", **more):
    return {"model": EMBEDDING, "input": text, "encoding_format": "base64"} | more


async def half_a_second(texts):
    await asyncio.sleep(0.5)
    return np.zeros((len(texts), 384))


# ---- batching


def test_what_waits_is_computed_together_and_each_gets_its_own():
    async def double(numbers):
        await asyncio.sleep(1)
        return [2 * n for n in numbers]

    async def go():
        batcher = Batcher(double, most=4)
        return await asyncio.gather(*map(batcher, range(9))), batcher.sizes

    assert run(go()) == ([0, 2, 4, 6, 8, 10, 12, 14, 16], [4, 4, 1])


def test_the_first_may_linger_for_company():
    async def go(wait):
        batcher = Batcher(half_a_second, most=4, wait=wait)
        first = asyncio.create_task(batcher("a"))
        await asyncio.sleep(0.05)
        await asyncio.gather(first, batcher("b"))
        return batcher.sizes

    assert run(go(0.1)) == [2] and run(go(0)) == [1, 1]


def test_one_bad_item_harms_nobody_else_and_one_who_left_is_not_computed():
    done = []

    async def work(items):
        await asyncio.sleep(1)
        if "bad" in items:
            raise ValueError("bad")
        done.extend(items)
        return items

    async def go():
        batcher = Batcher(work, most=8)
        tasks = [asyncio.create_task(batcher(item)) for item in ("a", "b", "bad", "gone")]
        await asyncio.sleep(0)
        tasks[3].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        return answers, await batcher("after")

    answers, after = run(go())
    assert answers[:2] == ["a", "b"] and isinstance(answers[2], ValueError)
    assert after == "after" and done == ["a", "b", "after"]


def test_a_batch_and_a_gate_need_room():
    for wrong in (lambda: Batcher(half_a_second, most=0), lambda: Batcher(half_a_second, wait=-1), lambda: Gate(0, 5)):
        with pytest.raises(ValueError):
            wrong()


# ---- the gate


def test_the_gate_lets_in_lines_up_and_turns_away():
    async def visit(gate, log, seconds=1.0):
        try:
            async with gate.enter():
                log.append(gate.inside)
                await asyncio.sleep(seconds)
        except Busy as busy:
            log.append(f"busy {busy.retry_after}")

    async def go():
        gate, log = Gate(active=2, waiting=1), []
        gate.seconds = 3.0
        await asyncio.gather(*(visit(gate, log) for _ in range(5)))
        return log, gate.inside, round(gate.seconds, 2)

    log, inside, seconds = run(go())
    assert log.count("busy 5") == 2 and len(log) == 5 and inside == 0
    assert seconds < 3.0  # it has seen that a visit takes a second


def test_draining_waits_for_who_is_inside_and_lets_nobody_in():
    async def go():
        gate = Gate(1, 1)

        async def visit():
            async with gate.enter():
                await asyncio.sleep(2)

        visits = [asyncio.create_task(visit()) for _ in range(2)]
        await asyncio.sleep(0.1)
        impatient = await gate.drain(patience=1)
        with pytest.raises(Closed):
            async with gate.enter():
                pass
        patient = await gate.drain(patience=10)
        await asyncio.gather(*visits)
        return impatient, patient, await gate.drain()

    assert run(go()) == (False, True, True)


# ---- load


def test_percentiles_and_summaries_by_hand():
    assert [percentile(range(1, 101), share) for share in (0.5, 0.95, 0.99, 1)] == [50, 95, 99, 100]
    assert np.isnan(percentile([], 0.5))

    async def ask(number):
        await asyncio.sleep(1)
        if number == 3:
            raise ConnectionError
        return 429 if number == 2 else 200

    said = summary(run(closed_loop(ask, clients=2, count=6)))
    assert (said["sent"], said["answered"], said["shed"], said["lost"]) == (6, 4, 1, 1)
    assert said["p99"] == pytest.approx(1) and said["a_second"] == pytest.approx(4 / 3)
    open_ = run(open_loop(ask, rate=10, count=50, seed=1))
    assert open_ != run(open_loop(ask, rate=10, count=50, seed=2)) and len(open_) == 50
    assert 2.5 < open_[-1].start - open_[0].start < 10  # 50 at ten a second


def test_four_times_too_much_sheds_bounds_and_loses_nothing():
    """The bar of the lesson, on the course's clock: two requests a second are possible, eight come."""

    async def go(**door):
        app = create_app(half_a_second, most=1, **door)
        async with talk_to(app) as client:

            async def ask(number):
                return (await client.post(EMBEDDINGS, json=body())).status_code

            return summary(await open_loop(ask, rate=8, count=200))

    gated, open_door = run(go(active=2, waiting=6)), run(go(waiting=10**6))
    assert gated["lost"] == 0 and gated["answered"] + gated["shed"] == 200
    assert gated["shed"] > 100 and gated["answered"] >= 50
    assert gated["p99"] <= 8 * 0.5 + 0.01  # eight places, half a second each
    assert open_door["answered"] == 200 and open_door["p99"] > 60


# ---- the routes


@pytest.fixture(scope="module")
def server():
    embedder = Embedder()
    with Served(create_app(off_the_loop(embedder), embedder.tokens)) as served:
        yield served


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)


def test_openais_client_gets_the_models_own_vectors(client):
    texts = ["Where is my order?", "A brass lamp", "Wo ist meine Lampe?"]
    for more in ({"encoding_format": "float"}, {}):  # left to itself the client asks for base64 and reads it
        reply = client.embeddings.create(model=EMBEDDING, input=texts, **more)
        assert np.abs(np.array([row.embedding for row in reply.data]) - embed(texts)).max() < 1e-5
        assert [row.index for row in reply.data] == [0, 1, 2] and reply.usage.prompt_tokens == Embedder().tokens(texts)
    assert [m.id for m in client.models.list()] == [EMBEDDING]


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        ({"model": "other", "input": "a"}, openai.NotFoundError, "There is no model 'other' here"),
        ({"model": EMBEDDING, "input": ""}, openai.BadRequestError, "Text 0 of input is empty"),
        ({"model": EMBEDDING, "input": ["a", " "]}, openai.BadRequestError, "Text 1 of input is empty"),
        ({"model": EMBEDDING, "input": []}, openai.BadRequestError, "input has 0 texts"),
        ({"model": EMBEDDING, "input": ["a"] * 257}, openai.BadRequestError, "input has 257 texts; send 1 to 256"),
        ({"model": EMBEDDING, "input": [[1, 2]]}, openai.BadRequestError, "valid string"),
        ({"model": EMBEDDING, "input": "a", "dimensions": 7}, openai.BadRequestError, "dimensions"),
    ],
)
def test_bad_requests_are_told_what_is_wrong(client, asked, kind, said):
    with pytest.raises(kind, match=said):
        client.embeddings.create(**asked)


def test_a_server_without_a_chat_model_says_so(client):
    with pytest.raises(openai.NotFoundError, match="There is no chat model 'nano' here"):
        client.chat.completions.create(model="nano", messages=[{"role": "user", "content": "hi"}])


def test_metrics_count_by_route_and_status(server):
    before = httpx.get(server.url + "/metrics").text
    httpx.post(server.url + EMBEDDINGS, json=body())
    httpx.post(server.url + EMBEDDINGS, content=b"no json")

    def figure(text, status):
        start = f'requests_total{{route="{EMBEDDINGS}",status="{status}"}} '
        return sum(float(line.removeprefix(start)) for line in text.splitlines() if line.startswith(start))

    after = httpx.get(server.url + "/metrics").text
    assert [figure(after, s) - figure(before, s) for s in (200, 400)] == [1, 1]
    reply = httpx.post(server.url + EMBEDDINGS, json=body())
    assert float(reply.headers["openai-processing-ms"]) > 0


def test_429_has_retry_after_and_the_clients_own_error():
    """One is at work and the only place is taken: the next one is told when to come back."""
    at_work, go_on = threading.Event(), threading.Event()

    async def held(texts):
        at_work.set()
        await asyncio.to_thread(go_on.wait, 30)
        return np.zeros((len(texts), 384))

    with Served(create_app(held, active=1, waiting=0)) as served:
        client = openai.OpenAI(base_url=served.url + "/v1", api_key="none", max_retries=0)
        answers = []
        first = threading.Thread(target=lambda: answers.append(client.embeddings.create(model=EMBEDDING, input="a")))
        first.start()
        assert at_work.wait(30)
        with pytest.raises(openai.RateLimitError) as refused:
            client.embeddings.create(model=EMBEDDING, input="b")
        assert int(refused.value.response.headers["retry-after"]) >= 1
        assert httpx.get(served.url + "/health").json() == {"status": "ok"}  # the loop is not held
        assert httpx.get(served.url + "/ready").json()["inside"] == {EMBEDDINGS: 1}
        go_on.set()
        first.join(30)
        assert len(answers) == 1 and len(answers[0].data[0].embedding) == 384


def test_drained_it_is_not_ready_and_503_to_latecomers():
    async def go():
        app = create_app(half_a_second)
        async with talk_to(app) as client:
            inside = asyncio.create_task(client.post(EMBEDDINGS, json=body()))
            await asyncio.sleep(0.1)
            draining = asyncio.create_task(app.state.serving.drain())
            await asyncio.sleep(0.1)
            ready, late = await client.get("/ready"), await client.post(EMBEDDINGS, json=body())
            return ready.status_code, late.status_code, (await inside).status_code, await draining

    assert run(go()) == (503, 503, 200, True)


def test_a_taken_port_is_an_error():
    port = free_port()
    with Served(create_app(half_a_second), port):
        with pytest.raises(OSError, match="did not start"):
            Served(create_app(half_a_second), port)


# ---- the process


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a process could take gracefully.")
def test_on_sigterm_the_command_finishes_what_it_accepted():
    port = free_port()
    command = [sys.executable, str(ROOT / "examples" / "serving"), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        assert "127.0.0.1" in process.stdout.readline()
        url, replies = f"http://127.0.0.1:{port}", []
        transport = httpx.HTTPTransport(retries=8)  # until it listens
        with httpx.Client(transport=transport, timeout=120) as http:
            assert http.get(url + "/ready").json()["ready"] is True
        many = ["A long passage about lamps and rugs. " * 20] * 24  # a second's work, many on a busy machine

        def ask():
            replies.append(httpx.post(url + EMBEDDINGS, json=body(many), timeout=120))

        asking, inside = threading.Thread(target=ask), 0
        asking.start()
        while asking.is_alive() and not inside:
            inside = httpx.get(url + "/ready").json()["inside"][EMBEDDINGS]
        process.send_signal(signal.SIGTERM)
        assert inside == 1
        asking.join(120)
        assert replies[0].status_code == 200 and len(replies[0].json()["data"]) == 24
        assert process.wait(60) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()


# ---- a language model behind it, and Node


@pytest.fixture(scope="module")
def both():
    """The server with nano on two slots."""
    if not weights.installed("nano"):
        pytest.skip("This test needs the weights of nano: make weights")
    embedder = Embedder()
    with LanguageServer("nano", slots=2) as llm:
        with Served(create_app(off_the_loop(embedder), embedder.tokens, llm=llm, llm_waiting=1)) as served:
            yield served


def test_chats_pass_whole_and_streamed(both):
    client = openai.OpenAI(base_url=both.url + "/v1", api_key="none", max_retries=0)
    asked = {
        "model": "nano",
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_tokens": 8,
        "temperature": 0,
    }
    whole = client.chat.completions.create(**asked)
    pieces = [
        c.choices[0].delta.content or "" for c in client.chat.completions.create(**asked, stream=True) if c.choices
    ]
    assert whole.choices[0].message.content == "".join(pieces) != ""
    assert whole.usage.completion_tokens <= 8 and len(pieces) > 2
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="nano", messages=[], max_tokens=8)


def test_more_chats_than_places_are_shed_and_the_others_answered(both):
    async def go():
        async with httpx.AsyncClient(timeout=300) as http:

            async def ask(number):
                asked = {
                    "model": "nano",
                    "max_tokens": 16,
                    "messages": [{"role": "user", "content": f"{number}: hello"}],
                }
                return (await http.post(both.url + CHAT, json=asked)).status_code

            return await asyncio.gather(*map(ask, range(8)))

    statuses = run(go(), live=True)
    assert set(statuses) <= {200, 429} and statuses.count(200) >= 3 and 429 in statuses
    assert both.app.state.serving.llm_gate.inside == 0


def test_nodes_openai_client_works_against_the_server(both):
    need("node")
    if not (NODE / "node_modules" / "openai" / "package.json").is_file():
        sentence = "This test needs Node's openai package: npm ci --ignore-scripts --prefix tests/node"
        pytest.fail(sentence, pytrace=False) if strict() else pytest.skip(sentence)
    command = ["node", str(NODE / "ask.mjs"), both.url + "/v1", "nano"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["models"] == [EMBEDDING, "nano"]
    assert np.abs(np.array(said["embeddings"]) - embed(["Where is my order?", "A brass lamp"])).max() < 1e-5
    assert said["refused"]["status"] == 400 and said["refused"]["name"] == "BadRequestError"
    assert "Text 0 of input is empty" in said["refused"]["message"] and said["tokens"] > 6
    assert said["chat"]["whole"] == said["chat"]["streamed"] != "" and said["chat"]["pieces"] > 2
