"""Reading all that is told of one person, section by section."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import require
from portal.access.models import GroupMembership
from portal.access.permissions import Permission
from portal.access.queries import names_of_groups
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core.errors import Invalid, NotFound
from portal.documents.models import Document, Folder
from portal.documents.naming import names_read
from portal.reports.person.sections import SECTIONS, Section
from portal.reports.report import BATCH_SIZE
from portal.tenancy.session import db
from portal.users.queries import get_user

MAX_REASON = 500
THINGS = {Document: "document", Folder: "folder"}


@dataclass(frozen=True, slots=True)
class Person:
    """Whose data it is. `reader` is set for who fetches their own: documents and folders that they
    may not read any more have no name for them, as on every page.
    """

    id: UUID
    name: str
    reader: Actor | None = None


def fetch_own(actor: Actor) -> Person:
    """The actor, who is about to be told all that is held about them; which is recorded.

    Raises `StepUpNeeded`, or `NotFound` for who is no person.
    """
    if actor.user_id is None:
        raise NotFound
    require_fresh(actor, Act.EXPORTS)
    record(actor, Action.PERSON_EXPORTED, f"user:{actor.user_id}")
    return Person(actor.user_id, get_user(actor.user_id).name, reader=actor)


def show_person(actor: Actor, user_id: UUID) -> Person:
    """Somebody who asks what is held about them. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.ERASURE_DECIDE)
    return Person(user_id, get_user(user_id).name)


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


def read_section(section: Section, person: Person) -> Iterator[Mapping[str, Any]]:
    """What one section tells of a person, row by row, as plain values. Some hundreds are read at
    once.
    """
    rows = select(section.model).where(section.rows_of(person.id)).order_by(section.model.id)
    found = db.session.scalars(rows.execution_options(yield_per=BATCH_SIZE))
    for batch in found.partitions():
        named = _named(section, person, batch)
        for row in batch:
            yield {name: _plain(row, name) for name in section.tells} | named.get(row.id, {})


def write_json(person: Person) -> Iterator[str]:
    """All sections as one JSON object, piece by piece."""
    yield "{"
    for number, section in enumerate(SECTIONS):
        yield f"{',' if number else ''}\n{json.dumps(section.key)}: ["
        for place, row in enumerate(read_section(section, person)):
            yield f"{',' if place else ''}\n  {json.dumps(row, ensure_ascii=False)}"
        yield "\n]"
    yield "\n}\n"


def _named(section: Section, person: Person, rows: Sequence[Any]) -> Mapping[UUID, dict[str, Any]]:
    """What some rows are called, by their ids, where the row by itself does not say."""
    if section.model is GroupMembership:
        names = names_of_groups({row.group_id for row in rows})
        return {row.id: {"group": names.get(row.group_id)} for row in rows}
    if person.reader is not None and section.model in THINGS:
        targets = {row.id: f"{THINGS[section.model]}:{row.id}" for row in rows}
        read = names_read(person.reader, targets.values())
        return {
            row_id: {"name": read[target].name if target in read else None}
            for row_id, target in targets.items()
        }
    return {}


def _plain(row: Any, name: str) -> Any:
    """A value of a row as JSON has it. What is sealed may be missing: then there is nothing."""
    if getattr(row, f"{name}_sealed", b"") is None:
        return None
    value = getattr(row, name)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return str(value) if isinstance(value, UUID) else value
