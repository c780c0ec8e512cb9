"""`portal serve`: the web server."""

import gc
from collections.abc import Callable
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from portal.cli.context import Factories
from portal.core import settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=int, default=8000, show_default=True, help="The port to listen on.")
@click.pass_obj
def serve(factories: Factories, host: str, port: int) -> None:
    """Serve the portal by gunicorn until it is stopped by Ctrl-C or SIGTERM."""
    run(factories, host, port)


def run(factories: Factories, host: str, port: int, **hooks: Callable[..., None]) -> None:
    """Serve until stopped. `hooks` are gunicorn's server hooks."""
    chosen = settings.load()
    Server(
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
            "post_worker_init": _settle,
            **hooks,
        },
    ).run()


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


def _settle(_worker: Any) -> None:
    """What is loaded stays: keep the collector from walking over it again and again."""
    gc.collect()
    gc.freeze()
