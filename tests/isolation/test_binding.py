"""Who is bound where: nesting, order, generators, threads, exceptions."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from random import Random
from threading import Thread

import pytest
from sqlalchemy import func, insert, select

from portal.tenancy.binding import acting_for, bound, bound_tenant_id, find_binding
from portal.tenancy.errors import NoTenantBound
from portal.tenancy.session import db
from tests.isolation.subjects import subjects
from tests.isolation.worlds import SLUGS, tenant

OWN, BEFORE = tenant("own"), tenant("before")


@pytest.fixture
def model():
    return subjects()[0].model


def whose(model):
    """The tenants whose rows can be seen just now."""
    return {*db.session.scalars(select(model.tenant_id))}


def test_nothing_is_bound_by_default():
    assert find_binding() is None
    with pytest.raises(NoTenantBound):
        bound_tenant_id()


def test_without_a_tenant_nothing_can_be_asked_or_written(guarded, model):
    with guarded.app.app_context():
        with pytest.raises(NoTenantBound):
            db.session.scalars(select(model))
        with pytest.raises(NoTenantBound):
            db.session.add(model())
        with pytest.raises(NoTenantBound):
            db.session.get(model, (OWN.id, OWN.id))
        for statement in (select(model.id), insert(model).values(subjects()[0].new())):
            with guarded.engine.connect() as connection, pytest.raises(NoTenantBound):
                connection.execute(statement)


def test_without_a_tenant_the_wall_alone_gives_nothing_either(world, model):
    with world.app.app_context(), pytest.raises(NoTenantBound):
        db.session.scalars(select(model))


def test_a_nested_tenant_sees_its_own_and_the_outer_goes_on_as_before(world, model):
    with world.acting() as outer:
        outer.add(model(**subjects()[0].new()))
        with world.acting("before") as inner:
            assert inner is not outer
            assert whose(model) == {BEFORE.id}
        assert db.session() is outer
        assert whose(model) == {OWN.id}
        assert outer.scalar(select(func.count(model.id))) == 4
        outer.rollback()


def test_the_same_tenant_entered_again_is_the_same_unit_of_work(world):
    with world.acting() as outer:
        unit = bound()
        with world.acting() as inner:
            assert inner is outer
            assert bound() is unit
        assert bound() is unit


def test_a_tenant_entered_again_within_another_is_a_unit_of_its_own(world, model):
    with world.acting() as first, world.acting("before"):
        third = acting_for(world.tenant())
        with third as unit:
            assert db.session() is not first
            assert unit.tenant.id == OWN.id
            assert whose(model) == {OWN.id}


def fail():
    raise ZeroDivisionError


def test_a_block_that_fails_leaves_nobody_bound(world, model):
    def write_and_fail():
        with world.acting() as session:
            session.add(model(**subjects()[0].new()))
            session.flush()
            fail()

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert find_binding() is None
    with world.acting() as session:
        assert session.scalar(select(func.count(model.id))) == 3


def test_blocks_left_out_of_order_leave_the_inner_bound_and_then_nobody(world, model):
    with world.app.app_context():
        outer, inner = ExitStack(), ExitStack()
        outer.enter_context(acting_for(world.tenant()))
        inner.enter_context(acting_for(world.tenant("before"), writes=True))
        db.session.add(model(**subjects()[0].new(1)))
        outer.close()
        assert bound().tenant.id == BEFORE.id
        assert len(db.session.new) == 1, "the inner unit's work was lost"
        assert whose(model) == {BEFORE.id}
        db.session.rollback()
        inner.close()
        assert find_binding() is None
        with pytest.raises(NoTenantBound):
            whose(model)


def test_an_application_context_that_ends_takes_no_session_along(world, model):
    with world.acting() as session:
        session.add(model(**subjects()[0].new()))
        with world.app.app_context():
            pass
        assert db.session() is session
        assert len(session.new) == 1
        session.rollback()


def test_sessions_of_units_that_ended_are_forgotten(world):
    with world.app.app_context():
        for slug in SLUGS * 3:
            with world.acting(slug) as session:
                session.connection()
        assert not db.session.registry.registry


def test_a_context_kept_past_the_end_of_its_unit_has_nobody_bound(world, model):
    with world.acting():
        whose(model)
        kept = copy_context()
    with pytest.raises(NoTenantBound):
        kept.run(bound)
    with pytest.raises(NoTenantBound):
        kept.run(whose, model)


def test_a_unit_that_ended_elsewhere_is_over_here_too(world):
    """A block that is entered in one context and left in another."""
    with world.app.app_context():
        unit = acting_for(world.tenant())
        unit.__enter__()
        copy_context().run(unit.__exit__, None, None, None)
        assert find_binding() is None


# --- threads


def test_a_new_thread_has_nobody_bound(world):
    found = []
    with world.acting():
        thread = Thread(target=lambda: found.append(find_binding()))
        thread.start()
        thread.join()
    assert found == [None]


def test_reused_threads_never_carry_a_tenant_over(world, model):
    """Many units of work on few threads, nested at random, some of which fail."""

    def unit(seed):
        random = Random(seed)  # noqa: S311  # for variety
        assert find_binding() is None
        with world.app.app_context():
            return descend(random, depth=0)

    def descend(random, depth):
        slug = random.choice(SLUGS)
        seen = []
        try:
            with acting_for(world.tenant(slug)):
                if depth < 2 and random.random() < 0.5:
                    seen += descend(random, depth + 1)
                seen.append((tenant(slug).id, whose(model)))
                db.session.rollback()
                if random.random() < 0.2:
                    fail()
        except ZeroDivisionError:
            pass
        return seen

    with ThreadPoolExecutor(4) as pool:
        units = list(pool.map(unit, range(60)))
        after = set(pool.map(lambda _: find_binding(), range(8)))
    assert after == {None}
    assert all(seen == {whose_unit} for found in units for whose_unit, seen in found)


def test_a_thread_may_be_given_the_context_it_works_in(world, model):
    with world.acting(), ThreadPoolExecutor(1) as pool:
        context = copy_context()
        assert pool.submit(context.run, whose, model).result() == {OWN.id}
        assert pool.submit(find_binding).result() is None
        db.session.rollback()
