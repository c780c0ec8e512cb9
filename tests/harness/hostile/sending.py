"""Ways to send an answer: the right one, and those by which a server harms who asked."""

import zlib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harness.hostile.provider import Endpoints

Send = Callable[["Endpoints", bytes], None]

HUGE_BYTES = 300_000_000
DRIPS, LATE_DRIPS = 300, 22  # a fifth of a second apart


def send(to: "Endpoints", body: bytes, *, status: int = 200, **headers: str) -> None:
    """Send what is to be sent, as it should be."""
    to.send_response(status)
    for name, value in {"Content_Type": "application/json", **headers}.items():
        to.send_header(name.replace("_", "-"), value)
    if "Content_Length" not in headers:
        to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.write(body)


def _content(made: bytes | Callable[[], bytes], **headers: str) -> Send:
    """Something else than was to be sent."""
    return lambda to, _: send(to, made if isinstance(made, bytes) else made(), **headers)


@cache
def _bomb() -> bytes:
    """Some hundred kilobytes of gzip that unpack to JSON of hundreds of megabytes."""
    packer = zlib.compressobj(level=1, wbits=31)  # with gzip's header
    pieces = chain([b'{"padding": "'], repeat(b"0" * 1_000_000, HUGE_BYTES // 1_000_000), [b'"}'])
    return b"".join(map(packer.compress, pieces)) + packer.flush()


def _huge(to: "Endpoints", body: bytes) -> None:
    """The right answer, and white space without an end in sight."""
    to.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
    to.write(body)
    for piece in repeat(b" " * 65536, HUGE_BYTES // 65536):
        to.write(piece)


def _huge_headers(to: "Endpoints", _body: bytes) -> None:
    to.wfile.write(b"HTTP/1.0 200 OK\r\n")
    for piece in repeat(b"X-Padding: " + b"0" * 60000 + b"\r\n", HUGE_BYTES // 60000):
        to.write(piece)


def _drip(to: "Endpoints", pieces: Iterator[bytes]) -> None:
    """Send something often enough that no single wait is long."""
    for piece in pieces:
        if to.own.is_closing.wait(0.2):
            return
        to.write(piece)


def _slow(to: "Endpoints", body: bytes, drips: int = DRIPS) -> None:
    to.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
    _drip(to, repeat(b" ", drips))
    to.write(body)


def _slow_end(to: "Endpoints", body: bytes) -> None:
    to.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
    to.write(body)
    _drip(to, repeat(b" ", DRIPS))


def late(to: "Endpoints", body: bytes) -> None:
    """Just before whoever asked gives up."""
    _slow(to, body, LATE_DRIPS)


def _slow_headers(to: "Endpoints", _body: bytes) -> None:
    to.wfile.write(b"HTTP/1.0 200 OK\r\nX-Padding: ")
    _drip(to, repeat(b"0", DRIPS))


def _continues(to: "Endpoints", _body: bytes) -> None:
    _drip(to, repeat(b"HTTP/1.1 100 Continue\r\n\r\n", DRIPS))


def _silence(to: "Endpoints", _body: bytes) -> None:
    to.own.is_closing.wait(DRIPS / 5)


def _hang_up(to: "Endpoints", _body: bytes) -> None:
    to.close_connection = True


def _half(to: "Endpoints", body: bytes) -> None:
    send(to, body, Content_Length=str(2 * len(body)))


def _redirect(to: "Endpoints", _body: bytes) -> None:
    """To where the right answer is to be had."""
    send(to, b"", status=307, Location=f"{to.own.issuer}/right{to.path}")


def _as_a_page(to: "Endpoints", body: bytes) -> None:
    send(to, body, Content_Type="text/html; charset=utf-8")


def _as_an_error(to: "Endpoints", body: bytes) -> None:
    send(to, body, status=500)


WRONG: dict[str, Send] = {
    "is no JSON": _content(b'{"issuer": '),
    "is not UTF-8": _content(b'{"issuer": "\xff\xfe"}'),
    "is empty": _content(b""),
    "is a list": _content(b"[]"),
    "is null": _content(b"null"),
    "is nested too deeply": _content(b"[" * 200_000),
    "is a number too long": _content(b'{"issuer": ' + b"9" * 100_000 + b"}"),
    "is a page": _as_a_page,
    "is an error": _as_an_error,
    "redirects": _redirect,
    "breaks off": _half,
    "hangs up": _hang_up,
}
COSTLY: dict[str, Send] = {
    "is huge": _huge,
    "has huge headers": _huge_headers,
    "is a gzip bomb": _content(_bomb, Content_Encoding="gzip"),
}
SLOW: dict[str, Send] = {
    "never comes": _silence,
    "drips": _slow,
    "drips on": _slow_end,
    "drips headers": _slow_headers,
    "always continues": _continues,
}
