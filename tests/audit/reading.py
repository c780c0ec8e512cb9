"""The log as somebody reads it in a browser, and entries put there to be found."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from portal.audit.tlog.adding import add_entry
from portal.core.clock import milliseconds_of
from portal.core.ids import new_id
from tests.browsing import Visitor, links_of
from tests.installation import Organisation

ENTRY = re.compile(r"/audit/([0-9a-f-]{36})")
_WRITTEN = count()
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def listed(page: str) -> list[UUID]:
    """The entries of a page, from top to bottom."""
    return [UUID(found[1]) for link in links_of(page) if (found := ENTRY.fullmatch(link))]


def onward(page: str, direction: str) -> str | None:
    """Where the page's link to older (`before`) or newer (`after`) entries leads."""
    links = [link for link in links_of(page) if re.search(rf"[?&]{direction}=", link)]
    assert len(links) <= 1
    return links[0] if links else None


def ask(reader: Visitor, **filters: Any) -> list[UUID]:
    """The entries of the first page with these filters."""
    answer = reader.get("/audit", query_string=filters)
    assert answer.status_code == 200, (filters, answer.status_code)
    return listed(answer.text)


def entry(minutes: int = 0, **values: Any) -> dict[str, Any]:
    """The values of an entry of `minutes` after noon."""
    given: dict[str, Any] = {
        "at": NOON + timedelta(minutes=minutes),
        "action": "document.downloaded",
        "outcome": "success",
        "actor_kind": "user",
        "target": "document:0198a000-0000-7000-8000-000000000000",
        "detail": {},
    }
    return {"id": new_id(), "address": None} | given | values


def write_then(organisation: Organisation, *entries: dict[str, Any]) -> list[UUID]:
    """Put entries into the log with ids of that noon, before all that the test finds or does."""
    made = {each["id"]: milliseconds_of(NOON) + next(_WRITTEN) for each in entries}
    ids = [UUID(int=(ms << 80) + (i.int & (1 << 80) - 1)) for i, ms in made.items()]
    organisation.entries_at_start += len(ids)
    return write(organisation, *({**e, "id": i} for i, e in zip(ids, entries, strict=True)))


def write(organisation: Organisation, *entries: dict[str, Any]) -> list[UUID]:
    """Put entries into the log, in this order; gives their ids."""
    with organisation.bound(writes=True) as session:
        for each in entries:
            add(**each)
            session.flush()
        return [each["id"] for each in entries]


def add(detail: dict[str, Any], address: str | None, **values: Any) -> None:
    """Put an entry into the log of the bound tenant."""
    values = {"actor_id": None, "request_id": None} | values
    add_entry(values, detail, address)
