"""Lesson 6: its data, its bars in the committed outputs, and bad input."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils import load, provider
from course_utils.settings import DATA, CourseError

ROOT = Path(__file__).parent.parent
POSTS = DATA / "posts"


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_posts", POSTS / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows():
    return [json.loads(line) for line in (POSTS / "posts.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_test_split_is_frozen(maker, rows):
    assert maker.frozen(rows) == (POSTS / "test.sha256").read_text(encoding="utf-8").strip()
    changed = [dict(row, text=row["text"] + "!") if row["id"] == "test-001" else row for row in rows]
    assert maker.frozen(changed) != maker.frozen(rows)


def test_texts_come_again_from_their_sentences(maker, rows):
    assert [row["text"] for row in maker.rows_of("dev")] == [row["text"] for row in rows if row["split"] == "dev"]


def test_no_sentence_that_breaks_a_rule_stands_in_two_splits(maker):
    seen = {}
    for split, own in maker.SENTENCES.items():
        for sentence in [*own["odd"], *own["closings"], *(s for rule in own["bad"].values() for s in rule)]:
            assert seen.setdefault(sentence, split) == split, sentence


def test_labels_say_what_a_post_holds(rows):
    for row in rows:
        assert (row["offending"] in row["text"]) and bool(row["offending"]) == (row["reason"] == "text")
        assert row["condition"] in row["text"]
        assert (row["symbol"] in ("skull", "pistol", "claw")) == (row["reason"] == "picture")
        hidden = row["damage"] != "intact" and row["claim"] != "damaged"
        assert hidden == (row["reason"] == "mismatch"), row["id"]
        assert (POSTS / "photos" / f"{row['id']}.jpg").is_file()


def test_size_of_the_data():
    def size(folder):
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

    assert size(POSTS) < 5_000_000 and size(DATA / "clips") < 2_000_000


def test_loaders():
    assert [len(load("posts", split=s)) for s in ("train", "dev", "test")] == [236, 120, 320]
    assert sum(w.breaks for w in load("written")) == 12 and len(load("written")) == 24
    assert {(count, kind) for _, count, kind in load("mugs")} == {
        (n, k) for n in range(1, 7) for k in ("apart", "close")
    }
    assert [film.split for film in load("films")] == ["dev", "test"]
    assert all(len(film.chapters) == 6 for film in load("films"))


@pytest.mark.parametrize(
    ("name", "options"), [("posts", {"split": "exam"}), ("films", {"split": "train"}), ("photo", {"path": "no.jpg"})]
)
def test_what_is_not_there_is_said_in_a_sentence(name, options):
    with pytest.raises(CourseError, match=r"There is no .+\."):
        load(name, **options)


def test_own_photo(tmp_path):
    file = tmp_path / "mine.jpg"
    file.write_bytes(load("photo").read_bytes())
    assert load("photo", path=str(file)) == file
    assert load("photo", path="data/images/gallery/sign-sale.jpg").is_file()


def test_films_decode_to_their_length_and_cuts():
    import av
    import numpy

    for film in load("films"):
        with av.open(str(film.file)) as file:
            assert file.streams.audio and file.streams.video
            frames = [(float(f.time), f.to_ndarray()[: f.height : 4, ::4].astype(int)) for f in file.decode(video=0)]
        assert abs(frames[-1][0] - film.seconds) < 0.2
        times, grey = numpy.array([t for t, _ in frames]), numpy.stack([g for _, g in frames])
        cuts = times[1:][numpy.abs(numpy.diff(grey, axis=0)).mean(axis=(1, 2)) > 8]
        assert numpy.allclose(cuts, [s["start"] for s in film.shots[1:]], atol=0.01)


def test_take_home_desk_looks_at_the_photo_too(tmp_path):
    """Against the provider's mock, whose eyes are real: the photo's answer stands beside the text's."""
    bad = next(post for post in load("posts", split="test") if post.reason == "picture")
    (tmp_path / "sale.txt").write_text("A mug of good make.", encoding="utf-8")
    (tmp_path / "sale.jpg").write_bytes(bad.photo.read_bytes())
    with provider.mock(), provider.serve() as served:
        environment = os.environ | {"OPENAI_BASE_URL": served.url + "/v1", "OPENAI_API_KEY": "x", "CHAT_MODEL": "small"}
        command = [sys.executable, str(ROOT / "examples" / "takeaway" / "06.py"), str(tmp_path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sale: ") and bad.symbol in done.stdout
