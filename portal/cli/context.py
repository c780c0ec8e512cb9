"""What commands share: the application, the tenant they are about, the operator as an actor."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, TypeVar

import click
from flask import Flask
from sqlalchemy import make_url

from portal.audit.actor import OPERATOR
from portal.audit.service import RecordedRefusal
from portal.audit.tlog.numbering import commit
from portal.core.settings import Settings
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.queries import get_tenant
from portal.tenancy.session import db
from portal.tenancy.startup import check_role

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Factories:
    """How to make the application: for commands, with its pages, and for a server."""

    app: Callable[[], Flask]
    app_with_pages: Callable[[], Flask]
    wsgi_app: Callable[[], Any]


def with_app(command: Command) -> Command:
    """Run a command inside the application's context."""

    @click.pass_obj
    def run(factories: Factories, /, *args: Any, **kwargs: Any) -> Any:
        with factories.app().app_context():
            check_role(db.engine.url)
            return command(*args, **kwargs)

    return update_wrapper(run, command)  # type: ignore[return-value]


@contextmanager
def writing_for(slug: str) -> Iterator[TenantRecord]:
    """Bind a tenant and commit at the end; a refusal is rolled back and recorded."""
    with writing(get_tenant(slug)) as tenant:
        yield tenant


@contextmanager
def writing(tenant: TenantRecord) -> Iterator[TenantRecord]:
    """Bind `tenant` and commit at the end; a refusal is rolled back and recorded."""
    with acting_for(tenant, writes=True):
        try:
            yield tenant
        except RecordedRefusal as error:
            db.session.rollback()
            error.record(OPERATOR)
            commit()
            raise
        commit()


def app_role(settings: Settings) -> str:
    """The database role that the portal runs as; "" on SQLite."""
    return make_url(settings.database_url).username or ""


def role_checked(settings: Settings) -> str:
    """The role to grant rights to. Raises a usage error where PostgreSQL is given no owner."""
    if settings.database_url.startswith("postgresql") and (
        settings.owner_database_url == settings.database_url
    ):
        raise click.UsageError(
            "set PORTAL_OWNER_DATABASE_URL to the role that owns the database; "
            "the one in PORTAL_DATABASE_URL owns nothing and can't change the schema"
        )
    return app_role(settings)
