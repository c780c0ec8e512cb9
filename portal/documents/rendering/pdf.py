"""The job of showing a PDF: `count`, or `picture` or `text` of one page, by its number from 1.

A page becomes a picture, so that nothing of what a PDF can do reaches a browser.
"""

import codecs
import io
import os
import sys

import pypdfium2
from PIL import Image, WebPImagePlugin

from portal.documents.rendering.confinement import End, Unconfined, limit, lock

MEMORY_BYTES = 768 * 1024 * 1024  # of addresses, of which Python and PDFium take a third
CPU_SECONDS = 10
SIDE = 1800  # pixels, the longer one: A4 at 154 dots an inch
MAX_TEXT = 256 * 1024  # characters


def main(task: str, number: int) -> End:
    """Confine the process, then read the PDF from stdin and write to stdout."""
    Image.preinit()  # what would be imported later can't be opened any more
    codecs.lookup("utf-16-le")
    try:
        lock()
    except Unconfined:
        return End.UNCONFINED
    limit(memory_bytes=MEMORY_BYTES, cpu_seconds=CPU_SECONDS)
    try:
        document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
        made = _made(document, task, number)
    except pypdfium2.PdfiumError as error:
        is_protected = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        return End.PROTECTED if is_protected else End.UNREADABLE
    except (MemoryError, ValueError, IndexError):
        return End.UNREADABLE
    sys.stdout.buffer.write(made)
    sys.stdout.buffer.flush()
    return End.DONE


def _made(document: pypdfium2.PdfDocument, task: str, number: int) -> bytes:
    if task == "count":
        return str(len(document)).encode()
    page = document[number - 1]
    if task == "text":
        return page.get_textpage().get_text_range()[:MAX_TEXT].encode(errors="replace")
    return _webp(draw(page))


def draw(page: pypdfium2.PdfPage) -> Image.Image:
    """The page on white, as large as `SIDE` allows."""
    scale = SIDE / max(*page.get_size(), 1)
    return page.render(scale=scale).to_pil().convert("RGB")


def _webp(picture: Image.Image) -> bytes:
    made = io.BytesIO()
    picture.save(made, WebPImagePlugin.WebPImageFile.format, quality=85, method=2)
    return made.getvalue()


if __name__ == "__main__":
    # At once, past what Python and PDFium would tidy up: after a fault that is no safe place.
    os._exit(main(sys.argv[1], int(sys.argv[2])))
