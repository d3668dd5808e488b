"""The desk in Semantic Kernel: a kernel with a chat service and a plugin. Memory is a history that shortens itself."""

from typing import Annotated

from openai import AsyncOpenAI
from pydantic import BaseModel
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
from semantic_kernel.connectors.in_memory import InMemoryCollection
from semantic_kernel.contents import ChatHistory, ChatHistoryTruncationReducer, FunctionCallContent
from semantic_kernel.data.vector import VectorStoreField, vectorstoremodel
from semantic_kernel.exceptions import FunctionCallInvalidArgumentsException
from semantic_kernel.filters import FilterTypes
from semantic_kernel.functions import kernel_function

from course_utils import embed, provider

from . import parts

BY_ID = {p.id: p for p in parts.PASSAGES}


@vectorstoremodel(collection_name="shelf")
class Passage(BaseModel):
    id: Annotated[str, VectorStoreField("key")]
    text: Annotated[str, VectorStoreField("data")]
    vector: Annotated[list[float] | None, VectorStoreField("vector", dimensions=384)] = None


class Orders:
    @kernel_function
    def order_status(self, order: str) -> str:
        """Look up how far an order is."""
        return parts.order_status(order)


async def stop_after_tool(context, next):
    """A filter around each call that the model makes: run it, and do not ask the model again."""
    await next(context)
    context.terminate = True


class App:
    def __init__(self, kernel, max_tokens):
        self.kernel, self.chat = kernel, kernel.get_service("chat")
        self.shelf, self.histories = InMemoryCollection(record_type=Passage), {}
        self.settings = OpenAIChatPromptExecutionSettings(max_tokens=max_tokens, temperature=0)
        tool = FunctionChoiceBehavior.Required(filters={"included_functions": ["orders-order_status"]})
        self.forced = self.settings.model_copy(update={"function_choice_behavior": tool})

    async def passages(self, text):
        """Ids of the two nearest of the shelf, which is filled when it is first needed."""
        if await self.shelf.get(parts.PASSAGES[0].id) is None:
            pairs = zip(parts.PASSAGES, parts.VECTORS, strict=True)
            await self.shelf.upsert([Passage(id=p.id, text=p.page_content, vector=v.tolist()) for p, v in pairs])
        found = await self.shelf.search(vector=embed(text).tolist(), top=2)
        return sorted([hit.record.id async for hit in found.results])

    def said(self, thread, rules=""):
        """A thread's memory; with rules, a copy of it that begins with them."""
        kept = self.histories.setdefault(thread, ChatHistoryTruncationReducer(target_count=2 * parts.TURNS))
        return ChatHistory(messages=list(kept.messages), system_message=rules) if rules else kept

    async def remember(self, thread, text, answer):
        self.said(thread).add_user_message(text)
        self.said(thread).add_assistant_message(answer.text)
        await self.said(thread).reduce()
        return answer

    async def handbook(self, text, thread):
        """The messages of a handbook turn, and the ids of the passages in it."""
        ids = await self.passages(text)
        history = self.said(thread, parts.HANDBOOK_RULES)
        history.add_user_message(parts.framed([BY_ID[i] for i in ids], text))
        return history, tuple(ids)

    async def order(self, text, thread):
        history = self.said(thread, parts.ORDER_RULES)
        history.add_user_message(text)
        result = await self.chat.get_chat_message_content(history, self.forced, kernel=self.kernel)
        call = next(i for m in history.messages for i in m.items if isinstance(i, FunctionCallContent))
        try:
            args, said = dict(call.to_kernel_arguments()), str(result.items[0].result)
        except FunctionCallInvalidArgumentsException:
            args, said = {"order": ""}, parts.order_status("")
        return parts.Answer("order", said, call={"name": call.function_name, "args": args})

    async def ask(self, text, thread):
        way = parts.route(text)
        answer = parts.Answer(way, parts.HANDED_OVER)
        if way == "handbook":
            history, sources = await self.handbook(text, thread)
            reply = await self.chat.get_chat_message_content(history, self.settings)
            answer = parts.Answer(way, str(reply).strip(), sources)
        elif way == "order":
            answer = await self.order(text, thread)
        return await self.remember(thread, text, answer)

    async def stream(self, text, thread):
        if parts.route(text) != "handbook":
            yield (await self.ask(text, thread)).text
            return
        (history, sources), reply = await self.handbook(text, thread), ""
        async for part in self.chat.get_streaming_chat_message_content(history, self.settings):
            reply += str(part)
            yield str(part)
        await self.remember(thread, text, parts.Answer("handbook", reply.strip(), sources))


def build(tier="small", max_tokens=60, max_retries=2):
    client = AsyncOpenAI(**provider.client_options(True), max_retries=max_retries)
    kernel = Kernel()
    kernel.add_service(OpenAIChatCompletion(ai_model_id=tier, async_client=client, service_id="chat"))
    kernel.add_plugin(Orders(), plugin_name="orders")
    kernel.add_filter(FilterTypes.AUTO_FUNCTION_INVOCATION, stop_after_tool)
    return App(kernel, max_tokens)
