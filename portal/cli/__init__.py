"""The `portal` command: for the operator, who has no page. Nouns are groups, verbs commands."""

import os
import sys
from importlib import import_module

import click
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from portal.cli.context import Factories
from portal.core import settings
from portal.core.errors import Misconfigured, PortalError
from portal.keys.providers import KeyUnavailable
from portal.tenancy.errors import SchemaNotIsolated

# The commands by name, and the module that each is in. Only the one that is run is loaded.
COMMANDS = {
    "audit": "audit",
    "blobs": "blobs",
    "db": "databases",
    "demo": "demonstration",
    "document": "verifying",
    "key": "keys",
    "serve": "serving",
    "tenant": "tenants",
    "user": "users",
    "worker": "working",
}


class _LoadedWhenRun(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"portal.cli.{COMMANDS[name]}"), name)
        return command


@click.group(cls=_LoadedWhenRun, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tenant-portal", message="portal %(version)s")
def portal() -> None:
    """Run the Tenant Portal: organisations, their keys and logs, and the servers themselves."""


def main(factories: Factories) -> None:
    """Run the command. What goes wrong is one line on standard error, and exit status 1."""
    os.umask(0o077)  # databases, keys and blobs are nobody else's
    try:
        portal(obj=factories)
    except KeyUnavailable as error:
        _fail(f"{error} ({error.reason})" if error.reason else str(error))
    except (PortalError, Misconfigured, SchemaNotIsolated, OSError) as error:
        _fail(str(error))
    except SQLAlchemyError as error:
        if settings.load().debug:
            raise
        _fail(_explain(error))


def _explain(error: SQLAlchemyError) -> str:
    """What the database says, and what may be due where it misses a table or a column."""
    line = str(getattr(error, "orig", None) or error).splitlines()[0]
    is_old = isinstance(error, ProgrammingError) or line.startswith("no such")
    return f"the database says: {line}" + ("; `portal db upgrade` may be due" if is_old else "")


def _fail(message: str) -> None:
    click.echo(f"portal: {message}", err=True)
    sys.exit(1)
