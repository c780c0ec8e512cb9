"""Retention and holds: what is kept and for how long, what is held, and who asked for erasure."""

from collections.abc import Iterator
from itertools import chain

from sqlalchemy import select

from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.documents.retention.holds import list_holds
from portal.documents.retention.models import ErasureRequest
from portal.documents.retention.rules import list_shown_rules
from portal.reports.report import Report, Row, moment
from portal.tenancy.session import db
from portal.users.queries import names_of


def _rows(actor: Actor) -> Iterator[Row]:
    return chain(_rules(actor), _holds(actor), _erasures())


def _rules(actor: Actor) -> Iterator[Row]:
    for listed in list_shown_rules(actor):
        rule = listed.rule
        days = (rule.keep_days, rule.delete_days, rule.prune_days)
        said = (
            f"{word} {number} days" for word, number in zip(_WORDS, days, strict=True) if number
        )
        of_type = f"{listed.place} ({rule.media_type})" if rule.media_type else listed.place
        yield "Rule", rule.name, of_type, "; ".join(said), moment(rule.created_at), ""


def _holds(actor: Actor) -> Iterator[Row]:
    for hold in list_holds(actor):
        state = "Released" if hold.released_at else "Holds"
        at = moment(hold.placed_at), moment(hold.released_at)
        yield "Legal hold", hold.matter, ", ".join(hold.on), state, *at


def _erasures() -> Iterator[Row]:
    found = db.session.scalars(select(ErasureRequest).order_by(ErasureRequest.id.desc())).all()
    names = names_of({request.user_id for request in found})
    for request in found:
        at = moment(request.asked_at), moment(request.withdrawn_at or request.decided_at)
        yield "Erasure", names[request.user_id], _wanted(request), request.state, *at


def _wanted(request: ErasureRequest) -> str:
    wanted = {"documents": request.wants_documents, "account": request.wants_account}
    return " and ".join(what for what, is_wanted in wanted.items() if is_wanted).capitalize()


_WORDS = ("Keep", "Delete after", "Prune versions after")

REPORT = Report(
    key="retention",
    name="Retention and holds",
    sentence="Every retention rule, every legal hold with what it is on, and every request for "
    "erasure with what became of it.",
    permission=Permission.HOLD_EDIT,
    columns=("Kind", "Name", "On", "Says", "Since", "Ended"),
    rows=_rows,
)
