"""An installation that has a log already: its entries come into the tree, and what is personal is
kept apart from them.
"""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import make_url

from portal.audit.tlog.bodies import body_of, commitment_to, opened
from portal.audit.tlog.hashes import leaf_hash
from portal.core.db import UtcDateTime
from portal.core.ids import new_id
from portal.tenancy import migrations
from portal.tenancy.placement import system_engine
from tests.architecture.lanes import downgrade, stamp
from tests.installation import APP_ROLE

OLD = (
    "INSERT INTO audit_entry (tenant_id, id, at, action, outcome, actor_kind, actor_id, target,"
    " address, request_id, detail) VALUES ('{0}', '{1}', '2026-01-02 03:04:05.678901{2}',"
    " 'role.assigned', 'success', 'user', NULL, 'user:x', {3}, NULL, '{4}')"
)
DETAIL = {"role": "admin", "reason": "because", "folder": None}


class Row(dict):
    __getattr__ = dict.__getitem__


def test_a_log_that_is_there_gets_its_numbers_and_can_be_taken_back(empty) -> None:
    url, is_postgres = make_url(empty), empty.startswith("postgresql")
    lanes = migrations.lanes_of(url, is_main=True) if is_postgres else ("tenant",)
    migrations._upgrade(url, lanes, APP_ROLE)
    downgrade(empty, "tenant", "0024")
    engine, tenants = system_engine(empty), [new_id(), new_id()]

    def named(value: UUID) -> str:
        return str(value) if is_postgres else value.hex

    def rows(table: str, tenant: UUID) -> list[Row]:
        with engine.connect() as connection:
            stamp(connection, tenant)
            found = connection.exec_driver_sql(
                f"SELECT * FROM {table} WHERE tenant_id = '{named(tenant)}' ORDER BY id"
            )
            return [Row(row._mapping) for row in found]

    def add(tenant: UUID) -> None:
        with engine.begin() as connection:
            stamp(connection, tenant)
            for address in ("'192.0.2.7'", "NULL"):
                detail = json.dumps(DETAIL if address != "NULL" else {"reason": ""})
                zone = "+00" if is_postgres else ""
                old = OLD.format(named(tenant), named(new_id()), zone, address, detail)
                connection.exec_driver_sql(old)

    try:
        for tenant in (*tenants, *tenants):
            add(tenant)
        before = {tenant: rows("audit_entry", tenant) for tenant in tenants}
        migrations._upgrade(url, lanes, APP_ROLE)
        for tenant in tenants:
            check(*(rows(f"audit_{name}", tenant) for name in ("entry", "aside", "leaf")))
        downgrade(empty, "tenant", "0024")
        after = {tenant: rows("audit_entry", tenant) for tenant in tenants}
        assert [plain(r) for t in tenants for r in after[t]] == [
            plain(r) for t in tenants for r in before[t]
        ]
    finally:
        engine.dispose()


def check(entries: list[Row], asides: list[Row], leaves: list[Row]) -> None:
    assert [leaf.number for leaf in leaves] == [0, 1, 2, 3]
    assert [leaf.id for leaf in leaves] == [entry.id for entry in entries]
    assert "address" not in entries[0]
    for entry, aside, leaf in zip(entries, asides, leaves, strict=True):
        assert bytes(leaf.hash) == leaf_hash(body_of(Row(plain(entry))))
        assert not aside.is_waiting
    words, address = plain(asides[0])["personal"], asides[0].address
    assert (words, address) == ({"reason": "because"}, "192.0.2.7")
    committed = commitment_to(bytes(asides[0].salt), opened(address, words))
    assert bytes(entries[0].commitment) == committed
    nothing = asides[1].address, asides[1].personal, asides[1].salt, entries[1].commitment
    assert nothing == (None, None, None, None)


def plain(row: Row) -> dict[str, Any]:
    """A row with the values that a model would have."""
    found = dict(row)
    for name in ("detail", "told", "personal"):
        if isinstance(found.get(name), str):
            found[name] = json.loads(found[name])
    if "at" in found:
        found["at"] = UtcDateTime().process_result_value(_parsed(found["at"]), None)
    for name in ("id", "tenant_id"):
        found[name] = UUID(str(found[name]))
    return found


def _parsed(at: Any) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else at
