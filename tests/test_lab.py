"""make lab and make reset: the learner's copies, and the port."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import lab


@pytest.fixture
def folders(tmp_path):
    lessons, mine = tmp_path / "notebooks", tmp_path / "my_notebooks"
    (lessons / "further").mkdir(parents=True)
    for name in ("01_why.ipynb", "03_documents.ipynb", "further/10_ray.ipynb"):
        (lessons / name).write_text(f'{{"cells": ["{name}"]}}')
    (lessons / ".ipynb_checkpoints").mkdir()
    (lessons / ".ipynb_checkpoints" / "01_why-checkpoint.ipynb").write_text("{}")
    return lessons, mine


def test_all_lessons_are_copied_once(folders):
    lessons, mine = folders
    assert lab.copy_lessons(lessons, mine) == []
    names = sorted(file.relative_to(mine).as_posix() for file in mine.rglob("*.ipynb"))
    assert names == ["01_why.ipynb", "03_documents.ipynb", "further/10_ray.ipynb"]
    assert lab.copy_lessons(lessons, mine) == []


def test_what_the_learner_changed_is_kept(folders):
    lessons, mine = folders
    lab.copy_lessons(lessons, mine)
    (mine / "03_documents.ipynb").write_text("mine")
    (lessons / "03_documents.ipynb").write_text("newer")
    (lessons / "01_why.ipynb").write_text("newer too")
    assert lab.copy_lessons(lessons, mine) == ["03_documents.ipynb"]
    assert (mine / "03_documents.ipynb").read_text() == "mine"
    assert (mine / "01_why.ipynb").read_text() == "newer too"


def test_a_lost_memory_overwrites_nothing(folders):
    lessons, mine = folders
    lab.copy_lessons(lessons, mine)
    (mine / "01_why.ipynb").write_text("mine")
    (mine / lab.MEMORY).write_text("not json")
    assert lab.copy_lessons(lessons, mine) == ["01_why.ipynb"]
    assert (mine / "01_why.ipynb").read_text() == "mine"
    assert json.loads((mine / lab.MEMORY).read_text())


def test_reset_starts_afresh_and_keeps_the_old_one(folders):
    lessons, mine = folders
    lab.copy_lessons(lessons, mine)
    for number, text in ((1, "first try"), (2, "second try")):
        (mine / "03_documents.ipynb").write_text(text)
        old = lab.reset("3", lessons, mine)
        assert old.name == f"03_documents.mine-{number}.ipynb" and old.read_text() == text
        assert (mine / "03_documents.ipynb").read_bytes() == (lessons / "03_documents.ipynb").read_bytes()
    assert lab.reset("03", lessons, mine) is None
    assert lab.copy_lessons(lessons, mine) == []


@pytest.mark.parametrize(("asked", "name"), [("3", "03_documents"), ("03", "03_documents"), ("ray", "10_ray")])
def test_a_lesson_is_found_by_number_or_name(folders, asked, name):
    assert lab.find(asked, folders[0]).stem == name


def test_a_lesson_that_is_not_there_is_named(folders):
    with pytest.raises(SystemExit, match="There is no lesson 9. The lessons are 01_why, 03_documents, 10_ray"):
        lab.find("9", folders[0])


@pytest.fixture
def occupied():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_an_occupied_port_is_named(occupied):
    with pytest.raises(SystemExit, match=f"Port {occupied} is in use.*make lab PORT={occupied + 1}"):
        lab.choose(occupied)


def test_without_a_wish_the_next_free_port_is_taken(occupied, capsys):
    chosen = lab.choose(None, first=occupied, tries=50)
    assert chosen > occupied and not lab.taken(chosen)
    assert f"Port {occupied} is in use by another program, so JupyterLab takes {chosen}." in capsys.readouterr().out
    with pytest.raises(SystemExit, match="all in use"):
        lab.choose(None, first=occupied, tries=1)


def fetch(url: str) -> bytes:
    """A page of a server that says its address a moment before it listens."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 10
    while True:
        try:
            with direct.open(url, timeout=30) as page:
                return page.read()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise


def test_jupyterlab_answers(tmp_path, occupied):
    port = lab.choose(None, first=occupied, tries=50)
    code = f"import sys; sys.path.insert(0, 'tools'); import lab; lab.start(None, {port}, browser=False)"
    folders = dict.fromkeys(("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"), str(tmp_path))
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(lab.__file__).parent.parent,
        env=os.environ | folders,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = []
        for line in server.stderr:
            lines.append(line)
            if found := re.search(rf"http://127\.0\.0\.1:{port}/lab\?token=\w+", line):
                break
        else:
            pytest.fail("".join(lines))
        assert b"jupyter-config-data" in fetch(found[0])
    finally:
        server.terminate()
        server.communicate(timeout=30)
