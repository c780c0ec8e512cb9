"""The addresses of a host, looked up for no longer than there is time.

The system's resolver knows no limits but its own, which can be half a minute. So it is asked in a
thread beside the request's, and left behind where it takes too long. These threads have places of
their own: names that hang use up those of one tenant, and hold up nobody else.
"""

import socket
from concurrent.futures import Future
from threading import Thread
from typing import Any

from portal.auth.sso.slots import Slots
from portal.tenancy.binding import bound_tenant_id

_slots = Slots(32)


def look_up(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a host, each once, as the system prefers them.

    Raises `TimeoutError`, `OSError` or `UnicodeError`; or `Unacceptable` where too many look-ups of
    this tenant's hang already.
    """
    tenant_id = bound_tenant_id()
    found: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001  # it is raised where it is waited for
            found.set_exception(error)
        finally:
            _slots.give_back(tenant_id)

    _slots.take(tenant_id, wait_seconds=0)
    try:
        Thread(target=ask, name=f"look-up of {host}", daemon=True).start()
    except RuntimeError:  # there are too many threads
        _slots.give_back(tenant_id)
        raise OSError("no thread to look it up in") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found.result(seconds)))
