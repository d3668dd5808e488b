"""Render the photos of the show-flats and the stock of rooms, with the parts and the camera of data/images/make.py.

    python data/listings/make.py          a minute; the same bytes each time with the same numpy, OpenCV and Pillow

photos/  every room of the eight flats, taken twice: shot a, and shot b of the same room from nearer, in another light.
stock/   single rooms for the look-alike search: five kinds in four colours; `query` follows another recipe than `shelf`.
"""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from course_utils.local import brush  # noqa: E402

_spec = importlib.util.spec_from_file_location("images_make", HERE.parent / "images" / "make.py")
images = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(images)

ROOMS = {  # what each flat has; living rooms, bedrooms and offices together are the facts' number of rooms
    "FL-01": ["living room", "bedroom", "kitchen", "bathroom"],
    "FL-02": ["bedroom", "kitchen", "bathroom"],
    "FL-03": ["bedroom", "kitchen", "bathroom"],
    "FL-04": ["living room", "bedroom", "office", "kitchen", "bathroom"],
    "FL-05": ["living room", "bedroom", "kitchen", "bathroom"],
    "FL-06": ["living room", "bedroom", "bedroom", "kitchen", "bathroom"],
    "FL-07": ["bedroom", "kitchen", "bathroom"],
    "FL-08": ["living room", "bedroom", "kitchen", "bathroom"],
}
DEV = ("FL-02", "FL-05", "FL-08")  # let at present; prompts and thresholds are chosen on these
LOOKS = {  # the wood and the cloth of each flat
    "FL-01": ("oak", "navy"),
    "FL-02": ("pine", "sage"),
    "FL-03": ("white wood", "mustard"),
    "FL-04": ("walnut", "coral"),
    "FL-05": ("birch", "sea green"),
    "FL-06": ("walnut", "blue"),
    "FL-07": ("pine", "rust"),
    "FL-08": ("oak", "olive"),
}
WALLS = ["cream", "fog", "chalk", "sage", "pale blue", "pink", "oat", "storm"]
COLOURS = {  # colour of the cloth: (for shelf and dev, for query)
    "blue": (("navy", "blue"), ("tide blue",)),
    "green": (("sage", "sea green"), ("olive",)),
    "red": (("red", "rust"), ("coral",)),
    "yellow": (("mustard", "yellow"), ("amber",)),
}
WOODS = ["oak", "walnut", "pine", "white wood", "birch"]
STOCK = {"shelf": 6, "dev": 1, "query": 2}  # pictures of each kind and colour
SIZE, SMALL = (480, 360), (224, 168)


def shot(scene, rng, size, zoom):
    """A camera's picture of a part of a scene; zoom is the share of it that is seen."""
    high, wide = scene.shape[:2]
    h, w = int(high * zoom), int(wide * zoom)
    top, left = int(rng.uniform(0, high - h + 1)), int(rng.uniform(0, wide - w + 1))
    return images.photographed(cv2.resize(scene[top : top + h, left : left + w], size), rng)


def flats(folder):
    """Two shots of every room of every flat; rows for photos.json."""
    rows = []
    for number, (flat, rooms) in enumerate(ROOMS.items(), 1):
        wood, cloth = LOOKS[flat]
        for where, room in enumerate(rooms, 1):
            rng = np.random.default_rng([5, number, where])
            wall = brush.colour(images.any_of(rng, WALLS))
            scene = brush.room(room, wall, brush.stuff(wood), (brush.colour(cloth), "weave"), rng, (640, 480))
            if rng.random() < 0.5:
                scene = np.ascontiguousarray(scene[:, ::-1])
            for letter, zoom in (("a", rng.uniform(0.9, 1.0)), ("b", rng.uniform(0.74, 0.84))):
                name = f"{flat}-{where}-{room.replace(' ', '-')}-{letter}.jpg"
                shot(scene, rng, SIZE, zoom).save(folder / name, quality=76, optimize=True)
                split = "dev" if flat in DEV else "test"
                row = {"file": f"photos/{name}", "flat": flat, "room": room, "place": where, "shot": letter}
                rows.append(row | {"split": split})
    return rows


def stock(folder):
    """Rooms by kind and colour of their cloth; rows for stock.json."""
    rows = []
    for s, (split, count) in enumerate(STOCK.items()):
        walls = images.RECIPES["test" if split == "query" else "train"]["walls"]
        for r, room in enumerate(images.labels("rooms")):
            for c, (family, names) in enumerate(COLOURS.items()):
                for number in range(count):
                    rng = np.random.default_rng([55, s, r, c, number])
                    cloth = (brush.colour(images.any_of(rng, names[split == "query"])), "weave")
                    wall, wood = brush.colour(images.any_of(rng, walls)), brush.stuff(images.any_of(rng, WOODS))
                    scene = brush.room(room, wall, wood, cloth, rng, (448, 336))
                    if rng.random() < 0.5:
                        scene = np.ascontiguousarray(scene[:, ::-1])
                    name = f"{split}-{room.replace(' ', '-')}-{family}-{number}.jpg"
                    shot(scene, rng, SMALL, rng.uniform(0.82, 1.0)).save(folder / name, quality=70, optimize=True)
                    rows.append({"file": f"stock/{name}", "room": room, "colour": family, "split": split})
    return rows


def main():
    for name, render in (("photos", flats), ("stock", stock)):
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        lines = "".join(json.dumps(row) + "\n" for row in render(folder))
        (HERE / f"{name}.jsonl").write_text(lines, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
