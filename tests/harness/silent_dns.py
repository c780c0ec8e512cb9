"""What becomes of a look-up where the one name server there is never answers.

To be run in a network and with mounts of its own (`unshare`), where it is the only name server.
Prints `heard` if the system's resolver came to it, and `gave up` if the portal did in its time.
"""

import ctypes
import fcntl
import socket
import struct
import time
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Event, Thread
from uuid import uuid4

from portal.auth.sso.lookups import look_up
from portal.tenancy.binding import TenantRecord, acting_for

MS_BIND = 4096
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
SECONDS = 1.5


def raise_loopback() -> None:
    """A new network has one that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def be_the_name_server() -> Event:
    """Take every question and answer none; gives whether there was one."""
    heard, server = Event(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def listen() -> None:
        while server.recv(4096):
            heard.set()

    Thread(target=listen, daemon=True).start()
    return heard


def over_mount(path: str, content: str) -> None:
    """Have a file hold something else, in this process's eyes."""
    with NamedTemporaryFile("w", delete=False) as file:
        file.write(content)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(file.name.encode(), path.encode(), None, MS_BIND, None):
        raise OSError(ctypes.get_errno(), path)
    Path(file.name).unlink()


def main() -> None:
    raise_loopback()
    heard = be_the_name_server()
    over_mount("/etc/nsswitch.conf", "hosts: files dns\n")
    over_mount("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30\n")
    began = time.monotonic()
    try:
        with acting_for(TenantRecord(uuid4(), "acme", "Acme", "active", "pooled")):
            look_up("login.example.com", 443, SECONDS)
    except TimeoutError:
        if heard.is_set() and time.monotonic() - began < 2 * SECONDS:
            print("heard", "gave up")


if __name__ == "__main__":
    main()
