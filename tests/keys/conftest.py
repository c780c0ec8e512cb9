"""Two tenants with keys, without a database: their seeds' rows are kept in a dict."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest

from portal.core.ids import new_id
from portal.keys import cells, hierarchy, queries
from portal.keys.chosen import Providers
from portal.keys.local import LocalKeys
from portal.keys.queries import WrappedSeed
from portal.tenancy.binding import TenantRecord, bound_tenant_id

ACME = TenantRecord(new_id(), "acme", "Acme", "active", "database")
GLOBEX = TenantRecord(new_id(), "globex", "Globex", "active", "database")


@dataclass
class Rows:
    """The table tenant_key, as far as keys are read from it."""

    provider: LocalKeys
    seeds: dict[tuple[UUID, int], WrappedSeed] = field(default_factory=dict)
    reads: int = 0
    while_reading: Callable[[], object] = bool

    def add(self, tenant: TenantRecord, version: int) -> None:
        self.provider.create(tenant.id)
        wrapped = self.provider.wrap(tenant.id, version, secrets.token_bytes(32))
        self.seeds[tenant.id, version] = WrappedSeed(version, wrapped, "local")

    def find(self, version: int | None = None) -> WrappedSeed | None:
        self.reads += 1
        own = {
            v: seed for (tenant_id, v), seed in self.seeds.items() if tenant_id == bound_tenant_id()
        }
        self.while_reading()
        return own.get(max(own, default=0) if version is None else version)


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rows]:
    rows = Rows(LocalKeys(tmp_path / "keys.json"))
    for tenant in (ACME, GLOBEX):
        rows.add(tenant, 1)
    monkeypatch.setattr(queries, "find_wrapped_seed", rows.find)
    monkeypatch.setattr(cells, "require_declared", lambda _table, _column: None)  # any will do
    monkeypatch.setattr(hierarchy, "_providers", None)
    hierarchy.configure(Providers({"local": lambda own_key: rows.provider}, "local"))
    yield rows
    hierarchy.purge()


@pytest.fixture
def acme() -> TenantRecord:
    return ACME


@pytest.fixture
def globex() -> TenantRecord:
    return GLOBEX
