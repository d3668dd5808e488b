"""Figures, tables and panels: their words come from the data, their marks can be seen, their bytes are the same."""

import base64
import io
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from course_utils import drawing, plots, widgets
from course_utils.metering import Call
from course_utils.settings import CourseError


def meter(*calls):
    return SimpleNamespace(calls=list(calls))


def call(start, end, operation="chat", model="small", step="", first=None, source="record"):
    return Call(operation, model, start, end, first, source=source, step=step)


SEQUENCE = meter(*[call(10 + i, 11 + i, first=0.3) for i in range(3)])
PARALLEL = meter(
    *[call(0, 1.0, model="small"), call(0, 1.42, model="large"), call(0.5, 0.7, "embedding", "MiniLM", "find")]
)
POINTS = [
    ("nano", 0.02, 0.5, 0.4, 0.6),
    ("small", 0.1, 0.7),
    ("small twice", 0.2, 0.65),
    ("large", 4.0, 0.8, 0.75, 0.85),
]
CURVES = {"BM25": [0.4, 0.6, 0.7], "dense": [0.5, 0.8, 0.75]}
FIGURES = {
    "timeline": lambda: plots.timeline(SEQUENCE),
    "busy timeline": lambda: plots.timeline(meter(*[call(i / 9, i / 9 + 1, step=f"s{i % 4}") for i in range(40)])),
    "empty timeline": lambda: plots.timeline(meter()),
    "cost ladder": lambda: plots.cost_ladder(
        {"embedding": 0.0004, "own": 0, "LLM": (5, 40), "image": 20}, title="Cost"
    ),
    "frontier": lambda: plots.frontier(POINTS, title="Quality and cost"),
    "recall curve": lambda: plots.recall_curve(CURVES, ks=[1, 3, 5], intervals={"BM25": [(0.3, 0.5)] * 3}, mark=3),
    "reliability": lambda: plots.reliability([0.95] * 10 + [0.55] * 10, [1] * 9 + [0] + [1, 0] * 5),
}


def pixels(page):
    from PIL import Image

    data = base64.b64decode(re.search(r"base64,([^\"]+)", page)[1])
    return Image.open(io.BytesIO(data)).convert("RGB"), data


def contrast(one, other):
    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_can_be_seen():
    assert all(contrast(colour, "#ffffff") >= 3 for colour in drawing.COLOURS)
    assert contrast(drawing.INK, "#ffffff") >= 4.5
    dark = "#111111"  # JupyterLab's dark ground
    assert all(contrast(c, ground) >= 3 for c in widgets.BORDER.values() for ground in ("#ffffff", dark))
    assert len(drawing.HATCHES) == len(drawing.COLOURS) and min(drawing.STYLE["font.size"], 13) >= 13


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_words_fits_and_is_deterministic(name):
    fig = FIGURES[name]()
    assert len(fig.alt_text) > 20
    page = plots.figure_html(fig)
    image, data = pixels(page)
    assert data == pixels(plots.figure_html(FIGURES[name]()))[1]
    assert b"Software" not in data and len(data) < 120_000
    white = (255, 255, 255)
    edge = [image.getpixel((x, y)) for x in (0, image.width - 1) for y in range(image.height)]
    edge += [image.getpixel((x, y)) for x in range(image.width) for y in (0, image.height - 1)]
    assert sum(p != white for p in edge) <= 4  # nothing but an axis line reaches the edge: no clipped text


def test_the_same_bytes_under_other_settings_of_the_learner():
    import matplotlib

    before = pixels(plots.figure_html(plots.timeline(SEQUENCE)))[1]
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 20}):
        assert pixels(plots.figure_html(plots.timeline(SEQUENCE)))[1] == before


def test_timeline_in_words():
    assert plots.alt_timeline(SEQUENCE) == (
        "Timeline: 3 calls in 3.000 s. small (3 calls) 0.000 to 1.000 s, 1.000 to 2.000 s, 2.000 to 3.000 s. "
        "No two calls overlap."
    )
    words = plots.alt_timeline(PARALLEL)
    assert "3 calls in 1.420 s" in words and "find · embedding 0.500 to 0.700 s" in words
    assert "Up to 3 run at once; one after another they would take 2.620 s." in words
    assert plots.alt_timeline(meter()) == "Timeline: no model was called."


def test_timeline_takes_steps_and_frames():
    import pandas

    steps = meter(call(0, 2, "step", "answer", "answer", source="step"), call(0, 1.5, step="answer"))
    assert "1 call in 2.000 s. step: answer 0.000 to 2.000 s; answer · small 0.000 to 1.500 s." in plots.alt_timeline(
        steps
    )
    columns = ["operation", "model", "step", "start", "end", "time_to_first_token", "source"]
    frame = pandas.DataFrame([[getattr(c, n) for n in columns] for c in SEQUENCE.calls], columns=columns)
    assert plots.alt_timeline(frame) == plots.alt_timeline(SEQUENCE)
    frame["time_to_first_token"] = float("nan")
    assert plots.timeline(frame).alt_text == plots.alt_timeline(SEQUENCE)


def test_a_lane_a_parallel_call():
    def rows(m):
        return len(plots.timeline(m).axes[0].get_yticks())

    assert rows(SEQUENCE) == 1
    assert rows(meter(call(0, 1), call(0, 1), call(0.5, 2))) == 3


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "$0"),
        (0.0004, "$0.0004"),
        (0.00123, "$0.0012"),
        (0.25, "$0.25"),
        (1.1, "$1.10"),
        (40, "$40"),
        (1234.5, "$1,234"),
    ],
)
def test_dollars(value, said):
    assert plots.dollars(value) == said


def test_cost_ladder_in_words_and_order():
    fig = plots.cost_ladder([("image", 20), ("embedding", 0.0004), ("LLM", 5, 40)])
    assert fig.alt_text == (
        "Cost per 1,000 requests on a logarithmic scale, cheapest first: embedding $0.0004, LLM $5 to $40, image $20. "
        "The dearest costs 100,000 times the cheapest."
    )
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == ["embedding", "LLM", "image"]
    with pytest.raises(CourseError, match="not negative"):
        plots.cost_ladder({"a": -1})
    with pytest.raises(CourseError, match="give name and dollars"):
        plots.cost_ladder({})


def test_pareto_front():
    assert plots.pareto(POINTS) == ["nano", "small", "large"]
    assert plots.pareto([("a", 1, 0.5), ("b", 1, 0.6), ("c", 2, 0.6)]) == ["b"]
    assert "On the Pareto front: nano, small, large. Beaten: small twice." in plots.frontier(POINTS).alt_text
    with pytest.raises(CourseError, match="each point has"):
        plots.frontier([("a", None, 0.5)])


def test_names_of_points_overlap_nothing():
    fig = plots.frontier(POINTS + [("small again", 0.11, 0.69), ("small, third", 0.12, 0.7)])
    fig.draw_without_rendering()
    texts = [t for t in fig.axes[0].texts if t.get_text()]
    boxes = [t.get_window_extent() for t in texts]
    assert len(boxes) == 6
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(fig.bbox.x0 <= b.x0 and b.x1 <= fig.bbox.x1 for b in boxes)


def test_recall_curve_in_words():
    import pandas

    words = plots.recall_curve(CURVES, ks=[1, 3, 5]).alt_text
    assert "BM25 from 0.40 at k = 1 to 0.70 at k = 5;" in words
    assert "dense from 0.50 at k = 1 to 0.75 at k = 5, highest 0.80 at k = 3. dense leads at both ends." in words
    assert plots.recall_curve(pandas.DataFrame(CURVES, index=[1, 3, 5])).alt_text == words
    with pytest.raises(CourseError, match="dense does not have 3 values"):
        plots.recall_curve({"BM25": [1, 2, 3], "dense": [1]}, ks=[1, 2, 3])


def test_reliability_counts_and_error():
    words = FIGURES["reliability"]().alt_text
    assert "confidence 0.55, right 0.50 (n = 10); confidence 0.95, right 0.90 (n = 10)" in words
    assert words.endswith("Expected calibration error 0.050.")
    with pytest.raises(CourseError, match="between 0 and 1"):
        plots.reliability([1.2], [1])


def test_show_needs_words_and_escapes_them(capsys):
    from matplotlib.figure import Figure

    with pytest.raises(CourseError, match="alternative text"):
        plots.show(Figure())
    fig = Figure()
    fig.add_subplot().plot([1, 2])
    page = plots.figure_html(fig, alt='Cost "rises" <fast>. More words.')
    assert 'alt="Cost &quot;rises&quot; &lt;fast&gt;. More words."' in page
    assert "<figcaption>Cost &quot;rises&quot; &lt;fast&gt;.</figcaption>" in page
    plots.show(fig, alt="A line  that\nrises.")
    assert capsys.readouterr().out == "Figure: A line that rises.\n"


def test_dollars_in_a_caption_are_no_formula():
    from matplotlib.figure import Figure

    page = plots.figure_html(Figure(), alt="From $2 to $20 & more. The rest.", caption=None)
    assert "<figcaption>From <span>$</span>2 to <span>$</span>20 &amp; more.</figcaption>" in page
    assert 'alt="From $2 to $20 &amp; more. The rest."' in page  # an attribute is no formula
    assert re.sub(r"<[^>]+>", "", page) == "From $2 to $20 &amp; more."  # and it reads as before
    given = plots.figure_html(Figure(), alt="Prices.", caption="$1 or $2")
    assert "<figcaption><span>$</span>1 or <span>$</span>2</figcaption>" in given


def test_show_closes_a_pyplot_figure():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    fig = pyplot.figure()
    plots.show(fig, alt="An empty figure.")
    assert fig.number not in pyplot.get_fignums()


def test_table(capsys):
    import pandas

    frame = pandas.DataFrame({"system": ["BM25", "<dense>"], "recall": [0.51234, None]})
    page = plots.table_html(frame)
    assert page.count('scope="col"') == 2 and "0.512" in page and "&lt;dense&gt;" in page and "–" in page
    assert "<th>" not in plots.table_html(frame.set_index("system")).split("</thead>")[0]
    plots.table(frame, caption="Dev split")
    assert capsys.readouterr().out.startswith("Dev split\n")


def test_markup_escapes():
    text = widgets.markup("Use `a < b`, **not** <script>.\n\nThen:\n```python\nif a < b: ...\n```")
    assert text == (
        "<p>Use <code>a &lt; b</code>, <strong>not</strong> &lt;script&gt;.</p><p>Then:</p>"
        "<pre><code>if a &lt; b: ...</code></pre>"
    )


# --- Panels -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def screen(monkeypatch):
    """What a notebook would show."""
    import IPython.display

    shown = []
    monkeypatch.setattr(widgets, "in_notebook", lambda: True)
    monkeypatch.setattr(IPython.display, "display", lambda what, **_: shown.append(what))
    return shown


def test_panel_shows_a_static_result_then_moves(screen):
    def curve(k, fast=True, tier="small"):
        if k == 9:
            raise ValueError("no <ninth>")
        return plots.recall_curve({tier: [0.1 * k, 0.5]}) if fast else f"<p>{k}</p>"

    widgets.panel(curve, k=(1, 9), fast=True, tier=["nano", "small"], title="Recall", labels={"k": "passages"})
    static, box = screen
    assert (
        "passages = 1, fast = True, tier = small" in static["text/plain"] and "small from 0.10" in static["text/html"]
    )
    k, fast, tier, output = box.children
    assert (k.description, k.value, fast.value, tier.value) == ("passages", 1, True, "small")
    assert "img" not in output.value
    k.value = 4
    assert "small from 0.40" in output.value
    tier.value, fast.value = "nano", False
    assert output.value.endswith("<p>4</p>")
    k.value = 9
    assert "ValueError: no &lt;ninth&gt;" in output.value


def test_panel_ranges_and_errors(screen):
    widgets.panel(lambda share=0.5, words="x": str(share), share=(0.0, 1.0, 0.1), words="lamp")
    share, words, _ = screen[1].children
    assert (share.step, share.value, words.value) == (0.1, 0.5, "x")
    with pytest.raises(CourseError, match="no parameter 'k'"):
        widgets.panel(lambda share=0.5: "", k=(1, 2))
    with pytest.raises(CourseError, match="is no control"):
        widgets.panel(lambda k=1: "", k=(1,))


def test_panel_outside_a_notebook_prints_the_static_result(capsys):
    widgets.panel(lambda k=3: f"<p>k is {k}</p>", k=(1, 9))
    assert capsys.readouterr().out == "At the starting values (k = 3)\nk is 3\n"


def test_imports_stay_light():
    heavy = "matplotlib pandas ipywidgets numpy IPython torch"
    code = "import sys, course_utils.plots, course_utils.widgets, course_utils.checks, course_utils.scoreboard\n"
    code += f"print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
