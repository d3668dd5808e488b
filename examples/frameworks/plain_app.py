"""The desk in plain Python: a function a way, and a list a thread for the memory."""

from collections import defaultdict

from course_utils import chat_model

from .parts import HANDBOOK_RULES, HANDED_OVER, ORDER_RULES, TURNS, Answer, find, framed, order_status, route


def turns(memory):
    """The last turns of a thread, as messages."""
    return [message for said, reply in memory[-TURNS:] for message in (("human", said), ("ai", reply))]


async def from_handbook(model, text, memory):
    found = find(text)
    messages = [("system", HANDBOOK_RULES), *turns(memory), ("human", framed(found, text))]
    reply = await model.ainvoke(messages)
    return Answer("handbook", reply.content.strip(), tuple(d.id for d in found))


async def from_tool(model, text, memory):
    forced = model.bind_tools([order_status], tool_choice="order_status")
    reply = await forced.ainvoke([("system", ORDER_RULES), *turns(memory), ("human", text)])
    args = {"order": reply.tool_calls[0]["args"].get("order", "") if reply.tool_calls else ""}
    return Answer("order", order_status(**args), call={"name": "order_status", "args": args})


class Desk:
    """One desk for many threads; `ask` gives an Answer and remembers the turn."""

    def __init__(self, model):
        self.model, self.memory = model, defaultdict(list)

    async def ask(self, text, thread):
        way, memory = route(text), self.memory[thread]
        if way == "handbook":
            answer = await from_handbook(self.model, text, memory)
        elif way == "order":
            answer = await from_tool(self.model, text, memory)
        else:
            answer = Answer(way, HANDED_OVER)
        memory.append((text, answer.text))
        return answer


def build(tier="small", max_tokens=60):
    """The desk on a model of a tier."""
    return Desk(chat_model(tier, max_tokens=max_tokens))
