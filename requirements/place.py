"""The environment that set-up installs into, and pip run in it. Standard library only."""

import collections
import hashlib
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LOCKS = Path(__file__).resolve().parent
ROOT = LOCKS.parent
TORCH = "torch==2.13.0"  # with its dependencies and without hashes: each machine takes its own build
NETWORK = "NewConnectionError|NameResolution|Temporary failure in name|ConnectTimeout|ReadTimeout|ProxyError"
# Variables that would send packages elsewhere or hide the environment from pip.
UNWANTED = "PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_VIRTUALENV PYTHONPATH PYTHONHOME".split()


@dataclass
class Place:
    """The environment to install into: a virtual one of our own, or the one that runs this (`own` is False)."""

    folder: Path
    own: bool = True

    @property
    def python(self) -> Path:
        if not self.own:
            return Path(sys.executable)
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def log(self) -> Path:
        return self.folder / "setup.log"

    @property
    def packages(self) -> Path:
        return next(self.folder.glob("lib/python3.*/site-packages"), self.folder / "Lib" / "site-packages")

    def version(self) -> str:
        """Its Python, as '3.11'; empty where there is none, or none that the course runs on."""
        if not self.own:
            return f"{sys.version_info[0]}.{sys.version_info[1]}"
        config = self.folder / "pyvenv.cfg"
        found = re.search(r"(?m)^version(?:_info)? *= *(3\.1[123])\b", config.read_text()) if config.is_file() else None
        works = self.python.exists() and (self.packages / "pip").is_dir()  # not if its making was interrupted
        return found[1] if found and works else ""

    def has(self, pin: str) -> bool:
        """Whether 'name==version' is installed."""
        name, version = pin.split("==")
        found = {plain(info.name.split("-")[0]) for info in self.packages.glob(f"*-{version}.dist-info")}
        return plain(name) in found

    def stamp(self, step: str) -> tuple[Path, str]:
        """A step's stamp file, and what it holds once the step is done for these very files."""
        made_from = {"torch": TORCH.encode(), "project": bytes(ROOT) + (ROOT / "pyproject.toml").read_bytes()}
        content = made_from.get(step) or (LOCKS / f"{step}.lock").read_bytes()
        return self.folder / f".installed-{step}", hashlib.sha256(self.version().encode() + content).hexdigest()

    def done(self, step: str) -> bool:
        file, text = self.stamp(step)
        return file.is_file() and file.read_text() == text

    def mark(self, step: str) -> None:
        file, text = self.stamp(step)
        file.write_text(text)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def pins(layer: str) -> dict[str, str]:
    """{'name==version': its lines in the lock} of a layer."""
    text = (LOCKS / f"{layer}.lock").read_text(encoding="utf-8")
    return {re.match(r"[^\s;\\]+", lines)[0]: lines for lines in re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]}


def say(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


def pip(place: Place, *args, total: int = 0) -> tuple[bool, str]:
    """Run pip, its output into the log. Whether it worked, and its last lines; progress towards `total` packages."""
    command = [str(part) for part in (place.python, "-m", "pip", *args)] + ["--disable-pip-version-check", "--no-input"]
    if args[0] == "install":
        command += ["--progress-bar", "off", "--no-compile", "--no-warn-script-location"]
    variables = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
    tail, seen, show = collections.deque(maxlen=12), 0, total and sys.stdout.isatty()
    with place.log.open("a", encoding="utf-8") as log, subprocess.Popen(command, env=variables, **pipes) as process:
        log.write(f"$ {' '.join(command)}\n")
        for line in process.stdout:
            log.write(line)
            if "neither a file nor a directory" in line:  # one for each package and each local folder of wheels
                continue
            tail.append(line.rstrip())
            seen += line.startswith(("Collecting ", "Requirement already"))
            if show:
                say(f"\r  {seen} of about {total} packages collected", end="")
                if line.startswith("Installing collected"):
                    say("\n  unpacking them, which takes a few minutes")
    return process.returncode == 0, "\n".join(tail)


def must(place: Place, what: str, *args, total: int = 0) -> None:
    """pip(), or the end of set-up with pip's last lines and one sentence."""
    begun = time.time()
    say(f"Installing {what} ...")
    worked, tail = pip(place, *args, total=total)
    if not worked:
        raise SystemExit(f"{tail}\n\n{reason(tail, what, place)}")
    say(f"  done in {time.time() - begun:.0f} s")


def reason(tail: str, what: str, place: Place) -> str:
    """One sentence about a failure of pip."""
    if "No space left" in tail:
        return "The disk is full. Free some space and run the same command again: it goes on where it stopped."
    if re.search(NETWORK, tail):
        return "The package index cannot be reached. Check the network or the proxy, then run the same command again."
    if "DO NOT MATCH THE HASHES" in tail:
        return "A package that came is not the one that the lock names, so it was not installed. Try again later."
    if "No matching distribution" in tail:
        return (
            "There is no such package for this machine. The course runs on Linux x86-64, macOS on Apple silicon and "
            "Windows x86-64; make lab LAYERS=core needs the fewest packages."
        )
    return f"pip could not install {what}. Its whole output is in {place.log}."
