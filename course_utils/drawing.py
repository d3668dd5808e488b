"""Figures with alternative text from their own data, and clean tables.

A figure made here shows itself at the end of a cell, or by `show(fig)`. Marks have at least 3:1 contrast on white, text
4.5:1; colour never stands alone (markers, hatches); type is large enough for a projector. PNG bytes are deterministic.
"""

import html

from . import settings
from .settings import CourseError
from .widgets import emit

# The members of matplotlib's colour-blind safe `petroff10` that reach 3:1 on white.
COLOURS = ["#3f90da", "#bd1f01", "#832db6", "#e76300", "#a96b59", "#717581"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
HATCHES = ["", "//", "..", "xx", "\\\\", "--"]
INK = "#222222"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 14,
    "axes.titlesize": 16,
    "axes.titlelocation": "left",
    "axes.labelsize": 14,
    "xtick.labelsize": 13,
    "ytick.labelsize": 13,
    "legend.fontsize": 13,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#555555",
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 2.5,
    "lines.markersize": 9,
    "hatch.color": "white",
    "hatch.linewidth": 1.5,
    "legend.frameon": False,
    "text.parse_math": False,  # $ is a dollar
}
DPI = 80  # 10 inches are 800 pixels: type of 14 points is 16 pixels high
PROJECTED = 120  # dots per inch in projector mode


def new(height=4.5, width=10.0):
    """A figure outside pyplot (nothing to close, nothing shown twice) that shows itself; and its axes."""
    from matplotlib.figure import Figure

    class Picture(Figure):
        alt_text = ""

        def _ipython_display_(self):
            show(self)

    fig = Picture(figsize=(width, height), dpi=DPI, layout="constrained")
    return fig, fig.add_subplot()


def _style():
    """Matplotlib's defaults with STYLE on top, whatever the learner or the inline backend has set."""
    from matplotlib import style

    return style.context(["default", STYLE])


def styled(function):
    """Draw with the course's style."""
    import functools

    @functools.wraps(function)
    def draw(*args, **options):
        with _style():
            return function(*args, **options)

    return draw


def _dollars_apart(page: str) -> str:
    """HTML text with each $ in an element of its own: JupyterLab takes what stands between two of them for a formula."""
    return page.replace("$", "<span>$</span>")


def figure_html(fig, alt: str | None = None, caption: str | None = None) -> str:
    """A figure as HTML with its alternative text: `alt`, else fig.alt_text. CourseError if it has none."""
    import base64
    import io
    import sys

    alt = " ".join((alt or getattr(fig, "alt_text", "") or "").split())
    if not alt:
        raise CourseError('show: a figure needs alternative text that carries its message: show(fig, alt="…").')
    file = io.BytesIO()
    with _style():
        dots = PROJECTED if settings.projector() else DPI
        fig.savefig(file, format="png", dpi=dots, facecolor="white", metadata={"Software": None})
    if "matplotlib.pyplot" in sys.modules:  # else the inline backend shows it again
        sys.modules["matplotlib.pyplot"].close(fig)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    caption = _dollars_apart(html.escape(caption or alt.split(". ")[0].rstrip(".") + "."))
    return (
        f'<figure style="margin:0.5em 0"><img alt="{html.escape(alt)}" style="max-width:100%" '
        f'src="data:image/png;base64,{data}"><figcaption>{caption}</figcaption></figure>'
    )


def show(fig, alt: str | None = None, caption: str | None = None) -> None:
    """Show a matplotlib figure with alternative text, and close it.

    alt: the figure's message in words; may be left out for figures made here. caption: default, alt's first sentence.
    """
    page = figure_html(fig, alt, caption)
    emit(page, "Figure: " + " ".join((alt or fig.alt_text).split()))


def table_html(frame, index=None, digits: int = 3) -> str:
    """A data frame as an HTML table; its index is shown where it has a name, or as `index` says."""
    index = any(frame.index.names) if index is None else index
    page = frame.to_html(index=index, border=0, na_rep="–", float_format=lambda v: f"{v:.{digits}f}", justify="left")
    return page.replace("<th>", '<th scope="col">').replace("<th></th>", "<td></td>")


def table(frame, index=None, digits: int = 3, caption: str = "") -> None:
    """Show a data frame as a table with column headers, `digits` decimals and a caption."""
    index = any(frame.index.names) if index is None else index
    text = frame.to_string(index=index, na_rep="–", float_format=lambda v: f"{v:.{digits}f}")
    head = f"<p><strong>{_dollars_apart(html.escape(caption))}</strong></p>" if caption else ""
    emit(head + table_html(frame, index, digits), f"{caption}\n{text}" if caption else text)
