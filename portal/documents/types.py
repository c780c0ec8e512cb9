"""What a content is: what its name says, if the content bears that out.

Never what a browser says. A name that its content contradicts, and one that says nothing known,
make a content of no known type, which nothing shows or runs. Signatures follow the formats' own
specifications; a zip is taken for what its name says of it, as what it holds is not looked into.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

HEAD_BYTES = 4096  # of the content that are looked at
UNKNOWN_TYPE = "application/octet-stream"
NO_CONTROLS = bytes({*range(0x20, 0x100)} - {0x7F} | {*b"\t\n\f\r\x1b"})  # what a text may hold


class Family(StrEnum):
    """What an organisation allows or not: types that people tell apart."""

    PDF = "pdf"
    OFFICE = "office"
    TEXT = "text"
    IMAGES = "images"
    SOUND = "sound"
    VIDEO = "video"
    ARCHIVES = "archives"
    WEB = "web"
    OTHER = "other"


Looks = Callable[[bytes], bool]


class ContentType(NamedTuple):
    """A type as it is kept and sent, and the family by which it is allowed."""

    media_type: str
    family: Family


UNKNOWN = ContentType(UNKNOWN_TYPE, Family.OTHER)


def type_named(name: str) -> ContentType:
    """What a name says its content is."""
    known = _KNOWN.get(_extension(name))
    return known[0] if known else UNKNOWN


def type_of(name: str, head: bytes) -> ContentType:
    """What a content is that is called `name` and begins with `head`."""
    known = _KNOWN.get(_extension(name))
    return known[0] if known and known[1](head) else UNKNOWN


def media_types_of(family: Family) -> frozenset[str]:
    """The types that a family holds."""
    kinds = {UNKNOWN, *(kind for kind, _ in _KNOWN.values())}
    return frozenset(kind.media_type for kind in kinds if kind.family == family)


def _extension(name: str) -> str:
    return name.rpartition(".")[2].casefold() if "." in name else ""


def _begins(*prefixes: bytes) -> Looks:
    return lambda head: head.startswith(prefixes)


def _riff(kind: bytes) -> Looks:
    return lambda head: head.startswith(b"RIFF") and head[8:12] == kind


def _brand(*brands: bytes) -> Looks:
    """ISO base media: the brands it is readable as stand in its first box (ISO/IEC 14496-12)."""
    return lambda head: head[4:8] == b"ftyp" and any(brand in head[8:64] for brand in brands)


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True  # UTF-16, by its byte order mark
    return not head.startswith((b"%PDF-", b"{\\rtf")) and not head.translate(None, NO_CONTROLS)


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


_zip = _begins(b"PK\x03\x04", b"PK\x05\x06")
_ole = _begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")  # [MS-CFB]
_matroska = _begins(b"\x1a\x45\xdf\xa3")
_mpeg_sound = _begins(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa")
_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."

_ROWS: tuple[tuple[Family, str, str, Looks], ...] = (
    (Family.PDF, "pdf", "application/pdf", _begins(b"%PDF-")),
    (Family.OFFICE, "docx", _OPEN_XML + "wordprocessingml.document", _zip),
    (Family.OFFICE, "xlsx", _OPEN_XML + "spreadsheetml.sheet", _zip),
    (Family.OFFICE, "pptx", _OPEN_XML + "presentationml.presentation", _zip),
    (Family.OFFICE, "odt", _OPEN_DOCUMENT + "text", _zip),
    (Family.OFFICE, "ods", _OPEN_DOCUMENT + "spreadsheet", _zip),
    (Family.OFFICE, "odp", _OPEN_DOCUMENT + "presentation", _zip),
    (Family.OFFICE, "epub", "application/epub+zip", _zip),
    (Family.OFFICE, "doc", "application/msword", _ole),
    (Family.OFFICE, "xls", "application/vnd.ms-excel", _ole),
    (Family.OFFICE, "ppt", "application/vnd.ms-powerpoint", _ole),
    (Family.OFFICE, "msg", "application/vnd.ms-outlook", _ole),
    (Family.OFFICE, "rtf", "application/rtf", _begins(b"{\\rtf")),
    (Family.OFFICE, "eml", "message/rfc822", _is_text),
    (Family.TEXT, "txt log ini conf", "text/plain", _is_text),
    (Family.TEXT, "md markdown", "text/markdown", _is_text),
    (Family.TEXT, "csv", "text/csv", _is_text),
    (Family.TEXT, "tsv", "text/tab-separated-values", _is_text),
    (Family.TEXT, "json", "application/json", _is_text),
    (Family.TEXT, "yaml yml", "application/yaml", _is_text),
    (Family.TEXT, "ics", "text/calendar", _is_text),
    (Family.TEXT, "vcf", "text/vcard", _is_text),
    (Family.IMAGES, "png", "image/png", _begins(b"\x89PNG\r\n\x1a\n")),
    (Family.IMAGES, "jpg jpeg", "image/jpeg", _begins(b"\xff\xd8\xff")),
    (Family.IMAGES, "gif", "image/gif", _begins(b"GIF87a", b"GIF89a")),
    (Family.IMAGES, "webp", "image/webp", _riff(b"WEBP")),
    (Family.IMAGES, "avif", "image/avif", _brand(b"avif", b"avis")),
    (Family.IMAGES, "heic heif", "image/heic", _brand(b"heic", b"heix", b"mif1")),
    (Family.IMAGES, "tif tiff", "image/tiff", _begins(b"II*\0", b"MM\0*")),
    (Family.IMAGES, "bmp", "image/bmp", _begins(b"BM")),
    (Family.SOUND, "mp3", "audio/mpeg", _mpeg_sound),
    (Family.SOUND, "wav", "audio/wav", _riff(b"WAVE")),
    (Family.SOUND, "flac", "audio/flac", _begins(b"fLaC")),
    (Family.SOUND, "ogg oga opus", "audio/ogg", _begins(b"OggS")),
    (Family.SOUND, "m4a", "audio/mp4", _brand(b"M4A ", b"mp42", b"isom")),
    (Family.VIDEO, "mp4 m4v", "video/mp4", _brand(b"mp4", b"isom", b"iso2", b"avc1", b"M4V")),
    (Family.VIDEO, "mov", "video/quicktime", _brand(b"qt  ")),
    (Family.VIDEO, "webm", "video/webm", _matroska),
    (Family.VIDEO, "mkv", "video/matroska", _matroska),
    (Family.VIDEO, "avi", "video/x-msvideo", _riff(b"AVI ")),
    (Family.ARCHIVES, "zip", "application/zip", _zip),
    (Family.ARCHIVES, "7z", "application/x-7z-compressed", _begins(b"7z\xbc\xaf\x27\x1c")),
    (Family.ARCHIVES, "rar", "application/vnd.rar", _begins(b"Rar!\x1a\x07")),
    (Family.ARCHIVES, "gz tgz", "application/gzip", _begins(b"\x1f\x8b")),
    (Family.ARCHIVES, "bz2", "application/x-bzip2", _begins(b"BZh")),
    (Family.ARCHIVES, "xz", "application/x-xz", _begins(b"\xfd7zXZ\0")),
    (Family.ARCHIVES, "zst", "application/zstd", _begins(b"\x28\xb5\x2f\xfd")),
    (Family.ARCHIVES, "tar", "application/x-tar", _is_tar),
    (Family.WEB, "html htm", "text/html", _is_text),
    (Family.WEB, "xhtml", "application/xhtml+xml", _is_text),
    (Family.WEB, "xml", "application/xml", _is_text),
    (Family.WEB, "svg", "image/svg+xml", _is_text),
    (Family.WEB, "js mjs", "text/javascript", _is_text),
    (Family.WEB, "css", "text/css", _is_text),
)
_KNOWN = {
    extension: (ContentType(media_type, family), looks)
    for family, extensions, media_type, looks in _ROWS
    for extension in extensions.split()
}
