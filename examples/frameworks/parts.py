"""What is no framework's own: the head, the passages, the tool and the prompts of lesson 9's desk.

Six versions of one application stand beside this file: plain Python, LangGraph, LlamaIndex, Haystack, Semantic Kernel and
DSPy. Each has `build(tier)`, whose `ask(text, thread)` gives an Answer. Importing this embeds the shelf and trains the head
(some seconds). The notebook shows the same statements; tests/test_lesson_09.py keeps both equal.
"""

from dataclasses import dataclass

from langchain_core.documents import Document
from sklearn.linear_model import LogisticRegression

from course_utils import embed, load

WAYS = {"faq": "handbook", "technical": "handbook", "billing": "order", "escalate": "person", "out_of_scope": "person"}
SHELF = (
    "air-sensor beacon-lamp bulbs care-iron-and-knives care-linen care-oak care-wool delivery-uk gift-cards jetty-lantern "
    "kettle-care lighthouse-club pickup-points returns-rugs skerry-lamp smart-plug support-hours tidelight-error-codes "
    "tidelight-hub tidelight-setup warranty-lamps"
).split()
TURNS = 2  # how many turns of its thread the desk remembers
HANDBOOK_RULES = (
    "You answer customers of the shop Harbourlight from the numbered passages only, in one short sentence with the words "
    "and figures of the passage. If the passages do not say, answer: Not in the handbook."
)
ORDER_RULES = (
    "You work at the desk of the shop Harbourlight. Call the tool with the number of the order that the customer speaks "
    "of, such as HL-20434."
)
HANDED_OVER = "I am passing you on to a colleague."


@dataclass(frozen=True)
class Answer:
    """What the desk says: way (handbook, order, person), text, ids of the passages read, the tool call made."""

    way: str
    text: str
    sources: tuple[str, ...] = ()
    call: dict | None = None


train = load("messages", split="train")
head = LogisticRegression(C=30, max_iter=2000).fit(embed([m.text for m in train]), [WAYS[m.intent] for m in train])


def route(text):
    """The way of a message, by its text alone: handbook, order or person."""
    return str(head.predict(embed([text]))[0])


PASSAGES = [Document(f"{p.title}\n{p.text}", id=p.id) for p in load("passages") if p.document in SHELF]
VECTORS = embed([d.page_content for d in PASSAGES])


def find(question, top_n=2):
    """The passages nearest in meaning, in the order of their ids."""
    scores = (VECTORS @ embed(question)).round(3)
    nearest = sorted(range(len(PASSAGES)), key=lambda i: (-scores[i], PASSAGES[i].id))[:top_n]
    return sorted((PASSAGES[i] for i in nearest), key=lambda d: d.id)


def framed(passages, question):
    """The passages, numbered, and the question: the last message of a handbook turn."""
    numbered = "\n\n".join(f"[{n}] {d.page_content}" for n, d in enumerate(passages, 1))
    return f"{numbered}\n\nQuestion: {question}"


STATUS = {o["id"]: o["status"] for o in load("company")["orders"]}


def order_status(order: str) -> str:
    """Look up how far an order is."""
    if not order:
        return "Which order do you mean? Its number begins with HL."
    return f"Your order {order}: {STATUS[order]}." if order in STATUS else f"There is no order {order}."


# Twenty inputs in eight threads: (thread, text, way, the order that the tool is to be asked for, accepted short answers).
# A thread speaks of one order at most.
DESK_TURNS = [
    ("a", "Where is my order HL-20434?", "order", "HL-20434", ()),
    ("a", "And has that order been sent yet?", "order", "HL-20434", ()),
    ("a", "How long is a gift card valid?", "handbook", "", ("24 months",)),
    ("b", "HL-20466, any news on that one?", "order", "HL-20466", ()),
    ("b", "I want to speak to a real person.", "person", "", ()),
    ("b", "Any news on the delivery?", "order", "HL-20466", ()),
    ("c", "How warm may I wash a wool throw?", "handbook", "", ("30 °C", "30 degrees", "30°C")),
    ("c", "How often do I oil a solid oak table?", "handbook", "", ("twice a year", "2 times a year")),
    ("d", "Could you check on order HL-20331 for me?", "order", "HL-20331", ()),
    ("d", "How many days do I have to send a rug back?", "handbook", "", ("30 days",)),
    ("d", "And is my order still on its way?", "order", "HL-20331", ()),
    ("e", "My controller smells of burning and has melted a bit.", "person", "", ()),
    ("e", "Which socket does the bulb of a Beacon have?", "handbook", "", ("E27",)),
    ("f", "The lamp of order HL-20338 arrived cracked.", "order", "HL-20338", ()),
    ("f", "Please cancel the order.", "order", "HL-20338", ()),
    ("g", "What does standard delivery in the United Kingdom cost?", "handbook", "", ("4.95",)),
    ("g", "What load may run through the smart plug?", "handbook", "", ("2300 W", "2,300 W", "2300 watts")),
    ("g", "How much vinegar do I need to descale the Swell kettle?", "handbook", "", ("250 ml",)),
    ("h", "Give me a recipe for fish soup.", "person", "", ()),
    ("h", "Can you tell me the status of HL-20347?", "order", "HL-20347", ()),
]
