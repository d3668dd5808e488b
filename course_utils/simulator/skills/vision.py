"""A question about pictures: simulated words on real sight, of the vision and reading models."""

from ...settings import CourseError
from ..reading import Parts, Passage


def look(images: list[str], parts: Parts) -> None:
    """See the pictures (data: URIs) and let the parts be about them. CourseError for one that cannot be read."""
    from ...local import describing

    for image in images:
        if not str(image).startswith("data:"):
            raise CourseError("A picture cannot be fetched from a URL here: send a data: URI with its bytes in base64.")
    parts.image = " ".join(describing.describe(image, parts.question) for image in images)
    parts.labels, parts.relies = [], False
    parts.tools = parts.tools if parts.forced else []
    fills = parts.schema or parts.tools  # a form is filled in from the description, as from a passage
    parts.passages = [Passage("picture", parts.image)] if fills else []
