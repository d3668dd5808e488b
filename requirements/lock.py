"""Write requirements/*.lock from pyproject.toml with uv (developers only; learners need pip alone).

    python -m venv /tmp/uv && /tmp/uv/bin/pip install uv
    make lock UV=/tmp/uv/bin/uv              # a new dependency joins, pins that stand stay
    make lock UV=/tmp/uv/bin/uv UPGRADE=1    # everything moves to its newest version

core.lock holds what every lesson needs; each other file holds only what its extra adds, at versions resolved together
with everything else, so any set of them installs side by side with
    pip install --no-deps --require-hashes -r requirements/core.lock [-r requirements/frameworks.lock ...]
"""

import argparse
import collections
import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
HEAD = "# Made by requirements/lock.py from pyproject.toml. Install with pip --no-deps --require-hashes\n"


def entries(text: str) -> dict[str, str]:
    """Each pin of a lock, hashes included, under its first line (name, version, marker)."""
    found = re.split(r"(?m)^(?=[A-Za-z0-9])", text)
    return {entry.split("\n", 1)[0].rstrip(" \\"): entry for entry in found if re.match(r"[A-Za-z0-9]", entry)}


def resolve(uv: str, *args: str) -> str:
    """What `uv pip compile` makes of pyproject.toml, without the marker that every supported machine meets."""
    fixed = "--universal --fork-strategy fewest --python-version 3.11 --no-header --no-annotate --quiet"
    command = [uv, "pip", "compile", "pyproject.toml", *fixed.split(), *args]
    text = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    markers = collections.Counter(re.findall(r"(?m)^\S+==\S+( ; .*?)(?: \\)?$", text))
    noise = markers.most_common(1)[0][0] if markers else ""
    return re.sub(re.escape(noise) + r"(?=$| \\$)", "", text, flags=re.M) if noise else text


def standing() -> str:
    """The pins as they stand, for uv to keep to."""
    return "\n".join(pin for lock in sorted(HERE.glob("*.lock")) for pin in entries(lock.read_text(encoding="utf-8")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--uv", default="uv")
    parser.add_argument("--upgrade", action="store_true")
    options = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "all.txt")
        pins.write_text("" if options.upgrade else standing(), encoding="utf-8")
        resolve(options.uv, "--all-extras", "--output-file", str(pins))
        text = resolve(options.uv, "--generate-hashes", "-c", str(pins))
        core = entries(text)
        (HERE / "core.lock").write_text(HEAD + "".join(core.values()), encoding="utf-8")
        print("core", len(core))
        for extra in project["optional-dependencies"]:
            both = entries(resolve(options.uv, "--generate-hashes", "-c", str(pins), "--extra", extra))
            own = [entry for pin, entry in both.items() if pin not in core]
            (HERE / f"{extra}.lock").write_text(HEAD + "".join(own), encoding="utf-8")
            print(extra, len(own))


if __name__ == "__main__":
    main()
