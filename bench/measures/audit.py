"""an entry of the log against a plain row, its number, and verifying against a SHA-256 each."""

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any, cast

from sqlalchemy import MetaData, Table, Uuid, insert, make_url, quoted_name, text, update

from bench.clocks import spent
from bench.installations import ROLE, Installation
from bench.report import Line, control
from bench.rounds import ratio, side_by_side
from bench.workbench import DATABASES, Workbench
from portal.audit.actions import Action
from portal.audit.actor import Actor, ActorKind
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.service import record
from portal.audit.tlog.files import unbundle
from portal.audit.tlog.numbering import BATCH_SIZE, number_waiting
from portal.audit.tlog.verifying import verify_folder
from portal.cli.keeping_log import sign_bound
from portal.core import clock
from portal.core.ids import new_id
from portal.evidence.exporting import list_files
from portal.evidence.signed import get_newest
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.placement import system_engine, url_for
from portal.tenancy.session import db
from portal.users.models import User

AIMS = {"SQLite": 1 / 0.65, "PostgreSQL": 1 / 0.90}
WHY = "a second row holds what may be erased, and on SQLite a third the number"
VERIFY_AIM, SECOND_AIM = 4.0, 1.0
A_SECONDS_WORTH = 2_700
ACTOR = Actor(kind=ActorKind.USER, user_id=new_id(), address="2001:db8::7", request_id=new_id())
TARGET = f"document:{new_id()}"
PLAIN = cast("Table", AuditEntry.__table__).to_metadata(MetaData(), name="bench_entry")
PLAIN.c.tenant_id.type, PLAIN.primary_key.name = Uuid(), "pk_bench_entry"
for name in ("salt", "address", "personal"):
    PLAIN.append_column(AuditAside.__table__.c[name]._copy())
for index in PLAIN.indexes:
    index.name = quoted_name(f"bench_{index.name}", quote=None)
INSERT_PLAIN = insert(PLAIN)
TOLD: dict[str, Any] = {"folder": str(new_id()), "size_bytes": 12345, "sealed_sha256": "0" * 64}


def measure(bench: Workbench) -> Iterator[Line]:
    """Whole transactions, by the wall; then what the worker and a verifier do, in CPU.

    The aims are for commits that wait for the disk, as they do where a portal runs. PostgreSQL is
    asked once more without: there nothing hides what is worked.
    """
    for database in DATABASES:
        yield from _adding(database, bench.on_disk.portal(database), bench, AIMS[database])
    yield from _adding("PostgreSQL, no disk", bench.portal("PostgreSQL"), bench)
    yield _numbering(bench.portal("PostgreSQL"))
    yield _verifying(bench, bench.portal("SQLite"))


def _adding(
    name: str, portal: Installation, bench: Workbench, aim: float | None = None
) -> Iterator[Line]:
    _make_plain(portal)
    times = bench.effort.times(400)
    acts = {"plain": _plain, "recorded": _recorded, "change": _change, "told": _told}
    variants = {each: partial(_wall, portal, act, times) for each, act in acts.items()}
    variants["again"] = variants["plain"]
    costs = side_by_side(variants, bench.effort.rounds)
    value = ratio(costs, "recorded", "plain")
    yield Line(f"{name}, an entry against the same row alone", value, aim, WHY)
    yield Line(f"{name}, two statements with their entry", ratio(costs, "told", "change"))
    yield control(ratio(costs, "again", "plain"))


def _plain() -> None:
    values = {"actor_kind": ACTOR.kind, "actor_id": ACTOR.user_id, "request_id": ACTOR.request_id}
    told = {
        "action": Action.DOCUMENT_UPLOADED,
        "outcome": "success",
        "target": TARGET,
        "told": TOLD,
    }
    made = {"id": new_id(), "at": clock.now(), "leaf_hash": bytes(32), "commitment": bytes(32)}
    beside = {"salt": bytes(32), "address": ACTOR.address, "personal": None}
    row = made | values | told | beside | {"tenant_id": bound_tenant_id()}
    db.session.connection().execute(INSERT_PLAIN, row)


def _make_plain(portal: Installation) -> None:
    """One table for all that an entry says, indexed alike, that nothing numbers or guards."""
    engine = system_engine(url_for(portal.tenant, make_url(portal.settings.owner_database_url)))
    with engine.begin() as connection:
        PLAIN.create(connection)
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"GRANT INSERT ON {PLAIN.name} TO {ROLE}"))
    engine.dispose()


def _recorded() -> None:
    record(ACTOR, Action.DOCUMENT_UPLOADED, TARGET, **TOLD)


def _change() -> None:
    db.session.execute(update(User).where(User.email == "nobody").values(name="x"))
    db.session.execute(insert(User).values(email=f"{new_id()}@bench.example", name="x"))


def _told() -> None:
    _change()
    _recorded()


def _wall(portal: Installation, act: Callable[[], None], times: int) -> float:
    with portal.acting(writes=True):
        began = perf_counter()
        for _ in range(times):
            act()
            db.session.commit()
        return perf_counter() - began


def _numbering(portal: Installation) -> Line:
    """How long the sequencer takes for what the busiest tenant writes in a second."""
    with portal.acting(writes=True):
        _number()
        for _ in range(A_SECONDS_WORTH):
            _recorded()
        db.session.commit()
        began = perf_counter()
        _number()
        taken = perf_counter() - began
    return Line(f"seconds to number {A_SECONDS_WORTH:,} entries", taken, SECOND_AIM)


def _number() -> None:
    while number_waiting() == BATCH_SIZE:
        db.session.commit()
    db.session.commit()


def _verifying(bench: Workbench, portal: Installation) -> Line:
    folder, entries = bench.folder / "log", bench.effort.times(40_000)
    with portal.acting(writes=True):
        for number in range(entries):
            _recorded()
            if number % 1000 == 0:
                db.session.commit()
        db.session.commit()
        sign_bound()
        for path, content, _ in list_files(get_newest()):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    variants: dict[str, Callable[[], float]] = {
        "verify": lambda: spent(lambda: _check(folder)),
        "hash": partial(spent, partial(_hash, _bodies(folder))),
    }
    costs = side_by_side(variants, bench.effort.rounds)
    name = "verifying an export against one SHA-256 an entry"
    return Line(name, ratio(costs, "verify", "hash"), VERIFY_AIM)


def _check(folder: Path) -> None:
    if verify_folder(folder).findings:
        raise RuntimeError("the log that was written does not verify")


def _bodies(folder: Path) -> list[bytes]:
    files = (path for path in (folder / "tile/entries").rglob("*") if path.is_file())
    return [body for path in files for body in unbundle(path.read_bytes())]


def _hash(bodies: list[bytes]) -> list[Any]:
    return [sha256(body).digest() for body in bodies]
