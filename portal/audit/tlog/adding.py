"""Adding an entry, in one statement on PostgreSQL and two on SQLite.

Statements of the table and not of the model: every act waits for them.
"""

import secrets
from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import Insert, Table, bindparam, insert

from portal.audit.actions import GRAVE
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.tlog.bodies import SALT_BYTES, body_of, commitment_to, part
from portal.audit.tlog.hashes import leaf_hash
from portal.audit.tlog.numbering import numbers_at_once, want_numbers
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.models import TenantId
from portal.tenancy.session import db

_entry, _aside = cast("Table", AuditEntry.__table__), cast("Table", AuditAside.__table__)
_INSERT_ENTRY, _INSERT_BESIDE = insert(_entry), insert(_aside)


def add_entry(entry: Mapping[str, Any], detail: Mapping[str, Any], address: str | None) -> None:
    """Add an entry of these values, with what it tells besides. Raises `EntryTooLong`."""
    told, personal = part(detail, address)
    salt = secrets.token_bytes(SALT_BYTES) if personal else None
    values = {**entry, "told": told, "commitment": salt and commitment_to(salt, personal)}
    values["leaf_hash"] = leaf_hash(body_of(SimpleNamespace(**values)))
    beside = {"salt": salt, "personal": personal or None}
    connection = db.session.connection()
    if numbers_at_once():
        connection.execute(_INSERT_ENTRY, values)
        if personal:
            connection.execute(_INSERT_BESIDE, beside | {"id": entry["id"], "is_waiting": False})
        return
    given = {f"new_{name}": value for name, value in (values | beside).items()}
    connection.execute(_insert_both(), given)
    if values["action"] in GRAVE:
        want_numbers()


@cache
def _insert_both() -> Insert:
    """An entry that waits for its number, and what lies beside it."""
    own = bindparam("own_tenant", callable_=bound_tenant_id, type_=TenantId())
    names = {column.name for column in (*_entry.c, *_aside.c)}
    given: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    entry = {column.name: given[column.name] for column in _entry.c} | {"tenant_id": own}
    beside = {name: given[name] for name in ("id", "salt", "personal")}
    aside = insert(_aside).values(tenant_id=own, is_waiting=True, **beside)
    return insert(_entry).values(entry).add_cte(aside.cte("beside"))
