"""`portal blobs`: in which store the contents of an organisation's documents lie."""

from collections.abc import Callable, Iterator

import click

from portal.audit.actor import OPERATOR
from portal.cli.context import with_app, writing_for
from portal.core.errors import Conflict
from portal.documents.integrity.lacking import list_lacking
from portal.documents.resumable.ending import is_waited_for
from portal.storage import relocation
from portal.storage.blobs import StoredBlob
from portal.storage.chosen import LOCAL, find_home
from portal.storage.relocation import Move
from portal.tenancy.binding import acting_for
from portal.tenancy.models import TenantState
from portal.tenancy.queries import get_tenant, list_tenants
from portal.tenancy.session import release


@click.group()
def blobs() -> None:
    """Show where contents are stored, and move them while in use."""


@blobs.command("list")
@with_app
def list_() -> None:
    """List the store that each organisation's contents are in."""
    for tenant in list_tenants():
        if tenant.state == TenantState.DESTROYED:
            continue
        with acting_for(tenant):
            home = find_home()
            store = home.store if home else LOCAL
            leaving = f", leaving {home.leaving}" if home and home.leaving else ""
        click.echo(f"{tenant.slug:<24} {store}{leaving}")


@blobs.command()
@click.argument("slug")
@click.option("--to", "to", required=True, metavar="STORE", help="One of PORTAL_BLOBS.")
@with_app
def move(slug: str, to: str) -> None:
    """Copy SLUG's contents to STORE, where new uploads go from now on.

    May be cut off and begun again. `portal blobs clear` ends it.
    """
    with writing_for(slug):
        relocation.begin_move(OPERATOR, to)
    with acting_for(get_tenant(slug)):
        copied = _go_through(relocation.copy, "copied")
        click.echo(f"{copied} copied to {to}; end with: portal blobs clear {slug}")


@blobs.command()
@click.argument("slug")
@with_app
def clear(slug: str) -> None:
    """End SLUG's move, a day after it was begun.

    Each of its contents in the old store is compared with its copy, and deleted.
    """
    with acting_for(get_tenant(slug)):
        began_by = relocation.require_old_enough()
        if is_waited_for(began_by):
            raise Conflict(
                "An upload that began before the move is still under way. Try again later: it ends"
                " at the latest a day after somebody last sent to it."
            )
        deleted = _go_through(relocation.clear, "deleted")
        _require_all_there()
    with writing_for(slug):
        relocation.end_move(OPERATOR)
    click.echo(f"{deleted} deleted from the old store; the move is over")


def _require_all_there() -> None:
    """Raises `Conflict` where the new store lacks something, whatever the old one lists."""
    new = relocation.get_move().new
    if lacking := len(list_lacking(new)):
        raise Conflict(
            f"The new store lacks {lacking} contents, so the move is not over."
            " See that all of the old store is there, and try again."
        )


def _go_through(step: Callable[[Move], Iterator[StoredBlob]], what: str) -> int:
    """Take the bound tenant's blobs through a step, no transaction being open; gives how many."""
    found = relocation.get_move()
    release()
    left = relocation.list_left(found)
    total = sum(blob.size_bytes for blob in left)
    with click.progressbar(length=total, label=what, show_pos=False) as bar:
        count = 0
        for blob in step(found):
            bar.update(blob.size_bytes)
            count += 1
    return count
