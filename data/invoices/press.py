"""A printing press and a poor scanner: what make.py of invoices, papers, contracts and hearing share.

A Sheet takes text at a place and remembers it, so that a page's true text comes in reading order. `spoil` is the
scanner: turned, blurred, grained, unevenly lit, by three grades. Fonts are those that matplotlib carries.
"""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FACES = {"sans": "DejaVuSans", "serif": "DejaVuSerif", "book": "STIXGeneral", "mono": "DejaVuSansMono",
         "italic": "STIXGeneralItalic"}  # fmt: skip
WIDTH, HEIGHT, MARGIN = 760, 960, 50  # pixels; a letter of 16 points is 11 pixels high


@cache
def font(face: str, size: int, bold: bool = False):
    """A typeface at a size in pixels."""
    heavy = {"book": "Bol", "italic": ""}.get(face, "-Bold")
    name = FACES[face] + (heavy if bold else "")
    return ImageFont.truetype(FONTS / f"{name}.ttf", size)


class Sheet:
    """A white page. `cells` holds what was printed: (top, left, text)."""

    def __init__(self, face: str, size: int = 15, height: int = HEIGHT):
        self.face, self.size, self.step = face, size, int(size * 1.6)
        self.image = Image.new("L", (WIDTH, height), 255)
        self.draw = ImageDraw.Draw(self.image)
        self.cells = []

    def put(self, left, top, text, *, size=None, bold=False, right=False):
        """Print text with its left (or right) end at `left`; returns the next line's top."""
        face = font(self.face, size or self.size, bold)
        at = left - int(face.getlength(text)) if right else left
        self.draw.text((at, top), text, font=face, fill=20)
        self.cells.append((top, at, text))
        return top + int((size or self.size) * 1.6)

    def wrap(self, left, top, text, width):
        """Print a paragraph; returns the top of what follows."""
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and font(self.face, self.size).getlength(longer) > width:
                top, line = self.put(left, top, line), word
            else:
                line = longer
        return self.put(left, top, line)

    def rule(self, top, left=MARGIN, right=WIDTH - MARGIN):
        """A horizontal line."""
        self.draw.line((left, top, right, top), fill=90, width=1)

    def box(self, left, top, right, bottom):
        """A frame."""
        self.draw.rectangle((left, top, right, bottom), outline=90, width=1)

    def crop(self, below=70):
        """Cut the empty end of the page off."""
        self.image = self.image.crop((0, 0, WIDTH, min(self.image.height, max(top for top, *_ in self.cells) + below)))

    def text(self) -> str:
        """The true text: rows top to bottom, cells left to right, two spaces apart."""
        rows = {}
        for top, left, text in sorted(self.cells):
            key = next((t for t in rows if abs(t - top) <= 6), top)
            rows.setdefault(key, []).append((left, text))
        return "\n".join("  ".join(text for _, text in sorted(rows[top])) for top in sorted(rows))


def stamp(image, words, rng, place=None):
    """A rubber stamp over the page: framed words, askew, pale."""
    face = font("sans", 30, bold=True)
    wide = int(face.getlength(words)) + 30
    pad = Image.new("L", (wide, 60), 0)
    draw = ImageDraw.Draw(pad)
    draw.rectangle((2, 2, wide - 3, 57), outline=255, width=4)
    draw.text((15, 12), words, font=face, fill=255)
    pad = pad.rotate(rng.uniform(-28, 28), Image.Resampling.BICUBIC, expand=True)
    ink = np.asarray(pad, float) * (np.random.default_rng(rng.randrange(10**6)).random(pad.size[::-1]) < 0.72)
    left, top = place or (rng.randrange(60, WIDTH - pad.width - 40), rng.randrange(200, image.height - pad.height - 20))
    image.paste(105, (left, top), Image.fromarray((ink * 0.75).astype(np.uint8)))


GRADES = {  # turn in degrees, blur and grain in pixels and grey levels, share of paper left, JPEG quality
    1: {"turn": 0.6, "blur": 0.4, "grain": 4, "shrink": 1.0, "quality": 42},
    2: {"turn": 1.6, "blur": 0.6, "grain": 8, "shrink": 1.0, "quality": 34},
    3: {"turn": 2.2, "blur": 0.8, "grain": 11, "shrink": 0.85, "quality": 30},
}


def from_the_side(sheet):
    """The page as a phone held aslant sees it: its edges run together, and a shadow lies on it."""
    wide, high = sheet.size
    corners = [(60, 40), (wide - 20, 0), (wide - 90, high - 10), (0, high - 60)]
    rows, right = [], []
    for (x, y), (u, v) in zip(corners, [(0, 0), (wide, 0), (wide, high), (0, high)], strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    image = sheet.transform(sheet.size, Image.Transform.PERSPECTIVE, np.linalg.solve(rows, right),
                            Image.Resampling.BICUBIC, fillcolor=120)  # fmt: skip
    shade = 1 - 0.45 / (1 + np.exp((np.arange(wide)[None, :] - 0.55 * wide + 0.3 * np.arange(high)[:, None]) / 25))
    array = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), float) * shade
    return Image.fromarray((array + np.random.default_rng(3).normal(0, 6, array.shape)).clip(0, 255).astype(np.uint8))


def spoil(sheet, grade, rng):
    """The page as a scanner of that grade sees it: a grey picture, and the JPEG quality to keep it at."""
    want, noise = GRADES[grade], np.random.default_rng(rng.randrange(10**6))
    image = sheet.rotate(rng.uniform(-want["turn"], want["turn"]), Image.Resampling.BICUBIC, fillcolor=255)
    size = image.size
    image = image.filter(ImageFilter.GaussianBlur(want["blur"] * rng.uniform(0.8, 1.2)))
    if want["shrink"] < 1:
        image = image.resize([int(side * want["shrink"]) for side in size], Image.Resampling.BILINEAR)
    array = np.asarray(image, float)
    rows, columns = array.shape
    light = np.linspace(rng.uniform(0.8, 1), 1, columns)[None, :] * np.linspace(1, rng.uniform(0.85, 1), rows)[:, None]
    array = 240 - (240 - array) * (0.85 if grade < 3 else 0.7)
    array = array * light + noise.normal(0, want["grain"], array.shape)
    array[noise.random(array.shape) < 0.0003 * grade] = 70
    return Image.fromarray(array.clip(0, 255).astype(np.uint8)), want["quality"]
