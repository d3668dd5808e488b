"""Pictures of indexes: recall against speed, an engine a curve; and what a filter leaves of a result."""

from .drawing import COLOURS, MARKERS, new, styled
from .settings import CourseError


@styled
def speed_curves(curves, title: str = "", floor: float = 0.0):
    """Recall against speed (times that of exact search, logarithmic), a curve an index, its name in the legend.

    curves: {name: [(speed, recall), …]}, each with one point or more. floor: the lowest recall shown.
    """
    if not curves or not all(curves.values()):
        raise CourseError("speed_curves: give at least one (speed, recall) point for each name.")
    fig, ax = new(height=6.0)
    said = []
    for i, (name, points) in enumerate(curves.items()):
        points = sorted(points, key=lambda point: (-point[1], point[0]))  # along the knob
        style = {"color": COLOURS[i % 6], "marker": MARKERS[i % 8], "linestyle": ["-", "--", "-.", ":"][i % 4]}
        ax.plot(*zip(*points, strict=True), label=name, **style)
        (slow, high), (fast, low) = points[0], points[-1]
        ends = f"{name} recall {high:.2f} at {slow:.2g} times the speed"
        said.append(ends + (f" to {low:.2f} at {fast:.2g} times" if len(points) > 1 else ""))
    ax.axvline(1, color="#717581", linewidth=1.5, linestyle=":")
    ax.set_xscale("log")
    ax.minorticks_off()
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set_ylim(floor, 1.02)
    ax.set(xlabel="speed, exact search = 1 (each step: × 10)", ylabel="recall@10", title=title)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    head = f"{title}. " if title else ""
    fig.alt_text = f"{head}Recall against speed, exact search = 1: {'; '.join(said)}."
    return fig


@styled
def filter_curves(curves, shares, wanted: int = 10, title: str = ""):
    """Rows returned over the share of entries that fit a filter (logarithmic), a curve a setting.

    curves: {name: [rows, …]}, as many as shares (0 to 1). wanted: rows asked for, drawn as a line.
    """
    if any(len(rows) != len(shares) for rows in curves.values()) or not curves:
        raise CourseError(f"filter_curves: each curve needs {len(shares)} values, one for each share.")
    fig, ax = new(height=5.0)
    said = []
    for i, (name, rows) in enumerate(curves.items()):
        ax.plot(
            [100 * s for s in shares],
            rows,
            color=COLOURS[i % 6],
            marker=MARKERS[i % 8],
            linestyle=["-", "--", "-."][i % 3],
            label=name,
        )
        said.append(
            f"{name} {rows[0]:.1f} rows at {100 * shares[0]:.2g} % to {rows[-1]:.1f} at {100 * shares[-1]:.2g} %"
        )
    ax.axhline(wanted, color="#717581", linewidth=1.5, linestyle=":")
    ax.set_xscale("log")
    ax.minorticks_off()
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    ax.set_ylim(-0.3, wanted * 1.08)
    ax.set(xlabel="entries that fit the filter", ylabel=f"rows returned, of {wanted} wanted", title=title)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    head = f"{title}. " if title else ""
    fig.alt_text = f"{head}Rows returned of {wanted} wanted, over the share that fits: {'; '.join(said)}."
    return fig
