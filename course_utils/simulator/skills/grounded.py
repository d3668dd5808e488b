"""Answer from the passages of the request: the sentence that fits the question best, cited; else say that none does."""

import re

from ...local.embedding import encode

STOP = frozenset(
    "a an and are as at be but by can could do does for from had has have how i if in into is it its me my no not of on or our "
    "shall so than that the their them there they this to was we were what when where which who whose why will with would you your".split()
)
ENOUGH = 0.42  # score from which a sentence counts as an answer
UNKNOWN = "I don't know: the passages do not say."


def words(text: str) -> list[str]:
    """Content words of a text, in lower case, plural s taken off; codes and numbers whole."""
    found = re.findall(r"[^\W_]+(?:[-.:/][^\W_]+)*", text.lower())
    return [w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w for w in found if w not in STOP]


def sentences(text: str) -> list[str]:
    """Sentences and table rows of a text."""
    cut = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9\"“(¿¡])|\n+", text)
    return [s.strip(" -*•") for s in cut if len(s.strip(" -*•|")) > 2]


def score(question: str, texts: list[str]) -> list[float]:
    """How well each text answers the question, 0 to 1: likeness in meaning and shared content words."""
    if not texts:
        return []
    vectors = encode([question, *texts])
    asked = set(words(question))
    shared = [len(asked & set(words(t))) / max(1, len(asked)) for t in texts]
    return [round(0.6 * float(vectors[0] @ v) + 0.4 * s, 3) for v, s in zip(vectors[1:], shared, strict=True)]


def evidence(parts, read: int) -> list[tuple[float, str, str]]:
    """(score, sentence, passage id), best first, of the first `read` sentences."""
    pairs = [(s, p.id) for p in parts.passages for s in sentences(p.text)][:read]
    scored = zip(score(parts.question, [s for s, _ in pairs]), pairs, strict=True)
    return sorted(((v, s, i) for v, (s, i) in scored), key=lambda row: -row[0])


def answer(parts, read: int) -> str:
    """The best sentence, with its passage's id where the request asks for sources; a refusal where none fits."""
    if parts.image and not parts.passages:
        return parts.image
    best = evidence(parts, read)
    wants_number = bool(re.search(r"\bhow (?:many|much|long|old|far)\b", parts.question, re.I))
    if wants_number:  # a sentence with a figure answers such a question sooner than one without
        best.sort(key=lambda row: -(row[0] + 0.08 * bool(re.search(r"\d", row[1]))))
    if not best or best[0][0] < ENOUGH:
        return refusal(parts)
    value, sentence, source = best[0]
    cite = re.search(r"\bcit(?:e|ation)|\bsources?\b|\[\w+\]|brackets", parts.instruction, re.I)
    text = f"{sentence} [{source}]" if cite else sentence
    for other_value, other, other_source in best[1:4]:  # another passage says otherwise
        figures = set(re.findall(r"\d[\d.,]*", sentence)), set(re.findall(r"\d[\d.,]*", other))
        alike = len(set(words(sentence)) & set(words(other))) >= 0.5 * len(set(words(sentence)))
        if other_source != source and other_value > value - 0.1 and alike and all(figures) and figures[0] != figures[1]:
            return f"The passages disagree. {text} But: {other}" + (f" [{other_source}]" if cite else "")
    return text


def refusal(parts) -> str:
    """The refusal that the prompt prescribes, in quotation marks, or our own."""
    asked = re.search(
        r"(?:don't know|do not know|not (?:in|contain|there|enough|say|answer)|cannot|can't|unknown|no passage|none)[^\"“'\n]{0,80}[\"“']([^\"”\n]{3,80}?)[\"”']",
        parts.instruction,
        re.I,
    )
    asked = asked or re.search(
        r"(?:say|reply|answer|respond)(?: with)?(?: exactly)?:? [\"“']([^\"”\n]{3,80}?)[\"”'] (?:if|when)",
        parts.instruction,
        re.I,
    )
    return asked.group(1) if asked else UNKNOWN
