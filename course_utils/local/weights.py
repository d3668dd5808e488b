"""The language models' files: found, joined from the packages that carry them in parts, and checked before use.

    python -m course_utils.local.weights status
    python -m course_utils.local.weights join small

A file is looked for in this order: the one that COURSE_GGUF_NANO, _SMALL or _LARGE names; the joined one in the cache,
weights/<sha256>.gguf; for nano, the one inside its package, which is found and never imported.
"""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from ..catalogue import TIERS, Weights
from ..settings import CourseError, cache
from .store import fingerprint, package_file

NAMES = ("nano", "small", "large")  # the tiers with a file of their own: code and medical share the one of large
LAYERS = {"nano": "make lab", "small": "make lab", "large": "make weights-large"}


def owner(tier: str) -> str:
    """The tier whose file a tier uses: 'large' for 'code' and 'medical'. CourseError for an unknown tier."""
    if tier not in TIERS:
        raise CourseError(f"There is no tier {tier!r}. Use one of: {', '.join(TIERS)}.")
    return next(name for name in NAMES if TIERS[name].weights.sha256 == TIERS[tier].weights.sha256)


def own_file(tier: str) -> Path | None:
    """The file that COURSE_GGUF_<TIER> names, or None. CourseError if nothing is there."""
    variable = f"COURSE_GGUF_{owner(tier).upper()}"
    value = os.environ.get(variable, "").strip()
    if not value:
        return None
    file = Path(value).expanduser()
    if not file.is_file():
        raise CourseError(f"{variable}={value}, but there is no such file. Correct the path, or unset {variable}.")
    return file


def sha256(tier: str) -> str:
    """The hash that stands for a tier's weights in the key of a record: the catalogue's, or that of an own file."""
    file = own_file(tier)
    return fingerprint(file) if file else TIERS[tier].weights.sha256


def path(tier: str) -> Path:
    """The tier's GGUF file, whole and checked. CourseError says what to do if it is missing or damaged."""
    name = owner(tier)
    weights = TIERS[name].weights
    if file := own_file(name):
        return file
    joined = joined_path(weights)
    file = joined if joined.is_file() else _inside_package(weights)
    if file is None:
        raise CourseError(_missing(name, weights))
    if file.stat().st_size != weights.size or fingerprint(file) != weights.sha256:
        mend = f"Delete it and run {LAYERS[name]}" if file == joined else "Install its package again (make repair)"
        raise CourseError(f"The weights of {name} in {file} are damaged. {mend}.")
    return file


def installed(tier: str) -> bool:
    """Whether path() finds a file for a tier (it may still be damaged)."""
    weights = TIERS[owner(tier)].weights
    return bool(own_file(tier) or joined_path(weights).is_file() or _inside_package(weights))


def joined_path(weights: Weights) -> Path:
    """Where the joined file of some weights lies, or would lie."""
    return cache() / "weights" / f"{weights.sha256}.gguf"


def join(tier: str) -> Path:
    """Join a tier's part packages into the cache, checked against the official hash; done at once if already there.

    CourseError if a part is missing, the result is not the official file, or the disk is too full.
    """
    name = owner(tier)
    weights = TIERS[name].weights
    target = joined_path(weights)
    if target.is_file() and target.stat().st_size == weights.size and fingerprint(target) == weights.sha256:
        return target
    parts = _parts(weights)
    if not parts or not all(parts):
        raise CourseError(_missing(name, weights))
    target.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(target.parent).free < weights.size + (64 << 20):
        raise CourseError(f"Joining {name} needs {weights.size >> 20} MiB of disk in {target.parent}: free some space.")
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        if _copy(parts, partial) != weights.sha256:
            raise CourseError(
                f"The parts of {name} do not give the official file of {weights.name}: they are not used. "
                f"Run {LAYERS[name]} again, or take the official file ({weights.official}) and set {_variable(name)}."
            )
        partial.replace(target)  # never half a file under the final name
    finally:
        partial.unlink(missing_ok=True)
    fingerprint(target)
    return target


def _copy(parts, target) -> str:
    """Write the parts one after the other; their common sha256."""
    digest = hashlib.sha256()
    with target.open("wb") as whole:
        for part in parts:
            with part.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
                    whole.write(block)
    return digest.hexdigest()


def _parts(weights: Weights) -> list[Path | None]:
    """The part files of some weights in order, None for one that is not installed."""
    return [_package_file(f"{weights.packages}{n}", f"data/part{n:02}.bin") for n in range(1, weights.parts + 1)]


def _inside_package(weights: Weights) -> Path | None:
    return None if weights.parts else _package_file(weights.packages, "*.gguf")


def _package_file(package, pattern) -> Path | None:
    try:
        return package_file(package, pattern)
    except CourseError:
        return None


def _variable(name) -> str:
    return f"COURSE_GGUF_{name.upper()}=/path/to.gguf"


def _missing(name, weights) -> str:
    if weights.parts and all(_parts(weights)):
        return f"The weights of {name} are installed in parts: run python -m course_utils.local.weights join {name}."
    return (
        f"The weights of {name} ({weights.name}) are not installed. Run {LAYERS[name]}, "
        f"or take the official file ({weights.official}) and set {_variable(name)}."
    )


def status() -> list[str]:
    """A line for each file: where it is, or what to do."""
    lines = []
    for name in NAMES:
        try:
            lines.append(f"{name:6} {TIERS[name].model:28} {path(name)}")
        except CourseError as problem:
            lines.append(f"{name:6} {TIERS[name].model:28} {problem}")
    return lines


def main(arguments: list[str]) -> int:
    """`status`, or `join small|large`. Returns the exit code."""
    if arguments == ["status"]:
        print("\n".join(status()))
        return 0
    if len(arguments) == 2 and arguments[0] == "join" and arguments[1] in NAMES[1:]:
        try:
            print(join(arguments[1]))
            return 0
        except CourseError as problem:
            print(problem, file=sys.stderr)
            return 1
    print("python -m course_utils.local.weights status | join small | join large", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
