"""One way into a picture: a path, bytes, a data URL, a PIL image or an array becomes RGB, or one clear sentence."""

import base64
import hashlib
import io
import warnings
from pathlib import Path

from ..settings import CourseError

SMALLEST, LARGEST = 8, 40_000_000  # pixels: the shortest side; the whole picture


def _bytes(image) -> bytes | None:
    """The file behind a picture, if there is one."""
    if isinstance(image, str) and image.startswith("data:"):
        try:
            return base64.b64decode(image.partition(",")[2], validate=True)
        except ValueError:
            raise CourseError("The data URL of the picture is damaged: it is no base64.") from None
    if isinstance(image, bytes | bytearray):
        return bytes(image)
    if isinstance(image, str | Path):
        if not Path(image).is_file():
            raise CourseError(f"There is no picture at {Path(image).name}. Check the path.")
        return Path(image).read_bytes()
    return None


def picture(image):
    """An RGB PIL image of a path, bytes, data URL, PIL image or H x W (x 3 or 4) uint8 array.

    Transparent parts become white; CMYK, grey, 16-bit and palette pictures are converted; a photograph's own rotation
    is applied. CourseError: no picture, damaged, smaller than 8 pixels a side or larger than 40 megapixels.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    data = _bytes(image)
    if data is not None and not data:
        raise CourseError("The picture is empty: its file has 0 bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            found = Image.open(io.BytesIO(data)) if data is not None else image
            if not isinstance(found, Image.Image):
                found = Image.fromarray(found)
            if min(found.size) < SMALLEST:
                raise CourseError(
                    f"The picture is too small: {found.width} x {found.height} pixels. Use 8 or more a side."
                )
            if found.width * found.height > LARGEST:
                raise CourseError("The picture is too large. Use one of at most 40 megapixels.")
            found = ImageOps.exif_transpose(found)
    except UnidentifiedImageError:
        raise CourseError("The file is no picture that can be read. Use PNG, JPEG or WebP.") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise CourseError("The picture is damaged or cut off. Save it again as PNG or JPEG.") from None
    except (TypeError, AttributeError):
        raise CourseError("A picture is a path, bytes, a PIL image or an array of H x W x 3 bytes.") from None
    return _rgb(found)


def _rgb(found):
    from PIL import Image

    if found.mode.startswith("I;16") or found.mode in ("I", "F"):  # 16 bits a pixel: keep the high byte
        low, high = found.convert("F").getextrema()
        found = found.convert("F").point(lambda value: value * (255 / max(high, 1.0))).convert("L")
    if found.mode in ("RGBA", "LA", "PA") or "transparency" in found.info:
        found = found.convert("RGBA")
        found = Image.alpha_composite(Image.new("RGBA", found.size, "white"), found)
    return found if found.mode == "RGB" else found.convert("RGB")


def fingerprint(image) -> str:
    """sha256 of the file behind a picture, or of the pixels where there is none: the key of its recordings."""
    data = _bytes(image)
    if data is None:
        rgb = picture(image)
        data = f"{rgb.size}".encode() + rgb.tobytes()
    return hashlib.sha256(data).hexdigest()
