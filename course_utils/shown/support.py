"""Lesson 4's support bot, as the lesson shows it; importing it trains the two heads and embeds the shelf (some seconds)."""

import operator
import re
from typing import Annotated, TypedDict

import pandas as pd
from langchain_core.documents import Document
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from sklearn.linear_model import LogisticRegression

from course_utils import chat_model, embed, load, rerank

train, dev, test = (load("messages", split=s) for s in ("train", "dev", "test"))
intent_of = {m.need: m.intent for m in train}


def fit_head(messages):
    """A classifier of needs: logistic regression on embeddings."""
    return LogisticRegression(C=30, max_iter=2000).fit(embed([m.text for m in messages]), [m.need for m in messages])


head = fit_head(train)


def read_intent(text):
    """The likeliest intent, the likeliest need within it, and the chance of each intent."""
    chances = pd.Series(head.predict_proba(embed([text]))[0].round(3), head.classes_)
    intents = chances.groupby(intent_of).sum().round(3)
    intent = intents.idxmax()
    return intent, chances[chances.index.map(intent_of) == intent].idxmax(), intents


ALARM = re.compile(
    r"\b(lawyer|solicitor|attorney|sue|court|police|journalist|reporter|newspaper|press|hurt|injured|burn(ed|t|ing)?|"
    r"bleed\w*|blood|shock|smok(e|ing)|sparks?|fire|flames?|hospital|hacked|stolen|human|person|manager|supervisor|"
    r"operator|agent)\b",
    re.I,
)
ESCALATE_AT = 0.15
feelings = load("sentiment", split="train")
mood = LogisticRegression(C=10, max_iter=1000).fit(
    embed([text for text, _ in feelings]), [feeling for _, feeling in feelings]
)


def is_angry(text):
    """Whether the sentiment head gives 'negative' a chance of at least 0.6."""
    chances = pd.Series(mood.predict_proba(embed([text]))[0].round(3), mood.classes_)
    return bool(chances["negative"] >= 0.6)


def way_out(text, upset_before=False):
    """(intent, need). Escalates on a word of alarm, on a chance of 0.15, and when a customer is upset twice running."""
    intent, need, intents = read_intent(text)
    twice = upset_before and is_angry(text)
    return ("escalate" if ALARM.search(text) or intents["escalate"] >= ESCALATE_AT or twice else intent), need


FREQUENT = load("frequent answers")
NOT_OURS = "I can help with orders, products and questions about Harbourlight. With that I cannot."


class Refused(Exception):
    """A tool did nothing; the message says why."""


def own_order(shop, customer, order):
    """(status, currency, total) of an order of this customer's; Refused for any other."""
    row = shop.execute("SELECT customer, status, currency, total FROM orders WHERE id = ?", [order]).fetchone()
    if row is None:
        raise Refused(f"There is no order {order}.")
    if row[0] != customer:
        raise Refused(f"{order} is not one of your orders.")
    return row[1:]


def pay_back(shop, customer, order, amount):
    _, currency, total = own_order(shop, customer, order)
    if not 0 < amount <= total:
        raise Refused(f"A refund for {order} must be above 0 and at most {total:.2f} {currency}.")
    if amount > 250:
        raise Refused("A refund above 250 needs a colleague.")
    if shop.execute("SELECT 1 FROM refunds WHERE order_id = ?", [order]).fetchone():
        raise Refused(f"A refund for {order} is booked already.")
    shop.execute("INSERT INTO refunds VALUES (?, ?, 'bot')", [order, amount])
    return f"A refund of {amount:.2f} {currency} for {order} is booked. It is paid once we have checked the goods."


def cancel(shop, customer, order):
    status, _, _ = own_order(shop, customer, order)
    if status != "open":
        raise Refused(f"{order} cannot be cancelled: {status}.")
    shop.execute("UPDATE orders SET status = 'cancelled' WHERE id = ?", [order])
    return f"Your order {order} is cancelled."


def take_down(shop, customer, order, what):
    own_order(shop, customer, order)
    shop.execute("INSERT INTO damages VALUES (?, ?)", [order, what])
    return f"I am sorry. The damage to {order} is reported. Please send us two photographs, one of the label."


def tools_for(shop, customer):
    """The shop's tools for one customer. Who that is comes from the log-in, never from the model."""

    def order_status(order: str) -> str:
        """Look up where an order is."""
        return f"Your order {order}: {own_order(shop, customer, order)[0]}."

    def refund(order: str, amount: float) -> str:
        """Pay money back for goods that the customer has sent back."""
        return pay_back(shop, customer, order, amount)

    def cancel_order(order: str) -> str:
        """Cancel an order that the customer no longer wants."""
        return cancel(shop, customer, order)

    def report_damage(order: str, what: str) -> str:
        """Report goods that arrived broken, stained or with a fault."""
        return take_down(shop, customer, order, what)

    def pass_on(order: str, wish: str) -> str:
        """Pass anything else on to a colleague: invoices, addresses, wrong charges, missing goods or money."""
        own_order(shop, customer, order)
        return f"I have passed this on for {order}. A colleague answers within one working day."

    return {f.__name__: f for f in (order_status, refund, cancel_order, report_damage, pass_on)}


def act(shop, customer, call):
    """Run a tool call, and give its sentence, or the reason for which it was refused."""
    try:
        return tools_for(shop, customer)[call["name"]](**call["args"])
    except Refused as problem:
        return f"I cannot do that. {problem}"
    except (KeyError, TypeError):  # no such tool, or other arguments than it takes
        return "I am not sure what to do. A colleague will answer."


DESK = (
    "You work at the support desk of the shop Harbourlight. Call the tool for the customer's message. Take the order's "
    "number from the list: the order that holds the goods named."
)
TOOL_FOR = {
    "order_status": "order_status",
    "refund_request": "refund",
    "cancel": "cancel_order",
    "damaged": "report_damage",
}
clerk = chat_model("small", max_tokens=60)


def orders_of(shop, customer):
    """A customer's orders as the model reads them, a line each."""
    rows = shop.execute(
        "SELECT o.id, o.total, o.currency, group_concat(i.quantity || ' ' || p.name, ', ') FROM orders o "
        "JOIN items i ON i.order_id = o.id JOIN products p ON p.sku = i.sku "
        "WHERE o.customer = ? GROUP BY o.id ORDER BY o.id",
        [customer],
    )
    return "\n".join(f"- {order}: {goods} ({total:.2f} {currency} paid)" for order, total, currency, goods in rows)


async def choose_tool(shop, customer, text, need):
    """A tool call, {name, args}: the need names the tool, the model fills in the arguments."""
    name = TOOL_FOR.get(need, "pass_on")
    offered = clerk.bind_tools([tools_for(shop, customer)[name]], tool_choice=name)
    asked = f"The customer's orders:\n{orders_of(shop, customer)}\n\nMessage: {text}"
    calls = (await offered.ainvoke([("system", DESK), ("human", asked)])).tool_calls
    return {"name": name, "args": calls[0]["args"] if calls else {}}


SHELF = (
    "air-sensor bathroom-and-pendant beacon-lamp bulbs care-iron-and-knives care-linen care-oak care-wool "
    "jetty-lantern kettle-care kettle-recall skerry-lamp smart-plug sofa-and-bed-measures spare-parts tableware-notes "
    "tidelight-error-codes tidelight-hub tidelight-setup video-studio warranty-lamps"
).split()
shelf = [Document(f"{p.title}\n{p.text}", id=p.id) for p in load("passages") if p.document in SHELF]
shelf_vectors = embed([d.page_content for d in shelf])


def consult(question, top_n=2):
    """The passages of the technical shelf that fit best: by meaning, then reranked."""
    scores = (shelf_vectors @ embed(question)).round(3)
    nearest = sorted(range(len(shelf)), key=lambda i: (-scores[i], shelf[i].id))[:20]
    return [document for document, _ in rerank(question, [shelf[i] for i in nearest], top_n=top_n)]


SPOKEN = (
    "You are the telephone voice of the shop Harbourlight. Tell the caller what to do, in two short sentences, with "
    "the words and figures of the text."
)
SOLVED = [
    (
        ["care-linen#2", "care-linen#3"],
        "Shall I use softener on my linen cover?",
        "Leave the softener out: it coats the fibre and makes it drink less. Bleach makes linen yellow, so leave that "
        "out, too.",
    ),
    (
        ["jetty-lantern#1", "jetty-lantern#2"],
        "How close to our pond may the lantern stand?",
        "Keep it 60 cm from the pond. Let the cable leave downwards, so that rain drips off it.",
    ),
]
on_shelf = {d.id: d for d in shelf}
speaker = chat_model("small", max_tokens=70)


def framed(passages, question):
    return "\n\n".join(d.page_content for d in passages) + f"\n\nCaller: {question}"


def technical_prompt(question):
    solved = [
        turn
        for ids, before, reply in SOLVED
        for turn in (("human", framed([on_shelf[i] for i in ids], before)), ("ai", reply))
    ]
    found = sorted(consult(question), key=lambda d: d.id)
    return [("system", SPOKEN), *solved, ("human", framed(found, question))]


HANDED_OVER = "I am passing you on to a colleague, with what you told me. They take over within 30 minutes."


class State(TypedDict, total=False):
    """One turn of a conversation; `said` grows from turn to turn."""

    text: str
    said: Annotated[list, operator.add]
    upset: bool
    intent: str
    need: str
    call: dict
    reply: str


def sort_out(state):
    intent, need = way_out(state["text"], state.get("upset", False))
    return {"intent": intent, "need": need, "upset": is_angry(state["text"])}


def from_cache(state):
    return {"reply": FREQUENT.get(state["need"], NOT_OURS)}


async def with_tools(state, config):
    who = config["configurable"]
    call = await choose_tool(who["shop"], who["customer"], state["text"], state["need"])
    return {"call": call, "reply": act(who["shop"], who["customer"], call)}


async def from_shelf(state):
    return {"reply": (await speaker.ainvoke(technical_prompt(state["text"]))).content.strip()}


def hand_over(state):
    return {"reply": HANDED_OVER}


def remember(state):
    return {"said": [("customer", state["text"]), ("bot", state["reply"])]}


WAYS = {"faq": "from_cache", "out_of_scope": "from_cache", "billing": "with_tools", "technical": "from_shelf"}


graph = StateGraph(State)
for node in (sort_out, from_cache, with_tools, from_shelf, hand_over, remember):
    graph.add_node(node.__name__, node)
graph.add_edge(START, "sort_out")
graph.add_conditional_edges("sort_out", lambda state: WAYS.get(state["intent"], "hand_over"))
for way in ("from_cache", "with_tools", "from_shelf", "hand_over"):
    graph.add_edge(way, "remember")
graph.add_edge("remember", END)
bot = graph.compile(checkpointer=InMemorySaver())


def session(shop, customer, thread):
    """The settings of one conversation: who is calling, on which shop; `thread` keeps conversations apart."""
    return {"configurable": {"shop": shop, "customer": customer, "thread_id": thread}}
