"""Copy the lessons to my_notebooks/ and open JupyterLab on them (`make lab`), or start one afresh (`make reset`).

A copy is replaced by a newer lesson only while it is as it was copied; what the learner changed is never overwritten.
Standard library only, apart from JupyterLab itself.
"""

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LESSONS = ROOT / "notebooks"
MINE = ROOT / "my_notebooks"
MEMORY = ".copied.json"  # {path: hash of what was copied}


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def memory(mine: Path) -> dict[str, str]:
    file = mine / MEMORY
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def remember(mine: Path, copied: dict[str, str]) -> None:
    (mine / MEMORY).write_text(json.dumps(copied, indent=1, sort_keys=True), encoding="utf-8")


def copy_lessons(lessons: Path = LESSONS, mine: Path = MINE) -> list[str]:
    """Copy what is new or newer. Returns the lessons of which a newer one exists and the learner's own was kept."""
    copied, kept = memory(mine), []
    mine.mkdir(parents=True, exist_ok=True)
    for source in sorted(lessons.rglob("*")):
        if not source.is_file() or ".ipynb_checkpoints" in source.parts:
            continue
        name = source.relative_to(lessons).as_posix()
        target, now = mine / name, digest(source)
        if target.exists() and copied.get(name) == now:
            continue
        if target.exists() and digest(target) not in (copied.get(name), now):
            kept.append(name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
        copied[name] = now
    remember(mine, copied)
    return kept


def find(lesson: str, lessons: Path = LESSONS) -> Path:
    """The notebook of a lesson: '3', '03' or part of its name. SystemExit with a sentence if there is none."""
    names = sorted(lessons.glob("*.ipynb")) + sorted(lessons.glob("further/*.ipynb"))
    if lesson.isdigit():
        found = [file for file in names if file.name.startswith(f"{int(lesson):02}_")]
    else:
        found = [file for file in names if lesson in file.stem]
    if not found:
        raise SystemExit(f"There is no lesson {lesson}. The lessons are {', '.join(file.stem for file in names)}.")
    return found[0]


def reset(lesson: str, lessons: Path = LESSONS, mine: Path = MINE) -> Path | None:
    """Start a lesson afresh. Returns where the learner's own copy went, if there was a changed one."""
    source = find(lesson, lessons)
    name = source.relative_to(lessons).as_posix()
    target, copied, old = mine / name, memory(mine), None
    if target.exists() and digest(target) != digest(source):
        number = 1
        while (old := target.with_name(f"{target.stem}.mine-{number}.ipynb")).exists():
            number += 1
        target.rename(old)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
    remember(mine, copied | {name: digest(source)})
    return old


def taken(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":  # a port that was just left is free; on Windows this option would mean something else
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def choose(port: int | None, first: int = 8888, tries: int = 20) -> int:
    """The port that was asked for, or the first free one. SystemExit with a sentence if it is taken."""
    if port is not None:
        if taken(port):
            raise SystemExit(f"Port {port} is in use. Close what uses it, or take another: make lab PORT={port + 1}")
        return port
    for candidate in range(first, first + tries):
        if not taken(candidate):
            if candidate != first:
                print(f"Port {first} is in use by another program, so JupyterLab takes {candidate}.")
            return candidate
    raise SystemExit(f"The ports {first} to {first + tries - 1} are all in use. Name a free one: make lab PORT=9999")


LARGE = {  # JupyterLab's own type in projector mode
    "@jupyterlab/apputils-extension:themes": {
        "overrides": {"code-font-size": "18px", "content-font-size1": "19px", "ui-font-size1": "15px"}
    }
}


def project() -> None:
    """Projector mode: figures and tables of the lessons, and JupyterLab's type, are larger."""
    folder = ROOT / ".cache" / "projector" / "labconfig"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "default_setting_overrides.json").write_text(json.dumps(LARGE), encoding="utf-8")
    known = os.environ.get("JUPYTER_CONFIG_PATH", "")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [str(folder.parent), known]))
    os.environ["COURSE_PROJECTOR"] = "1"


def start(lesson: Path | None, port: int, browser: bool) -> int:
    """Run JupyterLab until it is stopped. Nothing in it asks the network for news or updates."""
    sys.path.insert(0, str(ROOT))
    from course_utils import settings

    settings.quiet()  # kernels inherit this, and find the environment's own programs first
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    page = f"/lab/tree/{lesson.relative_to(ROOT).as_posix()}" if lesson else "/lab"
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [f"--LabApp.default_url={page}", "--log-level=WARN", "--LabApp.news_url="]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += ["--LabApp.extension_manager=readonly"]
    command += [] if browser else ["--no-browser"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    if os.name == "posix":
        os.execv(sys.executable, command)  # so that Ctrl-C and signals reach JupyterLab itself
    return subprocess.call(command)


def main() -> int:
    parser = argparse.ArgumentParser(description="Open JupyterLab on the learner's copies of the lessons.")
    parser.add_argument("action", nargs="?", choices=["open", "copy", "reset"], default="open")
    parser.add_argument("--lesson", help="its number, or part of its name")
    parser.add_argument("--port", type=int)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--projector", action="store_true", help="larger type and figures, for a room")
    options = parser.parse_args()
    if options.action == "reset":
        if not options.lesson:
            raise SystemExit("Which lesson? For example: make reset LESSON=3")
        old = reset(options.lesson)
        print("The lesson is fresh." + (f" Yours is kept as {old.relative_to(ROOT)}." if old else ""))
        return 0
    for name in copy_lessons():
        print(f"{name} has a newer version. Yours is kept; make reset LESSON={Path(name).stem[:2]} takes the new one.")
    if options.action == "copy":
        return 0
    if options.projector:
        project()
    names = sorted(LESSONS.glob("*.ipynb"))
    source = find(options.lesson) if options.lesson else names[0] if names else None
    return start(MINE / source.relative_to(LESSONS) if source else None, choose(options.port), not options.no_browser)


if __name__ == "__main__":
    sys.exit(main())
