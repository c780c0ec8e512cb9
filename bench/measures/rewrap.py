"""rewrapping a document's key and its name, without the database, against what it may take."""

import secrets
from collections.abc import Iterator
from functools import partial
from statistics import median
from unittest.mock import patch

from bench.clocks import spent
from bench.report import Line
from bench.rounds import side_by_side
from bench.workbench import Workbench
from portal.core.ids import new_id
from portal.documents.models import Document, DocumentVersion
from portal.keys import hierarchy, queries
from portal.keys.cells import Cell, list_wrapped_keys
from portal.keys.chosen import Providers
from portal.keys.columns import seal
from portal.keys.data_keys import new_data_key
from portal.keys.local import LocalKeys
from portal.keys.queries import WrappedSeed
from portal.keys.rewrapping import SealedCells, WrappedKeys
from portal.tenancy.binding import TenantRecord, acting_for

DOCUMENTS = 20_000  # a second on one core
TENANT = TenantRecord(new_id(), "acme", "Acme", "active", "database")
NAME = "Minutes of the board, third quarter.pdf"


def measure(bench: Workbench) -> Iterator[Line]:
    """As the worker does it, batch by batch, but for reading and writing the rows."""
    provider = LocalKeys(bench.folder / "rewrap-keys.json")
    hierarchy.configure(Providers({"local": lambda _own_key: provider}, "local"))
    provider.create(TENANT.id)
    seeds = {version: _seed(provider, version) for version in (1, 2)}
    newest = 1
    count = bench.effort.times(DOCUMENTS)

    def find(version: int | None = None) -> WrappedSeed | None:
        return seeds.get(newest if version is None else version)

    with patch.object(queries, "find_wrapped_seed", find), acting_for(TENANT):
        rows = [_document() for _ in range(count)]
        newest = 2
        hierarchy.purge()
        rewrap = {"rewrap": partial(spent, partial(_rewrap, rows))}
        costs = side_by_side(rewrap, bench.effort.rounds)
    share = median(costs["rewrap"]) / count * DOCUMENTS
    yield Line(f"{DOCUMENTS} documents, in seconds of one core", share, 1.0)


def _seed(provider: LocalKeys, version: int) -> WrappedSeed:
    wrapped = provider.wrap(TENANT.id, version, secrets.token_bytes(32))
    return WrappedSeed(version, wrapped, provider.name)


def _document() -> tuple[tuple[object, ...], tuple[object, ...]]:
    """The rows of a version and of its document, as rewrapping reads them."""
    document_id, version_id = new_id(), new_id()
    key = new_data_key(document_id, version_id)
    version = (version_id, document_id, version_id, "S", key.wrapped, key.key_version)
    table = Document.__tablename__
    return version, (document_id, seal(table, "name_sealed", document_id, NAME))


def _rewrap(rows: list[tuple[tuple[object, ...], tuple[object, ...]]]) -> None:
    [at] = [at for at in list_wrapped_keys() if at.table == DocumentVersion.__tablename__]
    keys, names = WrappedKeys(at), SealedCells(Cell(Document.__tablename__, "name_sealed"))
    kek = hierarchy.key_of(2)
    for version, document in rows:
        keys.renewed(kek, version)
        names.renewed(kek, document)
