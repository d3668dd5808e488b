"""The desk in LlamaIndex: steps that hand events to each other, and an index. Memory is a Context for each thread."""

from llama_index.core import VectorStoreIndex
from llama_index.core.llms import ChatMessage
from llama_index.core.schema import TextNode
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

from course_utils import provider
from course_utils.local.embedding import llama_index_embedding

from . import parts

BY_ID = {p.id: p for p in parts.PASSAGES}


class AskHandbook(Event):
    text: str


class AskOrder(Event):
    text: str


class Token(Event):
    """A piece of the reply, for who streams."""

    text: str


class Memory(BaseModel):
    """What a Context keeps between runs."""

    said: list[ChatMessage] = []


class Desk(Workflow):
    def __init__(self, llm, retriever, tool, **options):
        super().__init__(**options)
        self.llm, self.retriever, self.tool = llm, retriever, tool

    @step
    async def sort_out(self, ctx: Context[Memory], ev: StartEvent) -> AskHandbook | AskOrder | StopEvent:
        way = parts.route(ev.text)
        if way == "handbook":
            return AskHandbook(text=ev.text)
        if way == "order":
            return AskOrder(text=ev.text)
        return await self.say(ctx, ev.text, parts.Answer(way, parts.HANDED_OVER))

    @step
    async def from_handbook(self, ctx: Context[Memory], ev: AskHandbook) -> StopEvent:
        nodes = sorted((n.node for n in await self.retriever.aretrieve(ev.text)), key=lambda n: n.node_id)
        asked = parts.framed([BY_ID[n.node_id] for n in nodes], ev.text)
        messages = [*await self.said(ctx, parts.HANDBOOK_RULES), ChatMessage(role="user", content=asked)]
        reply = ""
        async for part in await self.llm.astream_chat(messages):
            reply += part.delta or ""
            ctx.write_event_to_stream(Token(text=part.delta or ""))
        sources = tuple(n.node_id for n in nodes)
        return await self.say(ctx, ev.text, parts.Answer("handbook", reply.strip(), sources))

    @step
    async def from_orders(self, ctx: Context[Memory], ev: AskOrder) -> StopEvent:
        messages = await self.said(ctx, parts.ORDER_RULES)
        reply = await self.llm.achat_with_tools(
            [self.tool], user_msg=ev.text, chat_history=messages, tool_choice=self.tool.metadata.name
        )
        calls = self.llm.get_tool_calls_from_response(reply, error_on_no_tool_call=False)
        arguments = {"order": (calls[0].tool_kwargs.get("order") if calls else None) or ""}
        result = await self.tool.acall(**arguments)
        call = {"name": self.tool.metadata.name, "args": arguments}
        return await self.say(ctx, ev.text, parts.Answer("order", str(result), call=call))

    async def said(self, ctx, rules):
        return [ChatMessage(role="system", content=rules), *(await ctx.store.get_state()).said]

    async def say(self, ctx, text, answer):
        """Remember the turn, and end the run with its answer."""
        async with ctx.store.edit_state() as state:
            turn = [ChatMessage(role="user", content=text), ChatMessage(role="assistant", content=answer.text)]
            state.said = [*state.said, *turn][-2 * parts.TURNS :]
        return StopEvent(result=answer)


class App:
    def __init__(self, desk):
        self.desk, self.contexts = desk, {}

    def start(self, text, thread):
        ctx = self.contexts.setdefault(thread, Context(self.desk))
        return self.desk.run(text=text, ctx=ctx)

    async def ask(self, text, thread):
        return await self.start(text, thread)

    async def stream(self, text, thread):
        handler = self.start(text, thread)
        async for event in handler.stream_events():
            if isinstance(event, Token):
                yield event.text
        if (answer := await handler).way != "handbook":
            yield answer.text


def build(tier="small", max_tokens=60, max_retries=2):
    options = provider.client_options()
    llm = OpenAILike(
        model=tier, api_base=options["base_url"], api_key=options["api_key"], max_tokens=max_tokens, temperature=0,
        is_chat_model=True, is_function_calling_model=True, context_window=8000, max_retries=max_retries,
        http_client=options["http_client"], async_http_client=options["http_async_client"],
    )  # fmt: skip
    pairs = zip(parts.PASSAGES, parts.VECTORS, strict=True)
    nodes = [TextNode(id_=p.id, text=p.page_content, embedding=v.tolist()) for p, v in pairs]
    index = VectorStoreIndex(nodes, embed_model=llama_index_embedding())
    return App(Desk(llm, index.as_retriever(similarity_top_k=2), FunctionTool.from_defaults(parts.order_status)))
