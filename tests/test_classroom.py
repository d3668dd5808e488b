"""The classroom's settings: a projector's larger type, and time that is really waited for."""

import asyncio
import base64
import json
import re
import struct
import time

import lab
from course_utils import clock, drawing, run, widgets


def size(page: str) -> tuple[int, int]:
    data = base64.b64decode(re.search(r"base64,([^\"]+)", page)[1])
    return struct.unpack(">II", data[16:24])


def test_a_figure_is_larger_on_a_projector(monkeypatch):
    figure, axes = drawing.new()
    axes.plot([1, 2])
    before = size(drawing.figure_html(figure, "A line."))
    monkeypatch.setenv("COURSE_PROJECTOR", "1")
    after = size(drawing.figure_html(figure, "A line."))
    assert after[0] / before[0] == drawing.PROJECTED / drawing.DPI > 1.4


def test_boxes_and_tables_are_larger_on_a_projector(monkeypatch):
    shown = []
    monkeypatch.setattr(widgets, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data["text/html"]))
    widgets.note("One sentence.")
    monkeypatch.setenv("COURSE_PROJECTOR", "1")
    widgets.note("One sentence.")
    assert widgets.LARGER not in shown[0] and f"font-size:{widgets.LARGER}" in shown[1]


def test_the_projector_mode_of_jupyterlab(monkeypatch, tmp_path):
    monkeypatch.setattr(lab, "ROOT", tmp_path)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "elsewhere")
    monkeypatch.setenv("COURSE_PROJECTOR", "")
    lab.project()
    folder, other = lab.os.environ["JUPYTER_CONFIG_PATH"].split(lab.os.pathsep)
    text = (tmp_path / ".cache/projector/labconfig/default_setting_overrides.json").read_text(encoding="utf-8")
    assert other == "elsewhere" and folder == str(tmp_path / ".cache" / "projector")
    assert json.loads(text) == lab.LARGE and lab.os.environ["COURSE_PROJECTOR"] == "1"


def test_live_mode_waits_as_a_user_would(monkeypatch):
    begun = time.monotonic()
    run(asyncio.sleep(30))
    assert time.monotonic() - begun < 20 and not clock.is_live()
    monkeypatch.setenv("COURSE_LIVE", "1")
    begun = time.monotonic()
    run(asyncio.sleep(0.2))
    assert time.monotonic() - begun >= 0.2 and clock.is_live()
