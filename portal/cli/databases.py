"""`portal db`: the schema of the main database and of every tenant's own."""

from collections.abc import Sequence

import click

from portal.cli.context import Factories, role_checked, with_app
from portal.core import settings
from portal.core.settings import Settings
from portal.keys.hierarchy import current_key
from portal.tenancy import migrations, startup
from portal.tenancy.binding import acting_for
from portal.tenancy.queries import list_living_tenants
from portal.tenancy.session import db as database


@click.group()
def db() -> None:
    """Bring databases to the newest schema, and check their walls."""


@db.command()
@click.pass_obj
def upgrade(factories: Factories) -> None:
    """Bring every database to the newest schema.

    First the main one, then each tenant's own. A run that is cut off goes on where it stopped.
    """
    upgrade_all(settings.load(), factories)


@db.command()
@with_app
def check() -> None:
    """Check every database's schema and walls, and every key.

    Exit status 1 if one breaks a rule or can't be unlocked.
    """
    for name in check_all():
        click.echo(f"{name}: in order")
    tenants = list_living_tenants()
    for tenant in tenants:
        with acting_for(tenant):
            current_key()
    click.echo(f"keys of {len(tenants)} tenants: in order")


def check_all() -> Sequence[str]:
    """Check every database; gives their names. The main one comes first: it knows the others."""
    startup.check_everything(database.engine.url, ())
    return startup.check_everything(database.engine.url, list_living_tenants())


def upgrade_all(chosen: Settings, factories: Factories) -> None:
    """Migrate the main database, then each placement, saying how far it has come."""
    role = role_checked(chosen)
    owner_url, floor_days = chosen.owner_database_url, chosen.log_floor_days
    chosen.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    migrations.upgrade_main(owner_url, role, floor_days)
    click.echo("main database: up to date")
    with factories.app().app_context():
        tenants = list_living_tenants()
    for number, tenant in enumerate(tenants, 1):
        migrations.upgrade_tenant(tenant, owner_url, role, floor_days)
        click.echo(f"[{number}/{len(tenants)}] {tenant.slug}: up to date")
