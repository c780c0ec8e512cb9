"""Relationship loads of every strategy, over joins that forget the tenant and over foreign keys."""

from sqlalchemy import select
from sqlalchemy.orm import (
    aliased,
    defaultload,
    immediateload,
    joinedload,
    lazyload,
    raiseload,
    selectinload,
    subqueryload,
    with_parent,
)

from tests.isolation.shapes import FAILS, Shapes

shape = Shapes()


def test_what_is_related_is_the_tenants_own(world, alone, judge, tried):
    faults = judge.faults(tried, world, alone)
    assert not faults, faults[0]


def _loaded(s, t, name, *options):
    """What hangs on each object under `name`, once loaded."""
    found = s.scalars(select(t.mapped).options(*options)).unique().all()
    return [(one, getattr(one, name)) for one in found]


@shape
def _lazily(s, t):
    return _loaded(s, t, "x_twins")


@shape
def _lazily_through_another_table(s, t):
    return _loaded(s, t, "x_linked")


@shape
def _by_join(s, t):
    return _loaded(s, t, "x_twins", joinedload(t.mapped.x_twins))


@shape
def _by_inner_join(s, t):
    return _loaded(s, t, "x_twins", joinedload(t.mapped.x_twins, innerjoin=True))


@shape
def _by_join_through_another_table(s, t):
    return _loaded(s, t, "x_linked", joinedload(t.mapped.x_linked))


@shape
def _by_join_with_a_limit(s, t):
    limited = select(t.mapped).order_by(t.mapped.id).limit(2).options(joinedload(t.mapped.x_twins))
    return [(one, one.x_twins) for one in s.scalars(limited).unique()]


@shape
def _by_select_in(s, t):
    return _loaded(s, t, "x_twins", selectinload(t.mapped.x_twins))


@shape
def _by_select_in_through_another_table(s, t):
    return _loaded(s, t, "x_linked", selectinload(t.mapped.x_linked))


@shape
def _by_subquery(s, t):
    return _loaded(s, t, "x_twins", subqueryload(t.mapped.x_twins))


@shape
def _by_subquery_through_another_table(s, t):
    return _loaded(s, t, "x_linked", subqueryload(t.mapped.x_linked))


@shape
def _immediately(s, t):
    return _loaded(s, t, "x_twins", immediateload(t.mapped.x_twins))


@shape
def _with_further_criteria(s, t):
    fewer = t.mapped.x_twins.and_(t.twin.id != t.foreign_id)
    return _loaded(s, t, "x_twins", selectinload(fewer))


@shape(filter=FAILS, wall=FAILS)
def _never(s, t):
    return _loaded(s, t, "x_twins", raiseload(t.mapped.x_twins))


@shape
def _by_query(s, t):
    return [(one, one.x_twins_queried.all()) for one in s.scalars(select(t.mapped))]


@shape
def _by_a_written_collection(s, t):
    return [
        (one, s.scalars(one.x_twins_written.select()).all()) for one in s.scalars(select(t.mapped))
    ]


@shape
def _after_expiry(s, t):
    found = s.scalars(select(t.mapped)).all()
    s.expire_all()
    return [(one.id, one.x_twins) for one in found]


@shape
def _at_refresh(s, t):
    one = s.get(t.mapped, t.key)
    s.refresh(one, ["x_twins"])
    return one.x_twins


@shape
def _by_parent(s, t):
    one = s.get(t.mapped, t.key)
    return s.scalars(select(t.twin).where(with_parent(one, t.mapped.x_twins))).all()


@shape
def _parents_lazily(s, t):
    return [_loaded(s, t, name, lazyload(getattr(t.mapped, name))) for name in t.parents()]


@shape
def _parents_from_the_identity_map(s, t):
    s.kept = [s.scalars(select(_target(t, name))).all() for name in t.parents()]
    return [_loaded(s, t, name) for name in t.parents()]


@shape
def _parents_by_join(s, t):
    return [_loaded(s, t, name, joinedload(getattr(t.mapped, name))) for name in t.parents()]


@shape
def _parents_by_select_in(s, t):
    return [_loaded(s, t, name, selectinload(getattr(t.mapped, name))) for name in t.parents()]


@shape
def _parents_by_subquery(s, t):
    return [_loaded(s, t, name, subqueryload(getattr(t.mapped, name))) for name in t.parents()]


@shape
def _parents_of_an_alias(s, t):
    a = aliased(t.mapped)
    name = t.parents()[0]
    found = s.scalars(select(a).options(joinedload(getattr(a, name)))).all()
    return [(one, getattr(one, name)) for one in found]


@shape
def _children_lazily(s, t):
    return [_loaded(s, t, name) for name in t.children()]


@shape
def _children_by_join(s, t):
    return [_loaded(s, t, name, joinedload(getattr(t.mapped, name))) for name in t.children()]


@shape
def _children_by_select_in(s, t):
    return [_loaded(s, t, name, selectinload(getattr(t.mapped, name))) for name in t.children()]


@shape
def _children_by_subquery(s, t):
    return [_loaded(s, t, name, subqueryload(getattr(t.mapped, name))) for name in t.children()]


@shape
def _children_of_parents(s, t):
    name = t.parents()[0]
    parent = getattr(t.mapped, name)
    twins = _target(t, name).x_twins
    chained = (defaultload(parent).selectinload(twins), joinedload(parent))
    return [(one, getattr(one, name)) for one in s.scalars(select(t.mapped).options(*chained))]


def _target(t, name):
    return t.mapped.__mapper__.relationships[name].entity.class_
