"""Adding entries: those of a transaction in one statement on PostgreSQL, and in two on SQLite.

Statements of the table and not of the model: every act waits for them.
"""

import secrets
from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import Insert, Table, bindparam, insert, true

from portal.audit.actions import GRAVE
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.tlog.bodies import SALT_BYTES, body_of, commitment_to, opened, part
from portal.audit.tlog.hashes import leaf_hash
from portal.audit.tlog.numbering import numbers_at_once, want_numbers
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.models import TenantId
from portal.tenancy.session import db, write_later

_entry, _aside = cast("Table", AuditEntry.__table__), cast("Table", AuditAside.__table__)
_INSERT_ENTRY, _INSERT_BESIDE = insert(_entry), insert(_aside)
_ENTRY = {column.name for column in _entry.c} - {"tenant_id"}
_BESIDE = ("id", "salt", "address", "personal")


def add_entry(entry: Mapping[str, Any], detail: Mapping[str, Any], address: str | None) -> None:
    """Add an entry of these values, with what it tells besides, to the present transaction.

    Raises `EntryTooLong`.
    """
    told, personal = part(detail)
    aside = opened(address, personal)
    salt = secrets.token_bytes(SALT_BYTES) if aside else None
    values = {**entry, "told": told, "commitment": salt and commitment_to(salt, aside)}
    values["leaf_hash"] = leaf_hash(body_of(SimpleNamespace(**values)))
    write_later(_write, values | {"salt": salt, "address": address, "personal": personal or None})


def _write(entries: list[dict[str, Any]]) -> None:
    """Add all entries of a transaction, or as many as there are by now."""
    connection = db.session.connection()
    if not numbers_at_once():
        given = [{f"new_{name}": entry[name] for name in entry} for entry in entries]
        connection.execute(_insert_both(), given)
        if any(entry["action"] in GRAVE for entry in entries):
            want_numbers()
        return
    connection.execute(_INSERT_ENTRY, [{n: entry[n] for n in _ENTRY} for entry in entries])
    beside = [{n: entry[n] for n in _BESIDE} for entry in entries if entry["salt"]]
    if beside:
        connection.execute(_INSERT_BESIDE, [{**each, "is_waiting": False} for each in beside])


@cache
def _insert_both() -> Insert:
    """An entry that waits for its number, and what lies beside it."""
    own = bindparam("own_tenant", callable_=bound_tenant_id, type_=TenantId())
    names = {column.name for column in (*_entry.c, *_aside.c)}
    given: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    entry = {column.name: given[column.name] for column in _entry.c} | {"tenant_id": own}
    beside = {name: given[name] for name in _BESIDE}
    aside = insert(_aside).values(tenant_id=own, is_waiting=true(), **beside)
    return insert(_entry).values(entry).add_cte(aside.cte("beside"))
