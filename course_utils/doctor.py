"""Is this machine ready? `python -m course_utils doctor [--json] [--quick]`: a line a check, a fix beside each failure.

It also answers `available("postgres")` for lessons: is an optional service here, and if not, what would bring it?
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from . import settings
from .settings import ROOT, CourseError

LOCKS = ROOT / "requirements"
# What is imported, each in a process of its own, so that a crash is a line of the report too.
IMPORTS = {
    "core": "torch whisper onnxruntime tokenizers xllamacpp spacy cv2 rapidocr av skimage sklearn pandas matplotlib "
    "chromadb langchain.agents langgraph.graph langchain_openai langchain_chroma llama_index.core openai fastapi "
    "jupyterlab ipywidgets nbval implicit bm25s",
    "frameworks": "haystack semantic_kernel dspy litellm",
    "stores": "qdrant_client faiss pgvector psycopg weaviate pinecone",
    "serving": "ray redis fakeredis prometheus_client diskcache",
    "providers": "langchain_anthropic langchain_google_genai langchain_cohere langchain_huggingface langchain_ollama",
    "dev": "playwright importlinter pytest_socket langchain_tests",
}
OPTIONAL = {"frameworks", "stores", "serving", "providers", "dev", "site", "weights"}
JOINED = {"weights-small", "weights-large"}  # their packages go once they are joined


@dataclass(frozen=True)
class Need:
    """An optional service or tool: here if its modules, one of its programs and its variables are. `fix` brings it."""

    fix: str
    modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()

    def met(self) -> bool:
        return (
            all(importlib.util.find_spec(module) for module in self.modules)
            and (not self.programs or any(map(shutil.which, self.programs)))
            and all(os.environ.get(variable, "").strip() for variable in self.variables)
        )


def _key(variable: str, *modules: str) -> Need:
    return Need(f"set {variable} in the environment or in .env", modules, variables=(variable,))


NEEDS = {
    "postgres": Need("make stores, on Python 3.11 or 3.12", ("pgserver", "pgvector", "psycopg")),
    "faiss": Need("make stores", ("faiss",)),
    "qdrant": Need("make stores", ("qdrant_client",)),
    "qdrant-server": _key("QDRANT_URL", "qdrant_client"),
    "weaviate": _key("WEAVIATE_URL", "weaviate"),
    "pinecone": _key("PINECONE_API_KEY", "pinecone"),
    "haystack": Need("make frameworks", ("haystack",)),
    "semantic-kernel": Need("make frameworks", ("semantic_kernel",)),
    "dspy": Need("make frameworks", ("dspy",)),
    "ray": Need("make serving", ("ray",)),
    "elevenlabs": _key("ELEVENLABS_API_KEY", "elevenlabs"),
    "openai": _key("OPENAI_API_KEY"),
    "cohere": _key("COHERE_API_KEY", "cohere"),
    "langfuse": _key("LANGFUSE_SECRET_KEY", "langfuse"),
    "langsmith": _key("LANGSMITH_API_KEY"),
    "redis": Need("sudo apt install redis-server", programs=("redis-server",)),
    "node": Need("sudo apt install nodejs", programs=("node",)),
    "chromium": Need(
        "make dev, and sudo apt install chromium",
        ("playwright",),
        programs=("chromium", "chromium-browser", "google-chrome"),
    ),
    "make": Need("sudo apt install make", programs=("make",)),
    "git": Need("sudo apt install git", programs=("git",)),
}


def available(name: str, quiet: bool = False) -> bool:
    """Whether an optional service is here; prints one sentence where it is not. CourseError for an unknown name."""
    if name not in NEEDS:
        raise CourseError(f"available({name!r}) is not known. Ask for one of: {', '.join(NEEDS)}.")
    met = NEEDS[name].met()
    if not met and not quiet:
        print(f"{name} is not here, so this cell is left out. To have it: {NEEDS[name].fix}.")
    return met


@dataclass(frozen=True)
class Check:
    """A line of the report. `status` is ok, note (something optional is missing) or FAIL."""

    check: str
    status: str
    detail: str
    fix: str = ""


def _line(check: str, good: bool, detail: str, fix: str, otherwise: str = "FAIL") -> Check:
    return Check(check, "ok", detail) if good else Check(check, otherwise, detail, fix)


def _python() -> Iterator[Check]:
    good = (3, 11) <= sys.version_info[:2] < (3, 14) and sys.maxsize > 2**32
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield _line("python", good, detail, "install a 64-bit Python 3.11, 3.12 or 3.13, then make lab")
    inside = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    yield _line("environment", inside, sys.prefix, "make lab, then use .venv/bin/python", "note")


def _memory() -> Iterator[Check]:
    import psutil

    free = psutil.virtual_memory().available
    limit = Path("/sys/fs/cgroup/memory.max")  # a container's share is smaller than the machine
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        free = min(free, int(text) - int(limit.with_name("memory.current").read_text()))
    gib = free / 2**30
    if gib < 1:
        yield Check("memory", "FAIL", f"{gib:.1f} GiB free", "close other programs: a lesson needs 1 GiB")
    else:
        fix = "close other programs, or your own questions go to nano"
        yield _line("memory", gib >= 1.8, f"{gib:.1f} GiB free", fix, "note")


def _disk() -> Iterator[Check]:
    free = shutil.disk_usage(ROOT).free / 2**30
    yield _line("disk", free > 1, f"{free:.1f} GiB free", "free 1 GiB of disk")


def _folders() -> Iterator[Check]:
    for name, folder in (("state", settings.state), ("cache", settings.cache)):
        fix = f"set COURSE_{name.upper()} to a folder of your own"
        try:
            tempfile.TemporaryFile(dir=folder()).close()
            yield Check(f"folder {name}", "ok", str(folder()))
        except CourseError as problem:
            yield Check(f"folder {name}", "FAIL", str(problem), fix)
        except OSError as problem:
            yield Check(f"folder {name}", "FAIL", f"{folder()}: {problem.strerror}", fix)


def _pins(layer: str) -> dict[str, str]:
    """{name: version} of a lock, for this machine."""
    from packaging.markers import Marker

    found = {}
    for line in (LOCKS / f"{layer}.lock").read_text(encoding="utf-8").splitlines():
        if pin := re.match(r"([A-Za-z0-9][^= ]*)==([^ ;]+)(?: ; (.*?))?(?: \\)?$", line):
            if not pin[3] or Marker(pin[3]).evaluate():
                found[pin[1].split("[")[0]] = pin[2]
    return found


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _packages() -> Iterator[Check]:
    """Each layer as its lock has it."""
    for layer in ("core", *sorted(OPTIONAL)):
        pins = _pins(layer)
        here = {name: _version(name) for name in pins}
        wrong = [f"{name} {here[name] or 'missing'} and not {pin}" for name, pin in pins.items() if here[name] != pin]
        if not wrong:
            yield Check(f"packages {layer}", "ok", f"{len(pins)} as locked")
        elif layer in OPTIONAL and not any(here.values()):
            yield Check(f"packages {layer}", "note", "not installed", f"make {layer}, if a lesson asks for it")
        else:
            detail = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")
            yield Check(f"packages {layer}", "FAIL", detail, f"make repair LAYERS={layer}")


def _import(layer_and_module: tuple[str, str]) -> Check | None:
    """One import in a process of its own; None where an optional layer is not installed."""
    layer, module = layer_and_module
    if layer in OPTIONAL and not importlib.util.find_spec(module.split(".")[0]):
        return None
    try:
        done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True, timeout=180)
        said = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        failed = done.returncode != 0
    except subprocess.TimeoutExpired:
        failed, said = True, "no answer within 180 s"
    return _line(f"import {module}", not failed, said if failed else "", f"make repair LAYERS={layer}")


def _imports() -> Iterator[Check]:
    asked = [(layer, module) for layer, modules in IMPORTS.items() for module in modules.split()]
    with ThreadPoolExecutor(2) as pool:
        found = [check for check in pool.map(_import, asked) if check]
    yield from (check for check in found if check.status != "ok")
    good = [check.check.split()[1] for check in found if check.status == "ok"]
    yield Check("imports", "ok", f"{len(good)} modules: {', '.join(good)}")


def _weights() -> Iterator[Check]:
    """The language models' files, whole and checked."""
    from .local import weights

    for tier in weights.NAMES:
        try:
            if not weights.installed(tier):
                detail = f"{weights.TIERS[tier].model} is not installed: recorded replies only"
                yield Check(f"weights {tier}", "note", detail, f"{weights.LAYERS[tier]}, to ask it something new")
            else:
                yield Check(f"weights {tier}", "ok", str(weights.path(tier)))
        except CourseError as problem:
            yield Check(f"weights {tier}", "FAIL", str(problem), weights.LAYERS[tier])


def _speech() -> Iterator[Check]:
    spec = importlib.util.find_spec("espeakng_loader")
    if spec:
        length = len(str(Path(spec.origin).parent / "espeak-ng-data"))
        detail = f"espeak-ng's data path has {length} characters"  # 160 and more do not fit into its buffer
        yield _line("speech", length < 160, detail, "move the course to a folder with a shorter path")


def _kernel() -> Iterator[Check]:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    fix = f"{Path(sys.executable).name} -m ipykernel install --sys-prefix"
    try:
        program = Path(KernelSpecManager().get_kernel_spec("python3").argv[0])
    except NoSuchKernel:
        yield Check("kernel", "FAIL", "Jupyter knows no kernel python3", fix)
        return
    here = program.name == str(program) or program.parent == Path(sys.executable).parent
    yield _line("kernel", here, f"python3 runs {program}", fix)


def _provider() -> Iterator[Check]:
    try:
        name = settings.provider()
        settings.provider_key(name)
        module = "langchain_openai" if name == "course" else f"langchain_{name}"
        there = importlib.util.find_spec(module) is not None
        detail = "the course's own, offline" if name == "course" else f"{name}, with its key"
        detail += f"; replies: {settings.replies()}" if there else f", but {module.replace('_', '-')} is not installed"
        yield _line("provider", there, detail, "make providers")
    except CourseError as problem:
        yield Check("provider", "FAIL", str(problem), "set the variable, or unset COURSE_PROVIDER")


def _tools() -> Iterator[Check]:
    for name, need in NEEDS.items():
        if need.programs:
            found = next(filter(None, map(shutil.which, need.programs)), "not here")
            yield _line(f"tool {name}", need.met(), found, need.fix, "note")


CHECKS = (_python, _memory, _disk, _folders, _provider, _packages, _kernel, _speech, _weights, _tools)


def examine(checks: tuple[Callable[[], Iterator[Check]], ...]) -> Iterator[Check]:
    """The checks' lines; a check that breaks is a line too."""
    for check in checks:
        try:
            yield from check()
        except Exception as problem:  # a broken installation can raise anything
            detail = f"{type(problem).__name__}: {problem}"
            yield Check(check.__name__.strip("_"), "FAIL", detail, "make repair")


def main(argv: list[str]) -> int:
    """Print the report. Returns 1 if a check failed, else 0."""
    parser = argparse.ArgumentParser(prog="python -m course_utils doctor", description="Is this machine ready?")
    parser.add_argument("--json", action="store_true", help="rows: check, status, detail, fix")
    parser.add_argument("--quick", action="store_true", help="without importing the libraries, about a minute")
    options = parser.parse_args(argv)
    report = []
    for line in examine(CHECKS if options.quick else (*CHECKS, _imports)):
        report.append(line)
        if not options.json:
            print(f"{line.status:4}  {line.check:20} {line.detail}" + (f"\n      fix: {line.fix}" if line.fix else ""))
    failed = sum(line.status == "FAIL" for line in report)
    if options.json:
        print(json.dumps([asdict(line) for line in report], indent=1))
    else:
        print(f"{failed} of {len(report)} checks failed." if failed else "This machine is ready.")
    return 1 if failed else 0
