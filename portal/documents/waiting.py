"""How much waits for somebody's decision. Every page asks, so it is one statement or none."""

from dataclasses import dataclass

from sqlalchemy import literal, select

from portal.access.approvals.queries import count_waiting_for, kinds_of
from portal.alerts.queries import count_open, sees_alerts
from portal.audit.actor import Actor
from portal.documents.requests import count_to_decide, decides_requests
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class Waiting:
    """Acts that want a second person, requests for access, and open alerts."""

    acts: int = 0
    requests: int = 0
    alerts: int = 0


def count_waiting(actor: Actor) -> Waiting:
    """What `actor` may decide."""
    has_acts, has_requests = bool(kinds_of(actor)), decides_requests(actor)
    has_alerts = sees_alerts(actor)
    if not (has_acts or has_requests or has_alerts):
        return Waiting()
    acts = count_waiting_for(actor).scalar_subquery() if has_acts else literal(0)
    requests = count_to_decide(actor).scalar_subquery() if has_requests else literal(0)
    alerts = count_open().scalar_subquery() if has_alerts else literal(0)
    return Waiting(*db.session.execute(select(acts, requests, alerts)).one())
