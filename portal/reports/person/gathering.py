"""Reading all that is told of one person, section by section."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.access.queries import names_of_groups
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core.errors import Invalid, NotFound
from portal.reports.person.sections import SECTIONS, Section
from portal.reports.report import BATCH_SIZE
from portal.tenancy.session import db
from portal.users.queries import get_user

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Person:
    """Whose data it is."""

    id: UUID
    name: str


def fetch_own(actor: Actor) -> Person:
    """The actor, who is about to be told all that is held about them; which is recorded.

    Raises `StepUpNeeded`, or `NotFound` for who is no person.
    """
    if actor.user_id is None:
        raise NotFound
    require_fresh(actor, Act.EXPORTS)
    record(actor, Action.PERSON_EXPORTED, f"user:{actor.user_id}")
    return _person(actor.user_id)


def show_person(actor: Actor, user_id: UUID) -> Person:
    """Somebody who asks what is held about them. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.ERASURE_DECIDE)
    return _person(user_id)


def fetch_for(actor: Actor, user_id: UUID, reason: str) -> Person:
    """Somebody who has asked an officer for all that is held about them; which is recorded.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound` or `Invalid`.
    """
    person = show_person(actor, user_id)
    require_fresh(actor, Act.EXPORTS)
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON:
        raise Invalid(f"Say in {MAX_REASON} characters at most who asked for it, and when.")
    record(actor, Action.PERSON_EXPORTED, f"user:{person.id}", reason=reason)
    return person


def read_section(section: Section, user_id: UUID) -> Iterator[Mapping[str, Any]]:
    """What one section tells of a person, row by row, as plain values. Some hundreds are read at
    once.
    """
    rows = select(section.model).where(section.rows_of(user_id)).order_by(section.model.id)
    found = db.session.scalars(rows.execution_options(yield_per=BATCH_SIZE))
    for batch in found.partitions():
        groups = names_of_groups({row.group_id for row in batch}) if _tells_groups(section) else {}
        for row in batch:
            told = {name: _told(row, name) for name in section.tells}
            yield told | ({"group": groups.get(row.group_id)} if groups else {})


def write_json(person: Person) -> Iterator[str]:
    """All sections as one JSON object, piece by piece."""
    yield "{"
    for number, section in enumerate(SECTIONS):
        yield f"{',' if number else ''}\n{json.dumps(section.key)}: ["
        for place, told in enumerate(read_section(section, person.id)):
            yield f"{',' if place else ''}\n  {json.dumps(told, ensure_ascii=False)}"
        yield "\n]"
    yield "\n}\n"


def _person(user_id: UUID) -> Person:
    return Person(user_id, get_user(user_id).name)


def _tells_groups(section: Section) -> bool:
    return "group_id" in section.tells


def _told(row: Any, name: str) -> Any:
    """A value of a row as JSON has it. What is sealed may be missing: then there is nothing."""
    if getattr(row, f"{name}_sealed", b"") is None:
        return None
    value = getattr(row, name)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return str(value) if isinstance(value, UUID) else value
