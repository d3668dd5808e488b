"""espeak-ng through ctypes: phonemes for Kokoro and a light voice of its own; and text made ready to be read aloud."""

import ctypes
import re
import shutil
import tempfile
import threading
import unicodedata
from pathlib import Path

from ..settings import CourseError

_UNSPOKEN = ("So", "Sk", "Cs", "Co", "Cn", "Cf", "Cc", "Mn")  # Unicode's categories: emoji, marks, control signs
_lock = threading.RLock()  # espeak-ng keeps one global state
_SIGNS = r'(.*?)(\s*[;:,.!?—…"()“”]+(?=\s|["”)]|$)\s*|\s*—\s*|\s*[("“]+|$)'
_TITLES = dict(Mr="Mister", Mrs="Missus", Ms="Miz", Dr="Doctor", Prof="Professor", vs="versus", No="number")
_MONEY = {
    "en": {"£": ("pounds", "pence"), "$": ("dollars", "cents"), "€": ("euros", "cents"), "R$": ("reais", "centavos")},
    "pt": {
        "£": ("libras", "pence"),
        "$": ("dólares", "centavos"),
        "€": ("euros", "centavos"),
        "R$": ("reais", "centavos"),
    },
}
_MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split(),
}


def spoken(text: str, language: str) -> str:
    """The text as it is read aloud: no emoji, Markdown or citation marks; codes spelled, money and times in words."""
    pt = language.startswith("pt")
    words = "pt" if pt else "en"
    text = text.replace("’", "'").replace("°C", " graus" if pt else " degrees")
    if language.startswith(("en", "gmw/en")):
        text = unicodedata.normalize("NFD", text)  # accents fall below: English espeak-ng would name them
        text = re.sub(r"\b(Mr|Mrs|Ms|Dr|Prof|vs|No)\.(?= ?[A-Z0-9])", lambda m: _TITLES[m[1]], text)
        text = re.sub(r"#(?=\d)", "number ", text)
    text = re.sub(r"\b([01]?\d|2[0-3]):([0-5]\d)\b", _time_pt if pt else _time, text)
    text = re.sub(r"\[\d+\]|[*_`#>|~^]+(?=\D|$)|^\s*[-•]\s+", " ", text, flags=re.MULTILINE)
    text = "".join(c for c in text if c in "°\n" or unicodedata.category(c) not in _UNSPOKEN)
    of = " de " if pt else " "
    date = r"\b(\d{4})-(0[1-9]|1[0-2])-(\d\d)\b"
    text = re.sub(date, lambda m: f"{int(m[3])}{of}{_MONTHS[words][int(m[2]) - 1]}{of}{m[1]}", text)
    thousand, point = (r"\.", ",") if pt else (",", r"\.")
    text = re.sub(rf"(?<=\d){thousand}(?=\d{{3}}\b)", "", text)
    text = re.sub(rf"(R\$|[$£€])\s?(\d+)(?:{point}(\d\d))?(?!\d)", lambda m: _money(m, _MONEY[words]), text)
    text = re.sub(r"\b(?=[A-Z-]*\d)(?=[\d-]*[A-Z])[A-Z\d]+(?:-[A-Z\d]+)*\b", lambda m: spelled(m[0], pt), text)
    phone = r"(?:\+\d{1,3}|\b0\d{2,4})(?:[ -]\d{3,4})+\b"
    return re.sub(rf"{phone}|\b(?:\d{{5,}}|\d{{3}}(?:-\d{{3,4}})+|0\d+)\b", lambda m: _digits(m[0]), text).strip()


def _time(found) -> str:
    hour, minutes = int(found[1]), found[2]
    minutes = "" if minutes == "00" else f" oh {minutes[1]}" if minutes[0] == "0" else f" {minutes}"
    return f"{(hour + 11) % 12 + 1}{minutes} {'a' if hour < 12 else 'p'}.m."


def _time_pt(found) -> str:
    return f"{int(found[1])} horas" + (f" e {int(found[2])}" if found[2] != "00" else "")


def _money(found, names) -> str:
    whole, part = names[found[1]]
    cents = int(found[3] or 0)
    return f"{found[2]} {whole}" + (f" {cents} {part}" if cents else "")


def _digits(run: str) -> str:
    return ", ".join(" ".join(group) for group in re.split("[ -]", run))


def spelled(code: str, pt: bool = False) -> str:
    """'HL-20417' -> 'H L, 2 0 4 1 7'. A group of four letters or more is left as a word."""
    groups = []
    for group in code.split("-"):
        runs = re.findall(r"[A-Z]+|\d+", group)
        signs = [r.capitalize() if len(r) > 3 and r.isalpha() else " ".join(r) for r in runs]
        groups.append(" ".join(signs))
    text = ", ".join(groups)
    return text if pt else re.sub(r"\bA\b", "eigh", text)  # the letter, not the article


class Espeak:
    """The library, loaded once a process. Every call holds the lock."""

    _one = None

    @classmethod
    def get(cls):
        with _lock:
            cls._one = cls._one or cls()
            return cls._one

    def __init__(self):
        try:
            import espeakng_loader
        except ImportError:
            raise CourseError(
                "Speech needs the package espeakng-loader. Set the environment up again with: make lab"
            ) from None
        self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self.rate = self._lib.espeak_Initialize(
            2, 0, str(_data(espeakng_loader.get_data_path())).encode(), 0
        )  # 2: no sound card
        if self.rate <= 0:
            raise CourseError("espeak-ng does not start, because its data is missing: run make repair.")
        self._pieces = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self._callback = kind(self._take)  # kept: ctypes would free it
        self._lib.espeak_SetSynthCallback(self._callback)

    def _take(self, samples, count, _events):
        if count and samples:
            self._pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    def _voice(self, language: str):
        if self._lib.espeak_SetVoiceByName(language.encode()) != 0:
            raise CourseError(f"espeak-ng has no language {language!r}. Use en-us, pt, pt-br, es, de, fr or it, say.")

    def phonemes(self, text: str, language: str) -> str:
        """IPA with the text's punctuation, which espeak-ng drops by itself."""
        out = []
        with _lock:
            self._voice(language)
            for words, signs in re.findall(_SIGNS, " ".join(text.split())):
                rest, said = ctypes.pointer(ctypes.c_char_p(words.encode())), []
                while words.strip() and rest[0]:  # a clause a call; 1: the text is UTF-8, 2: IPA wanted
                    said.append((self._lib.espeak_TextToPhonemes(rest, 1, 2) or b"").decode())
                out += [" ".join(said), signs]
        return re.sub(r"\([a-z-]+\)", "", "".join(out))  # marks of a switch of language, such as (en)

    def audio(self, text: str, language: str, speed: float = 1.0):
        """(rate, float32 samples). The last bits differ between calls in one process."""
        import numpy as np

        data = text.encode()
        with _lock:
            self._voice(language)
            self._lib.espeak_SetParameter(1, int(175 * speed), 0)  # 1: words a minute
            self._pieces.clear()
            self._lib.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 1, 0, 1, None, None)
            sound = b"".join(self._pieces)
        return self.rate, np.frombuffer(sound, "<i2").astype(np.float32) / 32768


def _data(folder) -> Path:
    """espeak-ng's data, copied to the temporary folder if its path is too long for the library (160 characters)."""
    folder = Path(folder)
    if len(str(folder).encode()) < 150:
        return folder
    short = Path(tempfile.gettempdir()) / "course-espeak-ng-data"
    if not (short / "phontab").is_file():
        shutil.copytree(folder, short, dirs_exist_ok=True)
    return short
