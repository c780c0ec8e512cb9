"""`portal serve`: the web server."""

import gc
import signal
import socket
import struct
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from gunicorn.http.unreader import SocketUnreader

from portal.cli.context import Factories
from portal.cli.databases import check_all
from portal.core import settings
from portal.documents.contents import PIECE_BYTES
from portal.keys import startup as keys_startup
from portal.tenancy.queries import list_living_tenants
from portal.tenancy.session import db

STALL_SECONDS = 30
PORT = click.IntRange(0, 65_535)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=PORT, default=8000, show_default=True, help="The port to listen on.")
@click.pass_obj
def serve(factories: Factories, host: str, port: int) -> None:
    """Serve the portal by gunicorn.

    Ctrl-C or SIGTERM stops it.
    """
    run(factories, host, port)


def run(factories: Factories, host: str, port: int, **more: Any) -> None:
    """Serve until stopped. `more` are settings of gunicorn's, its hooks among them."""
    check_free(host, port)
    with (
        factories.app_with_pages().app_context()
    ):  # here, where a fault is one line and no worker's crash
        check_all()
        keys_startup.check_default(list_living_tenants())
        for engine in db.engines.values():  # connections are not for sharing with the workers
            engine.dispose()
    take_by_pieces()
    server_of(factories, host, port, **more).run()


def server_of(factories: Factories, host: str, port: int, **more: Any) -> "Server":
    """gunicorn as the portal runs under it, with nothing checked."""
    chosen = settings.load()
    return Server(
        factories,
        {
            "bind": f"{host}:{port}",
            "worker_class": "gthread",
            "workers": chosen.workers,
            "threads": chosen.threads,
            "reuse_port": chosen.workers > 1,  # else all kept-alive connections may meet on one
            "control_socket_disable": True,
            "forwarded_allow_ips": "",  # forwarded headers are PORTAL_TRUSTED_PROXIES' affair
            "loglevel": "warning",
            "timeout": 60,
            "graceful_timeout": 20,
            "post_worker_init": _prepare,
            **more,
        },
    )


def take_by_pieces() -> None:
    """Have gunicorn take no more from a connection at once than an upload reads of it.

    What is left over it copies each time it is asked, and then the memory for the copies goes back
    and forth between the allocator and the kernel (docs/decisions/0033).
    """
    SocketUnreader.max_body_chunk = PIECE_BYTES


def check_free(host: str, port: int) -> None:
    """Raises `OSError` where the port is taken: at once, and before anything else is done."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.create_server((host.strip("[]"), port), family=family).close()


class Server(BaseApplication):
    """gunicorn with settings given in code."""

    def __init__(self, factories: Factories, options: dict[str, Any]) -> None:
        self.factories = factories
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.factories.wsgi_app()


def _prepare(worker: Any) -> None:
    """Before the first request.

    A terminal's Ctrl-C reaches every process, and the first of them tells the others to end: who
    is told twice at the same moment may do neither.

    A client that stops sending or taking must not hold a thread for ever: connections inherit the
    listening socket's time limits. And what is loaded by now stays, so the garbage collector need
    not walk over it again and again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit = struct.pack("ll", STALL_SECONDS, 0)
    for listener in worker.sockets:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    gc.collect()
    gc.freeze()
