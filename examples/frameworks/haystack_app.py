"""The desk in Haystack: one pipeline of components, joined socket by socket. Memory goes in with each turn."""

from haystack import Document, Pipeline, component
from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.components.routers import ConditionalRouter
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.tools import create_tool_from_function
from haystack.utils import Secret

from course_utils import embed, provider

from . import parts

FRAMED = "{% for d in documents|sort(attribute='id') %}[{{ loop.index }}] {{ d.content }}\n\n{% endfor %}Question: {{ text }}"


@component
class Head:
    """The trained head as a component."""

    @component.output_types(way=str)
    def run(self, text: str):
        return {"way": parts.route(text)}


@component
class Embedder:
    """The course's embedding model as a component."""

    @component.output_types(embedding=list[float])
    def run(self, text: str):
        return {"embedding": embed(text).tolist()}


def router():
    """Sends the text out by the socket that bears the name of its way; the others stay silent."""
    route = {"output": "text", "output_passthrough": True, "output_type": str}
    return ConditionalRouter(
        [{"condition": f"{{{{ way == '{w}' }}}}", "output_name": w, **route} for w in ("handbook", "order", "person")]
    )


def build_pipeline(generator):
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    pairs = zip(parts.PASSAGES, parts.VECTORS, strict=True)
    store.write_documents([Document(id=p.id, content=p.page_content, embedding=v.tolist()) for p, v in pairs])
    tool = create_tool_from_function(parts.order_status)
    forced = {"type": "function", "function": {"name": tool.name}}
    pipeline = Pipeline()
    pipeline.add_components(
        {
            "head": Head(),
            "router": router(),
            "embedder": Embedder(),
            "retriever": InMemoryEmbeddingRetriever(store, top_k=2),
            "handbook": Agent(chat_generator=generator(), system_prompt=parts.HANDBOOK_RULES, user_prompt=FRAMED),
            "orders": Agent(
                chat_generator=generator(tool_choice=forced), tools=[tool], system_prompt=parts.ORDER_RULES,
                user_prompt="{{ text }}", exit_conditions=[tool.name], max_agent_steps=1,
            ),
        }
    )  # fmt: skip
    pipeline.connect("head.way", "router.way")
    pipeline.connect("router.handbook", "embedder.text")
    pipeline.connect("router.handbook", "handbook.text")
    pipeline.connect("embedder.embedding", "retriever.query_embedding")
    pipeline.connect("retriever.documents", "handbook.documents")
    pipeline.connect("router.order", "orders.text")
    return pipeline


class App:
    def __init__(self, pipeline):
        self.pipeline, self.memory = pipeline, {}

    def inputs(self, text, thread):
        said = {"messages": self.memory.get(thread, [])}
        return {"head": {"text": text}, "router": {"text": text}, "handbook": said, "orders": said}

    def answer(self, text, thread, out):
        """What a run left at the sockets, as an Answer; the turn is remembered."""
        if "handbook" in out:
            sources = tuple(sorted(d.id for d in out["retriever"]["documents"]))
            answer = parts.Answer("handbook", out["handbook"]["last_message"].text.strip(), sources)
        elif "orders" in out:
            result = out["orders"]["last_message"].tool_call_result  # None if the arguments were no JSON
            call = {"name": "order_status", "args": result.origin.arguments if result else {"order": ""}}
            answer = parts.Answer("order", result.result if result else parts.order_status(""), call=call)
        else:
            answer = parts.Answer("person", parts.HANDED_OVER)
        said = [*self.memory.get(thread, []), ChatMessage.from_user(text), ChatMessage.from_assistant(answer.text)]
        self.memory[thread] = said[-2 * parts.TURNS :]
        return answer

    async def ask(self, text, thread):
        out = await self.pipeline.run_async(self.inputs(text, thread), include_outputs_from={"retriever"})
        return self.answer(text, thread, out)

    async def stream(self, text, thread):
        handle = self.pipeline.stream(self.inputs(text, thread), include_outputs_from={"retriever"})
        async for chunk in handle:
            yield chunk.content
        answer = self.answer(text, thread, handle.result)
        if answer.way != "handbook":
            yield answer.text


def build(tier="small", max_tokens=60, max_retries=2):
    def generator(**options):
        return OpenAIChatGenerator(
            model=tier, api_base_url=provider.base_url, api_key=Secret.from_token(provider.api_key),
            max_retries=max_retries, http_client_kwargs={"transport": provider.transport()},
            generation_kwargs={"max_tokens": max_tokens, "temperature": 0, **options},
        )  # fmt: skip

    return App(build_pipeline(generator))
