"""Text in pictures: rapidocr (PP-OCR on onnxruntime), its lines put into the order in which a person reads them."""

import json
import logging
from dataclasses import dataclass

from .. import metering
from ..recordings import recorded
from ..settings import DATA
from . import store
from .pictures import fingerprint, picture
from .scores import row as score

PACKAGE = "rapidocr"
FILES = {
    "Det": ("models/PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"),
    "Rec": ("models/PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"),
}
OPTIONS = {  # one line at a time and at most 1,600 pixels: half the memory, and a line never depends on its neighbours
    "Global.log_level": "critical",
    "Global.max_side_len": 1600,
    "Global.use_cls": False,  # it turns noisy lines upside down; a page on its head is turned as a whole below
    "Rec.rec_batch_num": 1,
    "EngineConfig.onnxruntime.intra_op_num_threads": 2,
}


@dataclass(frozen=True)
class Line:
    """A line of text, or a cell of a table: its box (left, top, right, bottom) in pixels, confidence 0 to 1."""

    text: str
    box: tuple[int, int, int, int]
    confidence: float


@dataclass(frozen=True)
class Page:
    """What was read: the text in reading order (cells of a row two spaces apart), its lines, and who read it."""

    text: str
    lines: tuple[Line, ...]
    made_by: str

    @property
    def confidence(self) -> float:
        """The mean confidence of the lines, by length; 0 for a page without text."""
        total = sum(len(line.text) for line in self.lines)
        return round(sum(line.confidence * len(line.text) for line in self.lines) / total, 3) if total else 0.0


def _load():
    paths = {part: store.checked(store.package_file(PACKAGE, file), sha256) for part, (file, sha256) in FILES.items()}
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    from rapidocr import RapidOCR

    params = {f"{part}.model_path": str(path) for part, path in paths.items()}
    return RapidOCR(params=params | OPTIONS)


def _lines(rgb) -> list[dict]:
    """Corners, text and confidence of each line as the model gives them."""
    import numpy

    found = store.keep("reading", _load, mib=300)(numpy.asarray(rgb)[:, :, ::-1])
    if found is None or found.boxes is None or not found.txts:
        return []
    rows = zip(found.boxes, found.txts, found.scores, strict=True)
    return [
        {
            "corners": [[int(round(float(v))) for v in point] for point in box],
            "text": text,
            "confidence": round(float(score), 3),
        }
        for box, text, score in rows
        if text.strip()
    ]


def _read(rgb) -> dict:
    """The lines and the turn (0, 90, 180 or 270 degrees) at which they read best: {"turn", "lines"}."""

    def worth(lines):
        return sum((line["confidence"] - 0.5) * len(line["text"]) for line in lines)

    best = {"turn": 0, "lines": _lines(rgb)}
    letters = sum(len(line["text"]) for line in best["lines"])
    if not letters or (worth(best["lines"]) > 0.35 * letters and not _upended(best["lines"])):
        return best
    for turn in (90, 270) if _upended(best["lines"]) else (180,):
        lines = _lines(rgb.rotate(turn, expand=True))
        if worth(lines) > worth(best["lines"]) or (_upended(best["lines"]) and not _upended(lines)):
            best = {"turn": turn, "lines": lines}
    return best


def _upended(lines: list[dict]) -> bool:
    """Whether most lines are taller than wide: the page lies on its side."""
    tall = 0
    for line in lines:
        xs, ys = zip(*line["corners"], strict=True)
        tall += max(ys) - min(ys) > 1.5 * (max(xs) - min(xs))
    return tall > len(lines) / 2


def _ordered(rows: list[dict]) -> list[list[dict]]:
    """Lines as rows of cells, top to bottom, left to right; columns of running text one after the other."""
    import numpy

    if not rows:
        return []
    corners = numpy.array([row["corners"] for row in rows], float)
    across = corners[:, 1] - corners[:, 0]
    long = across[:, 0] >= numpy.median(across[:, 0])
    angle = float(numpy.median(numpy.arctan2(across[long, 1], across[long, 0])))  # a page lies askew
    turn = numpy.array([[numpy.cos(angle), -numpy.sin(angle)], [numpy.sin(angle), numpy.cos(angle)]])
    straight = corners @ turn
    for row, points in zip(rows, straight, strict=True):
        (row["left"], row["top"]), (row["right"], row["bottom"]) = points.min(axis=0), points.max(axis=0)
    return _cut(rows)


def _gap(rows: list[dict], low: str, high: str, least: float):
    """The two halves at the widest empty stripe, or None if none is as wide as `least`."""
    rows = sorted(rows, key=lambda row: row[low])
    best, reach = (least, 0), rows[0][high]
    for number, row in enumerate(rows[1:], 1):
        best = max(best, (row[low] - reach, number))
        reach = max(reach, row[high])
    return (rows[: best[1]], rows[best[1] :]) if best[1] else None


def _cut(rows: list[dict]) -> list[list[dict]]:
    """XY-cut: columns of running text apart, then bands, then rows of cells."""
    height = sorted(row["bottom"] - row["top"] for row in rows)[len(rows) // 2]
    rows = sorted(rows, key=lambda row: row["top"])
    for first in range(min(4, len(rows))):  # up to three lines may stand across the columns, such as a title
        halves = _gap(rows[first:], "left", "right", height * 0.8)
        if halves and all(_running(half) for half in halves):
            return [line for part in (rows[:first], *halves) if part for line in _cut(part)]
    if halves := _gap(rows, "top", "bottom", height * 0.9):
        return [line for half in halves for line in _cut(half)]
    lines = []
    for row in sorted(rows, key=lambda row: row["top"] + row["bottom"]):
        middle = (row["top"] + row["bottom"]) / 2
        if lines and middle < max(cell["bottom"] for cell in lines[-1][:1]) - 0.25 * height:
            lines[-1].append(row)
        else:
            lines.append([row])
    return [sorted(line, key=lambda row: row["left"]) for line in lines]


def _running(rows: list[dict]) -> bool:
    """Whether these lines are prose: three or more, most of them long. Cells of a table are not."""
    lengths = sorted(len(row["text"]) for row in rows)
    return len(rows) >= 3 and lengths[len(rows) // 2] >= 18


def read_page(image, record: bool = True) -> Page:
    """The unmetered core of `read_text`; `record=False` always asks the model."""
    rgb = picture(image)
    payload = {
        "task": "reading",
        "weights": [sha256 for _, sha256 in FILES.values()],
        "options": OPTIONS,
        "image": fingerprint(image),
    }
    value, origin = recorded(payload, lambda: _read(rgb)) if record else (_read(rgb), "model")
    lines = _ordered([dict(row) for row in value["lines"]])
    text = "\n".join("  ".join(cell["text"] for cell in line) for line in lines)
    return Page(text, tuple(_line(cell, value["turn"], rgb.size) for line in lines for cell in line), origin)


def _line(cell: dict, turn: int, size: tuple[int, int]) -> Line:
    """A line with its box in the picture as it was given, whatever the turn at which it was read."""
    wide, high = size
    back = {
        0: lambda x, y: (x, y),
        90: lambda x, y: (wide - y, x),
        180: lambda x, y: (wide - x, high - y),
        270: lambda x, y: (y, high - x),
    }
    xs, ys = zip(*(back[turn](x, y) for x, y in cell["corners"]), strict=True)
    return Line(cell["text"], (min(xs), min(ys), max(xs), max(ys)), cell["confidence"])


def read_text(image) -> Page:
    """The text of a picture (path, bytes, PIL image or array): lines with boxes and confidences, in reading order.

    A page without text gives an empty Page. CourseError: a damaged, empty or tiny picture.
    """
    with metering.local("reading", units=1) as work:
        page = read_page(image)
        work.source = page.made_by
        return page


def error_rate(truth: str, read: str) -> float:
    """Character error rate: edits per character of the truth, white space made equal."""
    from rapidfuzz.distance import Levenshtein

    truth, read = " ".join(truth.split()), " ".join(read.split())
    return Levenshtein.distance(truth, read) / len(truth)


def scans(kind: str | None = None) -> list[dict]:
    """The course's scans with their true text: {file, kind ('clean' or 'noisy'), language, text}."""
    rows = [json.loads(line) for line in (DATA / "scans" / "scans.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row | {"file": DATA / "scans" / row["file"]} for row in rows if kind in (None, row["kind"])]


def figures() -> list[dict]:
    """Character error rate on clean and on noisy scans, all characters together, measured now; n counts pages."""
    found = []
    for kind in ("clean", "noisy"):
        pages = scans(kind)
        sizes = [len(" ".join(page["text"].split())) for page in pages]
        rates = [error_rate(page["text"], read_page(page["file"], record=False).text) for page in pages]
        value = sum(r * n for r, n in zip(rates, sizes, strict=True)) / sum(sizes)
        spread = sum((n * (r - value)) ** 2 for r, n in zip(rates, sizes, strict=True)) ** 0.5 / sum(sizes)
        found.append(score("reading", "cer", value, len(pages), f"test, {kind} scans", spread))
    return found
