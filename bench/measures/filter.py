"""the query filter, against the same ORM query with a WHERE written by hand on a plain engine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Engine, Uuid, create_engine, make_url, select
from sqlalchemy.orm import Session, registry

from bench.clocks import spent
from bench.installations import Installation
from bench.report import Line, control
from bench.rounds import ratio, side_by_side
from bench.servers import postmaster_of
from bench.workbench import DATABASES, Workbench
from portal.audit.models import AuditEntry
from portal.core import clock
from portal.core.db import Base
from portal.core.ids import new_id
from portal.documents.models import Document
from portal.tenancy import postgres, sqlite
from portal.tenancy.gate import SYSTEM
from portal.tenancy.models import TenantId
from portal.tenancy.placement import url_for
from portal.tenancy.session import db

SELECTS_AIM, OTHERS_AIM = 1.10, 1.25


class Guarded:
    """The portal's models and sessions."""

    document, entry = Document, AuditEntry

    def __init__(self, portal: Installation) -> None:
        self._portal = portal
        self.tenant_id = portal.tenant.id

    @contextmanager
    def session(self) -> Iterator[Any]:
        with self._portal.acting(writes=True):
            yield db.session()
            db.session.rollback()

    def where(self, _model: Any, *criteria: Any) -> Any:
        return criteria

    def owned(self) -> dict[str, Any]:
        return {}


class ByHand:
    """Twins of the models whose tenant_id is a plain column, on an engine that guards nothing."""

    def __init__(self, portal: Installation, engine: Engine) -> None:
        self._engine = engine
        self.tenant_id = portal.tenant.id
        self.document, self.entry = _twins(Document, AuditEntry)

    @contextmanager
    def session(self) -> Iterator[Any]:
        with Session(self._engine) as session:
            yield session

    def where(self, model: Any, *criteria: Any) -> Any:
        return (model.tenant_id == self.tenant_id, *criteria)

    def owned(self) -> dict[str, Any]:
        return {"tenant_id": self.tenant_id}


Side = Guarded | ByHand


def measure(bench: Workbench) -> Iterator[Line]:
    """One row, 50 rows, get, insert and update on both databases; neither has a wall."""
    for database in DATABASES:
        # SQLite's wall is the file, which both sides have; PostgreSQL's is taken down for both.
        portal = bench.portal(database, is_clear=database == "PostgreSQL")
        server = bench.server_of(database)
        trees = (postmaster_of(server),) if server else ()
        engine = _plain_engine(portal)
        guarded, by_hand = Guarded(portal), ByHand(portal, engine)
        with guarded.session() as session:
            document_id = session.scalars(select(Document.id).limit(1)).one()
        controls = []
        for name, (work, aim, count) in SHAPES.items():
            cost = partial(_cost, work, document_id, bench.effort.times(count), trees)
            sides = {
                "guarded": partial(cost, guarded),
                "by hand": partial(cost, by_hand),
                "again": partial(cost, by_hand),
            }
            costs = side_by_side(sides, bench.effort.rounds)
            controls.append(ratio(costs, "again", "by hand"))
            yield Line(f"{database}, {name}", ratio(costs, "guarded", "by hand"), aim, WHY)
        yield control(*controls)
        engine.dispose()


def _cost(
    work: Callable[..., None], document_id: Any, times: int, trees: Sequence[int], side: Side
) -> float:
    with side.session() as session:
        return spent(lambda: work(side, session, document_id, times), *trees)


def _one_row(side: Side, session: Any, document_id: Any, times: int) -> None:
    model = side.document
    for _ in range(times):
        session.scalars(select(model).where(*side.where(model, model.id == document_id))).one()
        session.expunge_all()


def _page(side: Side, session: Any, _document_id: Any, times: int) -> None:
    model = side.document
    for _ in range(times):
        session.scalars(
            select(model)
            .where(*side.where(model, model.folder_id.is_(None), model.trashed_at.is_(None)))
            .order_by(model.updated_at.desc(), model.id.desc())
            .limit(50)
        ).all()
        session.expunge_all()


def _get(side: Side, session: Any, document_id: Any, times: int) -> None:
    for _ in range(times):
        session.get(side.document, (side.tenant_id, document_id))
        session.expunge_all()


def _insert(side: Side, session: Any, document_id: Any, times: int) -> None:
    for _ in range(times):
        entry = side.entry(
            **side.owned(),
            id=new_id(),
            at=clock.now(),
            action="document.downloaded",
            outcome="success",
            actor_kind="user",
            target=f"document:{document_id}",
            told={},
            leaf_hash=bytes(32),
        )
        session.add(entry)
        session.flush()


def _update(side: Side, session: Any, document_id: Any, times: int) -> None:
    document = session.get(side.document, (side.tenant_id, document_id))
    for number in range(times):
        document.version_number = number + 2
        session.flush()


SHAPES: dict[str, tuple[Callable[..., None], float, int]] = {
    "one row": (_one_row, SELECTS_AIM, 200),
    "50 rows": (_page, SELECTS_AIM, 60),
    "get": (_get, OTHERS_AIM, 200),
    "insert": (_insert, OTHERS_AIM, 120),
    "update": (_update, OTHERS_AIM, 120),
}
WHY = "the gate looks every statement up, and the session compares its tenant"


def _plain_engine(portal: Installation) -> Engine:
    """The same database and transactions, without the filter and past the gate."""
    url = url_for(portal.tenant, make_url(portal.settings.database_url))
    engine = create_engine(url, execution_options={SYSTEM: True})
    (sqlite if engine.dialect.name == "sqlite" else postgres).bind_transactions(engine)
    return engine


def _twins(*models: Any) -> tuple[Any, ...]:
    """Classes like the models, mapped to copies of all tables whose tenant_id is plain."""
    twins = registry()
    for table in Base.metadata.tables.values():
        copied = table.to_metadata(twins.metadata)
        if isinstance(copied.c[0].type, TenantId):
            copied.c[0].type, copied.c[0].default = Uuid(), None
    made = tuple(type(model.__name__, (), {}) for model in models)
    for twin, model in zip(made, models, strict=True):
        twins.map_imperatively(twin, twins.metadata.tables[model.__tablename__])
    return made
