"""The desk in DSPy: signatures say what goes in and out, and an adapter writes the prompts from them.

Routing is Python's own `if`. Memory is a dspy.History, one for each thread. Any function can be the retriever; DSPy's own,
dspy.Embeddings, gathers queries for 0.1 s to embed them together, which a desk that gets one at a time has no use for.
"""

import dspy
import litellm

from course_utils import provider

from . import parts


class Desk(dspy.Module):
    def __init__(self):
        super().__init__()
        self.handbook = dspy.Predict(
            dspy.Signature("history: dspy.History, passages: list[str], question -> answer", parts.HANDBOOK_RULES)
        )
        self.orders = dspy.Predict(
            dspy.Signature(
                "history: dspy.History, question, tools: list[dspy.Tool] -> answer, calls: dspy.ToolCalls",
                parts.ORDER_RULES,
            )
        )
        self.tool = dspy.Tool(parts.order_status)

    async def aforward(self, question, history):
        way = parts.route(question)
        if way == "handbook":
            found = parts.find(question)
            texts = [p.page_content for p in found]
            told = await self.handbook.acall(history=history, passages=texts, question=question)
            answer = parts.Answer(way, told.answer.strip(), tuple(p.id for p in found))
        elif way == "order":
            forced = {"tool_choice": {"type": "function", "function": {"name": self.tool.name}}}
            told = await self.orders.acall(history=history, question=question, tools=[self.tool], config=forced)
            args = {"order": told.calls.tool_calls[0].args.get("order") or "" if told.calls else ""}
            result = await self.tool.acall(**args)
            answer = parts.Answer(way, result, call={"name": self.tool.name, "args": args})
        else:
            answer = parts.Answer(way, parts.HANDED_OVER)
        return dspy.Prediction(desk=answer)


class App:
    def __init__(self, desk, lm):
        self.desk, self.said = desk, {}
        self.settings = {"lm": lm, "adapter": dspy.ChatAdapter(use_native_function_calling=True)}

    def history(self, thread):
        return dspy.History(messages=self.said.get(thread, []))

    def remember(self, text, thread, answer):
        said = [*self.said.get(thread, []), {"question": text, "answer": answer.text}]
        self.said[thread] = said[-parts.TURNS :]
        return answer

    async def ask(self, text, thread):
        with dspy.context(**self.settings):
            told = await self.desk.acall(question=text, history=self.history(thread))
        return self.remember(text, thread, told.desk)

    async def stream(self, text, thread):
        listener = dspy.streaming.StreamListener("answer", predict=self.desk.handbook, predict_name="handbook")
        streaming = dspy.streamify(self.desk, stream_listeners=[listener], is_async_program=True)
        with dspy.context(**self.settings):
            async for part in streaming(question=text, history=self.history(thread)):
                if isinstance(part, dspy.streaming.StreamResponse):
                    yield part.chunk
                elif isinstance(part, dspy.Prediction):  # the last; what else comes are messages on the tool's progress
                    if self.remember(text, thread, part.desk).way != "handbook":
                        yield part.desk.text


def build(tier="small", max_tokens=60, max_retries=2):
    options, model = provider.client_options(), f"openai/{tier}"
    litellm.client_session, litellm.aclient_session = options["http_client"], options["http_async_client"]
    litellm.register_model(
        {model: {"litellm_provider": "openai", "mode": "chat", "supports_function_calling": True, "max_tokens": 1024}}
    )
    lm = dspy.LM(
        model, api_base=options["base_url"], api_key=options["api_key"], engine="litellm", cache=False,
        max_tokens=max_tokens, temperature=0, num_retries=max_retries,
    )  # fmt: skip
    return App(Desk(), lm)
