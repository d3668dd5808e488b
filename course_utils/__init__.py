"""The course's helper package. What a lesson imports stands in FACE; each name is loaded when it is first used."""

import importlib

FACE = {
    "run": "clock",
    "chat_model": "chat",
    "embedding_model": "local.embedding",
    "embed": "local.embedding",
    "rerank": "local.reranking",
    "read_text": "local.reading",
    "transcribe": "local.speech_to_text",
    "synthesize": "local.text_to_speech",
    "translate": "local.translation",
    "detect_language": "local.language",
    "entities": "local.entities",
    "look": "local.vision",
    "paint": "local.painting",
    "meter": "metering",
    "step": "metering",
    "show": "plots",
    "timeline": "plots",
    "cost_ladder": "plots",
    "frontier": "plots",
    "load": "data",
    "available": "doctor",
    "exercise": "checks",
    "quiz": "checks",
    "guess": "checks",
    "show_guess": "checks",
    "progress": "checks.path",
    "scoreboard": "",  # modules
    "provider": "",
}
__all__ = [*FACE]


def __getattr__(name):
    if name not in FACE:
        raise AttributeError(f"course_utils has no {name!r}; it has {', '.join(FACE)}")
    if name == "provider":
        value = importlib.import_module(".simulator.provider", __name__)
    elif not FACE[name]:
        return importlib.import_module(f".{name}", __name__)
    else:
        value = getattr(importlib.import_module(f".{FACE[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *FACE})


from . import settings as _settings  # noqa: E402

_settings.quiet()
