"""What readers of the audit log narrow it to. `access.audit_log` decides who may, and records each
reading.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, and_, cast, or_, select
from sqlalchemy.orm import aliased

from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.pruning import Pruned, was_pruned
from portal.audit.severity import Severity
from portal.core.errors import NotFound
from portal.core.ids import first_id_at, made_at
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

LATEST = 1000  # of one person's entries, in which is looked for what they did lately
CLOCKS_APART = timedelta(hours=1)  # by how much an entry's id and its time may differ

Columns = TypeVarTuple("Columns")

_TIMES, _IDS = ("since", "until"), ("actor_id", "group_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the reader looks for; None and "" mean any. `severity` is the least that an action
    weighs. Times are aware; `until` is exclusive.

    Who is in a group is no affair of the log's: whoever asks for one says by `people` who that is.
    """

    actor_id: UUID | None = None
    group_id: UUID | None = None
    action: str | None = None
    severity: str | None = None
    target: str = ""
    outcome: str | None = None
    address: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    without_action: str | None = None
    people: Select[UUID] | None = None

    @property
    def given(self) -> Mapping[str, Any]:
        """What is looked for, by name, as it is written down."""
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in named if name != "people" and value}

    @property
    def has_no_index(self) -> bool:
        """Whether every entry of the time has to be looked at, so that there has to be one."""
        return bool(self.group_id or self.address or self.text)

    @property
    def is_of_a_kind(self) -> bool:
        """Whether `target` says of what kind something is, and not which it is. To beginnings no
        index leads: under row-level security the operator is not trusted with one.
        """
        return bool(self.target) and ":" not in self.target


def read_filters(given: Mapping[str, str]) -> Filters:
    """Filters from what was written down of them."""
    read: dict[str, Any] = dict(given)
    read |= {name: datetime.fromisoformat(given[name]) for name in _TIMES if name in given}
    read |= {name: UUID(given[name]) for name in _IDS if name in given}
    return Filters(**read)


def list_latest(actions: Collection[str], limit: int) -> Sequence[AuditEntry]:
    """The newest entries of these actions, latest first."""
    return db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.action.in_(actions))
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    ).all()


def get_entry(entry_id: UUID) -> AuditEntry:
    """One entry. Raises `NotFound`, or `Pruned` where it is gone from a log that was pruned."""
    entry = db.session.get(AuditEntry, (bound_tenant_id(), entry_id))
    if entry is None:
        raise Pruned if was_pruned(entry_id) else NotFound
    return entry


def matching(statement: Select[*Columns], filters: Filters) -> Select[*Columns]:
    """A statement over the log, narrowed to the entries that match."""
    if filters.address or filters.text:
        statement = _beside(statement, filters)
    return statement.where(*_about_act(filters), *_in_time(filters))


def _about_act(filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.actor_id:
        yield AuditEntry.actor_id == filters.actor_id
    if filters.group_id:
        yield AuditEntry.actor_id.in_(_people_of(filters))
    if filters.action:
        yield AuditEntry.action == filters.action
    if filters.severity:
        yield AuditEntry.action.in_(weighing(filters.severity))
    if filters.without_action:
        yield AuditEntry.action != filters.without_action
    if filters.outcome:
        yield AuditEntry.outcome == filters.outcome
    if filters.target:
        is_it = AuditEntry.target == filters.target
        is_of_it = AuditEntry.target.startswith(f"{filters.target}:", autoescape=True)
        yield or_(is_it, is_of_it) if filters.is_of_a_kind else is_it


def _beside(statement: Select[*Columns], filters: Filters) -> Select[*Columns]:
    """Narrowed by what lies beside the entries: joined, so that both are gone through by their ids
    and no further than a page needs.
    """
    beside = aliased(AuditAside)
    is_its = and_(beside.id == AuditEntry.id, *between(beside.id, filters))
    statement = statement.outerjoin(beside, is_its)
    if filters.address:
        statement = statement.where(beside.address == filters.address)
    if filters.text:
        held = (_holds(values, filters.text) for values in (AuditEntry.told, beside.personal))
        is_from = beside.address.icontains(filters.text, autoescape=True)
        statement = statement.where(or_(*held, is_from))
    return statement


def _in_time(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """Between two times, and so between two ids, which lead there without looking at the rest."""
    if filters.since:
        yield AuditEntry.at >= filters.since
    if filters.until:
        yield AuditEntry.at < filters.until
    yield from between(AuditEntry.id, filters)


def between(row_id: Any, filters: Filters) -> Iterator[ColumnElement[bool]]:
    """The ids that entries of the time have, and what lies beside them."""
    if filters.since:
        yield row_id >= first_id_at(filters.since, slack=-CLOCKS_APART)
    if filters.until:
        yield row_id < first_id_at(filters.until, slack=CLOCKS_APART)


def _holds(values: Any, text: str) -> ColumnElement[bool]:
    """Whether JSON holds a text, as it is written there: with all but ASCII escaped."""
    written = json.dumps(text)[1:-1]
    return cast(values, String).icontains(written, autoescape=True)


def _people_of(filters: Filters) -> Select[UUID]:
    if filters.people is None:
        raise ValueError("nobody has said who is in the group")
    return filters.people


def weighing(severity: str) -> Sequence[str]:
    """The actions that weigh as much, or more."""
    wanted = Severity(severity).and_above()
    return [action.value for action in Action if action.severity in wanted]


def list_own_targets(actor: Actor, actions: Collection[Action]) -> Mapping[str, datetime]:
    """What the actor did one of some things to, and when last; of their latest entries only.

    One's own acts are told to everybody who did them, so this takes no permission and is not
    recorded as a reading of the log. An index leads to the entries, and to no more of them.
    """
    own = (
        select(
            AuditEntry.id, AuditEntry.target, AuditEntry.at, AuditEntry.action, AuditEntry.outcome
        )
        .where(AuditEntry.actor_id == actor.user_id)
        .order_by(AuditEntry.id.desc())
        .limit(LATEST)
        .subquery()
    )
    succeeded = select(own.c.target, own.c.at).where(
        own.c.action.in_(sorted(actions)), own.c.outcome == Outcome.SUCCESS
    )
    return {row.target: row.at for row in db.session.execute(succeeded.order_by(own.c.id))}


def list_own_acts(
    actor: Actor, request_id: UUID, actions: Collection[Action]
) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """To what the actor did some things by one request, and what is told of each, in their order.

    Takes no permission, as `list_own_targets`. The id of a request is older than those of what was
    done by it, so an index leads to the actor's entries from then on, and no further.
    """
    since = first_id_at(made_at(request_id), slack=-CLOCKS_APART)
    statement = (
        select(AuditEntry.target, AuditEntry.told)
        .where(
            AuditEntry.actor_id == actor.user_id,
            AuditEntry.id >= since,
            AuditEntry.request_id == request_id,
            AuditEntry.action.in_(sorted(actions)),
            AuditEntry.outcome == Outcome.SUCCESS,
        )
        .order_by(AuditEntry.id)
    )
    return [(target, detail) for target, detail in db.session.execute(statement)]
