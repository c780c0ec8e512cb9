"""row-level security on against off: the portal's own SQL, sent by the driver; both ends' CPU."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.pq import Trace
from sqlalchemy import event, make_url, select

from bench.clocks import spent
from bench.installations import Installation
from bench.report import Line, control
from bench.rounds import ratio, side_by_side
from bench.servers import postmaster_of
from bench.workbench import Workbench
from portal.audit.actions import Action
from portal.audit.actor import Actor, ActorKind
from portal.audit.service import record
from portal.core.ids import new_id
from portal.documents.models import Document
from portal.documents.sorting import USUAL, page_of
from portal.keys.providers import KeyDamaged
from portal.tenancy.postgres import SETTING
from portal.tenancy.session import db

AIM = 1.15
Sent = tuple[str, dict[str, Any]]


def measure(bench: Workbench) -> Iterator[Line]:
    """A point, a page and an insert inside a transaction; a whole transaction; its messages."""
    on, off = (bench.portal("PostgreSQL", is_clear=is_clear) for is_clear in (False, True))
    postmaster = postmaster_of(bench.postgres)
    sides = {name: Side(portal, postmaster) for name, portal in (("on", on), ("off", off))}
    shapes: dict[str, tuple[str, float | None, int]] = {
        "a row by its key": ("point", AIM, 500),
        "the list of 50 documents": ("page", AIM, 150),
        "an entry of the log": ("insert", None, 300),
    }
    controls = []
    for name, (shape, aim, count) in shapes.items():
        times = bench.effort.times(count)

        def run(side: str, shape: str = shape, times: int = times) -> Callable[[], float]:
            return lambda: sides[side].statements(shape, times)

        variants = {"on": run("on"), "off": run("off"), "again": run("off")}
        costs = side_by_side(variants, bench.effort.rounds)
        controls.append(ratio(costs, "again", "off"))
        yield Line(name, ratio(costs, "on", "off"), aim, WHY)
    yield control(*controls)
    times = bench.effort.times(300)
    transactions = {
        "on": lambda: sides["on"].transactions(times, binds=True),
        "off": lambda: sides["off"].transactions(times, binds=False),
    }
    costs = side_by_side(transactions, bench.effort.rounds)
    yield Line(
        "a transaction: SET LOCAL and a row, against BEGIN and a row", ratio(costs, "on", "off")
    )
    yield Line("round trips that the wall adds to a transaction", _added_round_trips(on), 0.0, "")
    for side in sides.values():
        side.connection.close()


WHY = "the policy is one more comparison a row, and the plan is checked for the role"


class Side:
    """A database with the wall or without it, and what the portal would send to it."""

    def __init__(self, portal: Installation, postmaster: int) -> None:
        self._postmaster = postmaster
        self._sent = _statements_of(portal)
        self._bound = f"BEGIN; SET LOCAL {SETTING} = '{portal.tenant.id}'"
        self.connection = _connect(portal)

    def statements(self, shape: str, times: int) -> float:
        """The CPU of one statement, many times in one transaction."""
        sql, values = self._sent[shape]

        def act() -> None:
            for _ in range(times):
                row = values | {"new_id": new_id()} if shape == "insert" else values
                cursor = self.connection.execute(sql, row)
                if cursor.description:
                    cursor.fetchall()

        self.connection.execute(self._bound)
        cost = spent(act, self._postmaster)
        self.connection.execute("ROLLBACK")
        return cost

    def transactions(self, times: int, *, binds: bool) -> float:
        """The CPU of transactions of one statement each."""
        sql, values = self._sent["point"]
        begin = self._bound if binds else "BEGIN"

        def act() -> None:
            for _ in range(times):
                self.connection.execute(begin)
                self.connection.execute(sql, values).fetchall()
                self.connection.execute("COMMIT")

        return spent(act, self._postmaster)


def _connect(portal: Installation) -> psycopg.Connection[Any]:
    url = make_url(portal.settings.database_url).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


def _statements_of(portal: Installation) -> dict[str, Sent]:
    """What the portal sends to read a row, to list documents, and to write to the log."""
    sent: list[Sent] = []

    def listen(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        sent.append((sql, dict(values)))

    visitor = Actor(kind=ActorKind.ANONYMOUS)
    with portal.acting(writes=True):
        engine = db.session.get_bind()
        event.listen(engine, "before_cursor_execute", listen)
        with suppress(KeyDamaged):  # names in clear are not opened; the list is sent all the same
            page_of(visitor, None, USUAL, None)
        page = sent[0]  # and then perhaps that for the key
        document = db.session.scalars(select(Document).limit(1)).one()
        db.session.expunge_all()
        db.session.get(Document, (document.tenant_id, document.id))
        point = sent[-1]
        record(visitor, Action.DOCUMENT_DOWNLOADED, f"document:{document.id}")
        db.session.flush()
        insert = sent[-1]
        event.remove(engine, "before_cursor_execute", listen)
        db.session.rollback()
    return {"point": point, "page": page, "insert": insert}


def _added_round_trips(portal: Installation) -> int:
    """Round trips of BEGIN, a query and ROLLBACK through the portal's engine, less three."""

    def unit() -> Any:
        with portal.acting():
            db.session.execute(select(Document.id).limit(1)).one()
            return db.session.connection().connection.driver_connection

    for _ in range(10):  # until the driver has prepared what it is going to prepare
        pgconn = unit().pgconn
    with tempfile.TemporaryFile() as file:
        pgconn.trace(file.fileno())
        pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        unit()
        pgconn.untrace()
        file.seek(0)
        return file.read().count(b"ReadyForQuery") - 3
