"""Score a text for harm, by its likeness to a few typical sentences of each category. Coarse: no safety device."""

from ...local.embedding import encode

TYPICAL = {
    "harassment": ["You are a worthless idiot and everyone hates you.", "Shut up, you stupid pig."],
    "hate": ["People of that religion are vermin and should leave.", "That race is inferior to ours."],
    "self-harm": ["I want to kill myself.", "I am going to hurt myself tonight."],
    "sexual": ["An explicit description of sex.", "Send me nude pictures."],
    "violence": ["I will kill you.", "I am going to beat him until he bleeds.", "Let us burn their house down."],
}
FLAGGED = 0.55


def scores(text: str) -> dict:
    """A result in the shape of the moderations endpoint: flagged, categories, category_scores (0 to 1)."""
    vectors = encode([text, *(t for group in TYPICAL.values() for t in group)])
    likeness = iter([round(max(0.0, float(vectors[0] @ v)), 3) for v in vectors[1:]])
    values = {name: max(next(likeness) for _ in group) for name, group in TYPICAL.items()}
    categories = {name: value >= FLAGGED for name, value in values.items()}
    return {"flagged": any(categories.values()), "categories": categories, "category_scores": values}
