"""`portal tenant`: organisations as a whole."""

import click

from portal.audit.actions import Action
from portal.audit.actor import OPERATOR
from portal.audit.service import record
from portal.auth.invitations import Invited, invite_member
from portal.auth.sso.enforcement import release_sso
from portal.cli.context import role_checked, with_app, writing, writing_for
from portal.core.errors import Conflict
from portal.core.settings import active
from portal.keys import hierarchy
from portal.keys.service import create_tenant_key
from portal.storage.chosen import settle_in
from portal.tenancy import service
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.models import Placement, TenantState
from portal.tenancy.queries import get_tenant, list_hosts, list_tenants


@click.group()
def tenant() -> None:
    """Create, list, suspend and resume organisations."""


@tenant.command()
@click.argument("slug")
@click.argument("name")
@click.option("--host", help="The host name it is reached under.  [default: SLUG.<apex>]")
@click.option(
    "--placement",
    type=click.Choice([p.value for p in Placement]),
    help="Where its rows live.  [default: pooled on PostgreSQL, a file of its own on SQLite]",
)
@click.option("--admin", nargs=2, metavar="EMAIL NAME", help="Invite its first admin.")
@with_app
def create(
    slug: str, name: str, host: str | None, placement: str | None, admin: tuple[str, str] | None
) -> None:
    """Create the organisation NAME, reached as SLUG."""
    made, invited = create_tenant(
        slug, name, host=host, placement=Placement(placement) if placement else None, admin=admin
    )
    click.echo(f"created {made.slug} ({made.id}), {made.placement}")
    if invited:
        click.echo(f"first admin, link for one use: {invited.link}")


@tenant.command("list")
@with_app
def list_() -> None:
    """List all organisations with their state and hosts."""
    hosts: dict[str, list[str]] = {}
    for host, slug in list_hosts():
        hosts.setdefault(slug, []).append(host)
    for found in list_tenants():
        reached = ", ".join(hosts.get(found.slug, []))
        click.echo(
            f"{found.slug:<24} {found.state:<10} {found.placement:<9} {reached}  {found.name}"
        )


@tenant.command()
@click.argument("slug")
@with_app
def suspend(slug: str) -> None:
    """Let nobody of SLUG sign in. Everything is kept."""
    _change_state(slug, TenantState.ACTIVE, TenantState.SUSPENDED, Action.TENANT_SUSPENDED)
    click.echo(f"{slug} is suspended")


@tenant.command()
@click.argument("slug")
@with_app
def resume(slug: str) -> None:
    """Let the people of a suspended SLUG sign in again."""
    _change_state(slug, TenantState.SUSPENDED, TenantState.ACTIVE, Action.TENANT_RESUMED)
    click.echo(f"{slug} is active")


@tenant.command("release-sso")
@click.argument("slug")
@with_app
def release(slug: str) -> None:
    """Let SLUG sign in by password again.

    For when single sign-on is the only way in, the provider is gone, and the break-glass codes with
    it. The audit log tells of it.
    """
    with writing_for(slug):
        release_sso(OPERATOR)
    click.echo(f"{slug} may sign in by password again")


def create_tenant(
    slug: str,
    name: str,
    *,
    host: str | None = None,
    placement: Placement | None = None,
    admin: tuple[str, str] | None = None,
) -> tuple[TenantRecord, Invited | None]:
    """Make a tenant with its key, and invite its first admin if one is named."""
    settings = active()
    for other in list_tenants()[:1]:  # with another key file in place, the new key would be lost
        with acting_for(other):
            hierarchy.current_key()
    host = host or f"{slug}.{settings.apex}"
    invited: Invited | None = None

    def prepare(new: TenantRecord) -> None:
        nonlocal invited
        with writing(new):
            create_tenant_key(hierarchy.active())
            settle_in()
            record(OPERATOR, Action.TENANT_CREATED, f"tenant:{new.id}", slug=slug)
            if admin:
                email, person = admin
                invited = invite_member(OPERATOR, email, person, "admin", host=host)

    made = service.create_tenant(
        settings.owner_database_url,
        slug,
        name,
        host,
        placement=placement,
        app_role=role_checked(settings),
        prepare=prepare,
    )
    return made, invited


def _change_state(slug: str, before: TenantState, after: TenantState, action: Action) -> None:
    """The entry first: a state that changed must not lack one, whatever happens in between."""
    role_checked(active())
    found = get_tenant(slug)
    if found.state != before:
        raise Conflict(f"{slug} is {found.state}, not {before}.")
    with writing_for(slug):
        record(OPERATOR, action, f"tenant:{found.id}")
    service.change_state(active().owner_database_url, found, after)
