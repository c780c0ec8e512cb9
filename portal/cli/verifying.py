"""Reading contents back: gently by the worker, at once by `portal document verify`."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import click
import structlog

from portal.audit.actor import OPERATOR, SYSTEM
from portal.cli.context import with_app
from portal.cli.threads import beside
from portal.core.settings import active
from portal.documents.integrity import rounds
from portal.documents.integrity.checking import Pace, Stopped
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.models import TenantState
from portal.tenancy.queries import get_tenant, list_tenants
from portal.tenancy.session import db

LOOK_SECONDS = 60.0
AS_FAST_AS_IT_GOES = 100_000

log = structlog.get_logger()


@click.group()
def document() -> None:
    """Verify the contents of documents."""


@document.command()
@click.argument("slug", required=False)
@click.option("--rate", type=click.IntRange(min=1), help="MiB a second.  [default: no limit]")
@with_app
def verify(slug: str | None, rate: int | None) -> None:
    """Read contents back and compare them with what was stored.

    Those of SLUG, or everybody's. Exit status 1 if something is damaged, missing, foreign, or not
    to be read just now; the organisation's officers see what is wrong, and are told by mail.
    """
    pace = Pace(rate or AS_FAST_AS_IT_GOES)
    amiss = 0
    for tenant in [get_tenant(slug)] if slug else _living():
        amiss += _verify(tenant, pace)
    if amiss:
        raise SystemExit(1)


def _verify(tenant: TenantRecord, pace: Pace) -> int:
    """Gives how many contents are damaged, missing or foreign, or could not be read."""
    with acting_for(tenant, writes=True):
        round_id = rounds.begin()
        total, passed_over = rounds.bytes_left(round_id), 0
        db.session.commit()
        with (
            _giving_back(round_id),
            click.progressbar(length=total, label=tenant.slug, show_pos=False) as bar,
        ):
            while (size := rounds.verify_next(OPERATOR, round_id, pace)) is not None:
                db.session.commit()
                bar.update(size)
                passed_over += not size
            ended = rounds.end_round(OPERATOR, round_id)
            db.session.commit()
        said = f"{tenant.slug}: {ended.versions} contents read, {ended.found} faults"
        click.echo(said + (f", {passed_over} not to be read" if passed_over else ""))
        return ended.found + passed_over


@contextmanager
def verifying(stop: threading.Event) -> Iterator[None]:
    """Go round all organisations in a thread of its own, until told to stop."""
    if not active().verify_every_days:
        yield
        return
    with beside("verifying", _go_round, stop):
        yield


def _go_round(stop: threading.Event) -> None:
    pace = Pace(active().verify_mib_per_second, stop.wait)
    while not stop.is_set():
        for tenant in _living():
            try:
                _go_on(tenant, pace)
            except Stopped:
                return
            except Exception as error:  # noqa: BLE001  # logged; the next look tries again
                log.warning("verifying failed", tenant=tenant.slug, error=type(error).__name__)
        stop.wait(LOOK_SECONDS)


def _go_on(tenant: TenantRecord, pace: Pace) -> None:
    with acting_for(tenant, writes=True):
        round_id = rounds.take_due(active().verify_every_days)
        db.session.commit()
        if round_id is None:
            return
        with _giving_back(round_id):
            while rounds.verify_next(SYSTEM, round_id, pace) is not None:
                db.session.commit()
            rounds.end_round(SYSTEM, round_id)
            db.session.commit()


@contextmanager
def _giving_back(round_id: UUID) -> Iterator[None]:
    """Leave a round that ends before its time, by Ctrl-C too, to whoever looks next."""
    try:
        yield
    except BaseException:
        db.session.rollback()
        rounds.give_back(round_id)
        db.session.commit()
        raise


def _living() -> Sequence[TenantRecord]:
    return [tenant for tenant in list_tenants() if tenant.state != TenantState.DESTROYED]
