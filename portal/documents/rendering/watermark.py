"""The job of showing a page of a PDF, or a picture, with words burnt into it: `pdf` or `picture`,
and the page's number from 1.

The words come before the content, after their length in four bytes: who is shown a thing is not to
stand in the list of processes.
"""

import io
import os
import sys

import pypdfium2
from PIL import (
    AvifImagePlugin,
    ExifTags,
    Image,
    ImageDraw,
    ImageFont,
    ImageOps,
    MpoImagePlugin,  # noqa: F401  # which a JPEG may turn out to be
    WebPImagePlugin,
)

from portal.documents.rendering.confinement import End, Unconfined, limit, lock
from portal.documents.rendering.pdf import CPU_SECONDS, MEMORY_BYTES, SIDE, draw

MOST_PIXELS = 50_000_000
ANGLE = 30  # degrees
DARK, LIGHT = (60, 60, 60, 80), (255, 255, 255, 110)  # to be seen on any ground
BROKEN = (  # what Pillow raises of what is none, or too much
    Image.DecompressionBombError,
    IndexError,
    MemoryError,
    OSError,
    SyntaxError,
    ValueError,
)
FORMATS = ("AVIF", "GIF", "JPEG", "PNG", "WEBP")

Fonts = dict[int, ImageFont.FreeTypeFont | ImageFont.ImageFont]


def main(kind: str, number: int) -> End:
    """Confine the process, then read words and content from stdin and write to stdout."""
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a thread counts as a process
    fonts = {size: ImageFont.load_default(size) for size in (12, 18, 26, 36)}
    _rehearse(fonts)
    try:
        lock()
    except Unconfined:
        return End.UNCONFINED
    limit(memory_bytes=MEMORY_BYTES, cpu_seconds=CPU_SECONDS)
    given = sys.stdin.buffer
    words = given.read(int.from_bytes(given.read(4), "big")).decode()
    try:
        found = _page(given.read(), number) if kind == "pdf" else _picture(given.read())
        made = _webp(_marked(found, words, fonts))
    except pypdfium2.PdfiumError as error:
        is_protected = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        return End.PROTECTED if is_protected else End.UNREADABLE
    except BROKEN:
        return End.UNREADABLE
    sys.stdout.buffer.write(made)
    sys.stdout.buffer.flush()
    return End.DONE


def _rehearse(fonts: Fonts) -> None:
    """Do all of it once with pictures of our own: what Pillow imports as it goes can't be opened
    any more when it is for others'.
    """
    blank = Image.new("RGB", (8, 8))
    exif = blank.getexif()
    exif[ExifTags.Base.Orientation] = 6
    for name in FORMATS:
        sample = io.BytesIO()
        blank.save(sample, name, exif=exif)
        _webp(_marked(_picture(sample.getvalue()), "-", fonts))


def _page(content: bytes, number: int) -> Image.Image:
    return draw(pypdfium2.PdfDocument(content)[number - 1])


def _picture(content: bytes) -> Image.Image:
    """The picture as it is to be seen, no larger than a page. Its size is looked at first."""
    picture = Image.open(io.BytesIO(content), formats=FORMATS)
    if picture.width * picture.height > MOST_PIXELS:
        raise ValueError("too many pixels")
    picture.draft("RGB", (SIDE, SIDE))
    shown = ImageOps.exif_transpose(picture).convert("RGBA")
    shown.thumbnail((SIDE, SIDE))
    ground = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(ground, shown).convert("RGB")


def _marked(shown: Image.Image, words: str, fonts: Fonts) -> Image.Image:
    """The words all over it, so that no part can be cut out without them.

    The one font that needs no file has the letters of ASCII; what else there is stands escaped.
    """
    words = words.encode("ascii", "backslashreplace").decode()
    size = max(one for one in fonts if one <= max(min(shown.size) // 25, min(fonts)))
    font = fonts[size]
    shown = _with_room(shown, int(font.getlength(words)), size)
    side = int((shown.width**2 + shown.height**2) ** 0.5) + 1
    layer = Image.new("RGBA", (side, side))
    pen, wide = ImageDraw.Draw(layer), int(font.getlength(words)) + 4 * size
    for row, top in enumerate(range(0, side, 6 * size)):
        for left in range(-wide + row % 2 * wide // 2, side, wide):
            pen.text((left, top), words, font=font, fill=DARK, stroke_width=1, stroke_fill=LIGHT)
    turned = layer.rotate(ANGLE, resample=Image.Resampling.BILINEAR)
    left, top = (side - shown.width) // 2, (side - shown.height) // 2
    over = turned.crop((left, top, left + shown.width, top + shown.height))
    return Image.alpha_composite(shown.convert("RGBA"), over).convert("RGB")


def _with_room(shown: Image.Image, length: int, size: int) -> Image.Image:
    """On more ground where it is so small that no line of words would stand on it as a whole."""
    room = (max(shown.width, length * 4 // 3), max(shown.height, length * 4 // 5 + 12 * size))
    if room == shown.size:
        return shown
    ground = Image.new("RGB", room, "white")
    ground.paste(shown, ((room[0] - shown.width) // 2, (room[1] - shown.height) // 2))
    return ground


def _webp(picture: Image.Image) -> bytes:
    made = io.BytesIO()
    picture.save(made, WebPImagePlugin.WebPImageFile.format, quality=80, method=2)
    return made.getvalue()


if __name__ == "__main__":
    # At once, past what Python and PDFium would tidy up: after a fault that is no safe place.
    os._exit(main(sys.argv[1], int(sys.argv[2])))
