"""Lesson 4's two ways to sort a message, a head and a language model with worked examples; importing trains the head.

The bot of the lesson stands in support.py, which embeds more.
"""

import itertools
import re

import pandas as pd
from sklearn.linear_model import LogisticRegression

from course_utils import chat_model, embed, load

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


INTENTS = ("faq", "billing", "technical", "escalate", "out_of_scope")


DESCRIBED = """You sort messages to the shop Harbourlight, which sells household goods. Reply with one label only:
faq - a general question on returns, delivery, payment, opening hours, gift cards, the club; no order of one's own
billing - the customer's own order, parcel, refund, invoice, address; something broken or missing on arrival
technical - how a product of the shop is used, mended, cleaned, built or set up; error codes
escalate - wants a person, is hurt or in danger, speaks of lawyers, press or stolen data, has complained before
out_of_scope - anything else; not about this shop"""


def examples(n):
    """n training messages, the intents and then the needs taking turns."""
    by_need = {}
    for m in train:
        by_need.setdefault(m.intent, {}).setdefault(m.need, []).append(m)
    turns = [filter(None, itertools.chain(*itertools.zip_longest(*by_need[i].values()))) for i in INTENTS]
    in_turn = filter(None, itertools.chain(*itertools.zip_longest(*turns)))
    return list(itertools.islice(in_turn, n))


def sorting_rules(n):
    """What a model is sent before the message: the labels, then n examples as if it had sorted them."""
    shown = [turn for m in examples(n) for turn in (("human", m.text), ("ai", m.intent))]
    return [("system", DESCRIBED), *shown]


sorters = {tier: chat_model(tier, max_tokens=6) for tier in ("small", "large")}


async def label(tier, rules, text):
    """The intent that the model names, or '' if it names none."""
    said = (await sorters[tier].ainvoke([*rules, ("human", text)])).content.strip().lower()
    return next((intent for intent in INTENTS if said.startswith(intent)), "")


ALARM = re.compile(
    r"\b(lawyer|solicitor|attorney|sue|court|police|journalist|reporter|newspaper|press|hurt|injured|burn(ed|t|ing)?|"
    r"bleed\w*|blood|shock|smok(e|ing)|sparks?|fire|flames?|hospital|hacked|stolen|human|person|manager|supervisor|"
    r"operator|agent)\b",
    re.I,
)


ESCALATE_AT = 0.15
