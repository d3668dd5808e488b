"""A mock responds to its input: a change of the request changes the answer as it should. Twenty changes."""

import json

import openai
import pytest

from course_utils import meter, provider

LAMP = "Unopened lamps can be returned within 45 days of delivery."
RUG = "Rugs can be returned within 14 days."
COST = "A parcel to Portugal costs EUR 9.90."
HOW_LONG = "How many days do I have to return a lamp?"
UNKNOWN = "I don't know"


@pytest.fixture(autouse=True)
def mocks():
    with provider.mock():
        yield


def ask(messages, model="small", **options):
    client = openai.OpenAI(**provider.client_options(False), max_retries=0)
    messages = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    return client.chat.completions.create(model=model, messages=messages, **options).choices[0].message


def grounded(passages, question, told="Answer from the context.", **options):
    numbered = "\n".join(f"[{i}] {text}" for i, text in enumerate(passages, 1))
    return ask(f"{told}\n\nContext:\n{numbered}\n\nQuestion: {question}", **options).content


def tool(name, description, **properties):
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
ORDER = tool("get_order", "Look up an order by its number.", order=TEXT)
WEATHER = tool("get_weather", "The weather forecast for a city.", city=TEXT)
RETURN = tool("start_return", "Start the return of an order that a customer sends back.", order=TEXT)


def called(request, *tools, **options):
    """The calls that a mock makes, as {name: arguments}."""
    calls = ask(request, tools=list(tools), **options).tool_calls or []
    return {c.function.name: json.loads(c.function.arguments) for c in calls}


def filled(request, **properties):
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    return json.loads(ask(request, response_format=wanted).content)


# ----------------------------------------------------------------------------------------------- grounded answers
def test_1_a_question_in_other_words_gets_the_same_answer():
    other = grounded([LAMP, RUG, COST], "I want to return my lamp. Within how many days is that possible?")
    assert "45 days" in other and "45 days" in grounded([LAMP, RUG, COST], HOW_LONG)


def test_2_another_question_gets_another_answer():
    assert "14 days" in grounded([LAMP, RUG, COST], "Within how many days can a rug be returned?")


def test_3_without_the_passage_it_does_not_know():
    assert "45 days" in grounded([COST, LAMP], HOW_LONG)
    assert grounded([COST], HOW_LONG).startswith(UNKNOWN)


def test_4_another_number_in_the_passage_is_another_number_in_the_answer():
    answer = grounded([LAMP.replace("45", "60"), RUG], HOW_LONG)
    assert "60 days" in answer and "45" not in answer


def test_5_a_passage_that_contradicts_is_reported():
    answer = grounded([LAMP, RUG, LAMP.replace("45", "30")], HOW_LONG)
    assert "disagree" in answer and "45" in answer and "30" in answer


def test_6_citations_are_given_when_asked_for_and_follow_the_order():
    told = "Answer from the context and cite the source in brackets."
    assert "[1]" in grounded([LAMP, RUG], HOW_LONG, told) and "[2]" in grounded([RUG, LAMP], HOW_LONG, told)
    assert "[" not in grounded([LAMP, RUG], HOW_LONG)


def test_7_the_refusal_is_the_one_that_the_prompt_prescribes():
    told = 'Answer from the context. If it is not there, reply "ask a colleague".'
    assert grounded([COST], HOW_LONG, told) == "ask a colleague"
    assert "45 days" in grounded([LAMP], HOW_LONG, told)


def test_8_asked_for_json_it_writes_json():
    reply = grounded([LAMP, RUG], HOW_LONG, response_format={"type": "json_object"})
    assert "45 days" in json.loads(reply)["answer"] and not grounded([LAMP, RUG], HOW_LONG).startswith("{")


def test_9_a_small_tier_does_not_read_as_far():
    far = [f"The {c} cushion is filled with feathers." for c in ("red", "blue", "green", "grey", "white", "black")] * 3
    assert "45 days" in grounded([*far, LAMP], HOW_LONG, model="small")
    assert grounded([*far, LAMP], HOW_LONG, model="nano").startswith(UNKNOWN)


# --------------------------------------------------------------------------------------------------------- tools
def test_10_another_description_attracts_another_request():
    before = tool("lookup", "The weather forecast for a city.", id=TEXT)
    after = tool("lookup", "Look up an order by its number.", id=TEXT)
    assert "lookup" not in called("Where is my order HL-4719?", before)
    assert called("Where is my order HL-4719?", after) == {"lookup": {"id": "HL-4719"}}


def test_11_a_better_tool_that_is_added_is_taken():
    request = "I want to send back my order HL-4719, please start the return."
    assert list(called(request, ORDER)) == ["get_order"] and list(called(request, ORDER, RETURN)) == ["start_return"]


def test_12_a_tool_that_is_taken_away_is_not_called():
    assert called("What is the weather in Porto?", ORDER, WEATHER) == {"get_weather": {"city": "Porto"}}
    assert called("What is the weather in Porto?", ORDER) == {}


def test_13_another_order_number_is_another_argument():
    assert called("Where is my order HL-5120?", ORDER, WEATHER) == {"get_order": {"order": "HL-5120"}}


def test_14_without_the_number_it_asks_for_it():
    reply = ask("Please look up an order by its number.", tools=[ORDER])
    assert not reply.tool_calls and "order" in reply.content


def test_15_another_result_is_another_answer():
    asked = [{"role": "user", "content": "Where is my order HL-4719?"}]
    call = ask(asked, tools=[ORDER]).model_dump(exclude_none=True)

    def after(result):
        message = {"role": "tool", "tool_call_id": call["tool_calls"][0]["id"], "content": json.dumps(result)}
        return ask([*asked, call, message], tools=[ORDER]).content

    assert "shipped" in after({"status": "shipped"}) and "lost" in after({"status": "lost"})


# ------------------------------------------------------------------------------------ extraction, classification
def test_16_a_field_that_is_added_is_filled_and_follows_the_text():
    mail = "Order HL-4719: 3 lamps. Write to ana@example.com."
    assert filled(mail, order=TEXT) == {"order": "HL-4719"}
    assert filled(mail, order=TEXT, quantity=NUMBER, email=TEXT)["email"] == "ana@example.com"
    assert filled(mail.replace("3 lamps", "8 lamps"), quantity=NUMBER) == {"quantity": 8}


def test_17_what_the_text_no_longer_says_is_null():
    nullable = {"type": ["string", "null"]}
    assert filled("Order HL-4719, write to ana@example.com.", email=nullable) == {"email": "ana@example.com"}
    assert filled("Order HL-4719.", email=nullable) == {"email": None}


def test_18_more_examples_change_the_label():
    shots = ["The lamp flickers.", "electric", "The rug smells.", "textile"]
    more = [
        *shots,
        "The rug by the socket gave me a shock.",
        "electric",
        "The lamp shade has a hole in its fabric.",
        "textile",
    ]

    def label(shown):
        turns = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(shown)]
        system = {"role": "system", "content": "Classify the complaint as electric or textile."}
        return ask([system, *turns, {"role": "user", "content": "The lamp shade's fabric has holes."}]).content

    assert (label(shots), label(more)) == ("electric", "textile")
    assert meter.calls[-1].skill == "classification"


def test_19_other_labels_give_another_label():
    prompt = "Classify the message as {}.\n\nMessage: When will my parcel be delivered?"
    assert ask(prompt.format("returns, delivery or billing")).content == "delivery"
    assert ask(prompt.format("question or complaint")).content == "question"


# -------------------------------------------------------------------------------------------------- conversation
def test_20_another_fact_in_the_history_is_another_answer():
    def name(said):
        history = [{"role": "user", "content": said}, {"role": "assistant", "content": "Noted, thank you."}]
        return ask([*history, {"role": "user", "content": "What is the name of my dog?"}]).content

    assert "Bruno" in name("The name of my dog is Bruno.") and "Stella" in name("The name of my dog is Stella.")
    assert "Bruno" not in ask("What is the name of my dog?").content
