"""Which of the course's languages a text is in: py3langid, restricted to five languages."""

import csv
from typing import NamedTuple

from .. import metering
from ..settings import DATA, CourseError
from . import store
from .scores import row

LANGUAGES = {"en": "English", "pt": "Portuguese", "es": "Spanish", "de": "German", "fr": "French"}
PACKAGE, FILE = "py3langid", "data/model.npz.xz"
SHA256 = "f4f4a2c3465ca1f081541037f9cac23021d68151c2f709c55ae5eedfca522963"


class Language(NamedTuple):
    """A language code and how sure the model is of it, 0 to 1."""

    code: str
    confidence: float


def _load():
    path = store.checked(store.package_file(PACKAGE, FILE), SHA256)
    from py3langid.langid import LanguageIdentifier

    model = LanguageIdentifier.from_model_file(path, norm_probs=True)
    model.set_languages(list(LANGUAGES))
    return model


def identify(text: str) -> Language:
    """The unmetered core of `detect_language`."""
    if not isinstance(text, str) or not any(letter.isalpha() for letter in text):
        raise CourseError("There is no language to detect: the text holds no letters.")
    code, confidence = store.keep("language", _load, mib=40).classify(text)
    return Language(code, round(float(confidence), 4))


def detect_language(text: str) -> Language:
    """(code, confidence) of a text: en, pt, es, de or fr. Another language is forced into these five, mixed text too.

    CourseError if there is no letter in the text.
    """
    with metering.local("language", units=len(text) if isinstance(text, str) else 0):
        return identify(text)


def messages() -> list[tuple[str, str]]:
    """The course's own short messages as (text, language code)."""
    with (DATA / "language" / "languages.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["language"]) for row in csv.DictReader(file)]


def figures() -> list[dict]:
    """Accuracy on the course's messages, all of them held out: nothing is trained on them."""
    right = [identify(text).code == code for text, code in messages()]
    return [row("language", "accuracy", sum(right) / len(right), len(right), "test, five languages")]
