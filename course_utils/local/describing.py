"""The vision LLM's answers: short sentences made only of what the vision and reading models really see."""

import re

from . import vision
from .brush import rgb
from .pictures import picture
from .reading import read_page

PALETTE = {
    "white": "#f2f1ee", "grey": "#8f9397", "black": "#1e1e20", "red": "#b5302c", "orange": "#df8330",
    "yellow": "#e6c23c", "green": "#5d8c4a", "teal": "#2f8f8b", "blue": "#3b6fb0", "light blue": "#a9c8e2",
    "navy": "#22345c", "purple": "#74509a", "pink": "#dd9cb2", "brown": "#7d5534", "beige": "#d9c8a5",
}  # fmt: skip


def colours(image) -> list[vision.Guess]:
    """The picture's colours by name with their share of its middle (the outer eighth is left out), largest first."""
    import cv2
    import numpy

    whole = picture(image)
    w, h = whole.size
    small = numpy.asarray(whole.crop((w // 8, h // 8, w - w // 8, h - h // 8)).resize((48, 48)), numpy.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    named = numpy.array([rgb(value) for value in PALETTE.values()], numpy.float32)[None]
    palette = cv2.cvtColor(named, cv2.COLOR_RGB2LAB)[0]
    scale = numpy.array([0.6, 1, 1])  # light and shade matter less than hue
    which = (((lab[:, None] - palette[None]) * scale) ** 2).sum(axis=2).argmin(axis=1)
    shares = numpy.bincount(which, minlength=len(PALETTE)) / len(which)
    order = numpy.argsort(-shares, kind="stable")
    return [vision.Guess(list(PALETTE)[i], round(float(shares[i]), 2)) for i in order if shares[i] >= 0.05]


def _sure(guess: vision.Guess) -> str:
    return "" if guess.confidence >= 0.9 else "probably " if guess.confidence >= 0.6 else "perhaps "


def _article(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def describe(image, question: str = "") -> str:
    """An answer in short sentences, composed only of what the models really see: labels, heads, colours, text.

    The vision LLM of the course's provider says this. What was asked about comes first; a thing that no model
    reports is said to be unseen. Works on any picture; heads speak only on pictures like the course's own.
    """
    sight = vision.see(image)
    asked = question.lower()
    said = [("text", _said_text(image, asked)), ("colour", _said_colours(image)), *_said_things(sight)]
    topics = {
        "text": r"\b(text|read|say|says|written|writing|word|words|letters|number|date|total|amount|sign|label)\b",
        "colour": r"\b(colours?|colors?)\b",
        "damage": r"\b(damage|damaged|broken|break|crack|cracked|stain|stained|intact|defect|condition)\b",
        "symbol": r"\b(symbols?|forbidden|allowed|banned|weapon|gun|pistol|skull|emblem|moderat\w*|safe|violat\w*)\b",
        "thing": r"\b(what|which|product|object|item|room|show|shows|see|describe|picture|image|photo)\b",
    }
    first = [topic for topic, pattern in topics.items() if re.search(pattern, asked)]
    if first and first != ["thing"]:
        first = [topic for topic in first if topic != "thing"] + ["thing"]
    shown = [
        sentence
        for topic in first or ["thing", "damage", "symbol", "colour", "text"]
        for name, sentence in said
        if name == topic
    ]
    if first in ([], ["thing"]):
        shown = [
            sentence
            for topic in ("thing", "damage", "symbol", "colour", "text")
            for name, sentence in said
            if name == topic
        ]
    return " ".join(dict.fromkeys(sentence for sentence in [_unseen(asked, sight, said), *shown] if sentence))


def _said_text(image, asked: str) -> str:
    def plausible(line):  # the reader finds a '0' in many a photograph
        return line.confidence > 0.6 and len({letter for letter in line.text if letter.isalnum()}) > 1

    words = " / ".join(line.text for line in read_page(image).lines if plausible(line))
    if not words:
        return "I see no text in it." if re.search(r"\b(text|read|says?|written|words?|sign)\b", asked) else ""
    return f'It reads: "{words}".'


def _said_colours(image) -> str:
    names = [guess.label for guess in colours(image)[:3]]
    return (
        f"The main colours are {', '.join(names[:-1])} and {names[-1]}."
        if len(names) > 1
        else f"It is {names[0]}."
        if names
        else ""
    )


def _said_things(sight: vision.Sight) -> list[tuple[str, str]]:
    """What the heads say of a picture like the course's own, or ImageNet's labels for any other."""
    nearest, cosine = vision.familiar(sight)
    if cosine < vision.FAMILIAR:
        best, others = sight.labels[0], [guess.label for guess in sight.labels[1:3] if guess.confidence > 0.08]
        also = f", or {' or '.join(_article(name) for name in others)}" if others and best.confidence < 0.6 else ""
        return [("thing", f"The picture shows {_sure(best)}{_article(best.label)}{also}.")]
    room, product = sight.head("rooms"), sight.head("products")
    if nearest.startswith("rooms."):
        return [("thing", f"The picture shows {_sure(room)}{_article(room.label)}.")]
    said = [("thing", f"The picture shows {_sure(product)}{_article(product.label)}.")]
    damage, symbol = sight.head("damage"), sight.head("symbols")
    said.append(("damage", f"It is {_sure(damage)}{damage.label}."))
    if symbol.label != "none" and symbol.confidence >= 0.5:
        said.append(("symbol", f"On it is {_sure(symbol)}a forbidden symbol: {symbol.label}."))
    else:
        said.append(("symbol", "I see no forbidden symbol."))
    return said


def _unseen(asked: str, sight: vision.Sight, said: list) -> str:
    """A thing that was asked for by 'is there a …' and that no model reports."""
    match = re.search(r"\b(?:is|are) there (?:an?|any|some)?\s*([a-z ]{3,30}?)(?: in| on|\?|$)", asked)
    if not match or re.search(r"text|symbol|damage|crack|stain|weapon", match[1]):
        return ""
    thing, seen = (
        match[1].strip().rstrip("s"),
        " ".join([*(g.label for g in sight.labels), *(s for _, s in said)]).lower(),
    )
    return "" if thing in seen else f"I see no {match[1].strip()} in it."
