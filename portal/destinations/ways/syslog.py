"""Messages to a collector of logs: RFC 5424, over TCP with each one's length before it (RFC 6587,
3.4.1), or over TLS, where that is the only form (RFC 5425).

Nothing in syslog says that a message was taken. What there is, is TCP's word that the collector's
machine has all bytes, and that it did not break off: that is waited for.
"""

import fcntl
import socket
import ssl
import struct
import termios
import time
from contextlib import suppress

from portal.audit.severity import Severity
from portal.auth.sso.fetch import connect, is_public
from portal.core.settings import active
from portal.destinations.messages import Message, Record
from portal.destinations.places import SyslogPlace
from portal.destinations.taking import NotTaken
from portal.tenancy.binding import bound
from portal.tenancy.queries import find_tenant_host

VERSION = 1
LOG_AUDIT = 13  # the facility, RFC 5424, 6.2.1
NUMBERS = {
    Severity.ALERT: 1,
    Severity.WARNING: 4,
    Severity.NOTICE: 5,
    Severity.INFORMATIONAL: 6,
}
APP_NAME = "tenant-portal"
SECONDS = 4
LAST_WORD_SECONDS = 0.5  # to hear that the other side broke off
LOOK_SECONDS = 0.01


def send(place: SyslogPlace, _secret: str, message: Message) -> str:
    """A message for each record."""
    octets = b"".join(_framed(record, message, source_name()) for record in message.records)
    with connect(place.host, place.port) as plain:
        plain.settimeout(SECONDS)
        if not place.is_tls:
            _require_inner(plain)
            _hand_over(plain, octets)
            _part(plain)
            return "It took the bytes."
        with _context(place).wrap_socket(plain, server_hostname=place.host) as secured:
            _hand_over(secured, octets)
            said = f"It took the bytes, by {secured.version()}."
            _part_securely(secured)
            return said


def source_name() -> str:
    """The bound tenant's host, which the messages are said to come from."""
    slug = bound().tenant.slug
    return find_tenant_host(slug) or f"{slug}.{active().apex}"


def _require_inner(connection: socket.socket) -> None:
    """In production nothing goes out in clear but into a network that the operator has opened."""
    if active().production and is_public(connection.getpeername()[0]):
        raise NotTaken("It is not encrypted, and lies outside. Choose TLS.")


def _framed(record: Record, message: Message, source: str) -> bytes:
    priority = LOG_AUDIT * 8 + NUMBERS[record.severity]
    at = record.at.isoformat(timespec="microseconds")
    header = f"<{priority}>{VERSION} {at} {source} {APP_NAME} - {message.event} -"
    octets = f"{header} {record.line}".encode()
    return f"{len(octets)} ".encode() + octets


def _context(place: SyslogPlace) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=place.ca or None)
    except ssl.SSLError:
        raise NotTaken("The certificate of its authority can't be read.") from None


def _hand_over(connection: socket.socket, octets: bytes) -> None:
    """Raises `OSError` unless the other side has it all."""
    connection.sendall(octets)
    ends_at = time.monotonic() + SECONDS
    while _unacknowledged(connection):
        if time.monotonic() > ends_at:
            raise TimeoutError
        time.sleep(LOOK_SECONDS)


def _part(connection: socket.socket) -> None:
    """End it, and hear whether the other side breaks off instead: raises `OSError` then."""
    connection.settimeout(LAST_WORD_SECONDS)
    connection.shutdown(socket.SHUT_WR)
    with suppress(TimeoutError):
        while connection.recv(4096):
            pass


def _part_securely(connection: ssl.SSLSocket) -> None:
    """The same; first TLS is ended as it has to be (RFC 5425, 4.4), whether or not the other side
    does so as well.
    """
    connection.settimeout(LAST_WORD_SECONDS)
    with suppress(ssl.SSLError, TimeoutError):
        connection.unwrap()


def _unacknowledged(connection: socket.socket) -> int:
    """How many bytes the other side's TCP has not acknowledged yet (tcp(7), SIOCOUTQ)."""
    answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    return int(struct.unpack("i", answer)[0])
