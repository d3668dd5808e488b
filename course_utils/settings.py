"""Which provider is in use, how replies are found, and where things lie: all from the environment and a `.env` file."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
MODELS = DATA / "models"

# provider -> the key variable that its own client reads (None: no key)
PROVIDERS = {
    "course": None,
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "cohere": "COHERE_API_KEY",
    "huggingface": "HUGGINGFACEHUB_API_TOKEN",
    "ollama": None,
}
_QUIET = {  # libraries that would call home, or print, unless told otherwise
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "ANONYMIZED_TELEMETRY": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "LANGSMITH_TRACING": "false",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "passive",  # llama.cpp's threads otherwise spin while they wait, ten times slower on a busy machine
}


class CourseError(Exception):
    """Something the learner can mend. A notebook shows its one sentence and no traceback."""

    def _render_traceback_(self):  # IPython's own hook
        return [f"{type(self).__name__}: {self}"]


class CourseStop(BaseException):
    """Like CourseError, but not an Exception: no client retries it and no fallback hides it."""

    _render_traceback_ = CourseError._render_traceback_


def _read_env_file():
    """Take over what `.env` sets and the environment does not."""
    file = ROOT / ".env"
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            name, equals, value = line.strip().removeprefix("export ").partition("=")
            if equals and not name.startswith("#"):
                os.environ.setdefault(name.strip(), value.strip().strip("'\""))


def quiet():
    """Switch telemetry and hub access off before a library is imported, but not for the provider in use."""
    for name, value in _QUIET.items():
        if not (name.startswith("HF_HUB") and provider() == "huggingface"):
            os.environ.setdefault(name, value)


def provider() -> str:
    """The provider in use: 'course', or what COURSE_PROVIDER says. CourseError if there is no such provider."""
    name = os.environ.get("COURSE_PROVIDER", "").strip().lower() or "course"
    if name not in PROVIDERS:
        raise CourseError(f"COURSE_PROVIDER={name} is not known. Use one of: {', '.join(PROVIDERS)}.")
    return name


def provider_key(name: str | None = None) -> str:
    """The key of a provider. CourseError, with the variable to set, if it is missing."""
    name = name or provider()
    variable = PROVIDERS[name]
    if variable is None:
        return "none"
    if not os.environ.get(variable, "").strip():
        raise CourseError(f"COURSE_PROVIDER={name} needs a key: set {variable} in the environment or in the file .env.")
    return os.environ[variable].strip()


def replies() -> str:
    """Where replies come from: 'auto' (record, else model), 'replay' (record only) or 'record' (and write it down)."""
    mode = os.environ.get("COURSE_REPLIES", "").strip().lower() or "auto"
    if mode not in ("auto", "replay", "record"):
        raise CourseError(f"COURSE_REPLIES={mode} is not known. Use auto, replay or record.")
    return mode


def _folder(variable: str, default: Path) -> Path:
    path = Path(os.environ.get(variable) or default).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise CourseError(
            f"The folder {path} cannot be made ({problem.strerror}). Set {variable} to another one."
        ) from None
    return path


def cache() -> Path:
    """A folder for what can be made again (COURSE_CACHE, else .cache in the checkout)."""
    return _folder("COURSE_CACHE", ROOT / ".cache")


def state() -> Path:
    """The learner's progress and guesses (COURSE_STATE, else .state in the checkout)."""
    return _folder("COURSE_STATE", ROOT / ".state")


def _on(variable: str) -> bool:
    return os.environ.get(variable, "").strip() not in ("", "0")


def strict() -> bool:
    """Whether a missing tool is a failure and not a skip, as in CI."""
    return _on("COURSE_STRICT")


def live() -> bool:
    """Whether waiting is real by default: with a hosted provider, or with COURSE_LIVE=1, to show a class what users feel."""
    return provider() != "course" or _on("COURSE_LIVE")


def projector() -> bool:
    """Whether figures, tables and boxes are drawn larger, for a room (COURSE_PROJECTOR=1)."""
    return _on("COURSE_PROJECTOR")


_read_env_file()
