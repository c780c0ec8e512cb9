"""Having contents scanned for malware, as they arrive and before anybody sees them.

A clamd (PORTAL_CLAMD) is sent the text of a content by its INSTREAM command, piece by piece while
the same pieces are encrypted, so that it never lies on a disk of ours in clear. What it does with
it is its own affair: clamd keeps a stream in a temporary file. Where it can't be asked, or doesn't
take a content of that size, nothing is taken in.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from portal.access.people import list_people_with
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal
from portal.auth import attempts
from portal.auth.notices import Notice, tell
from portal.core.errors import PortalError
from portal.core.settings import active

TOLD_EVERY = timedelta(minutes=10)
TIMEOUT_SECONDS = 120.0  # for the verdict, which for a large archive takes a while
MAX_ANSWER_BYTES = 4096
FOUND = re.compile(rb"stream: (.+) FOUND\0?\Z", re.DOTALL)
CLEAN = re.compile(rb"stream: OK\0?\Z")


class Infected(RecordedRefusal):
    """The scanner found something harmful. Nothing is kept; the officers are told."""

    status = 422
    message = "The scanner found something harmful in this. Nothing was kept."
    action = Action.UPLOAD_INFECTED

    def record(self, actor: Actor) -> None:
        """Add the entry; of many in a row, one is mailed to the officers."""
        super().record(actor)
        if not attempts.take_turn("infected-told", TOLD_EVERY):
            return
        for officer_id in sorted(list_people_with(Permission.AUDIT_READ)):
            tell(officer_id, Notice.UPLOAD_INFECTED)


class ScannerAway(PortalError):
    """What is not scanned is not taken in."""

    status = 503
    message = "This can't be scanned for malware just now. Please try again later."


def scanned(pieces: Iterator[bytes], target: str) -> Iterator[bytes]:
    """The same pieces; at their end raises `Infected` or `ScannerAway`, if there is a scanner."""
    if not active().clamd:
        yield from pieces
        return
    with _asked(active().clamd) as scanner:
        for piece in pieces:
            with _away():
                scanner.sendall(len(piece).to_bytes(4, "big") + piece)
            yield piece
        answer = _verdict(scanner)
    if found := FOUND.match(answer):
        name = found[1].decode("ascii", "replace")[:100]
        raise Infected(target, found=name)
    if not CLEAN.match(answer):
        raise ScannerAway


@contextmanager
def _asked(address: str) -> Iterator[socket.socket]:
    """A connection on which a stream may begin (clamd(8), INSTREAM)."""
    with _away():
        scanner = _connect(address)
    with scanner:
        with _away():
            scanner.sendall(b"zINSTREAM\0")
        yield scanner


def _connect(address: str) -> socket.socket:
    if address.startswith("/"):
        scanner = socket.socket(socket.AF_UNIX)
        scanner.settimeout(TIMEOUT_SECONDS)
        scanner.connect(address)
        return scanner
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT_SECONDS)


def _verdict(scanner: socket.socket) -> bytes:
    answer = b""
    with _away():
        scanner.sendall(bytes(4))  # a piece of no length is the end
        while len(answer) < MAX_ANSWER_BYTES and (piece := scanner.recv(MAX_ANSWER_BYTES)):
            answer += piece
    return answer


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise ScannerAway from None
