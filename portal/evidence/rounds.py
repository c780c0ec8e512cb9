"""How far a check of the log has got, kept so that it goes on after a stop.

Several processes may go on with one: each step counts once, for whoever is first to say so. None of
these functions commits.
"""

from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from portal.audit.tlog.findings import Fault, Finding
from portal.evidence.checking import BEGINNING, Progress
from portal.evidence.models import LogCheck
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db


def find_progress() -> Progress:
    """Where reading back has come to; at its beginning if none is under way."""
    tenant_id = bound_tenant_id()
    found = db.session.get(LogCheck, (tenant_id, tenant_id), populate_existing=True)
    if found is None:
        return BEGINNING
    return Progress(
        size=found.size,
        sums=[(index, [*map(bytes.fromhex, hashes)]) for index, hashes in found.sums],
        sound_size=found.sound_size,
        findings=[Finding(Fault(fault), where) for fault, where in found.findings],
    )


def save_progress(before: Progress, now: Progress) -> bool:
    """Note how far it has come since `before`; whether nobody else did meanwhile."""
    if before.size:
        moved = update(LogCheck).where(LogCheck.size == before.size).values(**_values(now))
        return bool(change(moved))
    try:
        with db.session.begin_nested():
            db.session.add(LogCheck(id=bound_tenant_id(), **_values(now)))
    except IntegrityError:
        return False
    return True


def end_check(before: Progress) -> bool:
    """End what had come to `before`; whether nobody else did meanwhile."""
    ended = change(delete(LogCheck).where(LogCheck.size == before.size))
    return bool(ended) or not before.size


def _values(now: Progress) -> dict[str, Any]:
    return {
        "size": now.size,
        "sums": [[index, [value.hex() for value in hashes]] for index, hashes in now.sums],
        "sound_size": now.sound_size,
        "findings": [[str(finding.fault), finding.where] for finding in now.findings],
    }
