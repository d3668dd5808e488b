"""Pick a label: by the nearest examples in embedding space, and by the labels' own names where there are none."""

import re

from ...local.embedding import encode

EXAMPLE = 0.15  # how much more an example says than a label's name, where every label has one


def classify(parts, shots: int) -> str:
    """The label of parts.question, of parts.labels; better with more examples, of which `shots` are used."""
    described = [_described(label, parts.instruction) for label in parts.labels]
    examples = [(t, label) for t, label in parts.examples if label in parts.labels][:shots]
    vectors = encode([parts.question, *described, *(t for t, _ in examples)])
    likeness = [float(vectors[0] @ v) for v in vectors[1:]]
    scores = dict(zip(parts.labels, likeness, strict=False))
    more = EXAMPLE if {label for _, label in examples} == set(parts.labels) else 0
    for (_, label), value in zip(examples, likeness[len(parts.labels) :], strict=True):
        scores[label] = max(scores[label], value + more)
    return max(parts.labels, key=lambda label: (round(scores[label], 3), -parts.labels.index(label)))


def _described(label, instruction):
    """A label with the words that the instruction explains it by."""
    found = re.search(rf"\b{re.escape(label)}\b[\"'`*]*\s*[:(=—-]\s*([^\n;)]+)", instruction, re.I)
    return f"{label.replace('_', ' ')}: {found[1]}" if found else label.replace("_", " ")
