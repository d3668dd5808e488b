"""What the default prompts of five frameworks are filled with, and the register of the requests.

ASKED has a row for each request. `send(material)` asks by the framework's own client and returns the reply,
`right(reply, material)` says whether it is sensible; the skill is read off the provider's log.
"""

from dataclasses import dataclass

import pydantic

QA = [  # facts, question, what the answer holds
    (
        ["Unopened lamps can be returned within 45 days of delivery.", "Rugs can be returned within 14 days."],
        "How many days do I have to return a lamp?",
        "45 days",
    ),
    (
        [
            "The kettle has a warranty of three years.",
            "The workshop in Leeds repairs kettles free of charge.",
        ],
        "How long is the warranty of the kettle?",
        "three years",
    ),
    (
        ["Pickup in the shop is free.", "A parcel to Portugal costs EUR 9.90.", "Freight is quoted by telephone."],
        "What does a parcel to Portugal cost?",
        "9.90",
    ),
    (
        ["Wash the Skerry cushion at 30 degrees.", "Never tumble dry it.", "Iron the cover inside out."],
        "At how many degrees do I wash the cushion?",
        "30 degrees",
    ),
]
ORDERS = [  # a mail, order, quantity
    ("I ordered 3 lamps under order HL-4719 and one of them is cracked.", "HL-4719", 3),
    ("Please cancel HL-5120. I wanted 12 bulbs.", "HL-5120", 12),
    ("Two rugs arrived today, order HL-6004. Thank you!", "HL-6004", 2),
]
CALLS = [  # a request, the tool it needs, its arguments
    ("Where is my order HL-4719?", "get_order", {"order": "HL-4719"}),
    ("What will the weather be in Lisbon?", "get_weather", {"city": "Lisbon"}),
    ("Please look up order HL-5120 for me.", "get_order", {"order": "HL-5120"}),
]
TOPICS = ("returns", "delivery", "billing")
SORTED = [  # a message, its topic
    ("When will my parcel be delivered?", "delivery"),
    ("I was billed twice for one lamp.", "billing"),
    ("How can I return a rug that I do not like?", "returns"),
]
SHOTS = [  # few-shot examples
    ("The lamp is lovely and bright.", "positive"),
    ("It broke on the second day.", "negative"),
    ("Great quality, fast delivery.", "positive"),
    ("Terrible colour, I sent it back.", "negative"),
]
FELT = [("The rug is lovely, great quality.", "positive"), ("The vase broke, I sent it back.", "negative")]


class Order(pydantic.BaseModel):
    """An order that a customer writes about."""

    order: str = pydantic.Field(description="order number")
    quantity: int = pydantic.Field(description="how many pieces")


def get_order(order: str) -> str:
    """Look up an order by its number."""
    return "The order left the warehouse on Friday."


def get_weather(city: str) -> str:
    """The weather forecast for a city."""
    return "Sunny, 24 degrees."


@dataclass
class Asked:
    framework: str
    what: str
    material: tuple
    skill: str | list  # or the skills of several calls in a row
    send: object
    right: object


ASKED: list[Asked] = []


def asks(what, materials, skill, right):
    """Register a function that sends each of the materials by the framework that its name begins with, up to `_`."""

    def register(send):
        framework = send.__name__.split("_")[0]
        ASKED.extend(Asked(framework, what, m, skill, send, right) for m in materials)
        return send

    return register


def answered(reply, material):
    return material[-1] in reply


def extracted(reply, material):
    value = reply if isinstance(reply, dict) else reply.model_dump()
    return (value["order"], value["quantity"]) == material[1:]


def called(reply, material):
    name, arguments = reply
    return name.endswith(material[1]) and arguments == material[2]


def found_out(reply, material):
    return ("Friday" if material[1] == "get_order" else "Sunny") in reply


def labelled(reply, material):
    return reply.strip() == material[1]
