"""Answer from the passages of the request: the sentence that fits the question best, cited; else say that none does."""

import re

from ...local.embedding import encode

STOP = frozenset(
    "a an and are as at be but by can could do does for from had has have how i if in into is it its me my no not of "
    "on or our shall so than that the their them there they this to was we were what when where which who whose why "
    "will with would you your".split()
)
ENOUGH = 0.4  # score from which a sentence counts as an answer
CITES = re.compile(r"\bcit(?:e|ing|ation)|\bsources?\b(?! of\b)|\[\w+\]|brackets", re.I)
PRESCRIBED = re.compile(
    r"\b(?:say|reply|answer|respond|write|output|return)\b[^\"“'‘\n]{0,40}"
    r"(?:[\"“]([^\"”\n]{3,80}?)[\"”]|['‘]([^\"\n]{3,80}?)['’](?!\w))",
    re.I,
)
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
    """(score, sentence, passage id), best first, of the first `read` sentences that say more than the question."""
    pairs = [(s, p.id) for p in parts.passages for s in sentences(p.text)][:read]
    asked = set(words(parts.question))
    pairs = [(s, i) for s, i in pairs if set(words(s)) - asked] or pairs
    scored = zip(score(parts.question, [s for s, _ in pairs]), pairs, strict=True)
    return sorted(((v, s, i) for v, (s, i) in scored), key=lambda row: -row[0])


def answer(parts, read: int) -> str:
    """The best sentence, with its passage's id where the request asks for sources; a refusal where none fits."""
    if parts.image and not parts.passages:
        return parts.image
    best = evidence(parts, read)
    if re.search(
        r"\bhow (?:many|much|long|old|far)\b", parts.question, re.I
    ):  # a sentence with a figure answers it sooner
        best.sort(key=lambda row: -(row[0] + 0.08 * bool(re.search(r"\d", row[1]))))
    if not best or best[0][0] < ENOUGH:
        return refusal(parts)
    value, sentence, source = best[0]
    cite = CITES.search(parts.instruction)
    text = f"{sentence} [{source}]" if cite else sentence
    for other_value, other, other_source in best[1:4]:
        if other_source != source and other_value > value - 0.1 and _contradict(sentence, other):
            return f"The passages disagree. {text} But: {other}" + (f" [{other_source}]" if cite else "")
    return text


def _contradict(one, other):
    """Whether two sentences are alike but for their figures."""
    figures = [set(re.findall(r"\d[\d.,]*", s)) for s in (one, other)]
    alike = len(set(words(one)) & set(words(other))) >= 0.5 * len(set(words(one)))
    return alike and all(figures) and figures[0] != figures[1]


def reason(parts, read: int) -> str:
    """What a field for reasoning says: the evidence, if there is some."""
    best = evidence(parts, read)
    return best[0][1] if best else "The request says so itself."


def refusal(parts) -> str:
    """The refusal that the prompt prescribes, in quotation marks, or our own."""
    asked = PRESCRIBED.search(parts.instruction)
    return next(g for g in asked.groups() if g) if asked else UNKNOWN
