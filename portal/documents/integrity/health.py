"""What officers see of all that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.documents.integrity.models import Finding, VerificationRound
from portal.documents.naming import names_of_targets
from portal.tenancy.session import db

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Health:
    """The last round, the one that goes on, and what is wrong. `names` has those still there."""

    last: VerificationRound | None
    going_on: VerificationRound | None
    open_count: int
    findings: Sequence[Finding]
    settled: Sequence[Finding]
    names: Mapping[UUID, str]


def show_health(actor: Actor) -> Health:
    """The state of all contents. Raises `Forbidden`.

    Names are shown as in the audit log, which tells of the same documents to the same people.
    """
    require(actor, Permission.AUDIT_READ)
    findings = _list_findings(Finding.settled_at.is_(None))
    settled = _list_findings(Finding.settled_at.is_not(None))
    ids = {found.document_id for found in (*findings, *settled)} - {None}
    names = names_of_targets(actor, [f"document:{document_id}" for document_id in ids])
    return Health(
        last=_find_round(VerificationRound.ended_at.is_not(None)),
        going_on=_find_round(VerificationRound.ended_at.is_(None)),
        open_count=_count_open(),
        findings=findings,
        settled=settled,
        names={UUID(target.partition(":")[2]): name for target, name in names.items()},
    )


def _find_round(which: ColumnElement[bool]) -> VerificationRound | None:
    newest = VerificationRound.id.desc()
    return db.session.scalars(
        select(VerificationRound).where(which).order_by(newest).limit(1)
    ).first()


def _list_findings(which: ColumnElement[bool]) -> Sequence[Finding]:
    newest = Finding.found_at.desc(), Finding.id
    return db.session.scalars(select(Finding).where(which).order_by(*newest).limit(SHOWN)).all()


def _count_open() -> int:
    statement = select(func.count()).select_from(Finding).where(Finding.settled_at.is_(None))
    return int(db.session.scalar(statement) or 0)
