"""`portal tenant`: organisations as a whole."""

import click

from portal.audit.actions import Action
from portal.audit.actor import OPERATOR
from portal.audit.service import record
from portal.auth.closing.queries import find_end
from portal.auth.closing.service import ask_as_operator, take_back_as_operator
from portal.auth.invitations import Invited, invite_member
from portal.auth.sso.enforcement import release_sso
from portal.cli.context import role_checked, with_app, writing, writing_for
from portal.core.errors import Conflict
from portal.core.settings import KEY_PROVIDERS, active
from portal.keys import hierarchy
from portal.keys.providers import KeyProvider
from portal.keys.queries import find_wrapped_seed
from portal.keys.service import create_tenant_key
from portal.storage.chosen import settle_in
from portal.tenancy import service
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.models import Placement, TenantState
from portal.tenancy.queries import (
    get_living_tenant,
    get_tenant,
    list_hosts,
    list_living_tenants,
    list_tenants,
)


@click.group()
def tenant() -> None:
    """Create, list, suspend, resume and close organisations."""


@tenant.command()
@click.argument("slug")
@click.argument("name")
@click.option("--host", help="The host name of its pages.  [default: SLUG.<apex>]")
@click.option(
    "--placement",
    type=click.Choice([p.value for p in Placement]),
    help="Where its data is stored.  [default: pooled on PostgreSQL, a file of its own on SQLite]",
)
@click.option("--admin", nargs=2, metavar="EMAIL NAME", help="Invite its first admin.")
@click.option(
    "--keys",
    type=click.Choice(KEY_PROVIDERS),
    help="The provider that holds its root key.  [default: PORTAL_KEYS]",
)
@click.option(
    "--kms-key",
    metavar="ARN",
    default="",
    help="With aws-kms: a key of its own for this organisation.",
)
@with_app
def create(  # noqa: PLR0917  # click passes its options by name
    slug: str,
    name: str,
    host: str | None,
    placement: str | None,
    admin: tuple[str, str] | None,
    keys: str | None,
    kms_key: str,
) -> None:
    """Create the organisation NAME with the short name SLUG."""
    made, invited = create_tenant(
        slug,
        name,
        host=host,
        placement=Placement(placement) if placement else None,
        admin=admin,
        keys=keys,
        own_key=kms_key,
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
            f"{found.slug:<24} {_stand(found):<10} {found.placement:<9} {reached}  {found.name}"
        )


@tenant.command()
@click.argument("slug")
@with_app
def suspend(slug: str) -> None:
    """Stop the people of SLUG from signing in. Everything is kept."""
    _change_state(slug, TenantState.ACTIVE, TenantState.SUSPENDED, Action.TENANT_SUSPENDED)
    click.echo(f"{slug} is suspended")


@tenant.command()
@click.argument("slug")
@with_app
def resume(slug: str) -> None:
    """Let the people of a suspended SLUG sign in again."""
    _change_state(slug, TenantState.SUSPENDED, TenantState.ACTIVE, Action.TENANT_RESUMED)
    click.echo(f"{slug} is active")


@tenant.command()
@click.argument("slug")
@click.option("--reason", default="", help="Why, for the people who are asked to agree.")
@click.option("--take-back", is_flag=True, help="Have SLUG stay instead, as long as it is there.")
@with_app
def close(slug: str, reason: str, take_back: bool) -> None:
    """Ask the people of SLUG to agree to close it for good.

    Somebody there who may close the organisation agrees on its page. It is then read-only for the
    number of days in PORTAL_CLOSING_DAYS, during which they can call it off. After that, run
    `portal key destroy`.
    """
    with writing(get_living_tenant(slug)):
        if take_back:
            take_back_as_operator(OPERATOR)
        else:
            ask_as_operator(OPERATOR, reason)
    asked = f"the people of {slug} who care for its keys are asked to agree"
    click.echo(f"{slug} stays: its closing is taken back" if take_back else asked)


@tenant.command("release-sso")
@click.argument("slug")
@with_app
def release(slug: str) -> None:
    """Let SLUG sign in by password again.

    For an organisation whose only way to sign in is single sign-on, when the provider is gone and
    so are the break-glass codes. This is recorded in its audit log.
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
    keys: str | None = None,
    own_key: str = "",
) -> tuple[TenantRecord, Invited | None]:
    """Make a tenant with its key, and invite its first admin if one is named."""
    settings = active()
    provider = hierarchy.providers().get(keys or settings.keys, own_key)
    _check_same_keys(provider)
    host = host or f"{slug}.{settings.apex}"
    invited: Invited | None = None

    def prepare(new: TenantRecord) -> None:
        nonlocal invited
        with writing(new):
            create_tenant_key(provider)
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


def _check_same_keys(provider: KeyProvider) -> None:
    """With another key file in place, or another token, a new key would be lost."""
    for other in list_living_tenants()[:1]:
        with acting_for(other):
            seed = find_wrapped_seed()
            if seed is None or (seed.provider, seed.own_key) == (provider.name, ""):
                hierarchy.current_key()


def _stand(tenant: TenantRecord) -> str:
    """An organisation that people still read while it closes keeps that among its own rows."""
    if tenant.state != TenantState.ACTIVE:
        return tenant.state
    with acting_for(tenant):
        return TenantState.CLOSING if find_end() else tenant.state


def _change_state(slug: str, before: TenantState, after: TenantState, action: Action) -> None:
    """The entry first: a state that changed must not lack one, whatever happens in between."""
    role_checked(active())
    found = get_tenant(slug)
    if found.state != before:
        raise Conflict(f"{slug} is {found.state}, not {before}.")
    with writing_for(slug):
        record(OPERATOR, action, f"tenant:{found.id}")
    service.change_state(active().owner_database_url, found, after)
