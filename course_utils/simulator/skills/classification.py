"""Pick a label: by the nearest examples in embedding space, and by the labels' own names where there are none."""

import re

from ...local.embedding import encode


def classify(parts, shots: int) -> str:
    """The label of parts.question, of parts.labels; better with more examples, of which `shots` are used."""
    text = parts.question
    described = [_described(label, parts.instruction) for label in parts.labels]
    examples = [(t, label) for t, label in parts.examples if label in parts.labels][:shots]
    vectors = encode([text, *described, *(t for t, _ in examples)])
    likeness = [float(vectors[0] @ v) for v in vectors[1:]]
    scores = dict(zip(parts.labels, likeness, strict=False))
    for (_, label), value in zip(examples, likeness[len(parts.labels) :], strict=True):
        scores[label] = max(scores[label], value + 0.15)  # an example says more than a name
    return max(parts.labels, key=lambda label: (round(scores[label], 3), -parts.labels.index(label)))


def _described(label, instruction):
    """A label with the words that the instruction explains it by."""
    found = re.search(rf"\b{re.escape(label)}\b[\"'`*]*\s*[:(=—-]\s*([^\n;)]+)", instruction, re.I)
    return f"{label.replace('_', ' ')}: {found.group(1)}" if found else label.replace("_", " ")
