"""How good the course's ears and voice are: word error rates on the recordings of data/speech, measured now."""

import functools
import re

from ..settings import DATA
from . import audio, speech_to_text, text_to_speech

FOLDER = DATA / "speech"
KINDS = ("names", "codes and figures", "other words")
_CODE = r"\b(?=[A-Z\d-]*\d)[A-Z\d]+(?:-[A-Z\d]+)+\b"


@functools.cache
def scripts() -> dict:
    """data/speech/scripts.yaml: split -> recording's name -> {voice, text}, and the list `names`."""
    import yaml

    return yaml.safe_load((FOLDER / "scripts.yaml").read_text(encoding="utf-8"))


def path(name: str):
    """The file of a recording: FLAC, or MP3 for those of the lessons."""
    return next(p for p in (FOLDER / f"{name}.flac", FOLDER / f"{name}.mp3") if p.is_file())


@functools.cache
def _normaliser():
    speech_to_text.library()
    from whisper.normalizers import EnglishTextNormalizer

    return EnglishTextNormalizer()


def words(text: str) -> list[str]:
    """Words as they are compared: Whisper's own normaliser, then single letters and digits put together.

    'HL-20417', 'H.L. 20 417' and 'hl 2 0 4 1 7' all become hl, 20417.
    """
    text = re.sub(r"(?<=\b[A-Za-z])\.(?=[A-Za-z]\b)|(?<=\w)-(?=\w)", " ", text)
    text = re.sub(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Z])", " ", text)
    text = re.sub(r"(?<=\d)[\s,.]+(?=\d)", "", text)
    text = _normaliser()(re.sub(r"(?<=\d)\s?cm\b", " centimetres", text))
    text = re.sub(r"(?<=\d) (?=\d)", "", re.sub(r"\b([a-z]) (?=[a-z]\b)", r"\1", text))
    return text.split()


def kinds(text: str, names) -> list[str]:
    """For each of words(text): 'names', 'codes and figures' (two digits, or part of a code) or 'other words'."""
    code = {w for found in re.findall(_CODE, text) for w in words(found)}
    return [
        KINDS[1] if w in code or sum(c.isdigit() for c in w) > 1 else KINDS[0] if w in names else KINDS[2]
        for w in words(text)
    ]


def word_errors(said: list[str], heard: list[str], names=()) -> dict[str, tuple[int, int]]:
    """Kind of word -> (words wrong or missing, words said); 'all' counts words that were put in, too, as WER does."""
    import jiwer

    spoken, got = [" ".join(words(t)) for t in said], [" ".join(words(t)) for t in heard]
    out = jiwer.process_words(spoken, got)
    counts = {kind: [0, 0] for kind in KINDS}
    for text, chunks in zip(said, out.alignments, strict=True):
        kind = kinds(text, names)
        for k in kind:
            counts[k][1] += 1
        for chunk in chunks:
            if chunk.type in ("substitute", "delete"):
                for k in kind[chunk.ref_start_idx : chunk.ref_end_idx]:
                    counts[k][0] += 1
    wrong = out.substitutions + out.deletions + out.insertions
    return {"all": (wrong, sum(n for _, n in counts.values()))} | {k: tuple(v) for k, v in counts.items()}


def _row(name: str, split: str, count: tuple[int, int]) -> dict:
    wrong, total = count
    return {"name": name, "metric": "wer", "value": round(wrong / max(1, total), 4), "n": total, "split": split}


def hear_all(names, prompt=None, change=lambda samples, number: samples) -> list[str]:
    """What Whisper hears in the recordings, now; `change` distorts the samples first."""
    sounds = [audio.read(path(name))[0] for name in names]
    return [speech_to_text.decode(change(s, i), prompt)["text"] for i, s in enumerate(sounds)]


def figures_to_text() -> list[dict]:
    """WER of speech to text on 24 held-out sentences and 5 of a human voice: clean, with the domain prompt, at 15 dB.

    Noise is tried on every second sentence, to save time; the row 'clean, as 15 dB' has the same ones without it.
    """
    every, name = scripts(), "speech-to-text"
    vocabulary = set(every["names"])
    test = {n: e for n, e in every["test"].items() if not e["voice"].startswith("espeak")}
    robot = {n: e for n, e in every["test"].items() if n not in test}
    said = [e["text"] for e in test.values()]
    clean = hear_all(test)
    counts = word_errors(said, clean, vocabulary)
    rows = [_row(name, "clean" if kind == "all" else f"clean, {kind}", c) for kind, c in counts.items()]
    for voice in dict.fromkeys(e["voice"] for e in test.values()):
        chosen = [i for i, e in enumerate(test.values()) if e["voice"] == voice]
        counts = word_errors([said[i] for i in chosen], [clean[i] for i in chosen])
        rows.append(_row(name, f"clean, {voice}", counts["all"]))
    counts = word_errors(said, hear_all(test, prompt=speech_to_text.DOMAIN_PROMPT), vocabulary)
    rows += [
        _row(name, "domain prompt" if kind == "all" else f"domain prompt, {kind}", c) for kind, c in counts.items()
    ]
    noisy = hear_all(list(test)[::2], change=lambda samples, i: audio.add_noise(samples, 15, seed=i))
    rows.append(_row(name, "15 dB", word_errors(said[::2], noisy)["all"]))
    rows.append(_row(name, "clean, as 15 dB", word_errors(said[::2], clean[::2])["all"]))
    for label, part in (("clean, espeak-ng", robot), ("clean, human (LibriVox)", every["human"])):
        counts = word_errors([e["text"] for e in part.values()], hear_all(part))
        rows.append(_row(name, label, counts["all"]))
    return rows


def figures_to_speech() -> list[dict]:
    """WER of text to speech as Whisper hears it: three sentences spoken now, one by each English voice."""
    said = {
        "af_heart": "Your new lamp leaves our depot today, and it should reach you by the sixteenth of March.",
        "am_michael": "Please keep the box for twenty-one days, because the carrier may want to see it.",
        "bf_emma": "The refund goes back to your card, and it takes about five working days.",
    }
    heard = [speech_to_text.decode(audio.read(text_to_speech.speak(t, voice))[0])["text"] for voice, t in said.items()]
    return [_row("text-to-speech", "spoken now, heard by Whisper", word_errors(list(said.values()), heard)["all"])]
