"""Who holds the root keys of organisations: `portal key status` and `move-provider`."""

from collections.abc import Iterator

import click

from portal.audit.actor import OPERATOR
from portal.cli.context import with_app, writing, writing_for
from portal.core import clock
from portal.core.errors import Invalid
from portal.core.settings import KEY_PROVIDERS
from portal.keys import hierarchy, moving
from portal.keys.providers import KeyProvider, KeyUnavailable
from portal.keys.queries import list_tenant_keys
from portal.keys.rewrapping import count_references
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.queries import get_living_tenant, get_tenant, list_living_tenants


@click.command()
@click.argument("slug", required=False)
@with_app
def status(slug: str | None) -> None:
    """Show who holds the root keys.

    For SLUG, or without it for all organisations: each version of the encryption key, which
    provider wraps it, how old it is, and whether it can be unlocked now. For SLUG also what needs
    which version.
    """
    for tenant in [get_tenant(slug)] if slug else list_living_tenants():
        for line in _lines(tenant):
            click.echo(f"{tenant.slug:<24} {line}")
    if slug:
        for line in _references(tenant):
            click.echo(line)


@click.command("move-provider")
@click.argument("slug")
@click.option(
    "--to",
    "to",
    required=True,
    type=click.Choice(KEY_PROVIDERS),
    help="The provider to move to.",
)
@click.option(
    "--kms-key",
    metavar="ARN",
    default="",
    help="With aws-kms: a key of its own for this organisation.",
)
@click.option(
    "--destroy-old", is_flag=True, help="Destroy the root keys at providers that it has left."
)
@click.option(
    "--confirm", metavar="SLUG", help="The short name again, instead of typing it when asked."
)
@with_app
def move(slug: str, to: str, kms_key: str, destroy_old: bool, confirm: str | None) -> None:
    """Move SLUG's keys to another provider.

    People can go on working, and nothing is re-encrypted. If it is interrupted, run it again. The
    old root key stays until you destroy it with --destroy-old, now or later: database backups from
    before the move need it.
    """
    tenant = get_living_tenant(slug)
    target = hierarchy.providers().get(to, kms_key)
    with writing(tenant):
        moved = moving.move_seeds(OPERATOR, target)
    versions = ", ".join(str(seed.version) for seed in moved) or "none, all are there"
    click.echo(f"{slug}: moved to {to}: {versions}")
    with acting_for(tenant):
        left = moving.list_left()
    for provider in left:
        if destroy_old:
            _destroy(slug, provider, confirm)
        else:
            click.echo(f"{slug}: a root key is left at {provider.name}; see --destroy-old")


def _destroy(slug: str, provider: KeyProvider, confirm: str | None) -> None:
    """Each by itself, told of in a transaction of its own."""
    typed = confirm or click.prompt(
        f"Database backups from before the move can't be read any more without the root key of "
        f"{slug} at {provider.name}. Type {slug} to destroy it"
    )
    if typed != slug:
        raise Invalid("This is another name. Nothing was destroyed.")
    with writing_for(slug):
        moving.tell_of_end(OPERATOR, provider)
    with writing_for(slug):
        moving.destroy_left(provider)
    click.echo(f"{slug}: the root key at {provider.name} is destroyed")


def _lines(tenant: TenantRecord) -> Iterator[str]:
    with acting_for(tenant):
        for key in list_tenant_keys():
            days = (clock.now() - key.created_at).days
            holder = f"{key.provider} {key.own_key}".rstrip()
            yield f"version {key.version}  {holder}  {days} days  {_state_of(key.version)}"


def _references(tenant: TenantRecord) -> Iterator[str]:
    with acting_for(tenant):
        for version, places in sorted(count_references().items(), reverse=True):
            for place, count in sorted(places.items()):
                yield f"  version {version} is needed by {count} in {place}"


def _state_of(version: int) -> str:
    try:
        hierarchy.key_of(version)
    except KeyUnavailable as error:
        return f"not available: {error.reason}" if error.reason else "not available"
    return "can be unlocked"
