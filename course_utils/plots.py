"""The course's figures: timeline, cost ladder, frontier, recall curve, reliability diagram; `show`, `table`.

Each returns a figure whose `alt_text` says what it shows, from the same data. It shows itself at the end of a cell.
"""

import itertools

from .drawing import COLOURS, HATCHES, MARKERS, figure_html, new, show, styled, table, table_html
from .gantt import alt_timeline, timeline
from .settings import CourseError

__all__ = [
    "alt_timeline",
    "cost_ladder",
    "dollars",
    "figure_html",
    "frontier",
    "pareto",
    "recall_curve",
    "reliability",
    "show",
    "table",
    "table_html",
    "timeline",
]


def dollars(value: float) -> str:
    """Dollars: whole from 100, cents from 1, two significant digits below; no exponent."""
    if value >= 100 or value == round(value):
        return f"${value:,.0f}"
    if value >= 0.095:
        return f"${value:.2f}"
    return f"${value:.{1 - _exponent(value)}f}".rstrip("0")


def _exponent(value):
    return int(f"{abs(value):e}".partition("e")[2])


def _rows(rows):
    """(name, low, high) of a mapping, pairs, triples or a frame with two or three columns."""
    if hasattr(rows, "itertuples"):
        rows = list(rows.itertuples(index=False, name=None))
    items = rows.items() if hasattr(rows, "items") else rows
    flat = [(i[0], *(i[1] if isinstance(i[1], tuple | list) else i[1:])) for i in items]
    flat = [(str(n), float(v[0]), float(v[-1])) for n, *v in flat]
    if not flat or any(low < 0 or high < low for _, low, high in flat):
        raise CourseError(
            "cost_ladder: give name and dollars per 1,000 requests (a number, or low and high, not negative)."
        )
    return flat


@styled
def cost_ladder(rows, title: str = "", unit: str = "1,000 requests"):
    """Horizontal bars of dollars per 1,000 requests on a logarithmic scale, cheapest first.

    rows: {name: dollars} or {name: (low, high)}, pairs, or a frame of name and dollars. Free rows are named beside 0.
    """
    rows = sorted(_rows(rows), key=lambda r: (r[1], r[2], r[0]))
    positive = [value for row in rows for value in row[1:] if value > 0] or [1.0]
    left, right = (
        10.0 ** (_exponent(min(positive)) - (min(positive) < 2 * 10.0 ** _exponent(min(positive)))),
        max(positive),
    )
    fig, ax = new(height=1.6 + 0.55 * len(rows))
    for y, (_, low, high) in enumerate(rows):
        colour, hatch = COLOURS[y % 6], HATCHES[y % 6]
        start, end = (low, high) if high > low > 0 else (left, high)
        if high > 0:
            ax.barh(y, end - start, left=start, height=0.6, facecolor=colour, hatch=hatch)
        said = dollars(high) if low == high else f"{dollars(low)} to {dollars(high)}"
        ax.annotate(said, (max(high, left), y), (6, 0), textcoords="offset points", va="center")
    ax.set_xscale("log")
    ax.set_xlim(left, max(right * (right / left) ** 0.25, 12 * left))  # room for the labels
    ax.set_yticks(range(len(rows)), [row[0] for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.minorticks_off()
    ax.xaxis.set_major_formatter(lambda value, _: dollars(value))
    ax.set_xlabel(f"dollars per {unit} (each step: × 10)")
    ax.set_title(title)
    said = [f"{n} {dollars(a)}" + (f" to {dollars(b)}" if b > a else "") for n, a, b in rows]
    times = f" The dearest costs {right / min(positive):,.0f} times the cheapest." if right > min(positive) else ""
    head = f"{title}. " if title else ""
    fig.alt_text = f"{head}Cost per {unit} on a logarithmic scale, cheapest first: {', '.join(said)}.{times}"
    return fig


def _points(points):
    """(name, cost, quality, low, high) of tuples, dicts or a frame; low and high default to quality."""
    if hasattr(points, "to_dict"):
        points = points.to_dict("records")
    names = ("name", "cost", "quality", "low", "high")
    flat = []
    for point in points:
        values = [point.get(n) for n in names] if isinstance(point, dict) else [*point, None, None][:5]
        name, cost, quality, low, high = [None if v is None or v != v else v for v in values]
        if None in (name, cost, quality) or cost < 0:
            raise CourseError(
                "frontier: each point has a name, a cost (not negative), a quality, and perhaps low and high."
            )
        flat.append((str(name), float(cost), *(float(quality if v is None else v) for v in (quality, low, high))))
    return flat


def pareto(points) -> list[str]:
    """Names of the points that no other beats: none is at most as dear and better, or cheaper and as good."""
    best, front = float("-inf"), []
    for name, _, quality, *_ in sorted(_points(points), key=lambda p: (p[1], -p[2])):
        if quality > best:
            best = quality
            front.append(name)
    return front


def _label(fig, ax, points, line):
    """Write each point's name where it covers no point, no other name and no edge, if there is such a place."""
    from matplotlib.transforms import Bbox

    fig.draw_without_rendering()
    at = [ax.transData.transform((p[1], p[2])) for p in points]
    ends = [[ax.transData.transform((p[1], v))[1] for v in p[3:]] for p in points]
    taken = [Bbox.from_bounds(x - 9, y - 9, 18, 18) for x, y in at]
    taken += [Bbox.from_extents(x - 5, low, x + 5, high) for (x, _), (low, high) in zip(at, ends, strict=True)]
    corners = [ax.transData.transform(corner) for corner in line]
    for (x0, y0), (x1, y1) in itertools.pairwise(corners):  # the front: first right, then up
        taken += [Bbox.from_extents(x0, y0 - 2, x1, y0 + 2), Bbox.from_extents(x1 - 2, y0, x1 + 2, y1)]
    sides = [(14 * s, dy) for dy in (0, 14, -14, 26, -26, 40, -40) for s in (1, -1)]
    for point, (_, y), (low, high) in zip(points, at, ends, strict=True):
        beyond = [
            (dx, dy) for dx in (0, 1, -1) for dy in (high - y + 12, low - y - 13, high - y + 28, low - y - 30)
        ]  # above, below the interval
        places = [*sides[:6], *beyond, *sides[6:], (14, 0)]
        for dx, dy in places:
            side = "left" if dx > 0 else "right" if dx < 0 else "center"
            text = ax.annotate(point[0], point[1:3], (dx, dy), textcoords="offset pixels", ha=side, va="center")
            extent = text.get_window_extent()
            inside = ax.bbox.x0 <= extent.x0 and extent.x1 <= fig.bbox.x1 - 5 and ax.bbox.y0 <= extent.y0
            if inside and extent.y1 <= ax.bbox.y1 and not any(extent.overlaps(t) for t in taken):
                break
            text.remove()
        else:
            text = ax.annotate(point[0], point[1:3], places[-1], textcoords="offset pixels", va="center")
        text.set_in_layout(False)  # or the axes would shrink to make room
        taken.append(text.get_window_extent())


@styled
def frontier(points, title: str = "", quality: str = "share right", cost: str = "dollars per 1,000 requests"):
    """Quality against cost, with intervals, and the Pareto front: what no other point beats.

    points: (name, cost, quality[, low, high]) tuples, dicts or a frame with these columns. A logarithmic cost axis
    where the costs span more than a factor of 20 and none is 0.
    """
    points = _points(points)
    front = pareto(points)
    fig, ax = new(height=5.5)
    costs = [p[1] for p in points]
    if min(costs) > 0 and max(costs) > 20 * min(costs):
        ax.set_xscale("log")
        ax.minorticks_off()
        ax.set_xlim(
            min(costs) / max(2.2, (max(costs) / min(costs)) ** 0.2), max(costs) * (max(costs) / min(costs)) ** 0.35
        )
    else:
        ax.set_xlim(-0.04 * (max(costs) or 1), 1.3 * (max(costs) or 1))
    line = sorted((p[1], p[2]) for p in points if p[0] in front)
    ax.step(*zip(*line, strict=True), where="post", color="#717581", linestyle="--", zorder=1)
    for name, x, y, low, high in points:
        colour = COLOURS[0] if name in front else COLOURS[1]
        ax.errorbar(x, y, [[max(y - low, 0)], [max(high - y, 0)]], color=colour, elinewidth=2, capsize=5, zorder=2)
        ax.plot(x, y, MARKERS[0] if name in front else MARKERS[6], color=colour, markersize=11, zorder=3)
    ax.plot([], [], MARKERS[0], linestyle="--", color=COLOURS[0], label="on the Pareto front")
    ax.plot([], [], MARKERS[6], color=COLOURS[1], label="beaten")
    lows, highs = [p[3] for p in points], [p[4] for p in points]
    pad = 0.1 * max(max(highs) - min(lows), 0.3)
    ax.set_ylim(min(lows) - pad, max(highs) + pad)
    ax.set(xlabel=cost, ylabel=quality, title=title)
    ax.xaxis.set_major_formatter(lambda value, _: dollars(value) if "dollar" in cost else f"{value:g}")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.1)
    _label(fig, ax, points, line)
    said = [
        f"{n} costs {dollars(c) if 'dollar' in cost else f'{c:g}'} at {q:.2f}"
        + (f" ({a:.2f} to {b:.2f})" if b > a else "")
        for n, c, q, a, b in sorted(points, key=lambda p: p[1])
    ]
    head = f"{title}. " if title else ""
    beaten = [p[0] for p in points if p[0] not in front]
    last = f" On the Pareto front: {', '.join(front)}." + (f" Beaten: {', '.join(beaten)}." if beaten else "")
    fig.alt_text = f"{head}{quality[:1].upper()}{quality[1:]} against {cost}: {'; '.join(said)}.{last}"
    return fig


def _curves(curves, ks):
    """{name: values} and ks, from a dict or a frame whose index is k; CourseError where lengths differ."""
    if hasattr(curves, "columns"):
        ks = list(curves.index) if ks is None else list(ks)
        curves = {str(name): list(curves[name]) for name in curves.columns}
    ks = list(range(1, 1 + max(map(len, curves.values())))) if ks is None else list(ks)
    uneven = [name for name, values in curves.items() if len(values) != len(ks)]
    if uneven or not curves:
        raise CourseError(
            f"recall_curve: {', '.join(uneven) or 'no curve'} does not have {len(ks)} values, one for each k."
        )
    return {name: [float(v) for v in values] for name, values in curves.items()}, ks


@styled
def recall_curve(curves, ks=None, title: str = "", metric: str = "recall@k", x: str = "k", intervals=None, mark=None):
    """A metric over k, a line a system, with its own marker and its name at the line's end.

    curves: {name: values} or a frame (index k, a column a system). intervals: {name: [(low, high), …]}, drawn as bands.
    mark: a k to point out.
    """
    curves, ks = _curves(curves, ks)
    fig, ax = new(height=5.0)
    for i, (name, values) in enumerate(curves.items()):
        colour, marker = COLOURS[i % 6], MARKERS[i % 8]
        ax.plot(ks, values, color=colour, marker=marker, linestyle=["-", "--", "-.", ":"][i % 4], label=name)
        if intervals and name in intervals:
            ax.fill_between(ks, *zip(*intervals[name], strict=True), color=colour, alpha=0.18, linewidth=0)
    if mark is not None:
        ax.axvline(mark, color="#717581", linewidth=1.5, linestyle=":")
        ax.annotate(
            f"{x} = {mark}", (mark, 0.02), (5, 0), xycoords=("data", "axes fraction"), textcoords="offset points"
        )
    _name_ends(ax, curves, ks)
    ax.set(xlabel=x, ylabel=metric, title=title, xticks=ks if len(ks) <= 12 else ks[:: len(ks) // 8])
    said = []
    for name, values in curves.items():
        best = max(values)
        peak = f", highest {best:.2f} at {x} = {ks[values.index(best)]}" if best > values[-1] + 0.005 else ""
        said.append(f"{name} from {values[0]:.2f} at {x} = {ks[0]} to {values[-1]:.2f} at {x} = {ks[-1]}{peak}")
    firsts, lasts = (max(curves, key=lambda name: curves[name][at]) for at in (0, -1))
    leads = f"{firsts} leads at both ends" if firsts == lasts else f"{firsts} leads at the start, {lasts} at the end"
    head = f"{title}. " if title else ""
    fig.alt_text = f"{head}{metric[:1].upper()}{metric[1:]} over {x}: {'; '.join(said)}." + (
        f" {leads}." if len(curves) > 1 else ""
    )
    return fig


def _name_ends(ax, curves, ks):
    """Write each curve's name beside its last point, moved apart where ends lie close."""
    low, high = ax.get_ylim()
    gap, groups = 0.065 * (high - low), []
    for end in sorted((values[-1], i, name) for i, (name, values) in enumerate(curves.items())):
        groups.append([end])
        while (
            len(groups) > 1
            and _middle(groups[-1]) - _middle(groups[-2]) < gap * (len(groups[-1]) + len(groups[-2])) / 2
        ):
            groups[-2:] = [groups[-2] + groups[-1]]
    for group in groups:
        for n, (value, i, name) in enumerate(group):
            at = _middle(group) + gap * (n - (len(group) - 1) / 2)
            line = {"arrowstyle": "-", "color": COLOURS[i % 6], "linewidth": 1.5, "shrinkA": 1, "shrinkB": 6}
            place = (1.05, (at - low) / (high - low))
            ends = {"textcoords": "axes fraction", "va": "center", "arrowprops": line, "annotation_clip": False}
            ax.annotate(name, (ks[-1], value), place, **ends)


def _middle(group):
    return sum(end[0] for end in group) / len(group)


@styled
def reliability(confidences, right, bins: int = 5, title: str = ""):
    """How often answers of a stated confidence are right: a point a bin (equal widths of 0 to 1) with its count.

    confidences: 0 to 1; right: truth values. The text gives the expected calibration error: the mean distance between
    confidence and share right, weighted by count.
    """
    pairs = [(float(c), bool(r)) for c, r in zip(confidences, right, strict=True)]
    if not pairs or not all(0 <= c <= 1 for c, _ in pairs):
        raise CourseError("reliability: give confidences between 0 and 1, and as many truth values.")
    filled = []
    for b in range(bins):
        mine = [(c, r) for c, r in pairs if min(int(c * bins), bins - 1) == b]
        if mine:
            filled.append((sum(c for c, _ in mine) / len(mine), sum(r for _, r in mine) / len(mine), len(mine)))
    error = sum(n * abs(c - r) for c, r, n in filled) / len(pairs)
    fig, ax = new(height=6.0, width=7.0)
    ax.plot([0, 1], [0, 1], color="#717581", linestyle="--", label="confidence = share right")
    ax.plot([c for c, *_ in filled], [r for _, r, _ in filled], color=COLOURS[0], marker="o", label="measured")
    for c, r, n in filled:
        ax.vlines(c, -0.03, r, color="#717581", linewidth=1, linestyle=":")
        ax.text(c, -0.08, f"n = {n}", ha="center", va="center", fontsize=12)
    ax.set(xlim=(0, 1.05), ylim=(-0.13, 1.05), xlabel="confidence", ylabel="share right", title=title)
    ax.legend(loc="upper left")
    said = "; ".join(f"confidence {c:.2f}, right {r:.2f} (n = {n})" for c, r, n in filled)
    head = f"{title}. " if title else ""
    fig.alt_text = f"{head}Share right by confidence: {said}. Expected calibration error {error:.3f}."
    return fig
