"""Lesson 5: its data is frozen and agrees with the facts, its graph keeps to the critical path, its checks stop a lie."""

import ast
import asyncio
import hashlib
import json
import os
import re
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from cells import code_cells, shown
from course_utils import load, provider, run
from course_utils.settings import DATA, ROOT, CourseError

FOLDER, NOTEBOOK = DATA / "listings", ROOT / "notebooks" / "05_content.ipynb"
FACTS = {flat["id"]: flat for flat in load("company")["flats"]}


@pytest.fixture(scope="module")
def lesson():
    """The lesson's functions and constants, as its cells define them; nothing is asked and no cell is run."""
    space = {}
    for _, cell in code_cells(nbformat.read(NOTEBOOK, 4)):
        for node in ast.parse(cell.source).body:
            kept = isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            names = [t.id for t in getattr(node, "targets", [getattr(node, "target", None)]) if isinstance(t, ast.Name)]
            if kept or any(name.isupper() or name in ("needs", "company", "products", "sheets") for name in names):
                exec(compile(ast.Module([node], []), "lesson", "exec"), space)
    return space


def said(pattern):
    """The first match of a pattern in what the committed notebook shows."""
    for _, cell in code_cells(nbformat.read(NOTEBOOK, 4)):
        for _, text in shown(cell):
            if match := re.search(pattern, text):
                return match
    raise AssertionError(f"The lesson shows nothing like {pattern}.")


# ---- the data


def test_test_data_is_as_it_was_frozen():
    digests = [line.split("  ")[0] for line in (FOLDER / "frozen.sha256").read_text(encoding="utf-8").splitlines()]
    for digest, name in zip(digests, ("claims", "sentences"), strict=False):
        rows = map(json.loads, (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
        rows = sorted((row for row in rows if row["split"] == "test"), key=lambda row: row["id"])
        text = "\n".join(json.dumps(r, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for r in rows)
        assert hashlib.sha256(text.encode()).hexdigest() == digest, name
    pictures = hashlib.sha256()
    for file in sorted((FOLDER / "stock").glob("query-*.jpg")):
        pictures.update(file.name.encode() + file.read_bytes())
    assert pictures.hexdigest() == digests[2]


def test_photos_agree_with_the_facts():
    shots = load("listings", part="photos")
    for flat, facts in FACTS.items():
        first = [s.room for s in shots if s.flat == flat and s.shot == "a"]
        assert first == [s.room for s in shots if s.flat == flat and s.shot == "b"]
        assert sum(room in ("living room", "bedroom", "office") for room in first) == facts["rooms"], flat
        assert Counter(first)["kitchen"] == Counter(first)["bathroom"] == 1
        let = {s.split for s in shots if s.flat == flat}
        assert let == {"dev" if "let_until" in facts else "test"}
    assert all((DATA / s.file).is_file() for s in [*shots, *load("listings", part="stock")])


def test_no_sentence_stands_there_twice():
    for part in ("claims", "sentences"):
        texts = [(row.flat, row.text.lower()) for row in load("listings", part=part)]
        assert len(texts) == len(set(texts)), part
    assert {(row.flat in FACTS) for row in load("listings", part="claims")} == {True}


def test_what_is_not_there_is_refused_in_a_sentence():
    with pytest.raises(CourseError, match="no part 'videos'.*claims"):
        load("listings", part="videos")
    with pytest.raises(CourseError, match="no split 'train'"):
        load("listings", part="claims", split="train")


# ---- the checks


def test_two_bathrooms_are_caught_against_the_photos(lesson):
    rooms = ["living room", "bedroom", "bedroom", "kitchen", "bathroom"]
    check, facts = lesson["problems"], lesson["sheets"]["FL-06"]
    seen = {"rooms": rooms, "colour": "blue"}
    assert "bathroom" in check("There are two bathrooms.", facts, seen)[0]
    assert check("It has two bedrooms and a bathroom, on the first floor.", facts, seen) == []
    assert (
        check("There are two bathrooms.", facts, {"rooms": [*rooms, "bathroom"]}) == []
    )  # the lesson's own weak point
    assert "rent" in check("You pay £1,270 a month.", facts, seen)[0]
    assert "lift" in check("A lift takes you up.", facts, seen)[0]
    assert check("There is no lift.", facts, seen) == []


def test_the_fact_check_stops_nothing_true(lesson):
    shots = load("listings", part="photos")
    for claim in load("listings", part="claims"):
        seen = {"rooms": [s.room for s in shots if s.flat == claim.flat and s.shot == "a"]}
        found = lesson["problems"](claim.text, lesson["sheets"][claim.flat], seen)
        assert not (found and claim.label == "true"), (claim.text, found)


def test_the_critic_counts_ten_points(lesson):
    facts, seen = lesson["sheets"]["FL-03"], {"rooms": ["bedroom", "kitchen", "bathroom"], "colour": "yellow"}
    good = (
        "The Signal Room is on the fourth floor in Saltmere; there is no lift. You get one room of 37 m² for £890 a month. "
        "The energy rating is D. The bedroom has the Cabin double bed and a Pilot bedside lamp, and the Lens wall lamp "
        "lights the door. The kitchen and the bathroom are yours alone. The Shingle jute rug lies by the bed."
    )
    assert lesson["critic"](good, facts, seen) == []
    assert len(lesson["critic"]("A stunning dream with two bathrooms!", facts, seen)) >= 9
    assert any("Take out: dream, !" in line for line in lesson["critic"](good + " A dream!", facts, seen))


def test_a_photograph_of_something_else_is_no_room(lesson):
    import skimage.data
    from PIL import Image

    cat, kitchen = Image.fromarray(skimage.data.chelsea()), DATA / "listings" / "photos" / "FL-03-2-kitchen-a.jpg"
    assert lesson["see"]([kitchen, cat])["rooms"] == ["kitchen", "no room: Egyptian cat"]
    with pytest.raises(CourseError):
        lesson["see"]([b"not a picture"])


# ---- the graph


def pauses(seconds):
    return {name: lambda *_, t=t: asyncio.sleep(t) for name, t in seconds.items()}


def test_the_graph_takes_as_long_as_its_critical_path(lesson):
    needs, names = lesson["needs"], list(lesson["needs"])
    seconds = {name: 0.1 * (3 * i % 7 + 1) for i, name in enumerate(names)}
    took = run(lesson["clocked"](lesson["run_graph"](pauses(seconds), needs)))
    assert took == pytest.approx(max(lesson["ends"](seconds, needs).values()), abs=0.002)
    backwards = {name: needs[name] for name in reversed(names)}  # the order of the dictionary says nothing
    assert run(lesson["clocked"](lesson["run_graph"](pauses(seconds), backwards))) == took


def test_a_step_off_the_path_may_be_as_fast_as_it_likes(lesson):
    needs = lesson["needs"]
    seconds = dict.fromkeys(needs, 0.1) | {"draft": 1.0, "polish": 1.0, "pictures": 1.5}

    def took(seconds):
        return run(lesson["clocked"](lesson["run_graph"](pauses(seconds), needs)))

    assert took(seconds | {"pictures": 0.01}) == took(seconds)
    assert took(seconds | {"draft": 0.5}) == pytest.approx(took(seconds) - 0.5, abs=0.002)


def test_a_failing_step_stops_the_listing(lesson):
    needs = lesson["needs"]

    async def out_of_paint(*_):
        raise CourseError("There is no paint.")

    with pytest.raises(CourseError, match="no paint"):
        run(lesson["run_graph"](pauses(dict.fromkeys(needs, 0.1)) | {"pictures": out_of_paint}, needs))


def test_publish_stops_for_a_reason(lesson):
    head = lesson["Head"](title="Flat", keywords=[])
    assert run(lesson["publish"]("text", head, [], [], [], []))["published"]
    assert not run(lesson["publish"]("text", head, [], [], ["2 bathrooms"], []))["published"]
    assert not run(lesson["publish"]("text", head, [], [], [], ["may not be said"]))["published"]


def test_a_photo_of_ones_own_goes_through_the_whole_system(lesson):
    """Mocks write here; the photo is one that the course did not make for this lesson."""
    own = lesson | {
        "model": type(
            "Classifier", (), {"predict_proba": lambda self, vectors: lesson["np"].zeros((len(vectors), 2))}
        )(),
        "stock": {"shelf": load("listings", part="stock", split="dev")},
        "writers": {tier: lesson["chat_model"](tier, max_tokens=120) for tier in ("small", "large")},
        "entitler": lesson["chat_model"]("small").with_structured_output(lesson["Head"], method="json_schema"),
    }
    lesson.update(own)  # the lesson's functions read these names
    lesson["features"] = {s.file: lesson["look"](DATA / s.file).features for s in own["stock"]["shelf"]}
    lesson["tints"] = {file: lesson["tint"](DATA / file) for file in lesson["features"]}
    photo = DATA / "images" / "gallery" / "flat-1-kitchen.jpg"
    with provider.mock():
        listing = run(lesson["gated"](lesson["sheets"]["FL-03"], [photo]))
    assert listing["pictures"] == 3 and listing["text"] and isinstance(listing["published"], bool)
    cat = lesson["Image"].fromarray(lesson["skimage"].data.chelsea())
    stopped = run(lesson["gated"](lesson["sheets"]["FL-03"], [photo, cat]))
    assert stopped == {"published": False, "reasons": ["a photo shows no room: Egyptian cat"]}


# ---- the bars, on the committed notebook


def test_the_run_lies_within_a_tenth_of_its_critical_path():
    match = said(r"critical path ([\d.]+) s, the run took ([\d.]+) s")
    least, took = float(match[1]), float(match[2])
    assert least <= took + 0.001 and took <= 1.1 * least


def test_halving_the_pictures_saved_nothing():
    match = said(r"pictures halved: ([\d.]+) s saved; draft halved: ([\d.]+) s saved")
    assert float(match[1]) == 0 < float(match[2])


# ---- to take home


def test_the_script_checks_figures_and_rooms(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    script = runpy.run_path(str(ROOT / "examples" / "takeaway" / "05.py"))
    found = asyncio.run(script["check"]("97 m², a bathroom and an office.", ["bathroom", "no room"], "Area: 79 m²"))
    assert found == ["97 is not in the facts", "no photo shows a office", "a photo shows no room"]


def test_the_script_runs_on_photos(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_REPLIES", "auto")  # what the mock reads in a picture is on no record
    (tmp_path / "facts.txt").write_text("Rent: £890 a month. Area: 37 m².", encoding="utf-8")
    photo = FOLDER / "photos" / "FL-03-2-kitchen-a.jpg"
    (tmp_path / "kitchen.jpg").write_bytes(photo.read_bytes())
    with provider.mock(), provider.serve() as served:
        environment = os.environ | {"OPENAI_BASE_URL": served.url + "/v1", "OPENAI_API_KEY": "x", "CHAT_MODEL": "small"}
        script = [sys.executable, str(ROOT / "examples" / "takeaway" / "05.py")]
        done = subprocess.run(
            [*script, str(tmp_path)], env=environment, capture_output=True, text=True, encoding="utf-8"
        )
        wrong = subprocess.run([*script, str(Path(tmp_path, "none"))], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.rstrip().endswith("Published."), done.stderr
    assert wrong.returncode != 0 and "Usage" in wrong.stderr
