"""The `portal` command. What shows pages is loaded by the commands that serve them."""

from typing import Any

from flask import Flask

from portal import cli
from portal.bare import create_bare_app
from portal.cli.context import Factories


def main() -> None:
    """Run the command."""
    cli.main(Factories(create_bare_app, _create_app, _create_wsgi_app))


def _create_app() -> Flask:
    from portal.app import create_app  # noqa: PLC0415

    return create_app()


def _create_wsgi_app() -> Any:
    from portal.app import create_wsgi_app  # noqa: PLC0415

    return create_wsgi_app()
