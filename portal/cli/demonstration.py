"""`portal demo`: two organisations with people, documents and an audit trail, served at once."""

import os
import signal
import subprocess
import sys
from typing import Any

import click

from portal.auth import samples
from portal.cli import sampling, serving
from portal.cli.context import Factories
from portal.cli.databases import upgrade_all
from portal.core import settings
from portal.core.settings import Settings


@click.command()
@click.option(
    "--port",
    type=serving.PORT,
    default=8000,
    envvar="PORT",
    show_default=True,
    help="The port to listen on.",
)
@click.option("--setup-only", is_flag=True, help="Make the sample data and end.")
@click.pass_obj
def demo(factories: Factories, port: int, setup_only: bool) -> None:
    """Set up sample data and serve it on localhost.

    Ctrl-C stops it; the next start keeps the data.
    """
    os.environ["PORTAL_DEMO"] = "1"
    os.environ.setdefault("PORTAL_URL", f"http://localhost:{port}")
    chosen = settings.load()
    if not setup_only:
        serving.check_free("127.0.0.1", port)
    upgrade_all(chosen, factories)
    with factories.app().app_context():
        sampling.add_samples(chosen)
    if not setup_only:
        _serve(factories, chosen, port)


def _serve(factories: Factories, chosen: Settings, port: int) -> None:
    worker: list[subprocess.Popen[bytes]] = []
    is_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    def ready(_server: Any) -> None:
        # Ctrl-C is for the server, which then ends its worker: that may not be ready for it yet.
        worker.append(
            subprocess.Popen([sys.executable, "-m", "portal", "worker"], start_new_session=True)
        )
        if not is_nohup:  # gunicorn would take a closed terminal for a wish to load all anew
            signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        _tell_addresses(chosen)

    def stop(_server: Any) -> None:
        for process in worker:
            process.terminate()
            process.wait()

    serving.run(
        factories,
        "127.0.0.1",
        port,
        when_ready=ready,
        on_exit=stop,
        graceful_timeout=2,  # nobody waits for the transfers of a demonstration
    )


def _tell_addresses(chosen: Settings) -> None:
    click.echo("\nTenant Portal is running. Open one of these (Ctrl-C stops it):\n")
    click.echo(f"  {chosen.url:<34} start here: sample people with passwords and codes")
    for address, name in {p.address: p.tenant_name for p in samples.read(chosen.instance)}.items():
        click.echo(f"  {address:<34} {name}")
    click.echo("")
