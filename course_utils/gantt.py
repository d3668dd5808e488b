"""The timeline of calls: a figure, and the same in words."""

from .drawing import COLOURS, HATCHES, INK, new, styled


def _bars(meter):
    """Calls and steps of a meter, or of its frame, as (row name, start, end, time to first token, is a step?)."""
    calls = getattr(meter, "calls", None)
    if calls is None:
        calls = list(meter.itertuples())
    zero = min((c.start for c in calls), default=0.0)
    bars = []
    for c in calls:
        is_step = c.source == "step"
        name = c.model if c.operation in ("chat", "step") else c.operation
        first = None if c.time_to_first_token != c.time_to_first_token else c.time_to_first_token
        row = f"step: {name}" if is_step else f"{c.step} · {name}" if c.step else name
        bars.append((row, round(c.start - zero, 6), round(c.end - zero, 6), first, is_step))
    return sorted(bars, key=lambda b: (b[1], not b[4], b[2]))


def alt_timeline(meter) -> str:
    """What the timeline shows, in words: calls by row with their times, and how many ran at once."""
    bars = _bars(meter)
    calls = [b for b in bars if not b[4]]
    if not calls:
        return "Timeline: no model was called."
    total = max(b[2] for b in bars)
    busy = sum(b[2] - b[1] for b in calls)
    at_once = max(sum(o[1] <= b[1] < o[2] or o is b for o in calls) for b in calls)
    text = f"Timeline: {len(calls)} call{'s' * (len(calls) > 1)} in {total:.3f} s. "
    parts = []
    for row in dict.fromkeys(b[0] for b in bars):
        mine = [b for b in bars if b[0] == row]
        spans = [f"{b[1]:.3f} to {b[2]:.3f} s" for b in mine]
        where = ", ".join(spans) if len(mine) <= 3 else f"between {mine[0][1]:.3f} and {max(b[2] for b in mine):.3f} s"
        parts.append(f"{row} ({len(mine)} calls) {where}" if len(mine) > 1 else f"{row} {where}")
    text += "; ".join(parts) + ". "
    if at_once == 1:
        return text + "No two calls overlap."
    return text + f"Up to {at_once} run at once; one after another they would take {busy:.3f} s."


def _lanes(bars):
    """Rows of bars that do not overlap: [(row name, bars)], grouped by name in order of first start."""
    lanes = []
    for row in dict.fromkeys(b[0] for b in bars):
        mine = []
        for bar in (b for b in bars if b[0] == row):
            free = next((lane for lane in mine if lane[-1][2] <= bar[1] + 1e-9), None)
            mine.append([bar]) if free is None else free.append(bar)
        lanes += [(row, lane) for lane in mine]
    return lanes


def _duration(ax, y, lane, bar, total):
    """Write a bar's length behind its first token, else behind the bar, else nowhere."""
    start, end, first = bar
    free, after = start + (first or 0.0), min((b[1] for b in lane if b[1] >= end), default=total * 1.2)
    text = f"{end - start:.2f} s" if end - start >= 0.1 else f"{1000 * (end - start):.0f} ms"
    if end - free > 0.1 * total:
        label = ax.text((free + end) / 2, y, text, ha="center", va="center", fontsize=12)
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})
    elif after - end > 0.1 * total:
        ax.annotate(text, (end, y), (5, 0), textcoords="offset points", va="center", fontsize=12)


@styled
def timeline(meter, title: str = ""):
    """A figure of the calls in view: a bar from start to end by step and model, a white line at the first token.

    meter: `meter`, or a frame of it. Calls of one row that overlap lie in lanes below each other. Seconds.
    """
    bars = _bars(meter)
    lanes = _lanes(bars)
    total = max((b[2] for b in bars), default=0.0) or 1.0
    fig, ax = new(height=min(1.6 + 0.45 * max(len(lanes), 1), 16))
    names = list(dict.fromkeys(row for row, *_ in bars))
    for y, (_, lane) in enumerate(lanes):
        for row, start, end, first, is_step in lane:
            i = names.index(row)
            face = {"color": "#eeeeee", "hatch": ""} if is_step else {"color": COLOURS[i % 6], "hatch": HATCHES[i % 6]}
            width = max(end - start, total / 300)
            ax.barh(y, width, left=start, height=0.7, facecolor=face["color"], hatch=face["hatch"])
            ax.barh(y, width, left=start, height=0.7, facecolor="none", edgecolor=INK, linewidth=1)
            if first and first < end - start:
                ax.plot([start + first] * 2, [y - 0.35, y + 0.35], color="white", linewidth=5, solid_capstyle="butt")
                ax.plot([start + first] * 2, [y - 0.35, y + 0.35], color=INK, linewidth=2, solid_capstyle="butt")
            _duration(ax, y, lane, (start, end, first), total)
    ax.set_yticks(range(len(lanes)), [name for name, _ in lanes])
    ax.set_ylim(max(len(lanes), 1) - 0.4, -0.6)
    ax.set_xlim(0, total * 1.1)
    if not bars:
        ax.set(xticks=[], yticks=[])
        ax.text(0.02, 0.5, "No model was called.", transform=ax.transAxes, va="center")
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("seconds" + (" (line in a bar: first token)" if any(b[3] and b[3] < b[2] - b[1] for b in bars) else ""))
    ax.set_title(title)
    fig.alt_text = (f"{title}. " if title else "") + alt_timeline(meter)
    return fig
