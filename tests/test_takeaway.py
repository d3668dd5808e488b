"""Each lesson's take-home script runs without course_utils, against the provider's address, and is short."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils import provider

SCRIPTS = Path(__file__).parent.parent / "examples" / "takeaway"
ARGUMENTS = {"01": ["{folder}", "What is the cat's name?"], "02": ["{folder}", "What is the cat's name?"]}
ARGUMENTS["03"] = ["{folder}/note.txt"]
ARGUMENTS["05"] = ["{folder}"]
ARGUMENTS["06"] = ["{folder}"]
ARGUMENTS["07"] = ["{folder}/note.txt", "English", "Portuguese"]
ARGUMENTS["08"] = ["{folder}/products.csv", "{folder}/purchases.csv", "anna"]
ARGUMENTS["10"] = ["try", "{folder}/note.txt", "What is the cat's name?"]
ARGUMENTS["11"] = ["{folder}", "What is the cat's name?"]
ARGUMENTS["12"] = ["{folder}/jobs.txt", "{folder}/note.txt"]
ARGUMENTS["13"] = ["{folder}/labelled.csv", "{folder}", "{folder}/requests"]
ARGUMENTS["09"] = ["{folder}/cats.py"]
ARGUMENTS["04"] = ["{folder}/messages.csv", "{folder}", "What is the cat's name?"]
FILES = {  # what a script reads beside note.txt
    "12": {"jobs.txt": "What is the cat's name?\nWhen is the lamp switched off?\n"},
    "09": {"cats.py": "def feed_Binnacle(hours, seen=[]):\n    seen.append(hours)\n    return max(seen)\n"},
    "13": {
        "labelled.csv": "question,Who feeds the cat?\nquestion,When is the lamp off?\norder,Where is my parcel?\n"
        "order,Has my order been sent?\n",
        "requests": "Where is my order?\nWhat is the name of the cat?\n",
    },
    "04": {
        "messages.csv": "house,Who feeds the cat?\nhouse,When is the lamp switched off?\norder,Where is my parcel?\n"
        "order,Has my order been sent?\nescalate,I want a person\nescalate,I was hurt\n",
    },
    "08": {
        "products.csv": "id,text\nB1,Binnacle brass lamp for the hall\nB2,Binnacle brass clock\nW1,Wool rug\nW2,Wool throw\n",
        "purchases.csv": "customer,id\nanna,B1\nbert,B1\nbert,B2\ncleo,W1\ncleo,W2\n",
    },
}
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
    for name, text in FILES.get(lesson, {}).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
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
