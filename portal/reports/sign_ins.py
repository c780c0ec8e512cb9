"""Sign-ins of the last 90 days, by person, out of the audit log."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select

from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.queries import Filters, matching
from portal.core import clock
from portal.reports.report import BATCH_SIZE, Report, Row, moment
from portal.tenancy.session import db
from portal.users.models import User

PERIOD = timedelta(days=90)
COUNTED = (Action.SIGNED_IN, Action.SIGN_IN_FAILED, Action.SIGN_IN_LIMITED)
UNKNOWN = "user:unknown"


class _Counted(NamedTuple):
    """How often something happened to somebody, and when last."""

    times: int = 0
    last_at: datetime | None = None


_NEVER = _Counted()


def _rows(_actor: Actor) -> Iterator[Row]:
    counted = _count()
    people = select(User.id, User.name, User.email, User.state)
    statement = people.order_by(func.lower(User.name), User.id)
    for user_id, name, email, state in db.session.execute(
        statement.execution_options(yield_per=BATCH_SIZE)
    ):
        yield name, email, state, *_cells(counted.get(f"user:{user_id}", {}))
    if UNKNOWN in counted:
        yield "Nobody’s e-mail", "", "", *_cells(counted[UNKNOWN])


def _count() -> dict[str, dict[str, _Counted]]:
    """By whom it was about and by action, of the period."""
    counts = select(AuditEntry.target, AuditEntry.action, func.count(), func.max(AuditEntry.at))
    lately = matching(counts, Filters(since=clock.now() - PERIOD))
    statement = lately.where(AuditEntry.action.in_(COUNTED)).group_by(
        AuditEntry.target, AuditEntry.action
    )
    found: dict[str, dict[str, _Counted]] = defaultdict(dict)
    for target, action, times, last_at in db.session.execute(statement):
        found[target][action] = _Counted(times, last_at)
    return found


def _cells(counted: dict[str, _Counted]) -> Iterator[object]:
    for action in COUNTED:
        yield counted.get(action, _NEVER).times
    for action in COUNTED[:2]:
        yield moment(counted.get(action, _NEVER).last_at)


REPORT = Report(
    key="sign-ins",
    name="Sign-ins",
    sentence="How often each person signed in during the last 90 days, how often it failed, and "
    "when it last did either.",
    permission=Permission.AUDIT_READ,
    columns=(
        "Person",
        "E-mail",
        "State",
        "Signed in",
        "Failed",
        "Refused for too many attempts",
        "Last signed in",
        "Last failed",
    ),
    rows=_rows,
)
