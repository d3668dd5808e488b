"""Language models: what they see of a request, what is read from their words, their files, and that they run."""

import dataclasses
import datetime
import decimal
import enum
import hashlib
import json
import os
import subprocess
import sys

import pytest

from course_utils import recordings
from course_utils.catalogue import TIERS
from course_utils.local import language_model as lm
from course_utils.local import protocol, schema, weights
from course_utils.settings import ROOT, CourseError

USER = {"role": "user", "content": "Where is my order HL-4719?"}
ORDER = {
    "type": "object",
    "properties": {"order": {"type": "string", "description": "its number"}},
    "required": ["order"],
}
LOOK = {"type": "function", "function": {"name": "get_order", "description": "Look up an order.", "parameters": ORDER}}
CLOSE = {"type": "function", "function": {"name": "close_shop", "description": "Close the shop."}}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_order", "arguments": '{"order": "J\\u00fcrgen 7"}'}}


def seen(tier="small", **body):
    return lm.prepare(tier, {"messages": [USER]} | body)


def branches(view):
    return [branch["properties"]["action"]["const"] for branch in view["schema"].get("anyOf", [view["schema"]])]


# --------------------------------------------------------------------------------------------------- what is seen


def test_a_plain_request_is_seen_with_defaults():
    assert seen() == {
        "messages": [USER],
        "schema": None,
        "answer": None,
        "max_tokens": 256,
        "stop": [],
        "temperature": 0.0,
        "seed": 0,
    }


def test_names_and_delivery_do_not_count_but_words_do():
    key = recordings.key(lm.payload("small", seen()))
    other = seen(model="small", stream=True, user="u7", metadata={"a": 1}, seed=7, n=1)  # greedy: the seed is idle
    assert recordings.key(lm.payload("small", other)) == key
    assert recordings.key(lm.payload("small", seen(temperature=0.7, seed=1))) != key
    assert recordings.key(lm.payload("small", seen(stop="\n"))) != key
    assert recordings.key(lm.payload("nano", seen("nano"))) != key


def test_the_key_ignores_the_order_of_a_dict_except_that_of_properties():
    def key(body):
        return recordings.key(lm.payload("small", lm.prepare("small", body)))

    def turned(value):
        if isinstance(value, dict):
            return {name: turned(value[name]) for name in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    two = {
        "type": "object",
        "properties": {"why": {"type": "string"}, "grade": {"type": "integer"}},
        "required": ["why"],
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": two}}
    assert key(turned({"messages": [USER], "tools": [LOOK], "max_tokens": 9})) == key(
        {"messages": [USER], "tools": [LOOK], "max_tokens": 9}
    )
    # a model writes fields in their order, so 'why' before 'grade' is another request than 'grade' before 'why'
    assert key({"messages": [USER], "response_format": wanted}) != key(
        {"messages": [USER], "response_format": turned(wanted)}
    )


def test_code_is_large_with_an_instruction():
    view = seen("code", messages=[{"role": "system", "content": "Use Python."}, USER])
    assert view["messages"][0]["content"] == f"{TIERS['code'].instruction}\n\nUse Python."
    assert lm.payload("code", view)["weights"] == lm.payload("large", view)["weights"]


def test_tools_become_an_instruction_and_branches():
    view = seen(tools=[LOOK, CLOSE])
    system = view["messages"][0]["content"]
    assert "get_order(order: string): Look up an order.\n  order: its number" in system
    assert "close_shop(): Close the shop." in system
    assert branches(view) == ["get_order", "close_shop", "answer"]
    assert view["answer"] == "answer"


@pytest.mark.parametrize(
    "choice, expected",
    [
        ("auto", ["get_order", "close_shop", "answer"]),
        ("required", ["get_order", "close_shop"]),
        ("any", ["get_order", "close_shop"]),
        ({"type": "function", "function": {"name": "close_shop"}}, ["close_shop"]),
    ],
)
def test_tool_choice_narrows_the_branches(choice, expected):
    view = seen(tools=[LOOK, CLOSE], tool_choice=choice)
    assert branches(view) == expected
    assert ("close_shop()" in view["messages"][0]["content"]) == ("close_shop" in expected)


def test_tool_choice_none_leaves_plain_text():
    assert seen(tools=[LOOK], tool_choice="none") == seen()


def test_a_tool_named_answer_keeps_its_name():
    tool = {"type": "function", "function": {"name": "answer", "parameters": ORDER}}
    view = seen(tools=[tool])
    assert branches(view) == ["answer", "answer_user"]
    reply = protocol.read(view, "k" * 64, '{"action": "answer", "order": "7"}', "stop", 1, 1)
    assert [call["name"] for call in reply.tool_calls] == ["answer"]


def test_a_parameter_named_action_survives():
    parameters = {"type": "object", "properties": {"action": {"type": "string"}, "action_": {"type": "string"}}}
    view = seen(tools=[{"type": "function", "function": {"name": "press", "parameters": parameters}}])
    assert [*view["schema"]["anyOf"][0]["properties"]] == ["action", "action_", "action__"]
    reply = protocol.read(view, "k" * 64, '{"action": "press", "action_": "on", "action__": "off"}', "stop", 1, 1)
    assert json.loads(reply.tool_calls[0]["arguments"]) == {"action": "on", "action_": "off"}


def test_earlier_calls_and_results_become_messages():
    history = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "shipped"}]},
    ]
    view = seen(messages=history, tools=[LOOK])
    assert view["messages"][2:] == [
        {"role": "assistant", "content": '{"action": "get_order", "order": "Jürgen 7"}'},
        {"role": "user", "content": "Result of get_order: shipped\nNext action?"},
    ]
    later = [*history, {"role": "assistant", "content": "It is on its way."}, {"role": "user", "content": "Thanks"}]
    view = seen(messages=later, tools=[LOOK])
    assert view["messages"][4]["content"] == '{"action": "answer", "text": "It is on its way."}'
    assert seen(messages=later)["messages"][3]["content"] == "It is on its way."


def test_results_of_parallel_calls_stand_in_one_message():
    calls = [CALL, CALL | {"id": "c2"}]
    results = [{"role": "tool", "tool_call_id": id_, "content": word} for id_, word in (("c1", "one"), ("c2", "two"))]
    view = seen(messages=[USER, {"role": "assistant", "tool_calls": calls}, *results], tools=[LOOK])
    assert view["messages"][-1]["content"] == "Result of get_order: one\nResult of get_order: two\nNext action?"


def test_response_formats():
    wanted = {"type": "json_schema", "json_schema": {"name": "order", "schema": ORDER | {"title": "Order"}}}
    view = seen(response_format=wanted)
    assert view["schema"] == {
        "type": "object",
        "properties": {"order": {"type": "string"}},
        "required": ["order"],
        "additionalProperties": False,
    }
    assert view["messages"][0]["content"].endswith("- order (string): its number")
    assert seen(response_format={"type": "json_object"})["schema"] == {"type": "object"}
    assert seen(response_format={"type": "text"}) == seen()
    both = seen(response_format=wanted, tools=[CLOSE])
    assert both["schema"]["anyOf"][1]["properties"]["text"] == view["schema"]
    reply = protocol.read(both, "k" * 64, '{"action": "answer", "text": {"order": "7"}}', "stop", 1, 1)
    assert (reply.text, reply.tool_calls) == ('{"order": "7"}', [])


def test_limits():
    assert seen(max_tokens=5000)["max_tokens"] == 1024
    assert seen(max_completion_tokens=7)["max_tokens"] == 7
    assert seen(stop="END")["stop"] == ["END"]
    assert seen(temperature=1, seed=3)["seed"] == 3


@pytest.mark.parametrize(
    "body, words",
    [
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "king", "content": "x"}]}, "'king'"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "text only"),
        ({"messages": [USER], "max_tokens": 0}, "max_tokens"),
        ({"messages": [USER], "temperature": "hot"}, "temperature"),
        ({"messages": [USER], "tools": [{"type": "function"}]}, "Each tool"),
        ({"messages": [USER], "tools": [LOOK], "tool_choice": {"function": {"name": "no"}}}, "'no'"),
        ({"messages": [USER], "tools": [LOOK], "tool_choice": "perhaps"}, "tool_choice"),
    ],
)
def test_what_a_provider_would_refuse(body, words):
    with pytest.raises(schema.RequestError, match=words) as caught:
        lm.prepare("small", body)
    assert caught.value.error["type"] == "invalid_request_error"


# --------------------------------------------------------------------------------------------------------- schemas


def test_a_schema_loses_what_a_grammar_does_not_know():
    given = {
        "title": "T",
        "type": "object",
        "required": ["a", "gone"],
        "properties": {
            "a": {"type": "string", "title": "A", "default": "x", "format": "email", "pattern": "^(?!x)y$"},
            "b": {"type": ["string", "null"], "pattern": "^HL-\\d{4}$"},
            "c": {"allOf": [{"$ref": "#/$defs/Kind"}], "default": "pan"},
            "d": {"type": "integer", "minimum": 1, "nullable": True},
            "e": {"oneOf": [{"const": "é"}, {"type": "array", "items": True, "uniqueItems": True}]},
        },
        "$defs": {"Kind": {"type": "string", "enum": ["pan", "pot"]}},
    }
    assert schema.clean(given) == {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"anyOf": [{"type": "string", "pattern": "^HL-\\d{4}$"}, {"type": "null"}]},
            "c": {"enum": ["pan", "pot"]},
            "d": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
            "e": {"anyOf": [{"const": "é"}, {"type": "array", "items": {}}]},
        },
        "required": ["a"],
        "additionalProperties": False,
    }


def test_definitions_that_contain_themselves_end_and_keep_apart():
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}
    given = {"$ref": "#/$defs/Tree", "$defs": {"Tree": tree}}
    cleaned = schema.clean(given)
    assert cleaned["$defs"]["Tree"]["properties"]["kids"]["items"] == {"$ref": "#/$defs/Tree"}
    assert "kids" in schema.shape(given, given)
    two = [{"type": "function", "function": {"name": name, "parameters": given}} for name in ("plant", "fell")]
    assert {"plant_Tree", "fell_Tree"} == set(seen(tools=two)["schema"]["$defs"])


def test_what_pydantic_and_langchain_write_still_fits_their_objects():
    import jsonschema
    from langchain_core.utils.function_calling import convert_to_openai_tool
    from pydantic import BaseModel, Field

    Kind = enum.Enum("Kind", {"lamp": "lamp", "pan": "pan"})

    class Place(BaseModel):
        city: str | None = None

    class Order(BaseModel):
        """An order."""

        number: str = Field(pattern=r"^HL-\d{4}$", description="its number")
        day: datetime.date
        at: datetime.datetime
        kind: Kind
        price: decimal.Decimal
        place: Place
        pair: tuple[int, str]
        more: list[Place] = []
        counts: dict[str, int] = {}

    moment = datetime.datetime(2026, 5, 4, 12, 30)
    order = Order(
        number="HL-4719",
        day=moment.date(),
        at=moment,
        kind="pan",
        price="9.5",
        place=Place(),
        pair=(1, "ä"),
        counts={"a": 2},
    )
    written = order.model_dump(mode="json")
    cleaned = schema.clean(Order.model_json_schema())
    jsonschema.validate(written, cleaned)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written | {"number": "4719"}, cleaned)
    view = seen(tools=[convert_to_openai_tool(Order)], tool_choice="required")
    jsonschema.validate({"action": "Order"} | written, view["schema"])
    assert "Order(number: string, day: date" in view["messages"][0]["content"]


@pytest.mark.parametrize("bad", [{"type": "bogus"}, {"$ref": "#/$defs/None"}, {"properties": {"a": 3}}, "string"])
def test_what_is_no_schema_is_refused(bad):
    with pytest.raises(schema.RequestError):
        schema.clean(bad)


def test_shapes_read_as_types():
    form = {
        "type": "object",
        "properties": {"a": {"enum": ["x", 1]}, "b": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
        "required": ["a"],
    }
    assert schema.shape({"type": "array", "items": form}, {}) == '[{a: "x" | 1, b?: number | null}]'


# ---------------------------------------------------------------------------------------------- the model's words


def test_a_call_is_read_and_its_id_derives_from_the_key():
    view = seen(tools=[LOOK])
    reply = protocol.read(view, "ab" * 32, '{"action": "get_order", "order": "Zoë"}', "stop", 5, 6)
    assert reply == lm.Reply(
        "", [{"id": f"call_{'ab' * 10}", "name": "get_order", "arguments": '{"order": "Zoë"}'}], "tool_calls", 5, 6
    )
    assert lm.Reply.from_dict(json.loads(json.dumps(reply.to_dict()))) == reply


@pytest.mark.parametrize(
    "raw, text, arguments",
    [
        ('{"action": "answer", "text": "It is on', "It is on", None),
        ('{"action": "answer", "text": "a \\u00e', "a ", None),
        ('{"action": "answer", "te', "", None),
        ('{"action": "get_order", "order": "HL-4', "", '{"order": "HL-4'),
        ('{"acti', "", None),
    ],
)
def test_an_action_cut_by_max_tokens_keeps_what_was_said(raw, text, arguments):
    reply = protocol.read(seen(tools=[LOOK]), "k" * 64, raw, "length", 1, 1)
    assert (reply.text, reply.finish_reason) == (text, "length")
    assert [call["arguments"] for call in reply.tool_calls] == ([arguments] if arguments else [])


# ----------------------------------------------------------------------------------------------------------- files


@pytest.fixture
def nothing_installed(tmp_path, monkeypatch):
    """An empty cache, no own file, no package."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    for name in weights.NAMES:
        monkeypatch.delenv(f"COURSE_GGUF_{name.upper()}", raising=False)
    monkeypatch.setattr(weights, "_package_file", lambda package, pattern: None)
    return tmp_path


@pytest.mark.parametrize(
    "tier, command",
    [("nano", "make lab"), ("small", "make lab"), ("large", "make weights-large"), ("code", "make weights-large")],
)
def test_missing_weights_get_one_sentence(nothing_installed, tier, command):
    assert not weights.installed(tier)
    with pytest.raises(CourseError) as caught:
        lm.generate(tier, seen(tier))
    assert command in str(caught.value) and TIERS[tier].weights.official in str(caught.value)
    assert f"COURSE_GGUF_{weights.owner(tier).upper()}" in str(caught.value)


def test_a_damaged_file_is_not_used(nothing_installed):
    file = weights.joined_path(TIERS["small"].weights)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"GGUF")
    with pytest.raises(CourseError, match="damaged.*Delete it and run make lab"):
        weights.path("small")


def test_an_own_file_is_used_under_its_own_hash(nothing_installed, monkeypatch):
    file = nothing_installed / "my.gguf"
    file.write_bytes(b"mine")
    official = lm.payload("small", seen())["weights"]
    monkeypatch.setenv("COURSE_GGUF_SMALL", str(file))
    assert weights.path("small") == file
    assert official == TIERS["small"].weights.sha256
    assert lm.payload("small", seen())["weights"] == hashlib.sha256(b"mine").hexdigest()
    monkeypatch.setenv("COURSE_GGUF_SMALL", str(file) + "x")
    with pytest.raises(CourseError, match="no such file"):
        weights.path("small")


def test_parts_are_joined_only_into_the_official_file(nothing_installed, monkeypatch):
    parts = {}
    for n, content in ((1, b"GG"), (2, b"UF")):
        parts[f"piece{n}"] = nothing_installed / f"part{n:02}.bin"
        parts[f"piece{n}"].write_bytes(content)
    good = dataclasses.replace(
        TIERS["small"].weights, sha256=hashlib.sha256(b"GGUF").hexdigest(), size=4, packages="piece", parts=2
    )
    monkeypatch.setitem(TIERS, "small", dataclasses.replace(TIERS["small"], weights=good))
    with pytest.raises(CourseError, match="not installed"):
        weights.join("small")
    monkeypatch.setattr(weights, "_package_file", lambda package, pattern: parts.get(package))
    with pytest.raises(CourseError, match="weights join small"):
        weights.path("small")
    assert weights.join("small").read_bytes() == b"GGUF"
    assert weights.path("small") == weights.join("small")
    weights.joined_path(good).unlink()
    parts["piece2"].write_bytes(b"XX")
    with pytest.raises(CourseError, match="not give the official file"):
        weights.join("small")
    assert list(weights.joined_path(good).parent.iterdir()) == []  # no half file stays


# ---------------------------------------------------------------------------------------------------------- memory


def test_too_little_memory_gets_one_sentence(monkeypatch):
    need_weights("nano")
    lm.unload()
    monkeypatch.setattr(lm, "available_mib", lambda: 300)
    with pytest.raises(CourseError, match=r"nano needs 0.4 GiB of memory, and 0.3 GiB are free"):
        lm.generate("nano", seen("nano"))
    assert lm.awake() is None


def test_own_questions_go_to_nano_where_memory_is_short(monkeypatch):
    monkeypatch.setattr(lm, "_loaded", None)
    monkeypatch.setattr(lm, "available_mib", lambda: 1700)
    assert lm.for_own_question() == "nano"
    monkeypatch.setattr(lm, "available_mib", lambda: 1900)
    assert lm.for_own_question() == "small"
    monkeypatch.setattr(lm, "_loaded", ("small", None))
    monkeypatch.setattr(lm, "available_mib", lambda: 1000)  # it has its memory already
    assert lm.for_own_question() == "small"


def test_available_memory_is_a_number_of_this_machine():
    import psutil

    assert 0 < lm.available_mib() <= psutil.virtual_memory().total >> 20


# ------------------------------------------------------------------------------------------------- the real models


def need_weights(tier):
    """Skip where a tier's weights are not installed: large is on request; core alone is a choice."""
    if not weights.installed(tier):
        if os.environ.get("COURSE_STRICT") not in (None, "", "0") and tier != "large":
            pytest.fail(f"The weights of {tier} are not installed: run make lab.", pytrace=False)
        pytest.skip(f"The weights of {tier} are not installed.")


FORM = {
    "type": "json_schema",
    "json_schema": {
        "name": "order",
        "schema": {
            "type": "object",
            "properties": {
                "order": {"type": "string", "pattern": "^HL-[0-9]{4}$"},
                "wish": {"anyOf": [{"enum": ["refund", "news"]}, {"type": "null"}]},
            },
            "required": ["order", "wish"],
        },
    },
}
NAMED = {"type": "function", "function": {"name": "get_order"}}
TEN = [
    ("nano", {}),
    ("nano", {"stop": ["."]}),
    ("nano", {"temperature": 1.0, "seed": 5}),
    ("nano", {"response_format": FORM}),
    ("nano", {"tools": [LOOK, CLOSE]}),
    ("nano", {"tools": [LOOK, CLOSE], "tool_choice": NAMED}),
    ("small", {}),
    ("small", {"response_format": FORM}),
    ("small", {"tools": [LOOK, CLOSE]}),
    ("small", {"tools": [LOOK, CLOSE], "tool_choice": "required"}),
]


@pytest.mark.parametrize("tier, more", TEN)
def test_ten_requests_run_parse_and_keep_to_max_tokens(tier, more):
    need_weights(tier)
    pieces = []
    view = seen(tier, max_tokens=32, **more)
    reply = lm.generate(tier, view, on_token=pieces.append)
    assert lm.awake() == tier
    assert 0 < reply.output_tokens <= 32 and reply.input_tokens > 5 and pieces
    assert reply.finish_reason in ("stop", "length", "tool_calls")
    if reply.finish_reason == "stop" and "response_format" in more:
        found = json.loads(reply.text)
        assert set(found) == {"order", "wish"} and found["wish"] in ("refund", "news", None)
    if reply.finish_reason == "tool_calls":
        assert reply.tool_calls[0]["name"] in ("get_order", "close_shop")
        assert isinstance(json.loads(reply.tool_calls[0]["arguments"]), dict)
    if more.get("tool_choice"):
        assert reply.finish_reason != "stop" and reply.text == ""
    if "stop" in more:
        assert "." not in reply.text


def test_the_same_request_gets_the_same_words_and_too_long_a_one_is_refused():
    need_weights("nano")
    view = seen("nano", max_tokens=12)
    assert lm.generate("nano", view) == lm.generate("nano", view)
    with pytest.raises(lm.ContextError) as caught:
        lm.generate("nano", seen("nano", messages=[{"role": "user", "content": "a lamp " * 9000}]))
    assert caught.value.error["type"] == "exceed_context_size_error"
    assert caught.value.error["n_prompt_tokens"] > caught.value.error["n_ctx"] == TIERS["nano"].context


def test_a_model_can_be_stopped_and_asked_again():
    need_weights("nano")

    def enough(piece):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lm.generate("nano", seen("nano"), on_token=enough)
    assert lm.generate("nano", seen("nano", max_tokens=4)).output_tokens == 4


@pytest.mark.long
@pytest.mark.parametrize("tier", weights.NAMES)
def test_it_is_quiet_ends_cleanly_and_keeps_within_its_memory(tier):
    need_weights(tier)
    code = (
        "import psutil\n"
        "from course_utils.local import language_model as lm\n"
        "body = {'messages': [{'role': 'user', 'content': 'A lamp. ' * 80}], 'max_tokens': 2}\n"
        f"for form in ({{}}, {{'response_format': {{'type': 'json_object'}}}}):\n"
        f"    lm.generate({tier!r}, lm.prepare({tier!r}, body | form))\n"
        "print(psutil.Process().memory_info().rss >> 20)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < lm.NEEDS_MIB[tier]
