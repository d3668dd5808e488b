"""How the painter paints: shapes from data/images/parts.yaml, filled with a material, lit, and put into a scene.

Pictures are float arrays of H x W x 3 or x 4 (with alpha), 0 to 1. All randomness comes from the generator passed in.
"""

from functools import cache

from ..settings import DATA


@cache
def parts() -> dict:
    """Kinds, rooms and symbols that can be drawn."""
    import yaml

    return yaml.safe_load((DATA / "images" / "parts.yaml").read_text(encoding="utf-8"))


def colour(name: str) -> str:
    """'#rrggbb' of a colour's name."""
    return parts()["colours"][name]


def stuff(name: str) -> tuple[str, str]:
    """(colour, grain) of a material."""
    return tuple(parts()["materials"][name])


def rgb(colour: str):
    """'#rrggbb' as three floats."""
    import numpy

    return numpy.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def noise(rng, size, scale, across=1.0):
    """Smooth noise, mean 0 and deviation 1: `scale` pixels a blob, stretched by `across` from left to right."""
    import cv2
    import numpy

    wide, high = max(2, int(size[0] / scale / across)), max(2, int(size[1] / scale))
    field = cv2.resize(rng.normal(size=(high, wide)).astype(numpy.float32), size, interpolation=cv2.INTER_CUBIC)
    return (field - field.mean()) / (field.std() + 1e-6)


def _outline(shape, numbers, pixels):
    """A mask of one part, 0 to 1, and its box."""
    import numpy
    from PIL import Image, ImageDraw

    image = Image.new("L", (pixels, pixels), 0)
    draw = ImageDraw.Draw(image)
    scaled = [value * pixels for value in numbers]
    if shape in ("poly", "blob"):
        points = numpy.array(scaled).reshape(-1, 2)
        if shape == "blob":  # Catmull-Rom through the points
            t = numpy.linspace(0, 1, 10, endpoint=False)[:, None]
            ring = [numpy.roll(points, shift, axis=0) for shift in (1, 0, -1, -2)]
            points = numpy.concatenate([_spline(*(row[i] for row in ring), t) for i in range(len(points))])
        draw.polygon([tuple(point) for point in points], fill=255)
    elif shape == "ellipse":
        draw.ellipse(scaled, fill=255)
    elif shape == "rect":
        draw.rounded_rectangle(scaled[:4], scaled[4], fill=255)
    elif shape == "ring":
        draw.ellipse(scaled[:4], outline=255, width=max(1, round(scaled[4])))
    else:
        points, width = [tuple(point) for point in numpy.array(scaled[1:]).reshape(-1, 2)], max(1, round(scaled[0]))
        draw.line(points, fill=255, width=width, joint="curve")
    return numpy.asarray(image, numpy.float32) / 255, image.getbbox()


def _spline(a, b, c, d, t):
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def _light(kind, box, pixels):
    """How bright each pixel of a part is, and how much of the light it mirrors."""
    import numpy

    left, top, right, bottom = box
    x = ((numpy.arange(pixels) - left) / max(1, right - left))[None, :].clip(0, 1)
    y = ((numpy.arange(pixels) - top) / max(1, bottom - top))[:, None].clip(0, 1)
    if kind == "ball":
        far = numpy.sqrt((x - 0.36) ** 2 + (y - 0.28) ** 2)
        return 1.14 - 0.55 * far**1.5, numpy.exp(-((far / 0.16) ** 2))
    if kind in ("round", "lying"):
        u = x if kind == "round" else y
        bright = 0.62 + 0.5 * numpy.sin(numpy.pi * (0.12 + 0.8 * u)) ** 1.1 - 0.12 * u
        return bright + 0 * (x + y), numpy.exp(-(((u - 0.28) / 0.07) ** 2)) + 0 * (x + y)
    if kind == "down":
        return 1.06 - 0.22 * y + 0 * x, 0.2 * numpy.exp(-((y / 0.2) ** 2)) + 0 * x
    return numpy.ones((pixels, pixels)), 0 * (x + y)


def _grain(grain, rng, size):
    """The texture of a material: a factor per pixel."""
    import numpy

    x, y = numpy.arange(size[0])[None, :], numpy.arange(size[1])[:, None]
    if grain == "wood":
        return 1 + 0.045 * noise(rng, size, 3, 14) + 0.05 * noise(rng, size, 14, 8)
    if grain == "weave":
        return 1 + 0.05 * numpy.sin(x * 1.6) * numpy.sin(y * 1.6) + 0.03 * noise(rng, size, 2)
    if grain == "pile":
        return 1 + 0.05 * noise(rng, size, 2) + 0.02 * noise(rng, size, 18)
    if grain == "blotch":
        return 1 + 0.035 * noise(rng, size, 24) + 0.02 * noise(rng, size, 8)
    if grain == "speckle":
        return 1 - 0.25 * (noise(rng, size, 2) > 2.2) + 0.02 * noise(rng, size, 20)
    if grain == "metal":
        return 1 + 0.03 * noise(rng, size, 2, 20)
    return 1 + 0.01 * noise(rng, size, 24)


def fill(shapes, slots, rng, pixels):
    """Parts painted over one another: an array of pixels x pixels x 4."""
    import numpy
    from PIL import Image, ImageFilter

    canvas = numpy.zeros((pixels, pixels, 4), numpy.float32)
    for shape, slot, light, *numbers in shapes:
        mask, box = _outline(shape, numbers, pixels)
        if box is None:
            continue
        colour, grain = slots.get(slot) or parts()["slots"][slot]
        bright, mirror = _light(light, box, pixels)
        inner = numpy.asarray(
            Image.fromarray((mask * 255).astype(numpy.uint8)).filter(ImageFilter.GaussianBlur(pixels / 90))
        )
        edge = 0.8 + 0.2 * (inner / 255.0) ** 1.5 if light != "flat" else 1
        paint = rgb(colour)[None, None] * (bright * edge * _grain(grain, rng, (pixels, pixels)))[..., None]
        shine = {"gloss": 0.4, "metal": 0.55, "glass": 0.5}.get(grain, 0)
        if grain == "metal":
            paint = paint * (0.85 + 0.3 * numpy.abs(bright - 0.85))[..., None]
        paint = paint + shine * (mirror * (light != "flat"))[..., None]
        alpha = mask * ((0.42 if light == "flat" else 0.4 + 0.35 * (1 - inner / 255.0)) if grain == "glass" else 1)
        over = alpha + canvas[..., 3] * (1 - alpha)
        under = canvas[..., :3] * (canvas[..., 3] * (1 - alpha))[..., None]
        canvas[..., :3] = (paint.clip(0, 1) * alpha[..., None] + under) / numpy.maximum(over, 1e-6)[..., None]
        canvas[..., 3] = over
    return canvas


def thing(kind, variant, main, second, rng, pixels):
    """A product as an array with alpha; main and second are (colour, grain)."""
    return fill(parts()["kinds"][kind]["variants"][variant], {"main": main, "second": second}, rng, pixels)


def put(scene, sprite, left, top, shadow=0.45):
    """Lay a sprite over a scene in place, with a soft shadow on the ground (0: hung on a wall, a faint one behind)."""
    import cv2
    import numpy

    high, wide = scene.shape[:2]
    size = sprite.shape[0]
    move = numpy.float32([[1, 0, left], [0, 1, top]])
    placed = cv2.warpAffine(sprite, move, (wide, high))
    if shadow:
        flat = numpy.float32([[1, 0.35, left - 0.28 * size], [0, 0.14, top + 0.77 * size]])  # lying on the floor
        dark = cv2.GaussianBlur(cv2.warpAffine(sprite[..., 3], flat, (wide, high)), (0, 0), size / 45)
        near = cv2.GaussianBlur(numpy.roll(placed[..., 3], size // 60 + 1, axis=0), (0, 0), size / 60)
        scene *= 1 - shadow * numpy.maximum(dark * 0.8, near * 0.6)[..., None]
    else:
        scene *= (
            1
            - 0.35 * cv2.GaussianBlur(numpy.roll(placed[..., 3], size // 40 + 1, axis=0), (0, 0), size / 50)[..., None]
        )
    alpha = placed[..., 3:].clip(0, 1)
    scene[:] = scene * (1 - alpha) + placed[..., :3] * alpha


HUNG = ("clock", "mirror", "curtain", "rack")  # these cast no shadow on a floor
BACKGROUNDS = ("studio", "colour", "wall", "wooden table", "marble", "garden")


def backdrop(kind, rng, size, colour="#d8d4cc"):
    """An empty scene of (width, height): one of BACKGROUNDS."""
    import numpy

    wide, high = size
    y = numpy.linspace(0, 1, high)[:, None, None]
    x = numpy.linspace(-1, 1, wide)[None, :, None]
    base = rgb(colour)[None, None]
    if kind == "studio":
        scene = 0.97 - 0.1 * numpy.abs(y - 0.45) - 0.05 * x**2 + 0 * base
    elif kind == "colour":
        scene = base * (1.05 - 0.25 * numpy.abs(y - 0.35) - 0.06 * x**2) * numpy.where(y > 0.72, 0.93, 1)
    elif kind == "garden":
        green = rgb("#7f9a5a")[None, None] * (
            1 + 0.1 * noise(rng, size, 40)[..., None] + 0.04 * noise(rng, size, 4)[..., None]
        )
        sky = rgb("#bcd6e6")[None, None] * (1.05 - 0.15 * y)
        scene = numpy.where(y < 0.45 + 0.03 * noise(rng, size, 90)[..., None], sky, green * (0.8 + 0.4 * y))
    else:
        floor = {"wall": "#a98258", "wooden table": "#8f6238", "marble": "#e4e2de"}[kind]
        line = {"wall": 0.72, "wooden table": 0.55, "marble": 0.6}[kind]
        below = rgb(floor)[None, None] * _grain("wood" if kind != "marble" else "blotch", rng, size)[..., None]
        if kind == "marble":
            below = below - 0.12 * (numpy.abs(noise(rng, size, 50, 2)) < 0.06)[..., None]
        scene = numpy.where(y < line, base * (1.02 - 0.12 * y) - 0.03 * x**2, below * (0.75 + 0.35 * y))
    return scene.clip(0, 1).astype(numpy.float32)


def room(name, wall, main, second, rng, size):
    """A furnished room as a scene of (width, height); `wall` a colour, main and second (colour, grain) within."""
    import cv2
    import numpy

    plan = parts()["rooms"][name]
    wide, high = size
    scene = numpy.empty((high, wide, 3), numpy.float32)
    y, x = numpy.mgrid[0:high, 0:wide]
    scene[:] = rgb(wall) * (1.04 - 0.16 * (y / high)[..., None])
    style = plan["wall"][rng.integers(len(plan["wall"]))]
    if style == "tiles":
        tile = high // 14
        scene *= numpy.where((y % tile < 2) | (x % tile < 2), 0.86, 1.0)[..., None]
    elif style == "stripes":
        scene *= numpy.where((x // (wide // 24)) % 2 == 0, 0.95, 1.02)[..., None]
    floor = plan["floor"][rng.integers(len(plan["floor"]))]
    line = int(high * 0.74)
    depth = ((y - line) / (high - line)).clip(0, 1)
    colour = {"tiles": "#c9c6be", "wood": "#a87c4e", "carpet": "#a9a296"}[floor]
    grain = _grain({"tiles": "gloss", "wood": "wood", "carpet": "pile"}[floor], rng, size)
    ground = rgb(colour) * ((0.78 + 0.3 * depth) * grain)[..., None]
    slope = (x - wide / 2) / (0.45 + depth)  # lines run to a vanishing point
    if floor != "carpet":
        every = wide / (9 if floor == "wood" else 6)
        ground *= numpy.where(numpy.abs((slope % every) - every / 2) < 1.6, 0.8, 1.0)[..., None]
    if floor == "tiles":
        ground *= numpy.where((numpy.sqrt(depth) * 5) % 1 < 0.05, 0.8, 1.0)[..., None]
    scene[line:] = ground[line:]
    scene[line - 5 : line] *= 1.12
    _over(scene, cv2.resize(fill(plan["own"], {"main": main, "second": second}, rng, high), size))
    for kind, variant, centre, foot, share in plan["things"]:
        wood = parts()["kinds"][kind]["materials"]
        made_of = (stuff(wood[rng.integers(len(wood))]), second)
        if kind in ("rug", "curtain", "sofa"):
            made_of = (second, main)
        elif kind in ("bed", "sideboard", "table"):
            made_of = (main, second)
        pixels = int(share * high * 1.1)
        x = (centre + rng.normal(0, 0.01)) * wide - pixels / 2
        hung = 0 if kind in HUNG else 0.45
        put(scene, thing(kind, variant, *made_of, rng, pixels), x, foot * high - 0.9 * pixels, hung)
    light = 1 + 0.14 * numpy.cos((x / wide - rng.uniform(0.2, 0.8)) * 2.2) - 0.08
    return (scene * light[..., None]).clip(0, 1)


def _over(scene, sprite):
    alpha = sprite[..., 3:].clip(0, 1)
    scene[:] = scene * (1 - alpha) + sprite[..., :3] * alpha
