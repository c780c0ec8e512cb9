"""a log of ten million entries: pages by each filter, from its end and its middle; and as CSV."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from hashlib import md5
from statistics import quantiles
from time import perf_counter
from uuid import UUID

import psycopg

from bench.clocks import own_memory_of
from bench.installations import Installation
from bench.report import Line
from bench.rounds import ratio, side_by_side
from bench.workbench import Workbench
from portal.audit import copied, export
from portal.audit.actions import Action
from portal.audit.export import Form
from portal.audit.queries import Filters
from portal.audit.searching import search_entries
from portal.core import clock
from portal.core.ids import first_id_at
from portal.tenancy.session import db

DAY = timedelta(days=1)
ENTRIES, YEARS = 10_000_000, 2
PEOPLE, DOCUMENTS = 500, 100_000
TIMES = 60  # how often a page is opened
FIRST_AIM_MS, DEEP_AIM = 50.0, 2.0
EXPORTED, EXPORT_AIM, MEMORY_AIM = 100_000, 1 / 0.7, 16.0
WHY = "each cell is looked at, and some are written anew"
COPY = """
COPY (SELECT entry.*, address, personal
FROM audit_entry entry LEFT JOIN audit_aside USING (tenant_id, id)
WHERE entry.tenant_id = %s AND id <= %s ORDER BY id LIMIT %s) TO STDOUT (FORMAT csv)
"""

# A row for each number: an id by its time (RFC 9562), some people who do most, actions from
# frequent to rare, a refusal in fifty; and beside it the address.
FILL = """
CREATE TEMPORARY TABLE made AS
SELECT n, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid AS id,
    (%(actions)s::text[])[1 + floor(power(random(), 3) * %(kinds)s)::int] AS action,
    md5('person' || floor(power(random(), 2) * %(people)s))::uuid AS actor_id,
    'document:' || md5('document' || floor(random() * %(documents)s))::uuid AS target,
    CASE WHEN random() < 0.02 THEN 'refused' ELSE 'success' END AS outcome
FROM (SELECT n, %(newest)s::timestamptz - (%(entries)s - n) * %(step)s::interval AS at
      FROM generate_series(1, %(entries)s) AS n) AS numbers;
INSERT INTO audit_entry (tenant_id, id, at, action, outcome, actor_kind, actor_id, target, told,
    leaf_hash)
SELECT %(tenant)s, id, at, action, outcome, 'user', actor_id, target, '{"size_bytes": 4096}',
    sha256(id::text::bytea) FROM made;
INSERT INTO audit_aside (tenant_id, id, is_waiting, salt, address)
SELECT %(tenant)s, id, false, sha256(id::text::bytea),
    format('192.0.2.%%s', n %% 250) FROM made;
DROP TABLE made
"""


def measure(bench: Workbench) -> Iterator[Line]:
    """The wall for whoever waits, on PostgreSQL, at the 95th percentile."""
    portal, entries = bench.portal("PostgreSQL"), bench.effort.times(ENTRIES)
    newest = clock.now()
    _fill(bench, portal, entries)
    bench.analyze(portal.settings.owner_database_url)
    middle = first_id_at(newest - timedelta(days=365 * YEARS / 2))
    for name, filters in _filters().items():
        first, deep = (_wait(portal, filters, before) for before in (None, middle))
        yield Line(f"milliseconds, first page, {name}", first, FIRST_AIM_MS)
        yield Line(f"from the middle against that, {name}", deep / first, DEEP_AIM)
    most = own_memory_of(partial(_stream, portal)) / (1 << 20)
    yield Line("taken out as CSV, memory beyond that at rest, in MiB", most, MEMORY_AIM)
    variants = {"csv": partial(_export, portal), "copy": partial(_copy, bench, portal)}
    costs = side_by_side(variants, bench.effort.rounds)
    yield Line("taken out as CSV, against raw COPY", ratio(costs, "csv", "copy"), EXPORT_AIM, WHY)


def _filters() -> dict[str, Filters]:
    busy, rare = (_named("person", n) for n in (0, PEOPLE - 1))
    document = f"document:{_named('document', 7)}"
    return {
        "everything": Filters(),
        "a busy person": Filters(actor_id=busy),
        "a person with few": Filters(actor_id=rare),
        "a document": Filters(target=document),
        "a kind of target, in time": Filters(target="document", since=clock.now() - DAY),
        "an action": Filters(action=_actions()[-1]),
        "refusals": Filters(outcome="refused"),
        "refusals of a person": Filters(actor_id=busy, outcome="refused"),
        "warnings and above": Filters(severity="warning"),
        "without readings": Filters(without_action=Action.AUDIT_READ),
    }


def _named(kind: str, number: int) -> UUID:
    """As PostgreSQL makes them."""
    return UUID(md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest())


def _actions() -> list[str]:
    """All there are, in an order that has nothing to do with what they mean."""
    return sorted(map(str, Action), key=lambda action: (len(action), action))


def _fill(bench: Workbench, portal: Installation, entries: int) -> None:
    """As the database's superuser, whom no wall holds: ten million rows one by one take hours."""
    values = {
        "tenant": portal.tenant.id,
        "entries": entries,
        "newest": clock.now(),
        "step": timedelta(days=365 * YEARS) / entries,
        "actions": _actions(),
        "kinds": len(Action),
        "people": PEOPLE,
        "documents": DOCUMENTS,
    }
    with _superuser(bench, portal) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute(FILL, values)


def _superuser(bench: Workbench, portal: Installation) -> psycopg.Connection:
    database = portal.settings.owner_database_url.rpartition("/")[2]
    return psycopg.connect(bench.postgres.url(database).replace("+psycopg", ""))


def _stream(portal: Installation) -> None:
    """As the answer of a request does: a batch is made while the one before it is on its way."""
    with portal.acting():
        up_to, after, on_its_way = export.newest_entry_id(), None, b""
        for _ in range(EXPORTED // copied.BATCH_SIZE):
            text, after = export.read_batch(Filters(), Form.CSV, after=after, up_to=up_to)
            on_its_way = text.encode()
        del on_its_way


def _export(portal: Installation) -> float:
    """As `access.log_exports` reads it out, by whole batches: for as many entries as are copied."""
    with portal.acting():
        up_to, after, count, taken = export.newest_entry_id(), None, 0, 0.0
        while count < EXPORTED:
            began = perf_counter()
            text, after = export.read_batch(Filters(), Form.CSV, after=after, up_to=up_to)
            taken += perf_counter() - began
            count += text.count("\n")
        return taken * EXPORTED / count


def _copy(bench: Workbench, portal: Installation) -> float:
    with portal.acting():
        up_to = export.newest_entry_id()
    with _superuser(bench, portal) as connection, psycopg.ClientCursor(connection) as cursor:
        began = perf_counter()
        with cursor.copy(COPY, (portal.tenant.id, up_to, EXPORTED)) as copied:
            for _ in copied:
                pass
        return perf_counter() - began


def _wait(portal: Installation, filters: Filters, before: UUID | None) -> float:
    """The 95th percentile of opening a page, in milliseconds."""
    waits = []
    for _ in range(TIMES):
        with portal.acting():
            db.session.connection()
            began = perf_counter()
            search_entries(filters, before=before)
            waits.append((perf_counter() - began) * 1e3)
    return quantiles(waits, n=20)[-1]
