"""Small files of many kinds, made as they are needed."""

import io

from PIL import Image


def picture_of(kind: str, width: int = 40, height: int = 30) -> bytes:
    """A picture in one of the kinds that browsers know."""
    made = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(made, kind)
    return made.getvalue()
