"""Every request to an address that a tenant gives: short, small, straight, never to the inside.

Where it leads is an admin's choice or an officer's, so a hostile one, or a hostile provider, may
try to have the portal talk to its own network, follow it elsewhere, wait for ever, or swallow more
than it can.
"""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import create_connection

from portal.auth.sso.deadline import present, within
from portal.auth.sso.lookups import look_up
from portal.auth.sso.refusals import Reason, Unacceptable
from portal.auth.sso.slots import slot
from portal.core.settings import active
from portal.tenancy.session import release

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 2, 4, 5
ALTOGETHER_SECONDS = 7  # where one request of ours asks a provider several times
MAX_BYTES = 256 * 1024
MAX_ADDRESSES = 3  # of a host that are tried

# What IANA gives out of IPv6 for the Internet; and of it, what a relay would take for an IPv4
# address: RFC 3056, 4380. So what was site-local (RFC 3879) is not of it, nor what a translator
# takes for IPv4 (RFC 6052, 8215).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TRANSLATED = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))

Network = IPv4Network | IPv6Network
_opened: ContextVar[Sequence[Network]] = ContextVar("opened", default=())


class _Watched(HTTPConnection):
    """A connection that looks where it leads, and ends with the deadline."""

    def _new_conn(self) -> socket.socket:
        return connect(self.host, self.port or self.default_port, self.socket_options)


class _WatchedSecurely(_Watched, HTTPSConnection):
    """The same with TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _WatchedSecurely


class _Adapter(HTTPAdapter):
    """Sends a request and reads the whole answer, within the limits."""

    def __init__(self, *, takes_json_only: bool) -> None:
        super().__init__()
        self._takes_json_only = takes_json_only

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def send(self, request: requests.PreparedRequest, *_args: Any, **given: Any) -> Any:
        release()  # a provider may be slow: no transaction waits for it
        if active().production and not str(request.url).startswith("https://"):
            raise Unacceptable(Reason.PLAIN_HTTP)
        given |= {"stream": True, "timeout": (CONNECT_SECONDS, READ_SECONDS), "proxies": {}}
        with slot(), within(TOTAL_SECONDS) as deadline:
            answer = super().send(request, **given)
            deadline.check()  # what was cut off can look complete
            answer = _read_whole(answer, self._takes_json_only)
            deadline.check()
            return answer


def prepare(session: requests.Session, *, takes_json_only: bool = True) -> None:
    """Have everything that `session` sends keep to the limits."""
    session.trust_env = False  # no proxy, no .netrc
    session.headers["Accept-Encoding"] = "identity"
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(takes_json_only=takes_json_only))


def connect(host: str, port: int, options: Any = None) -> socket.socket:
    """A connection to one of the addresses that were looked at, as a name may mean another the next
    time; it ends with the deadline. Raises `Unacceptable`.
    """
    with suppress(OSError, UnicodeError):  # of a name that is none
        for address in _addresses_of(host, port):
            with suppress(OSError):
                return _connected_to(address, port, options)
    raise Unacceptable(Reason.UNREACHABLE)


@contextmanager
def opening(networks: Sequence[Network]) -> Iterator[None]:
    """Whatever is sent in the block may go into these networks too, which the operator names."""
    token = _opened.set(networks)
    try:
        yield
    finally:
        _opened.reset(token)


def get_json(address: str, *, bearer: str | None = None) -> dict[str, Any]:
    """The JSON object at an address. Ends the present transaction. Raises `Unacceptable`."""
    headers = {"Accept": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    with requests.Session() as session:
        prepare(session)
        try:
            answer = session.get(address, headers=headers)
        except (requests.RequestException, ValueError):  # of an address that is none
            raise Unacceptable(Reason.UNREACHABLE) from None
    if answer.status_code != requests.codes.ok:
        raise Unacceptable(Reason.UNREACHABLE)
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        raise Unacceptable(Reason.NOT_JSON) from None
    if not isinstance(found, dict):
        raise Unacceptable(Reason.NOT_JSON)
    return found


def _read_whole(answer: requests.Response, takes_json_only: bool) -> requests.Response:
    with answer:
        if answer.is_redirect or answer.is_permanent_redirect:
            raise Unacceptable(Reason.REDIRECTED)
        kind = answer.headers.get("Content-Type", "")
        if takes_json_only and answer.ok and not _is_json(kind):
            raise Unacceptable(Reason.NOT_JSON)
        if "Content-Encoding" in answer.headers:  # it was not asked for, and may unfold without end
            raise Unacceptable(Reason.NOT_JSON)
        body = b""
        for piece in answer.iter_content(8192):
            body += piece
            if len(body) > MAX_BYTES:
                raise Unacceptable(Reason.TOO_LARGE)
    answer._content = body  # noqa: SLF001  # where requests keeps what it has read
    return answer


def _is_json(content_type: str) -> bool:
    """Whether it says that it is JSON; key sets may have a type of their own (RFC 7517, 8.5)."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def _connected_to(address: str, port: int, options: Any) -> socket.socket:
    """A connection, unless it takes longer than there is time."""
    made = create_connection(
        (address, port), _seconds_left(CONNECT_SECONDS), socket_options=options
    )
    if deadline := present():
        deadline.watch(made)
    return made


def _addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises `Unacceptable` if any of them is none of the public's, nor in
    a network that is opened.
    """
    addresses = look_up(host.strip("[]"), port, _seconds_left(TOTAL_SECONDS))
    if active().production and not all(is_public(a) or _is_opened(a) for a in addresses):
        raise Unacceptable(Reason.FORBIDDEN_ADDRESS)
    return addresses[:MAX_ADDRESSES]


def _is_opened(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    return any(address in network for network in _opened.get())


def _seconds_left(at_most: float) -> float:
    """How long something may take. Raises `TimeoutError` if there is no time left."""
    deadline = present()
    seconds = min(at_most, deadline.seconds_left) if deadline else at_most
    if seconds <= 0:
        raise TimeoutError
    return seconds


def is_public(text: str) -> bool:
    """Whether an address is one of the Internet's: not this machine's, nor a private network's."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and not _is_given_out(address):
        return False
    return address.is_global and not address.is_multicast


def _is_given_out(address: IPv6Address) -> bool:
    return address in _GLOBAL_UNICAST and not any(address in network for network in _TRANSLATED)
