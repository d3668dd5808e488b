"""Each lesson's take-home script runs without course_utils, against the provider's address, and is short."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils import provider

SCRIPTS = Path(__file__).parent.parent / "examples" / "takeaway"
ARGUMENTS = {"02": ["{folder}", "What is the cat's name?"]}
NOTE = (
    "The cat of this house is called Binnacle, and she is fed at seven and at six.\n\n"
    "The lamp is switched off at ten in the evening."
)


@pytest.fixture(scope="module")
def address():
    with provider.mock(), provider.serve() as served:
        yield served.url


@pytest.mark.parametrize("lesson", sorted(p.stem for p in SCRIPTS.glob("*.py")))
def test_takeaway(lesson, address, tmp_path):
    script = SCRIPTS / f"{lesson}.py"
    source = script.read_text(encoding="utf-8")
    assert "course_utils" not in source and len(source.splitlines()) <= 60
    (tmp_path / "note.txt").write_text(NOTE, encoding="utf-8")
    environment = os.environ | {
        "OPENAI_BASE_URL": address + "/v1",
        "OPENAI_API_KEY": "x",
        "CHAT_MODEL": "small",
        "EMBEDDING_MODEL": "embedding",
    }
    arguments = [a.format(folder=tmp_path) for a in ARGUMENTS[lesson]]
    done = subprocess.run(
        [sys.executable, str(script), *arguments], env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert "Binnacle" in done.stdout


def test_takeaway_says_how_it_is_called():
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "02.py")],
        capture_output=True,
        text=True,
        env=os.environ | {"OPENAI_API_KEY": "x"},
    )
    assert done.returncode != 0 and "Usage" in done.stderr
