"""Where the files of local models are found, how they are checked, and which loaded models stay in memory."""

import contextlib
import ctypes
import gc
import hashlib
import importlib.util
import json
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..settings import CourseError, cache

BUDGET = 500  # MiB that all kept models may take together; the language models count apart
T = TypeVar("T")

_lock = threading.RLock()
_sums: dict[tuple, str] = {}  # (path, size, time of change) -> sha256, of this process
_kept: OrderedDict[str, tuple[Any, int]] = OrderedDict()  # name -> (model, MiB), the least recently used first
_loading: dict[str, threading.Lock] = {}


def package_file(package: str, pattern: str) -> Path:
    """A file inside an installed package, which is found and never imported.

    `package` is the name that would be imported (dashes count as underscores), `pattern` a path below its folder; with
    wildcards the first match by name. CourseError if the package or the file is not there.
    """
    name = package.replace("-", "_")
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # the parent of a dotted name
        spec = None
    if spec is None:
        raise CourseError(f"The package {package} is not installed: run make lab, which installs what is missing.")
    for folder in spec.submodule_search_locations or [Path(spec.origin).parent]:
        if found := sorted(path for path in Path(folder).glob(pattern) if path.is_file()):
            return found[0]
    raise CourseError(f"The package {package} has no file {pattern}: install it again with make repair.")


def checked(path: Path, sha256: str) -> Path:
    """The path, once the file's sha256 was found right; computed once for a file's size and time of change.

    CourseError if the file is missing or is another one.
    """
    path = Path(path)
    if not path.is_file():
        raise CourseError(f"The file {path} is missing: get it back with git, or run make repair if it is a package's.")
    if fingerprint(path) != sha256:
        raise CourseError(
            f"The file {path} is damaged, or not the one that the course was made with, so it is not used: "
            "delete it, then get it back with git, or run make repair if it is a package's."
        )
    return path


def fingerprint(path: Path) -> str:
    """sha256 of a file, remembered in the process and in the cache folder by its path, size and time of change."""
    stat = path.stat()
    mark = (str(path.resolve()), stat.st_size, stat.st_mtime_ns)
    with _lock:
        if mark not in _sums:
            memory = cache() / "hashes.json"
            known = _read(memory)
            if (entry := known.get(mark[0])) and entry[:2] == list(mark[1:]):
                _sums[mark] = entry[2]
            else:
                with path.open("rb") as file:
                    _sums[mark] = hashlib.file_digest(file, "sha256").hexdigest()
                _write(memory, _read(memory) | {mark[0]: [*mark[1:], _sums[mark]]})
        return _sums[mark]


def _read(memory: Path) -> dict:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
        return {k: v for k, v in known.items() if isinstance(v, list) and len(v) == 3}
    except (OSError, ValueError, AttributeError):
        return {}  # absent or spoilt: hashes are computed anew


def _write(memory: Path, known: dict) -> None:
    partial = memory.with_name(f"{memory.name}.{os.getpid()}.partial")
    try:
        partial.write_text(json.dumps(known, indent=1), encoding="utf-8")
        partial.replace(memory)
    except OSError:  # a cache that cannot be written costs time, nothing else
        partial.unlink(missing_ok=True)


def keep(name: str, load: Callable[[], T], mib: int) -> T:
    """The model under a name, loaded on first use and kept. Least recently used ones make way beyond BUDGET MiB.

    A model that is being used when it makes way stays alive until that use ends. Safe from several threads: one loads.
    """
    with _lock:
        if name in _kept:
            _kept.move_to_end(name)
            return _kept[name][0]
        gate = _loading.setdefault(name, threading.Lock())
    with gate:
        with _lock:
            if name in _kept:  # another thread has loaded it meanwhile
                _kept.move_to_end(name)
                return _kept[name][0]
            _make_room(mib)
        model = load()
        with _lock:
            _make_room(mib)  # others may have come while this one was loading
            _kept[name] = (model, mib)
        return model


def _make_room(mib: int) -> None:
    while _kept and sum(size for _, size in _kept.values()) + mib > BUDGET:
        _kept.popitem(last=False)


def kept() -> dict[str, int]:
    """The models in memory and the MiB that they count for, the least recently used first."""
    with _lock:
        return {name: size for name, (_, size) in _kept.items()}


def forget(name: str | None = None) -> None:
    """Let go of a loaded model, or of all of them."""
    with _lock:
        if name is None:
            _kept.clear()
        else:
            _kept.pop(name, None)
    gc.collect()
    if sys.platform == "linux":  # glibc keeps what was freed, and other processes cannot have it
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
