"""A result belongs to the unit of work that asked for it, however slowly it is read."""

import pytest
from sqlalchemy import select, text

from portal.tenancy.errors import NoTenantBound, TenantSwitched, UnguardedSQL
from portal.tenancy.session import csv_of
from tests.isolation.subjects import subjects
from tests.isolation.worlds import tenant

RESULTS = {
    "rows, by portions": lambda s, m: s.execute(
        select(m.tenant_id), execution_options={"yield_per": 1}
    ),
    "rows, by portions asked for later": lambda s, m: s.execute(select(m.tenant_id)).yield_per(1),
    "rows of the connection": lambda s, m: s.connection().execute(select(m.tenant_id)),
    "rows of the connection, by portions": lambda s, m: s.connection().execute(
        select(m.tenant_id).execution_options(yield_per=1)
    ),
    "rows of the connection, as mappings": lambda s, m: (
        s.connection().execute(select(m.tenant_id)).mappings()
    ),
    "rows of the connection, streamed": lambda s, m: s.connection().execute(
        select(m.tenant_id).execution_options(stream_results=True, max_row_buffer=1)
    ),
    "entities, by portions": lambda s, m: s.scalars(select(m).execution_options(yield_per=1)),
    "query, by portions": lambda s, m: iter(s.query(m).yield_per(1)),
}


@pytest.fixture(params=RESULTS)
def ask(request):
    return RESULTS[request.param]


@pytest.fixture
def model():
    return subjects()[0].model


def _whose(row):
    if hasattr(row, "tenant_id"):
        return row.tenant_id
    return row["tenant_id"] if hasattr(row, "keys") else row[0]


def test_a_result_is_read_within_its_unit_of_work(world, model, ask):
    with world.acting() as session:
        assert {_whose(row) for row in ask(session, model)} == {tenant("own").id}


def test_a_result_is_not_read_past_the_end_of_its_unit_of_work(guarded, model, ask):
    with guarded.acting() as session:
        result = iter(ask(session, model))
        next(result)
    with guarded.app.app_context(), pytest.raises(TenantSwitched):
        list(result)


def test_a_result_is_not_read_under_another_tenant(guarded, model, ask):
    with guarded.acting() as session:
        result = iter(ask(session, model))
        next(result)
        with guarded.acting("before"), pytest.raises(TenantSwitched):
            list(result)


def test_a_result_is_not_first_read_under_another_tenant(guarded, model, ask):
    with guarded.acting() as session:
        result = ask(session, model)
        with guarded.acting("before"), pytest.raises(TenantSwitched):
            list(result)


@pytest.mark.parametrize("walls", ["filter", "both"])
def test_lines_of_csv_are_the_bound_tenants_alone(world_of, walls, model):
    guarded = world_of(f"postgresql-{walls}")
    own = select(model.tenant_id, model.id)
    with guarded.acting() as session:
        expected = [f"{tenant_id},{id_}" for tenant_id, id_ in session.execute(own)]
        found = csv_of(own).text.decode().splitlines()
        assert sorted(found) == sorted(expected)
        assert found
        with pytest.raises(UnguardedSQL):
            csv_of(text(f"SELECT tenant_id, id FROM {model.__tablename__}"))
    with guarded.app.app_context(), pytest.raises(NoTenantBound):
        csv_of(own)
