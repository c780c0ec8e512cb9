"""The end of an organisation: its keys first, then everything they opened.

Each step can be done twice, so a run that is cut off at any line is gone on with by the next. The
order is what matters: nobody comes in any more, then the certificate is safe on disk, then the root
key goes, and only then the rows that say by which provider it was held.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from portal.audit.actions import Action
from portal.audit.actor import OPERATOR
from portal.audit.service import record
from portal.auth.closing.certificate import describe_end, get_agreed_closing
from portal.cli.context import role_checked, with_app, writing
from portal.core.durable import put_in_place, write_new
from portal.core.errors import Conflict, Invalid
from portal.core.settings import active
from portal.core.texts import as_one_line
from portal.documents.inventory import count_everything
from portal.documents.retention.facts import list_live_holds
from portal.keys import hierarchy
from portal.keys.certificates import NotGenuine, certify, verify_certificate
from portal.keys.moving import find_holders
from portal.storage.chosen import configured
from portal.tenancy import service
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.models import LIVING, TenantState
from portal.tenancy.queries import get_tenant


@click.command()
@click.argument("slug")
@click.option(
    "--confirm", metavar="SLUG", help="The short name again, instead of typing it when asked."
)
@with_app
def destroy(slug: str, confirm: str | None) -> None:
    """Destroy the keys of SLUG, and everything it keeps.

    Works only after two people have agreed to it, and the time to call it off has passed. It can't
    be undone, not even from a backup. If it is interrupted, run it again.
    """
    role_checked(active())
    tenant = get_tenant(slug)
    if tenant.state == TenantState.DESTROYED:
        raise Conflict(f"{slug} is destroyed. Its certificate: {_certificate_of(tenant)}")
    if tenant.state in LIVING:
        with writing(tenant):
            _require_ready(tenant)
    typed = confirm or click.prompt("Type the short name of the organisation to destroy it")
    if typed != slug:
        raise Invalid("This is another name. Nothing was destroyed.")
    click.echo(f"{slug} is destroyed. Its certificate: {_destroy(tenant)}")


@click.command("verify-certificate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(file: Path) -> None:
    """Check a certificate of destruction, offline.

    Compare the public key that it prints with the one that the organisation kept.
    """
    facts = verify_certificate(file.read_bytes())
    try:
        lines = [*_lines(facts), *facts["key"]["pem"].splitlines()]
    except (KeyError, TypeError, AttributeError):
        raise NotGenuine from None
    for line in lines:
        click.echo(as_one_line(line))


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    keys = ", ".join(str(key["version"]) for key in facts["encryption_keys"])
    yield f"genuine: {facts['organisation']['name']} ({facts['organisation']['slug']})"
    yield f"signed {facts['signed_at']}; encryption keys destroyed: {keys}"
    yield f"asked by {_name(facts['asked']['by'])}, agreed by {_name(facts['agreed']['by'])}"
    yield f"signed by the key {facts['key']['id']}:"


def _require_ready(tenant: TenantRecord) -> None:
    """Raises `Conflict` where the closing may go no further."""
    get_agreed_closing()
    if list_live_holds():
        raise Conflict(f"A legal hold is in force in {tenant.slug}. Nothing was destroyed.")


def _destroy(tenant: TenantRecord) -> Path:
    owner_url, final = active().owner_database_url, _certificate_of(tenant)
    pending = final.with_suffix(".pending")
    if tenant.state in LIVING:
        with writing(tenant):
            _require_ready(tenant)
            record(OPERATOR, Action.TENANT_DESTROYED, f"tenant:{tenant.id}")
        service.change_state(owner_url, tenant, TenantState.CLOSING)
    if not pending.exists() and not final.exists():
        with writing(tenant):
            certificate = certify(describe_end(count_everything()))
        _write(pending, certificate)
    facts = verify_certificate((final if final.exists() else pending).read_bytes())
    _destroy_roots(tenant, facts["root_keys"])
    hierarchy.purge(tenant.id)
    service.sweep_tenant(owner_url, active().database_url, tenant)
    _delete_blobs(tenant)
    if pending.exists():
        put_in_place(pending, final)
    service.change_state(owner_url, tenant, TenantState.DESTROYED)
    return final


def _destroy_roots(tenant: TenantRecord, certified: Sequence[Mapping[str, str]]) -> None:
    """Those of the certificate, and whatever is found now: a provider may have been away then."""
    with acting_for(tenant):
        holding, silent = find_holders()
    for name in silent:
        click.echo(
            f"{name} gives no answer: were the keys ever there, destroy them there", err=True
        )
    for own_key in filter(None, (root["own_key"] for root in certified)):
        click.echo(f"{own_key} is the organisation's own key: only the organisation can destroy it")
    ours = {root["provider"] for root in certified if not root["own_key"]}
    for name in sorted(ours.union(holding)):
        hierarchy.provider_named(name).destroy(tenant.id)


def _delete_blobs(tenant: TenantRecord) -> None:
    """From every store: by now no row says any more in which they lay."""
    with acting_for(tenant):
        for store in configured().values():
            store.delete_tenant(tenant.id)


def _certificate_of(tenant: TenantRecord) -> Path:
    return active().instance / "certificates" / f"{tenant.slug}.json"


def _write(path: Path, content: bytes) -> None:
    """Whole and durable, or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    write_new(unfinished, content)
    put_in_place(unfinished, path)


def _name(who: dict[str, Any]) -> str:
    return str(who.get("name") or who.get("id") or who["kind"])
