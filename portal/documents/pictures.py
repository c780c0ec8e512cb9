"""What a picture is, and how large, by its first bytes alone: nothing is decoded."""

import struct
from typing import NamedTuple

START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # of JPEG, ITU T.81 table B.1


class Picture(NamedTuple):
    """The type that the bytes speak of, and the pixels."""

    media_type: str
    width: int
    height: int


def find_picture(head: bytes) -> Picture | None:
    """What begins with `head`; None for what is none of the five kinds, or not to be made out."""
    for media_type, measure in READERS.items():
        try:
            size = measure(head)
        except (struct.error, IndexError):
            continue
        if size is not None:
            return Picture(media_type, *size)
    return None


Size = tuple[int, int] | None


def _png(head: bytes) -> Size:
    is_one = head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR"
    return struct.unpack_from(">II", head, 16) if is_one else None


def _gif(head: bytes) -> Size:
    is_one = head.startswith((b"GIF87a", b"GIF89a"))
    return struct.unpack_from("<HH", head, 6) if is_one else None


def _jpeg(head: bytes) -> Size:
    at = 2 if head.startswith(b"\xff\xd8") else len(head)
    while head[at] == 0xFF:
        if head[at + 1] in START_OF_FRAME:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


def _webp(head: bytes) -> Size:
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = head[24:27], head[27:30]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", head, 26)
    return (width & 0x3FFF, height & 0x3FFF) if kind == b"VP8 " else None


def _avif(head: bytes) -> Size:
    """The largest of the sizes that its properties name (`ispe`): it has one for each tile."""
    if head[4:8] != b"ftyp" or not {b"avif", b"avis"} & {head[i : i + 4] for i in range(8, 40, 4)}:
        return None
    sizes, at = [], head.find(b"ispe")
    while at >= 0:
        sizes.append(struct.unpack_from(">II", head, at + 8))
        at = head.find(b"ispe", at + 4)
    return max(sizes, default=None, key=lambda size: size[0] * size[1])


READERS = {
    "image/png": _png,
    "image/gif": _gif,
    "image/jpeg": _jpeg,
    "image/webp": _webp,
    "image/avif": _avif,
}
