"""Sessions, transactions and engines belong to one tenant; what is in memory never crosses."""

import pickle

import psycopg
import pytest
from sqlalchemy import create_engine, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.loading import merge_frozen_result

from portal.tenancy import placement
from portal.tenancy.binding import acting_for
from portal.tenancy.errors import (
    CrossTenantWrite,
    IsolationError,
    NoTenantBound,
    TenantSwitched,
)
from portal.tenancy.gate import without_transactions
from portal.tenancy.guard import guard_engine
from portal.tenancy.models import Tenant
from portal.tenancy.session import TenantSession, db
from tests.isolation.rows import count_of
from tests.isolation.subjects import NotApplicable, subjects
from tests.isolation.worlds import WORLDS, tenant

OWN, BEFORE = tenant("own"), tenant("before")


@pytest.fixture(params=range(2))
def subject(request):
    return subjects()[request.param]


@pytest.fixture
def model(subject):
    return subject.model


# --- sessions

DOORS = {
    "execute": lambda s, t, _: s.execute(select(t.model.id)),
    "scalars": lambda s, t, _: s.scalars(select(t.model)),
    "query": lambda s, t, _: s.query(t.model).all(),
    "get what is loaded": lambda s, t, _: s.get(t.model, t.key),
    "get": lambda s, t, _: s.get(t.model, (OWN.id, t.foreign_id)),
    "get_one": lambda s, t, _: s.get_one(t.model, t.key),
    "merge": lambda s, t, loaded: s.merge(loaded),
    "refresh": lambda s, t, loaded: s.refresh(loaded),
    "flush": lambda s, t, loaded: (setattr(loaded, t.column.key, t.value), s.flush()),
    "commit": lambda s, t, loaded: (setattr(loaded, t.column.key, t.value), s.commit()),
    "add": lambda s, t, _: s.add(t.model()),
    "delete": lambda s, t, loaded: (s.delete(loaded), s.flush()),
    "connection": lambda s, t, _: s.connection(),
    "bulk": lambda s, t, _: s.bulk_insert_mappings(t.model.__mapper__, [t.new()]),
    "expired attribute": lambda s, t, loaded: (s.expire(loaded), loaded.id),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_session_opens_no_door_under_another_tenant(world, subject, door):
    with world.acting() as session:
        loaded = session.get(subject.model, subject.key)
        with world.acting("before"), pytest.raises(TenantSwitched):
            DOORS[door](session, subject, loaded)
        session.rollback()


def _open(session, subject, loaded, door):
    session.add(loaded)
    DOORS[door](session, subject, loaded)


@pytest.mark.parametrize("door", DOORS)
def test_a_session_opens_no_door_once_its_unit_has_ended(world, subject, door):
    with world.acting() as session:
        loaded = session.get(subject.model, subject.key)
        session.add(loaded)
    with world.app.app_context(), pytest.raises((NoTenantBound, TenantSwitched)):
        _open(session, subject, loaded, door)


def test_a_lazy_load_under_another_tenant_is_refused(world):
    for subject in subjects():
        with world.acting() as session:
            loaded = session.get(subject.mapped, subject.key)
            with world.acting("before"), pytest.raises(TenantSwitched):
                assert loaded.x_twins


def test_a_parent_in_the_identity_map_is_not_handed_out_under_another_tenant(world):
    tried = 0
    for subject in subjects():
        try:
            names = subject.parents()
        except NotApplicable:
            continue
        with world.acting() as session:
            loaded = session.get(subject.mapped, subject.key)
            for name in names:
                parent = inspect(subject.mapped).relationships[name].entity
                kept = session.scalars(select(parent)).all()  # the identity map alone would not
                assert kept
                with world.acting("before"), pytest.raises(TenantSwitched):
                    assert getattr(loaded, name)
                tried += 1
    assert tried


def test_the_same_id_is_another_object_for_each_tenant(world, subject):
    with world.acting() as outer:
        own = outer.get(subject.model, subject.key)
        with world.acting("before") as inner:
            other = inner.get(subject.model, (BEFORE.id, subject.own_id))
            assert (other.id, other.tenant_id) == (own.id, BEFORE.id)
            assert other is not own


def test_an_object_can_be_attached_under_no_other_tenant(world, subject):
    with world.acting() as session:
        loaded = session.get(subject.model, subject.key)
        pickled = pickle.dumps(loaded)
        session.expunge(loaded)
    with world.acting("before") as session:
        for one in (loaded, pickle.loads(pickled)):  # noqa: S301  # our own
            for attach in (session.add, session.merge, session.delete):
                with pytest.raises(CrossTenantWrite):
                    attach(one)
            with pytest.raises(CrossTenantWrite):
                session.merge(one, load=False)
            with pytest.raises(CrossTenantWrite):
                session.enable_relationship_loading(one)


def test_a_frozen_result_thaws_under_no_other_tenant(world, subject):
    statement = select(subject.model)
    with world.acting() as session:
        frozen = session.execute(statement).freeze()
    with world.acting("before") as session:
        for load in (True, False):
            with pytest.raises(CrossTenantWrite):
                merge_frozen_result(session, statement, frozen, load=load)


def test_no_other_kind_of_session_is_served(guarded, model):
    """It would keep one tenant's objects in its identity map for the next."""
    with guarded.acting():
        for made in (Session(guarded.engine), sessionmaker(guarded.engine)()):
            with made, pytest.raises(TenantSwitched):
                made.scalars(select(model)).all()


def test_a_session_can_be_made_for_no_tenant_only_when_there_is_one(world):
    with world.app.app_context(), pytest.raises(NoTenantBound):
        TenantSession(db)


def test_a_session_is_led_to_its_tenants_database_whatever_it_is_told(world, model):
    elsewhere = placement.system_engine("sqlite://")
    with world.acting() as session:
        found = session.scalar(
            select(func.count(model.id)), bind_arguments={"bind": elsewhere, "mapper": model}
        )
        assert found == count_of(model.__table__)


# --- transactions


def test_a_transaction_of_one_tenant_is_of_no_use_under_another(guarded, model):
    with guarded.acting(), guarded.engine.connect() as connection:
        assert connection.scalar(select(func.count(model.id))) == count_of(model.__table__)
        with guarded.acting("before"), pytest.raises(TenantSwitched):
            connection.execute(select(model.id))
        assert connection.scalar(select(func.count(model.id))) == count_of(model.__table__)


def test_a_transaction_begun_without_a_tenant_touches_none(guarded, model):
    with guarded.app.app_context(), guarded.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with acting_for(guarded.tenant()), pytest.raises(TenantSwitched):
            connection.execute(select(model.id))


def test_a_transaction_outlives_no_unit_of_work(guarded, model):
    with guarded.app.app_context(), guarded.engine.connect() as connection:
        with acting_for(guarded.tenant()):
            connection.execute(select(model.id)).all()
        with pytest.raises(NoTenantBound):
            connection.execute(select(model.id))


def test_a_connection_serves_one_tenant_after_another(guarded, model):
    with guarded.app.app_context(), guarded.engine.connect() as connection:
        for slug in ("own", "before", "own"):
            if guarded.placement == "pooled":
                with acting_for(guarded.tenant(slug)):
                    found = connection.scalars(select(model.tenant_id)).all()
                    assert {*found} == {tenant(slug).id}
                    connection.rollback()


def _autocommitting(engine):
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@pytest.mark.parametrize("kind", [without_transactions, _autocommitting])
def test_without_transactions_no_tenant_is_touched(guarded, model, kind):
    """They are for the global tables."""
    with guarded.acting(), kind(guarded.engine).connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(TenantSwitched):
            connection.execute(select(model.id))


def test_a_two_phase_transaction_touches_no_tenant(world_of, model):
    def read_in_two_phases(connection):
        connection.begin_twophase()
        connection.execute(select(model.id))

    world = world_of("postgresql-both")
    with world.acting(), world.engine.connect() as connection:
        with pytest.raises((IsolationError, SQLAlchemyError)):
            read_in_two_phases(connection)
        connection.invalidate()


def test_a_raw_commit_does_not_open_the_next_transaction(world, model):
    """After it the driver is in no transaction: the filter holds, and so does the database."""
    with world.acting() as session:
        session.execute(text("COMMIT"))
        try:
            seen = {*session.scalars(select(model.tenant_id))}
        except DBAPIError:
            seen = {OWN.id}
        assert seen == {OWN.id}
        session.rollback()


# --- engines


def test_a_second_engine_on_the_same_database_is_refused(guarded, subject):
    engine = create_engine(guarded.engine.url)
    try:
        with guarded.acting(), engine.connect() as connection:
            for statement in (
                select(subject.table.c.id),
                insert(subject.table).values(tenant_id=OWN.id, **subject.new()),
                text(f"SELECT id FROM {subject.table.name}"),
            ):
                with pytest.raises(IsolationError):
                    connection.execute(statement)
                connection.rollback()
    finally:
        engine.dispose()


def test_a_second_engine_with_the_filter_but_no_stamp_is_refused(guarded, model):
    engine = create_engine(guarded.engine.url)
    guard_engine(engine)
    try:
        with guarded.acting(), engine.connect() as connection, pytest.raises(TenantSwitched):
            connection.execute(select(model.id))
    finally:
        engine.dispose()


def test_the_global_tables_need_no_tenant(world_of):
    world = world_of("sqlite-filter")
    with world.app.app_context(), world.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Tenant)) == 0


@pytest.mark.parametrize("name", [name for name in WORLDS if not name.endswith("filter")])
def test_the_drivers_own_connection_is_held_by_the_database_alone(world_of, name, subject):
    """Past SQLAlchemy there is no filter. Without a tenant PostgreSQL gives nothing at all."""
    world = world_of(name)
    asked = f"SELECT DISTINCT tenant_id FROM {subject.table.name}"
    with world.app.app_context():
        connection = world.engine.raw_connection()
        try:
            if world.dialect == "sqlite":
                assert connection.cursor().execute(asked).fetchall() == [(OWN.id.hex,)]
            else:
                with pytest.raises(psycopg.Error, match=r"app\.tenant_id|type uuid"):
                    connection.cursor().execute(asked)
        finally:
            connection.close()


# --- cached statements


def test_a_cached_statement_serves_one_tenant_after_another(world, model):
    """With entities, unions, and loads that follow, whose statements are kept as well."""
    statements = [
        select(model.tenant_id),
        select(model.tenant_id).union_all(select(model.tenant_id)),
        select(select(model.tenant_id).cte()),
    ]
    for _ in range(3):
        for slug in ("own", "before", "later", "own"):
            with world.acting(slug) as session:
                for statement in statements:
                    assert {*session.scalars(statement)} == {tenant(slug).id}


def test_a_cached_load_serves_one_tenant_after_another(world):
    for subject in subjects():
        for slug in ("own", "before", "own"):
            with world.acting(slug) as session:
                found = session.scalars(select(subject.mapped)).all()
                assert all(
                    [twin.tenant_id for twin in one.x_twins] == [tenant(slug).id] for one in found
                )
