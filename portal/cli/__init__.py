"""The `portal` command: for the operator, who has no page. Nouns are groups, verbs commands."""

import os
import sys
from collections.abc import Callable
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from portal.cli import (
    audit,
    blobs,
    databases,
    demonstration,
    keys,
    serving,
    tenants,
    users,
    verifying,
    working,
)
from portal.cli.context import Factories
from portal.core import settings
from portal.core.errors import Misconfigured, PortalError
from portal.keys.providers import KeyUnavailable
from portal.tenancy.errors import SchemaNotIsolated


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def portal() -> None:
    """Run the Tenant Portal: documents of many organisations, each behind four walls."""


portal.add_command(databases.db)
portal.add_command(tenants.tenant)
portal.add_command(keys.key)
portal.add_command(users.user)
portal.add_command(blobs.blobs)
portal.add_command(audit.audit)
portal.add_command(verifying.document)
portal.add_command(serving.serve)
portal.add_command(working.worker)
portal.add_command(demonstration.demo)


def main(create_app: Callable[[], Flask], create_wsgi_app: Callable[[], Any]) -> None:
    """Run the command. What goes wrong is one line on standard error, and exit status 1."""
    os.umask(0o077)  # databases, keys and blobs are nobody else's
    try:
        portal(obj=Factories(create_app, create_wsgi_app))
    except KeyUnavailable as error:
        _fail(f"{error} ({error.reason})" if error.reason else str(error))
    except (PortalError, Misconfigured, SchemaNotIsolated, OSError) as error:
        _fail(str(error))
    except SQLAlchemyError as error:
        if settings.load().debug:
            raise
        _fail(f"the database says: {str(getattr(error, 'orig', None) or error).splitlines()[0]}")


def _fail(message: str) -> None:
    click.echo(f"portal: {message}", err=True)
    sys.exit(1)
