"""Render the course's pictures with its own painter (course_utils/local/brush.py and parts.yaml).

    python data/images/make.py [products] [damage] [rooms] [symbols] [gallery]

heads/<head>/<split>/<label>/NN.jpg train and test the vision heads; gallery/ holds the lessons' larger pictures.
The test pictures follow another recipe than the training ones: other backgrounds, other colours, other seeds.
"""

import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from course_utils.local import brush  # noqa: E402

RECIPES = {
    "train": {
        "backgrounds": ("studio", "colour", "wall", "wooden table"),
        "colours": (
            "white",
            "sand",
            "grey",
            "navy",
            "blue",
            "sea green",
            "mustard",
            "red",
            "rust",
            "black",
            "cream",
            "sage",
        ),
        "walls": ("cream", "fog", "chalk", "sage", "pale blue", "pink"),
    },
    "test": {
        "backgrounds": ("marble", "garden", "colour"),
        "colours": ("coral", "teal", "purple", "olive", "stone", "orange", "tide blue", "brown"),
        "walls": ("oat", "storm", "turquoise", "amber"),
    },
}
PER_LABEL = {"products": (14, 6), "damage": (96, 30), "rooms": (16, 8), "symbols": (60, 24)}  # train, test
PRODUCTS = [kind for kind, entry in brush.parts()["kinds"].items() if entry.get("head", True)]
BREAKABLE = ("lamp", "plate", "mug", "vase", "casserole", "mirror", "table", "sideboard")
PRINTED = ("mug", "cushion", "plate", "bin", "curtain", "casserole")


def any_of(rng, options):
    return options[rng.integers(len(options))]


def sprite_of(kind, recipe, rng, pixels, variant=None, opaque=False):
    """A product in a material and colour of the recipe."""
    entry = brush.parts()["kinds"][kind]
    own = brush.stuff(any_of(rng, [m for m in entry["materials"] if not opaque or m != "glass"]))
    if own[1] not in ("wood", "metal") or rng.random() < 0.15:
        own = (brush.colour(any_of(rng, recipe["colours"])), own[1])
    second = brush.stuff(entry["second"])
    if rng.random() < 0.6:
        second = (brush.colour(any_of(rng, recipe["colours"])), second[1])
    sprite = brush.thing(kind, variant or any_of(rng, list(entry["variants"])), own, second, rng, pixels)
    if rng.random() < 0.5:
        sprite = np.ascontiguousarray(sprite[:, ::-1])
    return sprite


def turned(sprite, rng, degrees=5):
    """The sprite turned and stretched a little, as a camera would see it."""
    size = sprite.shape[0]
    move = cv2.getRotationMatrix2D((size / 2, size * 0.8), rng.uniform(-degrees, degrees), 1)
    move[:, :2] *= np.array([[rng.uniform(0.9, 1.06)], [rng.uniform(0.92, 1.02)]])
    return cv2.warpAffine(sprite, move, (size, size))


def scene_with(sprite, recipe, rng, size, hung):
    """The sprite on a background of the recipe."""
    wall = brush.colour(any_of(rng, recipe["walls"]))
    scene = brush.backdrop(any_of(rng, recipe["backgrounds"]), rng, size, wall)
    pixels = sprite.shape[0]
    left = (size[0] - pixels) / 2 + rng.uniform(-0.06, 0.06) * size[0]
    top = (size[1] - pixels) * rng.uniform(0.35, 0.8)
    brush.put(scene, sprite, left, top, 0 if hung else rng.uniform(0.3, 0.55))
    return scene


def photographed(scene, rng):
    """Light, colour cast, blur and grain of a camera; an 8-bit image."""
    scene = scene * rng.uniform(0.82, 1.12) * (1 + rng.uniform(-0.06, 0.06) * np.array([1, 0, -1]))
    scene = (scene.clip(0, 1) - 0.5) * rng.uniform(0.85, 1.1) + 0.5
    if rng.random() < 0.4:
        scene = cv2.GaussianBlur(scene.astype(np.float32), (0, 0), rng.uniform(0.4, 1.0))
    scene = scene + rng.normal(0, rng.uniform(0.004, 0.025), scene.shape)
    return Image.fromarray((scene.clip(0, 1) * 255).astype(np.uint8))


def canvas(rng):
    """A picture's size: square, wide or tall."""
    return any_of(rng, [(224, 224), (240, 240), (256, 224), (224, 256), (288, 240)])


def cracked(sprite, rng):
    """Cracks: dark, broken lines with a light edge, from one side of the thing to the other, and branches."""
    size = sprite.shape[0]
    mask = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(mask)
    inside = np.argwhere(sprite[..., 3] > 0.6)

    def walk(y, x, angle, length, width):
        while length > 0:
            step = rng.uniform(0.03, 0.06) * size
            angle += rng.normal(0, 0.55)
            to = (y + step * np.sin(angle), x + step * np.cos(angle))
            draw.line((x, y, to[1], to[0]), fill=255, width=max(1, round(width)))
            if rng.random() < 0.3 and length > 0.12 * size:
                walk(*to, angle + any_of(rng, [-1, 1]) * rng.uniform(0.6, 1.2), length * 0.45, width * 0.7)
            (y, x), length = to, length - step

    for _ in range(rng.integers(2, 4)):
        y, x = inside[rng.integers(len(inside))]
        heading = rng.uniform(0, 2 * np.pi)
        for turn in (0, np.pi):
            walk(y, x, heading + turn, rng.uniform(0.25, 0.45) * size, rng.uniform(0.009, 0.016) * size)
    line = np.asarray(mask, np.float32)[..., None] / 255 * (sprite[..., 3:] > 0.3)
    light = np.roll(line, (2, 2), axis=(0, 1)) * (1 - line)
    done = sprite.copy()
    done[..., :3] = (done[..., :3] * (1 - line) + line * 0.08) * (1 - 0.35 * light) + 0.35 * light
    return done


def stained(sprite, rng):
    """Stains: brown and dark blots with a darker rim."""
    size, done = sprite.shape[0], sprite.copy()
    inside = np.argwhere(sprite[..., 3] > 0.6)
    y, x = np.mgrid[0:size, 0:size]
    for _ in range(rng.integers(2, 5)):
        cy, cx = inside[rng.integers(len(inside))]
        radius = rng.uniform(0.06, 0.14) * size * (1 + 0.25 * brush.noise(rng, (size, size), size / 12))
        far = np.hypot((y - cy) * rng.uniform(0.8, 1.3), x - cx) / radius.clip(2)
        blot = ((1 - far) * 5).clip(0, 1) * rng.uniform(0.5, 0.8) + 0.25 * np.exp(-(((far - 1) / 0.08) ** 2))
        colour = brush.rgb(any_of(rng, ["#5a3a1c", "#3d2a18", "#6b4a12", "#2e2b26"]))
        blot = (blot * (sprite[..., 3] > 0.3))[..., None].clip(0, 1)
        done[..., :3] = done[..., :3] * (1 - blot) + colour * blot
    return done


def printed(sprite, symbol, rng, kind):
    """The sprite with a symbol printed on its middle; `gap` parts show the thing beneath."""
    size = sprite.shape[0]
    alpha = sprite[..., 3] > 0.6
    box = np.argwhere(alpha)
    (top, left), (bottom, right) = box.min(0), box.max(0)
    share = {"mug": 0.5, "casserole": 0.5, "curtain": 0.5}.get(kind, 0.58)
    side = int(min(bottom - top, right - left) * rng.uniform(share - 0.04, share + 0.12))
    at = {"mug": (0.58, 0.4), "casserole": (0.66, 0.5), "bin": (0.55, 0.5), "curtain": (0.4, 0.17)}.get(
        kind, (0.5, 0.5)
    )
    mirrored_mug = kind == "mug" and np.count_nonzero(alpha[:, : size // 2]) < np.count_nonzero(alpha[:, size // 2 :])
    x = 1 - at[1] if mirrored_mug else at[1]
    cy, cx = int(top + at[0] * (bottom - top)), int(left + x * (right - left))
    dark = sprite[cy - 5 : cy + 6, cx - 5 : cx + 6, :3].mean() < 0.45
    ink = any_of(rng, ["#f3efe6", "#f0d9a0"]) if dark else any_of(rng, ["#1d1d20", "#7c1f1b", "#1f2f55"])
    layer = np.zeros((side, side), np.float32)
    for shape, slot, _, *numbers in brush.parts()["symbols"][symbol]["parts"]:
        mask, _ = brush._outline(shape, numbers, side)
        layer = np.maximum(layer, mask) if slot == "ink" else layer * (1 - mask)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), rng.uniform(-14, 14), 1)
    turn[:, 2] += (cx - side / 2, cy - side / 2)
    layer = cv2.warpAffine(layer, turn, (size, size))[..., None] * (sprite[..., 3:] > 0.5) * rng.uniform(0.82, 0.97)
    shade = sprite[..., :3].mean(axis=2, keepdims=True)
    shade = 0.75 + 0.5 * (shade - shade[alpha].mean())
    done = sprite.copy()
    done[..., :3] = done[..., :3] * (1 - layer) + brush.rgb(ink) * shade * layer
    return done.clip(0, 1)


def labels(head):
    symbols = brush.parts()["symbols"]
    forbidden = [name for name, entry in symbols.items() if entry["forbidden"]]
    return {
        "products": PRODUCTS,
        "damage": ["intact", "cracked", "stained"],
        "rooms": list(brush.parts()["rooms"]),
        "symbols": ["none", *forbidden],
    }[head]


def picture(head, label, recipe, rng, number, size=None):
    """One picture of a head's label."""
    size = size or canvas(rng)
    if head == "rooms":
        first = brush.stuff(any_of(rng, ["oak", "walnut", "pine", "white wood", "birch"]))
        cloth = (brush.colour(any_of(rng, recipe["colours"])), any_of(rng, ["pile", "weave"]))
        scene = brush.room(label, brush.colour(any_of(rng, recipe["walls"])), first, cloth, rng, size)
        if rng.random() < 0.5:
            scene = np.ascontiguousarray(scene[:, ::-1])
        zoom, (high, wide) = rng.uniform(0.82, 1.0), scene.shape[:2]
        h, w = int(high * zoom), int(wide * zoom)
        top, left = int(rng.uniform(0, high - h + 1)), int(rng.uniform(0, wide - w + 1))
        return photographed(cv2.resize(scene[top : top + h, left : left + w], size), rng)
    kinds = {"products": [label], "damage": BREAKABLE, "symbols": PRINTED}[head]
    kind = kinds[number % len(kinds)]
    variant = {"plate": "above", "mug": "plain", "casserole": "wide"}.get(kind) if head == "symbols" else None
    pixels = int(min(size) * (rng.uniform(0.72, 0.95) if head == "products" else rng.uniform(0.86, 1.0)))
    sprite = sprite_of(kind, recipe, rng, pixels, variant, opaque=head != "products")
    if head == "damage" and label != "intact":
        sprite = (cracked if label == "cracked" else stained)(sprite, rng)
    if head == "symbols":
        harmless = [name for name, entry in brush.parts()["symbols"].items() if not entry["forbidden"]]
        symbol = label if label != "none" else any_of(rng, harmless) if number % 4 else None
        sprite = printed(sprite, symbol, rng, kind) if symbol else sprite
    return photographed(scene_with(turned(sprite, rng), recipe, rng, size, kind in brush.HUNG), rng)


def make_head(head):
    folder = HERE / "heads" / head
    shutil.rmtree(folder, ignore_errors=True)
    for split, count in zip(RECIPES, PER_LABEL[head], strict=True):
        for where, label in enumerate(labels(head)):
            place = folder / split / label.replace(" ", "-")
            place.mkdir(parents=True)
            more = 2 if label == "none" and split == "train" else 1  # harmless prints are the most varied
            for number in range(count * more):
                seed = [sorted(PER_LABEL).index(head), split == "test", where, number]
                rng = np.random.default_rng(seed)
                image = picture(head, label, RECIPES[split], rng, number)
                image.save(place / f"{number:03}.jpg", quality=int(rng.integers(50, 74)), optimize=True)


def gallery():
    """Larger pictures for lessons, with what they show in gallery.json."""
    folder = HERE / "gallery"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rows = []

    def keep(name, image, **facts):
        image.save(folder / f"{name}.jpg", quality=82, optimize=True)
        rows.append({"file": f"{name}.jpg"} | facts)

    every = {key: RECIPES["train"][key] + RECIPES["test"][key] for key in RECIPES["train"]}
    for flat in range(1, 6):
        for where, room in enumerate(labels("rooms")):
            if not (room == "office" and flat % 2):
                image = picture("rooms", room, every, np.random.default_rng([9, flat, where]), 0, (640, 480))
                keep(f"flat-{flat}-{room.replace(' ', '-')}", image, shows=room, listing=flat)
    rng = np.random.default_rng(77)
    lamp = brush.thing("lamp", "table", (brush.colour("sea green"), "gloss"), brush.stuff("linen"), rng, 460)
    lamps = {"shop": None, "cracked": 12, "cracked-faint": 9}  # the customer's lamp; the last one is hard to see
    for name, seed in lamps.items():
        sprite = cracked(lamp, np.random.default_rng(seed)) if seed else lamp
        place = "wooden table" if seed else "studio"
        scene = brush.backdrop(place, rng, (480, 480), brush.colour("oat"))
        brush.put(scene, sprite, 10, 16)
        keep(f"skerry-lamp-{name}", photographed(scene, rng), shows="lamp", damage="cracked" if seed else "intact")
    for number in range(12):
        label = labels("symbols")[(number // 3) % 4]
        image = picture("symbols", label, every, np.random.default_rng([11, number]), number, (480, 480))
        keep(f"marketplace-{number + 1:02}", image, shows=PRINTED[number % len(PRINTED)], symbol=label)
    for name, words in (
        ("sign-sale", "SUMMER SALE\n20 % OFF RUGS"),
        ("sign-scam", "CALL 0900 1234\nFREE MONEY"),
        ("sign-hours", "OPEN\nMON - SAT 9 - 18"),
        ("sign-fragile", "FRAGILE\nTHIS SIDE UP"),
    ):
        keep(name, sign(words, np.random.default_rng(len(words))), shows="sign", text=words.replace("\n", " "))
    (folder / "gallery.json").write_text(json.dumps(rows, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


def sign(words, rng):
    """A board with words on a wall."""
    import matplotlib

    scene = brush.backdrop("wall", rng, (480, 360), brush.colour(any_of(rng, ["sage", "fog", "cream"])))
    image = Image.fromarray((scene * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((58, 54, 428, 226), 10, fill="#6f5a3a")
    draw.rounded_rectangle((52, 48, 422, 220), 10, fill=any_of(rng, ["#fbf7ea", "#f6e7b6", "#e8f0ee"]))
    font = ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans-Bold.ttf", 34)
    draw.multiline_text((237, 134), words, font=font, fill="#8a1f1a", anchor="mm", align="center", spacing=16)
    return photographed(np.asarray(image.filter(ImageFilter.GaussianBlur(0.6)), np.float32) / 255, rng)


if __name__ == "__main__":
    for name in sys.argv[1:] or [*PER_LABEL, "gallery"]:
        gallery() if name == "gallery" else make_head(name)
