"""`portal key`: the keys of organisations."""

import click

from portal.audit.actor import OPERATOR
from portal.cli import destroying, providing
from portal.cli.context import with_app, writing
from portal.cli.rewrapping import finish_rotation
from portal.keys import rotation
from portal.keys.queries import list_tenant_keys
from portal.keys.rewrapping import count_references
from portal.tenancy.binding import TenantRecord
from portal.tenancy.queries import get_living_tenant, list_living_tenants


@click.group()
def key() -> None:
    """Show, rotate, move and destroy the keys of organisations."""


@key.command()
@click.argument("slug")
@with_app
def rotate(slug: str) -> None:
    """Make a new key for SLUG, and re-encrypt under it.

    Contents are not touched: only their keys, and names and secrets, are encrypted anew. People can
    go on working. If it is interrupted, the worker or `portal key rewrap` finishes it.
    """
    with writing(get_living_tenant(slug)) as tenant:
        made = rotation.rotate_key(OPERATOR)
    click.echo(f"{tenant.slug}: version {made.version} seals from now on")
    _rewrap(tenant)


@key.command()
@click.argument("slug", required=False)
@with_app
def rewrap(slug: str | None) -> None:
    """Finish key rotations that were started.

    Those of SLUG, or without it those of all organisations. An earlier key is destroyed 15 minutes
    after nothing needs it any more.
    """
    for tenant in [get_living_tenant(slug)] if slug else list_living_tenants():
        _rewrap(tenant)


key.add_command(providing.status)
key.add_command(providing.move)
key.add_command(destroying.destroy)
key.add_command(destroying.verify)


def _rewrap(tenant: TenantRecord) -> None:
    with writing(tenant):
        waiting = _count_waiting()
        with click.progressbar(length=waiting, label=tenant.slug) as bar:
            done = finish_rotation(bar.update)
        for place in sorted(done.damaged):
            click.echo(f"{tenant.slug}: can't be opened: {place}", err=True)
        kept = ", ".join(str(seed.version) for seed in done.kept)
    click.echo(f"{tenant.slug}: {done.renewed} sealed anew" + (f", kept: {kept}" if kept else ""))


def _count_waiting() -> int:
    keys = list_tenant_keys()
    if len(keys) < 2:
        return 0
    references = count_references()
    return sum(sum(of.values()) for at, of in references.items() if at != keys[0].version)
