"""Lesson 9's desk in six frameworks: one behaviour, and what differs: streaming, tracing, errors. None leaves the machine."""

import json
import os
import subprocess
import sys
from importlib import import_module

import pytest

import offline
from course_utils import chat_model, meter, provider, run
from course_utils.settings import ROOT
from examples.frameworks import parts
from examples.frameworks.run import FRAMEWORKS, as_expected, lines_of_code, pieces, turns
from examples.frameworks.traces import traced

pytestmark = [
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning"),  # in Semantic Kernel
    pytest.mark.filterwarnings("ignore:Item .* on TypedDict class:UserWarning"),  # in litellm
]
MEASURED = json.loads((ROOT / "data/measurements/frameworks.json").read_text(encoding="utf-8"))
WOOL, ORDER = "How warm may I wash a wool throw?", "Where is my order HL-20434?"
each = pytest.mark.parametrize("framework", FRAMEWORKS)


def built(framework, max_retries=2):
    """A fresh desk. Plain Python and LangGraph use the course's LangChain model."""
    module = import_module(f"examples.frameworks.{framework}_app")
    if framework in ("plain", "langgraph"):
        desk = module.Desk if framework == "plain" else module.GraphDesk
        return desk(chat_model("small", max_tokens=60, max_retries=max_retries))
    return module.build(max_retries=max_retries)


# ------------------------------------------------------------------------------------------------------- behaviour


def test_there_are_twenty_turns_in_threads_of_all_three_ways():
    assert len(parts.DESK_TURNS) == 20 and len(FRAMEWORKS) == 6
    assert {way for _, _, way, *_ in parts.DESK_TURNS} == {"handbook", "order", "person"}
    from_memory = [text for _, text, _, order, _ in parts.DESK_TURNS if order and order not in text]
    assert len(from_memory) >= 3


@each
def test_one_behaviour_on_twenty_turns(framework):
    with provider.mock():
        answers = run(turns(built(framework), parts.DESK_TURNS))
    for turn, answer in zip(parts.DESK_TURNS, answers, strict=True):
        found = as_expected(turn, answer, parts.find)
        assert found["way"] and found["sources"] and found["order"], (turn, answer)
        assert answer.text.strip(), turn
        if turn[2] == "order":
            assert answer.text == parts.order_status(turn[3])


@each
def test_a_thread_does_not_see_another_ones_order(framework):
    desk = built(framework)
    with provider.mock():
        run(desk.ask(ORDER, "mine"))
        own, foreign = (
            run(desk.ask("Has my parcel been sent yet?", "mine")),
            run(desk.ask("Has my parcel been sent yet?", "x")),
        )
    assert own.call == {"name": "order_status", "args": {"order": "HL-20434"}}
    assert "HL-20434" not in foreign.text + json.dumps(foreign.call)


@each
def test_an_old_turn_is_forgotten(framework):
    desk = built(framework)
    with provider.mock():
        run(desk.ask(ORDER, "t"))
        for _ in range(parts.TURNS):
            run(desk.ask("I want to speak to a person.", "t"))
        assert run(desk.ask("Has my parcel been sent yet?", "t")).call["args"]["order"] == ""


@each
def test_the_model_is_asked_once_at_most(framework):
    desk = built(framework)
    with provider.mock():
        for text, calls in ((WOOL, 1), (ORDER, 1), ("I want to speak to a person.", 0)):
            run(desk.ask(text, "once"))
            assert sum(call.operation == "chat" for call in meter.calls) == calls, text


# ------------------------------------------------------------------------------------ streaming, tracing, errors


@each
def test_streaming_gives_the_same_text_in_pieces(framework):
    with provider.mock():
        said = run(pieces(framework, built(framework), WOOL))
        chats = [call for call in meter.calls if call.operation == "chat"]
        whole = run(built(framework).ask(WOOL, "s"))
    assert MEASURED["frameworks"][framework]["streams"] == bool(said) == (framework != "plain")
    if said:
        texts, seconds = zip(*said, strict=True)
        assert len(texts) > 3 and "".join(texts).strip() == whole.text
        assert len(chats) == 1 and seconds[0] < seconds[len(seconds) // 2] < seconds[-1], "it came all at once"


@pytest.mark.parametrize("framework", ["llamaindex", "haystack", "semantic_kernel", "dspy"])
def test_what_no_model_says_streams_in_one_piece(framework):
    with provider.mock():
        for text, whole in (
            ("I want to speak to a person.", parts.HANDED_OVER),
            (ORDER, parts.order_status("HL-20434")),
        ):
            assert [piece for piece, _ in run(pieces(framework, built(framework), text))] == [whole]


@each
def test_tracing_by_its_own_means(framework):
    desk = built(framework)
    with provider.mock():
        run(desk.ask(WOOL, "before"))
        with traced(framework) as handbook:
            run(desk.ask(WOOL, "t"))
        with traced(framework) as order:
            run(desk.ask(ORDER, "t"))
        silent = len(order)
        run(desk.ask(ORDER, "t"))
    measured = MEASURED["frameworks"][framework]["trace"]
    assert {"handbook": handbook, "order": order} == measured
    assert len(order) == silent, "tracing goes on after the block"
    assert (framework == "plain") == (not handbook)


@each
def test_a_refusal_for_good_comes_out_as_the_measured_error(framework):
    with provider.mock(), provider.fault("429") as fault, pytest.raises(Exception) as caught:  # noqa: PT011
        run(built(framework, max_retries=0).ask(WOOL, "e"))
    assert type(caught.value).__name__ == MEASURED["frameworks"][framework]["error"]
    assert fault.hits == 1
    chain, problem = [], caught.value
    while problem:
        chain.append(type(problem).__name__)
        problem = problem.__cause__ or problem.__context__
    assert "RateLimitError" in chain, "what the provider said is lost"


@each
def test_one_refusal_is_retried(framework):
    with provider.mock(), provider.fault("429", first=1) as fault:
        assert run(built(framework).ask(WOOL, "e")).way == "handbook"
        assert [call.status for call in meter.calls if call.operation == "chat"] == [429, 200]
    assert fault.hits == 1


@each
def test_arguments_that_are_no_json_count_as_none(framework):
    with provider.mock(), provider.fault("malformed"):
        answer = run(built(framework).ask(ORDER, "e"))
    assert answer.call["args"] == {"order": ""} and answer.text == parts.order_status("")


@each
def test_a_broken_tool_raises_or_its_message_reaches_the_customer(framework, monkeypatch):
    def order_status(order: str) -> str:
        """Look up how far an order is."""
        raise RuntimeError("the database at db7 is away")

    for module in (parts, import_module("examples.frameworks.plain_app")):
        monkeypatch.setattr(module, "order_status", order_status)
    desk, leaks = (
        built(framework),
        MEASURED["frameworks"][framework]["broken_tool"] == "its message goes to the customer",
    )
    with provider.mock():
        if leaks:
            assert "db7" in run(desk.ask(ORDER, "e")).text
        else:
            with pytest.raises(RuntimeError, match="db7"):
                run(desk.ask(ORDER, "e"))
    assert leaks == (framework in ("haystack", "semantic_kernel"))


# ---------------------------------------------------------------------------------------------- what was measured


@each
def test_the_run_on_small_is_as_measured(framework):
    """From the record: small's 20 replies, and what the lesson's table says of them."""
    answers = run(turns(built(framework), parts.DESK_TURNS))
    chats = [call for call in meter.calls if call.operation == "chat"]
    assert {call.source for call in chats} == {"record"}
    right = [as_expected(turn, answer, parts.find) for turn, answer in zip(parts.DESK_TURNS, answers, strict=True)]
    measured = MEASURED["frameworks"][framework]
    for part in ("way", "sources", "order"):
        assert sum(row[part] for row in right) == measured["small"][part]
    assert sum(bool(row["words"]) for row in right) == measured["small"]["words"]
    assert [answer.text for answer in answers] == measured["small"]["texts"]
    assert measured["small"]["tokens"] == [sum(c.input_tokens for c in chats), sum(c.output_tokens for c in chats)]
    assert measured["lines"] == lines_of_code(framework) < 120


def test_the_optimiser_is_as_measured():
    """DSPy's BootstrapFewShot, replayed: at most 300 calls, and the demonstrations and replies that the lesson shows."""
    command = [sys.executable, "-m", "examples.frameworks.optimise"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found == MEASURED["bootstrap"]
    assert found["calls"] == found["calls_of_the_optimiser"] + 2 * len(found["wanted"]) <= 300
    assert not found["before"]["demos"] and len(found["after"]["demos"]) == 8


def test_the_optimiser_sees_no_held_out_message():
    from examples.frameworks import optimise

    held_out = {m.id for m in optimise.held_out()}
    assert len(held_out) == optimise.HELD_OUT and not held_out & {m.id for m in optimise.training()}
    assert optimise.WAYS == parts.WAYS


WATCHED = """
import json, sys
tried = []
def watch(event, arguments):
    if event == "socket.getaddrinfo":
        tried.append(str(arguments[0]))
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        tried.append(str(arguments[1][0]))
sys.addaudithook(watch)
from examples.frameworks.run import main
for framework in {frameworks}:
    main([framework, "--mock"])
import threading, time
for thread in threading.enumerate():
    if thread.name.lower().startswith(("posthog", "telemetry")):
        tried.append(thread.name)
print(json.dumps(tried))
"""


def test_no_framework_leaves_the_machine_or_starts_telemetry():
    """All six in one process that notes each address asked for, in whatever thread; none is, not even this machine."""
    environment = offline.environment(os.environ["COURSE_STATE"])
    for name in ("HAYSTACK_TELEMETRY_ENABLED", "LITELLM_LOCAL_MODEL_COST_MAP", "HF_HUB_OFFLINE", "DO_NOT_TRACK"):
        environment.pop(name, None)  # course_utils has to set them by itself
    code = WATCHED.format(frameworks=FRAMEWORKS)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *lines, tried = done.stdout.splitlines()
    assert json.loads(tried) == []
    assert [json.loads(line)["framework"] for line in lines if "import_seconds" in line] == list(FRAMEWORKS)
