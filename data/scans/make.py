"""Make the scans and scans.jsonl: pages set from texts.txt in four typefaces, clean and as a poor scanner sees them.

    python data/scans/make.py

Fonts are those that matplotlib carries, so that every machine makes the same pages. Each text is set twice: once
clean (PNG, 4 bits of grey), once noisy: turned by up to 2 degrees, blurred, grained, unevenly lit, stamped, JPEG.
"""

import json
import random
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).parent
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FACES = ["DejaVuSans.ttf", "DejaVuSerif.ttf", "STIXGeneral.ttf", "DejaVuSansMono.ttf"]
WIDTH, MARGIN = 1000, 80


def texts():
    """name -> (language, lines). A line with ' | ' is a row of cells; '---' parts two columns."""
    pages = {}
    for block in (HERE / "texts.txt").read_text(encoding="utf-8").split("\n## ")[1:]:
        head, *lines = block.strip().split("\n")
        name, language = head.split()
        pages[name] = (language, lines)
    return pages


def wrap(text, font, width):
    """Lines of at most `width` pixels."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


def cells_of(line):
    """The cells of a row; empty ones too."""
    return [cell.strip() for cell in line.split("|")]


def column(draw, lines, font, left, top, width, step):
    """Set lines below one another; return where the column ends."""
    for line in lines:
        cells = cells_of(line)
        if len(cells) > 1:
            for number, cell in enumerate(cells):
                at = left + int(width * (0, 0.5, 0.66, 0.85)[number])
                draw.text((at, top), cell, font=font, fill=25)
            top += step
        else:
            for part in wrap(line, font, width):
                draw.text((left, top), part, font=font, fill=25)
                top += step
    return top


def page(lines, face, size):
    """A clean page, and its text in reading order."""
    font = ImageFont.truetype(FONTS / face, size)
    step = int(size * 1.55)
    sheet = Image.new("L", (WIDTH, 1500), 255)
    draw = ImageDraw.Draw(sheet)
    if "---" in lines:
        title, rest = lines[0], lines[1:]
        cut = rest.index("---")
        half = (WIDTH - 2 * MARGIN - 60) // 2
        top = column(draw, [title], ImageFont.truetype(FONTS / face, size + 12), MARGIN, MARGIN, WIDTH, step * 2)
        ends = [
            column(draw, part, font, MARGIN + x, top, half, step)
            for part, x in ((rest[:cut], 0), (rest[cut + 1 :], half + 60))
        ]
        bottom = max(ends)
    else:
        bottom = column(draw, lines, font, MARGIN, MARGIN, WIDTH - 2 * MARGIN, step)
    rows = ["  ".join(cell for cell in cells_of(line.replace("_", "")) if cell) for line in lines if line != "---"]
    text = "\n".join(row for row in rows if row)
    return sheet.crop((0, 0, WIDTH, min(1500, bottom + MARGIN))), text


def spoil(sheet, rng, noise):
    """The page as a poor scanner sees it."""
    sheet = sheet.rotate(rng.uniform(-2, 2), Image.Resampling.BICUBIC, fillcolor=255)
    draw = ImageDraw.Draw(sheet)
    x, y = sheet.width - 280, sheet.height - 130
    for inset in (0, 4):
        draw.ellipse((x + inset, y + inset, x + 180 - inset, y + 90 - inset), outline=150, width=2)
    sheet = sheet.filter(ImageFilter.GaussianBlur(rng.uniform(0.6, 1.0)))
    array = np.asarray(sheet, float)
    height, width = array.shape
    light = (
        np.linspace(rng.uniform(0.72, 0.9), 1, width)[None, :] * np.linspace(1, rng.uniform(0.8, 0.95), height)[:, None]
    )
    array = 235 - (255 - array) * rng.uniform(0.6, 0.8)
    array = array * light + noise.normal(0, rng.uniform(10, 16), array.shape)
    specks = noise.random(array.shape) < 0.0012
    array[specks] = 60
    return Image.fromarray(array.clip(0, 255).astype(np.uint8))


def main():
    for old in (*HERE.glob("*.png"), *HERE.glob("*.jpg")):
        old.unlink()
    rows = []
    for number, (name, (language, lines)) in enumerate(sorted(texts().items())):
        rng, noise = random.Random(number), np.random.default_rng(number)
        sheet, text = page(lines, FACES[number % len(FACES)], 22 + 2 * (number % 3))
        for kind in ("clean", "noisy"):
            file = f"{name}-{kind}." + ("png" if kind == "clean" else "jpg")
            if kind == "clean":
                sheet.quantize(16).save(HERE / file, optimize=True)
            else:
                spoil(sheet, rng, noise).save(HERE / file, quality=45)
            rows.append({"file": file, "kind": kind, "language": language, "text": text})
    with (HERE / "scans.jsonl").open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


if __name__ == "__main__":
    main()
