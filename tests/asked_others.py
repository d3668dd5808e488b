"""Default prompts of Haystack, Semantic Kernel and DSPy, sent by their own clients to the provider in this process."""

import functools
import json
from typing import Literal

from asked import (
    CALLS,
    ORDERS,
    QA,
    SORTED,
    TOPICS,
    Order,
    answered,
    asks,
    called,
    extracted,
    found_out,
    get_order,
    get_weather,
    labelled,
)
from course_utils import provider, run

# ------------------------------------------------------------------------------------------------------ Haystack
HAYSTACK_RAG = """
Given the following information, answer the question.

Context:
{% for document in documents %}
    {{ document.content }}
{% endfor %}

Question: {{question}}
Answer:
"""
HAYSTACK_CHAT_RAG = """
Given these documents, answer the question.
Documents:
{% for doc in documents %}
    {{ doc.content }}
{% endfor %}
Question: {{question}}
Answer:
"""
HAYSTACK_SORT = """Classify the message into one of these categories: {{ topics|join(", ") }}.
Reply with the category only.

Message: {{ message }}
Category:"""


def _haystack(messages, **options):
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.utils import Secret

    model = OpenAIChatGenerator(
        model="small", api_base_url=provider.base_url, api_key=Secret.from_token("x"), max_retries=0,
        http_client_kwargs={"transport": provider.transport()},
    )  # fmt: skip
    return model.run(messages, **options)["replies"][0] if messages else model


def _haystack_prompt(template, **values):
    from haystack.components.builders import PromptBuilder
    from haystack.dataclasses import ChatMessage, Document

    values = {k: [Document(content=t) for t in v] if k == "documents" else v for k, v in values.items()}
    return _haystack(
        [ChatMessage.from_user(PromptBuilder(template, required_variables="*").run(**values)["prompt"])]
    ).text


@asks("PromptBuilder", QA, "grounded", answered)
def haystack_rag(m):
    return _haystack_prompt(HAYSTACK_RAG, documents=m[0], question=m[1])


@asks("ChatPromptBuilder", QA, "grounded", answered)
def haystack_chat_rag(m):
    from haystack.components.builders import ChatPromptBuilder
    from haystack.dataclasses import ChatMessage, Document

    template = [ChatMessage.from_system("You are a helpful assistant."), ChatMessage.from_user(HAYSTACK_CHAT_RAG)]
    builder = ChatPromptBuilder(template=template, required_variables="*")
    return _haystack(builder.run(documents=[Document(content=t) for t in m[0]], question=m[1])["prompt"]).text


@asks("classification", SORTED, "classification", labelled)
def haystack_sort(m):
    return _haystack_prompt(HAYSTACK_SORT, topics=list(TOPICS), message=m[0])


def _haystack_tools():
    from haystack.tools import create_tool_from_function

    return [create_tool_from_function(f) for f in (get_order, get_weather)]


@asks("tools", CALLS, "tools", called)
def haystack_tools(m):
    from haystack.dataclasses import ChatMessage

    call = _haystack([ChatMessage.from_user(m[0])], tools=_haystack_tools()).tool_calls[0]
    return call.tool_name, call.arguments


@asks("Agent", CALLS[:2], ["tools", "result"], found_out)
def haystack_agent(m):
    from haystack.components.agents import Agent
    from haystack.dataclasses import ChatMessage

    agent = Agent(chat_generator=_haystack(None), tools=_haystack_tools())
    return agent.run(messages=[ChatMessage.from_user(m[0])])["messages"][-1].text


@asks("response_format", ORDERS, "extraction", extracted)
def haystack_format(m):
    from haystack.dataclasses import ChatMessage

    reply = _haystack([ChatMessage.from_user(m[0])], generation_kwargs={"response_format": Order})
    return json.loads(reply.text)


# ----------------------------------------------------------------------------------------------- Semantic Kernel
INTENT = """Instructions: What is the intent of this request?
Do not explain the reasoning, just reply back with the intent. If you are unsure, reply with unknown.
Choices: returns, delivery, billing, unknown.

User Input: I want to send the lamp back.
Intent: returns

User Input: {{$request}}
Intent: """


@functools.cache
def _kernel():
    from openai import AsyncOpenAI
    from semantic_kernel import Kernel
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion

    kernel = Kernel()
    client = AsyncOpenAI(**provider.client_options(True), max_retries=0)
    service = OpenAIChatCompletion(ai_model_id="small", async_client=client)
    kernel.add_service(service)
    return kernel, service


def _prompt_function(prompt, **values):
    from semantic_kernel.functions import KernelArguments

    return str(run(_kernel()[0].invoke_prompt(prompt, arguments=KernelArguments(**values))))


@asks("prompt function", QA, "grounded", answered)
def semantickernel_prompt(m):
    prompt = "Answer the question from the facts.\n\nFacts:\n{{$facts}}\n\nQuestion: {{$question}}\nAnswer:"
    return _prompt_function(prompt, facts="\n".join(m[0]), question=m[1])


@asks("prompt with messages", QA[:3], "grounded", answered)
def semantickernel_messages(m):
    prompt = '<message role="system">Answer from the context only.\n\n{{$facts}}</message>'
    prompt += '<message role="user">{{$q}}</message>'
    return _prompt_function(prompt, facts="\n".join(m[0]), q=m[1])


@asks("intent template", SORTED, "classification", labelled)
def semantickernel_intent(m):
    return _prompt_function(INTENT, request=m[0])


@asks("function calling", CALLS, ["tools", "result"], found_out)
def semantickernel_tools(m):
    from semantic_kernel import Kernel
    from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatPromptExecutionSettings
    from semantic_kernel.contents import ChatHistory
    from semantic_kernel.functions import KernelFunctionFromMethod, kernel_function

    kernel, history = Kernel(), ChatHistory(system_message="You help customers of a shop.")
    for function in (get_order, get_weather):
        made = kernel_function(function, name=function.__name__, description=function.__doc__)
        kernel.add_function("shop", KernelFunctionFromMethod(made, plugin_name="shop"))
    history.add_user_message(m[0])
    settings = OpenAIChatPromptExecutionSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    return str(run(_kernel()[1].get_chat_message_content(history, settings, kernel=kernel)))


@asks("response_format", ORDERS, "extraction", extracted)
def semantickernel_format(m):
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatPromptExecutionSettings
    from semantic_kernel.contents import ChatHistory

    history = ChatHistory(system_message="Read the customer's mail.")
    history.add_user_message(m[0])
    settings = OpenAIChatPromptExecutionSettings(response_format=Order)
    return json.loads(str(run(_kernel()[1].get_chat_message_content(history, settings))))


# ---------------------------------------------------------------------------------------------------------- DSPy
def _dspy(adapter, module, **inputs):
    import dspy
    import litellm

    options = provider.client_options()
    reach = {"api_base": provider.base_url, "api_key": "x", "engine": "litellm"}
    model = dspy.LM("openai/small", cache=False, num_retries=0, **reach)
    litellm.client_session, litellm.aclient_session = options["http_client"], options["http_async_client"]
    try:
        with dspy.context(lm=model, adapter=getattr(dspy, adapter)()):
            return module(dspy)(**inputs)
    finally:
        litellm.client_session = litellm.aclient_session = None


ADAPTERS = ("ChatAdapter", "JSONAdapter")


def both(what, materials, skill, right):
    return asks(what, [(a, *m) for m in materials for a in ADAPTERS], skill, lambda reply, m: right(reply, m[1:]))


@both("Predict with context", QA, "grounded", answered)
def dspy_predict(m):
    return _dspy(
        m[0], lambda d: d.Predict("context: list[str], question -> answer"), context=m[1], question=m[2]
    ).answer


@both("ChainOfThought with context", QA[:2], "grounded", answered)
def dspy_chain(m):
    return _dspy(m[0], lambda d: d.ChainOfThought("context, question -> answer"), context=m[1], question=m[2]).answer


@both("Literal", SORTED, "classification", labelled)
def dspy_literal(m):
    def module(d):
        return d.Predict(
            d.Signature("message -> topic", "Classify.").with_updated_fields("topic", type_=Literal[TOPICS])
        )

    return _dspy(m[0], module, message=m[1]).topic


@both("typed fields", ORDERS, "extraction", extracted)
def dspy_fields(m):
    return dict(_dspy(m[0], lambda d: d.Predict("mail -> order: str, quantity: int"), mail=m[1]))


@both("typed object", ORDERS[:2], "extraction", extracted)
def dspy_object(m):
    def module(d):
        fields = {"mail": (str, d.InputField()), "found": (Order, d.OutputField())}
        return d.Predict(d.make_signature(fields, "Extract the order."))

    return _dspy(m[0], module, mail=m[1]).found


@both("Predict", [("Who was the architect of the shop in Porto?",)], "closed book", lambda reply, m: len(reply) > 10)
def dspy_closed(m):
    return _dspy(m[0], lambda d: d.Predict("question -> answer"), question=m[1]).answer
