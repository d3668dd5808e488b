"""Figures of documents: a page with boxes, a confusion matrix, errors left against the share that a person sees."""

import io
from functools import partial

from .drawing import COLOURS, INK, MARKERS, new, styled
from .settings import CourseError


def _few_colours(savefig, file, **options):
    """Save a picture in 24 colours: the grain of a scan would else make it four times as large."""
    from PIL import Image

    whole = io.BytesIO()
    savefig(whole, **options)
    few = Image.open(whole).convert("RGB").quantize(24, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(file, "PNG", optimize=True)


@styled
def page(image, boxes=(), words=(), title: str = "", alt: str = "", height: float = 5.6):
    """A page (path, bytes or picture), with boxes (left, top, right, bottom) in pixels and a word at each.

    alt: what the picture shows, for who cannot see it; boxes and words are added to it. CourseError without alt.
    """
    from .local.pictures import picture

    if not alt:
        raise CourseError('pageplots.page: give alt="…", a sentence that says what the page shows.')
    sheet = picture(image)
    fig, ax = new(height=height, width=height * sheet.width / sheet.height + 0.4)
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    ax.set_axis_off()
    ax.set_title(title, fontsize=13)
    words = [*words, *[""] * (len(boxes) - len(words))]
    for number, ((left, top, right, bottom), word) in enumerate(zip(boxes, words, strict=True)):
        colour = COLOURS[1] if word else COLOURS[0]
        ax.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color=colour, linewidth=1.2)
        if word:
            ax.text(left, top - 4, word, color=colour, fontsize=9, fontweight="bold", gid=str(number))
    said = "; ".join(word for word in words if word)
    fig.savefig = partial(_few_colours, fig.savefig)
    fig.alt_text = (
        f"{alt} {f'{len(boxes)} boxes are drawn on it. ' if boxes else ''}{f'Marked: {said}.' if said else ''}"
    )
    return fig


@styled
def confusion(true, said, title: str = ""):
    """A confusion matrix: rows are what is true, columns what was said, each cell its count."""
    pairs = list(zip(true, said, strict=True))
    if not pairs:
        raise CourseError("confusion: give at least one pair of labels.")
    names = sorted({name for pair in pairs for name in pair})
    counts = [[sum(pair == (t, s) for pair in pairs) for s in names] for t in names]
    fig, ax = new(height=1.6 + 0.62 * len(names), width=max(3.4 + 1.15 * len(names), 2 + 0.14 * len(title)))
    most = max(map(max, counts)) or 1
    ax.imshow(counts, cmap="Blues", vmin=0, vmax=1.6 * most)
    for i, row in enumerate(counts):
        for j, n in enumerate(row):
            ax.text(j, i, str(n), ha="center", va="center", color=INK, fontweight="bold" if i == j else "normal")
    ax.set_xticks(range(len(names)), names, rotation=20, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="said", ylabel="true")
    fig.suptitle(title, x=0.02, ha="left", fontsize=15)
    ax.grid(False)
    wrong = [f"{n} true {t} said to be {s}" for t, row in zip(names, counts, strict=True)
             for s, n in zip(names, row, strict=True) if n and s != t]  # fmt: skip
    right = sum(counts[i][i] for i in range(len(names)))
    fig.alt_text = f"{title + '. ' if title else ''}{right} of {len(pairs)} right. " + (
        "; ".join(wrong) + "." if wrong else "No errors."
    )
    return fig


def left_over(scores, wrong):
    """[(share seen by a person, errors left)], the least sure documents seen first; ties in the given order."""
    if len(scores) != len(wrong) or not len(scores):
        raise CourseError("left_over: give a score and a truth value for each document.")
    order = sorted(range(len(scores)), key=lambda i: (scores[i], i))
    left, points = sum(map(bool, wrong)), [(0.0, sum(map(bool, wrong)))]
    for seen, i in enumerate(order, 1):
        left -= bool(wrong[i])
        points.append((seen / len(order), left))
    return points


@styled
def review(curves, title: str = "", mark: float | None = None):
    """Errors left against the share of documents that a person sees: a line a way of choosing them.

    curves: name -> (scores, wrong), see `left_over`; mark: a share at which every curve's value is written.
    """
    fig, ax = new()
    said = []
    for number, (name, (scores, wrong)) in enumerate(curves.items()):
        points = left_over(scores, wrong)
        at = min(points, key=lambda p: abs(p[0] - (mark or 0)))
        ax.plot(*zip(*points, strict=True), color=COLOURS[number], drawstyle="steps-post",
                label=name if mark is None else f"{name}: {at[1]} left")  # fmt: skip
        ax.plot(at[0], at[1], MARKERS[number], color=COLOURS[number])
        done = next(share for share, left in points if not left)
        said.append(f"{name}: {at[1]} errors left at {at[0]:.0%}, none from {done:.0%} on")
    if mark is not None:
        ax.axvline(mark, color="#717581", linestyle=":")
    ax.set(
        xlim=(0, 1), ylim=(0, None), xlabel="share of documents that a person sees", ylabel="errors left", title=title
    )
    ax.legend(loc="upper right")
    fig.alt_text = f"{title + '. ' if title else ''}" + "; ".join(said) + "."
    return fig
