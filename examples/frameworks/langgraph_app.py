"""The desk in LangGraph: a node a way, a conditional edge for the routing, a checkpointer for the memory."""

import operator
from dataclasses import asdict
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from course_utils import chat_model

from .parts import HANDED_OVER, Answer, route
from .plain_app import from_handbook, from_tool


class State(TypedDict, total=False):
    """What a thread keeps; `memory` grows from turn to turn."""

    text: str
    way: str
    answer: dict
    memory: Annotated[list, operator.add]


def sort_out(state):
    return {"way": route(state["text"])}


async def handbook(state, config):
    model = config["configurable"]["model"]
    return {"answer": asdict(await from_handbook(model, state["text"], state.get("memory", [])))}


async def order(state, config):
    model = config["configurable"]["model"]
    return {"answer": asdict(await from_tool(model, state["text"], state.get("memory", [])))}


def person(state):
    return {"answer": asdict(Answer("person", HANDED_OVER))}


def remember(state):
    return {"memory": [(state["text"], state["answer"]["text"])]}


def desk_graph():
    """The desk as a graph; which thread and which model it works with, the call says."""
    graph = StateGraph(State)
    for node in (sort_out, handbook, order, person, remember):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "sort_out")
    graph.add_conditional_edges("sort_out", lambda state: state["way"], ["handbook", "order", "person"])
    for way in ("handbook", "order", "person"):
        graph.add_edge(way, "remember")
    graph.add_edge("remember", END)
    return graph.compile(checkpointer=InMemorySaver())


class GraphDesk:
    """The graph behind the same `ask`."""

    def __init__(self, model):
        self.graph, self.model = desk_graph(), model

    async def ask(self, text, thread):
        config = {"configurable": {"thread_id": thread, "model": self.model}}
        return Answer(**(await self.graph.ainvoke({"text": text}, config))["answer"])


def build(tier="small", max_tokens=60):
    """The desk on a model of a tier."""
    return GraphDesk(chat_model(tier, max_tokens=max_tokens))
