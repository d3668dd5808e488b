"""The failure lab's timeline: each request by when it arrived, how long it took, and how it ended."""

from .drawing import COLOURS, INK, new, styled
from .settings import CourseError

ENDINGS = {  # how a request ended: (colour, marker)
    "right": (COLOURS[0], "o"),
    "wrong": (COLOURS[1], "s"),
    "twice": (COLOURS[2], "D"),
    "not done": (COLOURS[1], "X"),
}


def _said(name, frame, band):
    """One run in words: how its requests ended, and their seconds inside and outside the fault's time."""
    counts = {ending: int((frame.ended == ending).sum()) for ending in ENDINGS}
    said = ", ".join(f"{n} {ending}" for ending, n in counts.items() if n)
    done = frame[frame.ended != "not done"]
    inside = done.arrived.between(*band) if band else done.arrived < 0
    for where, some in (("while the fault was on", done[inside]), ("at other times", done[~inside])):
        if len(some):
            said += f"; {where} half of the done ones took {some.seconds.median():.1f} s, the slowest {some.seconds.max():.1f} s"
    return f"{name}: {said}."


@styled
def lab_timeline(runs, band=None, title: str = ""):
    """A strip for each run, one above the other: seconds until done (logarithmic) over the second of arrival.

    runs: {name: frame with arrived, seconds (missing where nothing was done) and ended (a key of ENDINGS)}. band: (start, end)
    of the fault in seconds, shaded. CourseError for an ending that is not known.
    """
    unknown = {e for frame in runs.values() for e in set(frame.ended)} - set(ENDINGS)
    if unknown or not runs:
        raise CourseError(f"lab_timeline: a request ends as one of {', '.join(ENDINGS)}, not as {', '.join(unknown)}.")
    height = 1.1 + 1.9 * len(runs)
    fig, first = new(height=height)
    first.remove()
    fig.set_layout_engine(None)  # the layout is always the same: measuring it would take most of the time
    fig.subplots_adjust(left=0.08, right=0.99, bottom=0.65 / height, top=1 - 0.75 / height, hspace=0.3)
    axes = fig.subplots(len(runs), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, (name, frame) in zip(axes, runs.items(), strict=True):
        if band:
            ax.axvspan(*band, color="#e9e4da", zorder=0)
        ax.axhline(110, color="#bbbbbb", linewidth=1)
        for ending, (colour, marker) in ENDINGS.items():
            mine = frame[frame.ended == ending]
            height = [110] * len(mine) if ending == "not done" else mine.seconds.clip(lower=0.1)
            size = 6 if ending == "right" else 9
            ax.plot(mine.arrived, height, marker, color=colour, markersize=size, label=ending, markeredgecolor="white")
        ax.set_yscale("log")
        ax.set(ylim=(0.08, 250), yticks=[0.1, 1, 10, 110])
        ax.set_yticklabels(["0.1 s", "1 s", "10 s", "never"])
        ax.minorticks_off()
        ax.set_title(name, fontsize=14)
    handles = [
        h
        for h in axes[0].get_legend_handles_labels()[0]
        if any((f.ended == h.get_label()).any() for f in runs.values())
    ]
    fig.legend(handles=handles, loc="upper right", ncols=len(handles), labelcolor=INK)
    axes[-1].set_xlabel("second in which the request arrived" + (" (shaded: the fault is on)" if band else ""))
    head = f"{title}. " if title else ""
    fig.alt_text = head + " ".join(_said(name, frame, band) for name, frame in runs.items())
    return fig
