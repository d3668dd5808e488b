"""Simulated time is exact, with every client that the course uses, and leaves the process usable after any mistake."""

import asyncio
import contextvars
import operator
import os
import signal
import threading
import time
import traceback
import warnings
from typing import Annotated, TypedDict

import httpx
import openai
import pytest
from langchain_core.runnables import RunnableParallel
from langchain_openai import ChatOpenAI

from course_utils.clock import ClockError, now, run, spend
from course_utils.simulator.transport import app_transport
from fake_app import make_app

app = make_app()
transport = app_transport(app)
KEY = dict(base_url="http://sim/v1", api_key="x")
MESSAGES = [{"role": "user", "content": "hi"}]


def clients(t=transport):
    return dict(http_client=httpx.Client(transport=t), http_async_client=httpx.AsyncClient(transport=t))


def model(name, **kw):
    return ChatOpenAI(model=name, **KEY, **clients(), **kw)


one, two = model("sim-1"), model("sim-2")


class took:
    """with took(3): exactly 3 simulated seconds."""

    def __init__(self, simulated):
        self.simulated = simulated

    def __enter__(self):
        self.start = now()

    def __exit__(self, kind, *_):
        if kind is None:
            assert abs(now() - self.start - self.simulated) < 1e-6, now() - self.start


async def gather(n, f, *args):
    return await asyncio.gather(*(f(*args) for _ in range(n)))


# 1. one loop, run() ------------------------------------------------------------------------------------------------
def test_sequence_and_parallel():
    async def sequence():
        for _ in range(3):
            await one.ainvoke("hi")

    with took(3):
        run(sequence())
    with took(1):
        run(gather(3, one.ainvoke, "hi"))


def test_result_context_and_inside_a_running_loop():
    var = contextvars.ContextVar("var", default=None)

    async def read():
        await asyncio.sleep(1)
        return var.get(), await asyncio.to_thread(var.get)

    async def cell():  # as a Jupyter cell: this thread already has a running loop
        var.set("cell")
        return run(read())

    assert asyncio.run(cell()) == ("cell", "cell")


def test_traceback_leads_to_the_line():
    async def inner():
        await asyncio.sleep(1)
        raise ValueError("here")

    async def outer():
        await inner()

    with pytest.raises(ValueError, match="here") as info:
        run(outer())
    names = [f.name for f in traceback.extract_tb(info.tb)]
    assert names[-2:] == ["outer", "inner"]


def test_keyboard_interrupt_cancels_and_the_loop_lives():
    events = []

    async def long():
        try:
            await asyncio.to_thread(time.sleep, 1)  # real, and so interruptible
            await asyncio.Event().wait()
        finally:
            events.append("cancelled")

    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run(long())
    with took(1):
        run(one.ainvoke("hi"))
    assert events == ["cancelled"]


def test_same_client_and_semaphore_in_several_runs():
    semaphore = asyncio.Semaphore(2)

    async def limited():
        async with semaphore:
            await one.ainvoke("hi")

    for _ in range(3):
        with took(3):
            run(gather(6, limited))


def test_what_run_started_ends_with_it():
    async def background():
        await asyncio.sleep(10)
        await one.ainvoke("stray")

    async def main():
        main.task = asyncio.create_task(background())
        await asyncio.sleep(1)

    before = len(app.log)
    with took(1):
        run(main())
    with took(20):
        run(asyncio.sleep(20))
    assert main.task.cancelled() and len(app.log) == before


def test_run_within_run_is_refused():
    async def main():
        run(asyncio.sleep(1))

    with pytest.raises(ClockError, match="await it"):
        run(main())


# 2. synchronous clients --------------------------------------------------------------------------------------------
def test_sync_invoke_and_batch():
    with took(1):
        assert one.invoke("hi").content.startswith("The answer")
    with took(1):
        one.batch(["a", "b", "c"])
    with took(2):
        RunnableParallel(a=one, b=two, c=one).invoke("hi")


def test_sync_inside_threads_of_run():
    with took(1):
        run(gather(3, asyncio.to_thread, one.invoke, "hi"))
    with took(1):
        run(gather(40, asyncio.to_thread, one.invoke, "hi"))  # more than 2 cores + 4

    async def batch():
        return await asyncio.to_thread(one.batch, ["a", "b", "c"])

    with took(1):
        run(batch())


def test_sync_on_the_loop_thread_is_an_error():
    async def wrong():
        return one.invoke("hi")

    with took(0), pytest.raises(ClockError, match="ainvoke"):
        run(wrong())
    with took(1):
        run(one.ainvoke("hi"))


# 3. streams --------------------------------------------------------------------------------------------------------
ARRIVALS = [0.8, 0.82, 0.84, 0.86, 0.88, 0.9]


def test_streams():
    large = model("sim-0.8-0.02")

    async def stream():
        start = now()
        return [round(now() - start, 9) async for chunk in large.astream("hi") if chunk.content]

    assert run(stream()) == ARRIVALS
    start = now()
    assert [round(now() - start, 9) for chunk in large.stream("hi") if chunk.content] == ARRIVALS
    assert [sum(x) for x in zip(*run(gather(2, stream)), strict=True)] == [2 * x for x in ARRIVALS]


def test_a_stream_left_early_stops_the_provider():
    large = model("sim-0.8-0.02")

    async def leave():
        async for _ in large.astream("hi"):
            break
        await asyncio.sleep(5)

    run(leave())
    assert app.log[-1]["status"] == 499 and round(app.log[-1]["end"] - app.log[-1]["start"], 6) == 0.8
    for _ in large.stream("hi"):
        break
    run(asyncio.sleep(5))
    assert app.log[-1]["status"] == 499


def test_run_inside_a_synchronous_stream():
    with took(0.8 + 6):  # the later chunks come while run() has the clock
        assert len([run(one.ainvoke("hi")) for c in model("sim-0.8-0.02").stream("hi") if c.content]) == 6


# 4. timeouts and retries -------------------------------------------------------------------------------------------
def test_client_timeout_is_exact():
    slow = model("sim-5", timeout=0.7, max_retries=0)
    with took(0.7), pytest.raises(openai.APITimeoutError):
        run(slow.ainvoke("hi"))
    with took(0.7), pytest.raises(openai.APITimeoutError):
        slow.invoke("hi")
    assert app.log[-1]["status"] == 499
    with took(0.3), pytest.raises(httpx.ReadTimeout):  # within a stream the SDK hands on httpx's own error
        run(anext_all(model("sim-0.1-0.5", timeout=0.2, max_retries=0)))


async def anext_all(m):
    return [c async for c in m.astream("hi")]


def test_asyncio_timeouts():
    async def wait_for():
        await asyncio.wait_for(one.ainvoke("hi"), 0.4)

    async def timeout():
        async with asyncio.timeout(0.4):
            await one.ainvoke("hi")

    for f in (wait_for, timeout):
        with took(0.4), pytest.raises(TimeoutError):
            run(f())


def test_retries_of_the_client():
    m = model("sim-1", max_retries=2)
    app.faults[:] = [(429, {"retry-after": "2"}), (500, {"retry-after-ms": "1500"})]
    with took(2 + 1.5 + 1):
        run(m.ainvoke("hi"))
    app.faults[:] = [(429, {})]  # without a header: 0.5 s less up to a quarter of jitter
    start = now()
    run(m.ainvoke("hi"))
    assert 1.375 <= now() - start <= 1.5


def test_retries_of_tenacity():
    from tenacity import AsyncRetrying, stop_after_attempt, wait_exponential

    m, tries = model("sim-1", max_retries=0), []

    async def main():
        async for attempt in AsyncRetrying(wait=wait_exponential(multiplier=1), stop=stop_after_attempt(4)):
            with attempt:
                tries.append(round(now() - start, 6))
                await m.ainvoke("hi")

    app.faults[:] = [(500, {}), (500, {})]
    start = now()
    with took(1 + 2 + 1):
        run(main())
    assert tries == [0, 1, 3]


# 5. threads that work, deadlocks -----------------------------------------------------------------------------------
def spin(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_a_working_thread_holds_the_clock():
    async def main(*work):
        start = now()
        ticker = asyncio.create_task(asyncio.sleep(1))
        await asyncio.to_thread(*work)
        held = now() - start
        await ticker
        return held

    for work in ((spin, 0.4), (time.sleep, 0.4)):
        with took(1):
            assert run(main(*work)) == 0

    async def both():  # the work ends before the call does, whatever it takes
        order = []
        a = asyncio.create_task(one.ainvoke("hi"))
        b = asyncio.create_task(asyncio.to_thread(spin, 0.3))
        a.add_done_callback(lambda _: order.append("call"))
        b.add_done_callback(lambda _: order.append("work"))
        await asyncio.gather(a, b)
        return order

    assert run(both()) == ["work", "call"]


def test_anyio_worker_threads_count():
    import anyio.to_thread

    async def main():
        start = now()
        ticker = asyncio.create_task(asyncio.sleep(1))
        await anyio.to_thread.run_sync(spin, 0.3)
        return now() - start, await ticker

    assert run(main())[0] == 0


def test_deadlock_is_an_error():
    async def stuck():
        await asyncio.Event().wait()

    async def swallow():
        try:
            await stuck()
        except Exception:
            return "swallowed"

    async def threads():
        await asyncio.to_thread(threading.Event().wait, 1.5)

    for f in (stuck, swallow, threads):
        with pytest.raises(ClockError, match="Deadlock"):
            run(f())
    with took(1):
        run(one.ainvoke("hi"))


def test_a_held_clock_says_who_holds_it(monkeypatch):
    monkeypatch.setattr("course_utils.clock.WARN_AFTER", 0.3)
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(0.8, lock.release).start()

    async def main():
        await asyncio.to_thread(lock.acquire)
        await asyncio.sleep(1)

    async def ticker():
        await asyncio.gather(main(), asyncio.sleep(1))

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        run(ticker())
    assert "stands still for" in str(seen[0].message)


# 7. sockets --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def server():
    """The provider over loopback, its latencies shrunk to a hundredth."""
    import uvicorn

    scaled = make_app(scale=0.01)
    server = uvicorn.Server(uvicorn.Config(scaled, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    scaled.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield scaled
    server.should_exit = True
    thread.join()


def test_a_socket_needs_live(server):
    import aiohttp

    async def by_httpx():
        async with httpx.AsyncClient() as client:
            return (await client.get(server.url + "/openapi.json")).status_code

    async def by_aiohttp():
        async with aiohttp.ClientSession() as session, session.get(server.url + "/openapi.json") as response:
            return response.status

    async def by_openai():
        return (await openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="x").chat.completions.create(
            model="sim-1", messages=MESSAGES)) and 200  # fmt: skip

    for f in (by_httpx, by_aiohttp, by_openai):
        with took(0), pytest.raises(ClockError, match="live=True"):
            run(f())
        assert run(f(), live=True) == 200
        assert run(f(), live=True) == 200


# 8. LangGraph ------------------------------------------------------------------------------------------------------
def test_langgraph():
    from langgraph.graph import END, START, StateGraph

    class State(TypedDict):
        out: Annotated[list, operator.add]

    graph = StateGraph(State)
    for name, m in {"first": one, "a": one, "b": two, "last": one}.items():
        graph.add_node(name, lambda state, m=m: {"out": [m.invoke("hi").content]})
    for edge in ((START, "first"), ("first", "a"), ("first", "b"), (["a", "b"], "last"), ("last", END)):
        graph.add_edge(*edge)
    graph = graph.compile()
    for _ in range(20):
        with took(1 + 2 + 1):
            graph.invoke({"out": []})
    with took(1 + 2 + 1):
        run(graph.ainvoke({"out": []}))
    with took(1 + 2 + 1):
        list(graph.stream({"out": []}, stream_mode=["updates", "messages"]))


# 9. other clients, in process --------------------------------------------------------------------------------------
def test_openai_sdk():
    sync = openai.OpenAI(**KEY, http_client=httpx.Client(transport=transport))
    client = openai.AsyncOpenAI(**KEY, http_client=httpx.AsyncClient(transport=transport))
    with took(1):
        sync.chat.completions.create(model="sim-1", messages=MESSAGES)
    with took(1):
        run(gather(3, lambda: client.chat.completions.create(model="sim-1", messages=MESSAGES)))


def test_llama_index():
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike

    llm = OpenAILike(
        model="sim-0.8-0.02", api_base=KEY["base_url"], api_key="x", is_chat_model=True,
        http_client=httpx.Client(transport=transport), async_http_client=httpx.AsyncClient(transport=transport),
    )  # fmt: skip
    with took(0.9):
        llm.chat([ChatMessage("hi")])
    with took(0.9):
        run(gather(3, llm.achat, [ChatMessage("hi")]))
    start = now()
    assert [round(now() - start, 9) for c in llm.stream_chat([ChatMessage("hi")]) if c.delta] == ARRIVALS


def test_haystack():
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage
    from haystack.utils import Secret

    generator = OpenAIChatGenerator(
        model="sim-1", api_base_url=KEY["base_url"], api_key=Secret.from_token("x"),
        http_client_kwargs={"transport": transport},  # serves run and run_async
    )  # fmt: skip
    with took(1):
        generator.run([ChatMessage.from_user("hi")])
    with took(1):
        run(gather(3, generator.run_async, [ChatMessage.from_user("hi")]))


def test_semantic_kernel():
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
    from semantic_kernel.contents import ChatHistory

    client = openai.AsyncOpenAI(**KEY, http_client=httpx.AsyncClient(transport=transport))
    service, history = OpenAIChatCompletion(ai_model_id="sim-1", async_client=client), ChatHistory()
    history.add_user_message("hi")
    with took(1):
        run(gather(3, service.get_chat_message_content, history, OpenAIChatPromptExecutionSettings()))


def test_litellm_and_dspy_in_process(monkeypatch):
    import dspy
    import litellm

    monkeypatch.setattr(litellm, "client_session", httpx.Client(transport=transport))
    monkeypatch.setattr(litellm, "aclient_session", httpx.AsyncClient(transport=transport))
    lm = dspy.LM("openai/sim-1", api_base=KEY["base_url"], api_key="x", cache=False, engine="litellm")
    with took(1):
        lm("hi")
    with took(1):
        run(gather(3, lm.acall, "hi"))
    with took(1):
        dspy.Parallel(num_threads=3, disable_progress_bar=True)([(lambda q: lm(q), {"q": str(i)}) for i in range(3)])


def test_anthropic_in_process():
    import anthropic
    import httpx2

    ask = dict(model="sim-1", max_tokens=9, messages=MESSAGES)
    t = app_transport(app, httpx2)
    sync = anthropic.Anthropic(base_url="http://sim", api_key="x", http_client=httpx2.Client(transport=t))
    client = anthropic.AsyncAnthropic(base_url="http://sim", api_key="x", http_client=httpx2.AsyncClient(transport=t))
    with took(1):
        sync.messages.create(**ask)
    with took(1):
        run(gather(3, lambda: client.messages.create(**ask)))
    with took(0.5), pytest.raises(anthropic.APITimeoutError):
        sync.with_options(timeout=0.5, max_retries=0).messages.create(**ask)


# 10. local work ----------------------------------------------------------------------------------------------------
def test_spend_takes_simulated_time_wherever_it_is_called():
    with took(2):
        spend(2)

    async def on_the_loop():  # blocking code: three of them in a gather take the sum
        spend(1)

    with took(3):
        run(gather(3, on_the_loop))
    with took(1):  # in threads they overlap
        run(gather(3, asyncio.to_thread, spend, 1))


def test_live_run_inside_and_outside():
    from course_utils.clock import is_live

    async def see():
        return is_live(), await asyncio.to_thread(is_live)

    assert run(see(), live=True) == (True, True)
    assert run(see()) == (False, False) and not is_live()


def test_a_coroutine_is_asked_for():
    from course_utils.settings import CourseError

    with pytest.raises(CourseError, match="takes a coroutine"):
        run(lambda: None)


def test_no_client_library_is_patched():
    for thing in (
        httpx.Client.send,
        httpx.AsyncClient.send,
        openai.OpenAI.post,
        ChatOpenAI.invoke,
        time.sleep,
        time.time,
    ):
        assert "course_utils" not in (getattr(thing, "__module__", "") or "")
