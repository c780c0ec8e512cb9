"""Every shape in which SQLAlchemy can read, by entities, by columns and by Core."""

from uuid import UUID

from sqlalchemy import (
    Integer,
    bindparam,
    case,
    cast,
    column,
    distinct,
    exists,
    func,
    intersect,
    lateral,
    literal,
    not_,
    or_,
    select,
    tablesample,
    true,
    tuple_,
    union,
    union_all,
    values,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import aggregate_order_by, array_agg, distinct_on
from sqlalchemy.orm import (
    Bundle,
    aliased,
    contains_eager,
    defer,
    joinedload,
    load_only,
    polymorphic_union,
    with_expression,
    with_loader_criteria,
)

from tests.isolation.shapes import FAILS, REFUSED, Shapes
from tests.isolation.worlds import tenant

shape = Shapes()


def test_a_read_answers_as_if_the_tenant_were_alone(world, alone, judge, tried):
    faults = judge.faults(tried, world, alone)
    assert not faults, faults[0]


@shape
def _entities(s, t):
    return s.scalars(select(t.model)).all()


@shape
def _columns(s, t):
    return s.execute(select(*t.table.c)).all()


@shape
def _labels(s, t):
    return s.execute(select(t.model.id.label("x"), t.column.label("id"))).all()


@shape
def _tenant_ids(s, t):
    return s.scalars(select(t.model.tenant_id).distinct()).all()


@shape
def _aliases(s, t):
    a = aliased(t.model)
    return s.scalars(select(a)).all()


@shape
def _an_alias_named_like_another_table(s, t):
    a = aliased(t.model, name=t.other.__tablename__)
    return s.execute(select(a.id, a.tenant_id).where(a.id != t.foreign_id)).all()


@shape
def _two_aliases(s, t):
    a, b = aliased(t.model), aliased(t.model)
    return s.execute(select(a.id, b.id).join(b, a.id == b.id)).all()


@shape
def _join_of_entities(s, t):
    return s.execute(select(t.model, t.other).join(t.other, t.model.id != t.other.id)).all()


@shape
def _outer_join(s, t):
    a = aliased(t.model)
    return s.execute(select(t.model.id, a.id).outerjoin(a, a.id == t.foreign_id)).all()


@shape
def _full_join(s, t):
    a = aliased(t.model)
    on = t.model.id == a.id
    return s.execute(select(t.model.id, a.id).join(a, on, full=True)).all()


@shape
def _join_on_true(s, t):
    a = aliased(t.model)
    return s.execute(select(t.model.id, a.id).join(a, true())).all()


@shape
def _comma_join(s, t):
    return s.execute(select(t.model.id, t.other.id).where(t.model.id != t.other.id)).all()


@shape
def _right_nested_join(s, t):
    a, b, c = t.table, t.table.alias(), t.other.__table__.alias()
    nested = b.join(c, b.c.id != c.c.id)
    return s.execute(
        select(a.c.id, b.c.id, c.c.id).select_from(a.outerjoin(nested, a.c.id == b.c.id))
    ).all()


@shape
def _join_of_a_join_by_orm(s, t):
    a, b = aliased(t.model), aliased(t.other)
    nested = a.__mapper__.local_table  # an aliased class hands out the table itself
    return s.execute(select(nested.c.id, b.id).select_from(nested).join(b, true())).all()


@shape
def _select_from_a_join(s, t):
    joined = t.table.join(t.other.__table__, true())
    return s.execute(select(func.count()).select_from(joined)).all()


@shape
def _flat_alias_of_a_join(s, t):
    joined = t.table.join(t.other.__table__, true())._anonymous_fromclause(flat=True)
    return s.scalar(select(func.count()).select_from(joined))


@shape
def _subquery(s, t):
    inner = select(t.model).subquery()
    return s.execute(select(inner)).all()


@shape
def _entity_over_a_subquery(s, t):
    inner = select(t.model).where(t.model.id != t.foreign_id).subquery()
    return s.scalars(select(aliased(t.model, inner))).all()


@shape
def _subquery_named_like_its_table(s, t):
    inner = select(t.model).subquery(t.table.name)
    return s.execute(select(inner)).all()


@shape
def _core_select(s, t):
    return s.execute(t.table.select()).all()


@shape
def _core_alias(s, t):
    return s.execute(t.table.alias("x").select()).all()


@shape
def _core_subquery_in_a_join(s, t):
    inner = t.table.select().subquery()
    return s.execute(select(t.table.c.id, inner.c.id).join(inner, true())).all()


@shape
def _cte(s, t):
    inner = select(t.model).cte()
    return s.execute(select(inner)).all()


@shape
def _cte_of_a_cte(s, t):
    inner = select(t.model.id).cte("a")
    outer = select(inner.c.id, t.model.id.label("x")).where(inner.c.id == t.model.id).cte("b")
    return s.execute(select(outer)).all()


@shape
def _nested_cte(s, t):
    inner = select(t.model.id).cte("inner_one", nesting=True)
    outer = select(inner.c.id).cte("outer_one")
    return s.execute(select(outer)).all()


@shape(filter=REFUSED, only="postgresql")
def _cte_named_like_its_table(s, t):
    inner = select(t.model.id).cte(t.table.name)
    return s.execute(select(inner)).all()


@shape
def _recursive_cte(s, t):
    start = select(t.model.id, literal(0).label("n")).cte("walk", recursive=True)
    more = select(t.model.id, start.c.n + 1).where(t.model.id == start.c.id, start.c.n < 2)
    return s.execute(select(start.union_all(more))).all()


@shape
def _cte_that_is_not_selected_from(s, t):
    unused = select(t.model.id).cte("unused")
    return s.execute(select(t.other.id).add_cte(unused)).all()


@shape
def _union(s, t):
    return s.execute(union(select(t.model.id), select(t.other.id))).all()


@shape
def _union_all_of_core_and_orm(s, t):
    return s.execute(union_all(select(t.table.c.id), select(t.model.id))).all()


@shape
def _union_as_subquery(s, t):
    inner = union_all(select(t.model), select(t.model)).subquery()
    return s.execute(select(func.count()).select_from(inner)).all()


@shape
def _entities_of_a_union(s, t):
    return s.scalars(select(t.model).from_statement(union(select(t.model), select(t.model)))).all()


@shape
def _intersection(s, t):
    return s.execute(intersect(select(t.model.id), select(t.table.c.id))).all()


@shape
def _difference(s, t):
    own = select(t.model.id).where(t.model.id == t.own_id)
    return s.execute(select(t.model.id).except_(own)).all()


@shape
def _polymorphic_union(s, t):
    tables = {"a": select(t.table.c.id).subquery(), "b": select(t.other.__table__.c.id).subquery()}
    return s.execute(select(polymorphic_union(tables, "kind", "both"))).all()


@shape
def _exists(s, t):
    return s.scalar(select(exists().where(t.model.id == t.foreign_id)))


@shape
def _exists_with_the_entity_only_in_where(s, t):
    a = aliased(t.model)
    return s.scalars(select(t.other.id).where(exists().where(a.id == t.foreign_id))).all()


@shape
def _not_exists(s, t):
    a = aliased(t.model)
    there = select(a).where(a.id == t.model.id, a.id == t.foreign_id).exists()
    return s.scalars(select(t.model).where(not_(there))).all()


@shape
def _in_subquery(s, t):
    return s.scalars(select(t.model).where(t.model.id.in_(select(t.table.c.id)))).all()


@shape
def _in_a_list(s, t):
    return s.scalars(select(t.model).where(t.model.id.in_([t.own_id, t.foreign_id]))).all()


@shape
def _in_a_list_of_pairs(s, t):
    pair = tuple_(t.model.id, t.model.id)
    ids = [(t.own_id, t.own_id), (t.foreign_id, t.foreign_id)]
    return s.scalars(select(t.model).where(pair.in_(ids))).all()


@shape
def _scalar_subquery(s, t):
    count = select(func.count()).select_from(t.model).scalar_subquery()
    return s.execute(select(count)).all()


@shape
def _scalar_subquery_correlated(s, t):
    a = aliased(t.model)
    count = select(func.count()).where(a.id == t.model.id).scalar_subquery()
    return s.execute(select(t.model.id, count)).all()


@shape
def _scalar_subquery_that_correlates_nothing(s, t):
    count = select(func.count(t.table.c.id)).correlate(None).scalar_subquery()
    return s.execute(select(t.model.id, count)).all()


@shape
def _order_by_a_subquery(s, t):
    count = select(func.count()).select_from(t.table.alias()).scalar_subquery()
    return s.scalars(select(t.model.id).order_by(count, t.model.id).limit(2)).all()


@shape
def _limit_and_offset(s, t):
    return s.scalars(select(t.model.id).order_by(t.model.id).limit(2).offset(1)).all()


@shape
def _limit_by_a_subquery(s, t):
    count = select(func.count()).select_from(t.model).scalar_subquery()
    return s.scalars(select(t.model.id).order_by(t.model.id).limit(count)).all()


@shape(only="postgresql")
def _lateral(s, t):
    a = aliased(t.model)
    inner = lateral(select(func.count(a.id).label("n")).where(a.id == t.model.id))
    return s.execute(select(t.model.id, inner.c.n).join(inner, true())).all()


@shape
def _counts_and_sums(s, t):
    return s.execute(
        select(func.count(), func.count(distinct(t.model.id))).select_from(t.model)
    ).all()


@shape
def _group_by_and_having(s, t):
    grouped = select(t.model.id, func.count()).group_by(t.model.id).having(func.count() > 0)
    return s.execute(grouped).all()


@shape
def _group_by_tenant(s, t):
    return s.execute(select(t.model.tenant_id, func.count()).group_by(t.model.tenant_id)).all()


@shape
def _window(s, t):
    return s.execute(select(t.model.id, func.count().over(partition_by=t.model.id))).all()


@shape
def _window_over_everything(s, t):
    rank = func.row_number().over(order_by=t.model.id)
    return s.execute(select(t.model.id, rank)).all()


@shape
def _aggregate_with_a_filter(s, t):
    counted = func.count(t.model.id).filter(t.model.id != t.own_id)
    return s.scalar(select(counted))


@shape(only="postgresql")
def _arrays(s, t):
    ordered = array_agg(aggregate_order_by(cast(t.model.id, type_=t.table.c.id.type), t.model.id))
    return s.scalar(select(ordered))


@shape(only="postgresql")
def _distinct_on(s, t):
    return s.execute(select(t.model.id, t.model.tenant_id).ext(distinct_on(t.model.id))).all()


@shape
def _distinct_rows(s, t):
    return s.scalars(select(t.model.id).distinct()).all()


@shape
def _case(s, t):
    marked = case((t.model.id == t.own_id, 1), else_=2)
    return s.execute(select(marked)).all()


@shape
def _bundle(s, t):
    return [tuple(row) for row in s.scalars(select(Bundle("b", t.model.id, t.model.tenant_id)))]


@shape
def _from_statement(s, t):
    return s.scalars(select(t.model).from_statement(select(t.table))).all()


@shape
def _other_columns_only(s, t):
    return s.execute(
        select(t.model).with_only_columns(func.count(), maintain_column_froms=True)
    ).all()


@shape
def _join_of_given_values(s, t):
    given = values(column("x", UuidType()), name="given").data([(t.own_id,), (t.foreign_id,)]).cte()
    return s.execute(select(t.model.id).join(given, given.c.x == t.model.id)).all()


@shape(filter=FAILS, only="postgresql")
def _table_sample(s, t):
    sample = tablesample(t.table, func.bernoulli(100), name="sample")
    return s.execute(select(sample.c.id)).all()


@shape(filter=REFUSED, only="postgresql")
def _whole_row_as_a_value(s, t):
    return s.scalars(select(func.row_to_json(t.table.table_valued()))).all()


@shape
def _condition_that_is_always_true(s, t):
    return s.scalars(select(t.model).where(or_(true(), t.model.id == t.own_id))).all()


@shape
def _own_tenant_asked_for(s, t):
    return s.scalars(select(t.model).where(t.model.tenant_id == tenant("own").id)).all()


@shape(filter=REFUSED, wall=REFUSED)
def _other_tenant_asked_for(s, t):
    return s.scalars(select(t.model).where(t.model.tenant_id == tenant("before").id)).all()


@shape(filter=REFUSED, wall=REFUSED)
def _other_tenant_asked_for_in_a_list(s, t):
    both = [tenant("own").id, tenant("before").id]
    return s.scalars(select(t.model).where(t.model.tenant_id.in_(both))).all()


@shape
def _other_tenant_asked_for_past_the_type(s, t):
    other = literal(tenant("before").id, UuidType())
    return s.scalars(select(t.model).where(t.model.tenant_id == other)).all()


@shape(filter=REFUSED, wall=REFUSED)
def _get_by_another_tenants_key(s, t):
    return s.get(t.model, t.foreign_key)


@shape
def _get(s, t):
    return s.get(t.model, t.key)


@shape
def _get_what_only_others_have(s, t):
    return s.get(t.model, (tenant("own").id, t.foreign_id))


@shape
def _get_anew(s, t):
    s.get(t.model, t.key)
    return s.get(t.model, t.key, populate_existing=True)


@shape
def _get_and_lock(s, t):
    return s.get(t.model, t.key, with_for_update=True)


@shape
def _refresh(s, t):
    found = s.get(t.model, t.key)
    s.refresh(found)
    return found


@shape
def _expired_attributes(s, t):
    found = s.get(t.model, t.key)
    s.expire(found)
    return [getattr(found, column.key) for column in t.model.__mapper__.column_attrs]


@shape
def _deferred_column(s, t):
    found = s.scalars(select(t.model).options(defer(getattr(t.model, t.column.key)))).all()
    return [getattr(one, t.column.key) for one in found]


@shape
def _only_some_columns(s, t):
    found = s.scalars(select(t.model).options(load_only(t.model.id))).all()
    return [getattr(one, t.column.key) for one in found]


@shape
def _lock(s, t):
    return s.scalars(select(t.model).with_for_update(of=t.model)).all()


@shape
def _legacy_query(s, t):
    return s.query(t.model).all()


@shape
def _legacy_query_of_columns(s, t):
    return s.query(t.model.id, t.other.id).filter(t.model.id != t.other.id).all()


@shape
def _legacy_count(s, t):
    return s.query(t.model).count()


@shape
def _legacy_get(s, t):
    return s.query(t.model).filter_by(id=t.foreign_id).one_or_none()


@shape
def _legacy_exists(s, t):
    return s.scalar(select(s.query(t.model).filter(t.model.id == t.foreign_id).exists()))


@shape
def _legacy_subquery(s, t):
    inner = s.query(t.model).subquery()
    return s.query(inner).all()


@shape
def _legacy_union(s, t):
    return s.query(t.model).union(s.query(t.model)).all()


@shape
def _legacy_iteration(s, t):
    return list(s.query(t.model).yield_per(2))


@shape
def _column_property(s, t):
    return s.execute(select(t.mapped.id, t.mapped.x_count)).all()


@shape
def _column_property_of_an_entity(s, t):
    return [one.x_count for one in s.scalars(select(t.mapped))]


@shape
def _deferred_column_property(s, t):
    return [one.x_count_later for one in s.scalars(select(t.mapped))]


@shape
def _expression_asked_for(s, t):
    counted = select(func.count()).select_from(t.table.alias()).scalar_subquery()
    asked = with_expression(t.mapped.x_count_asked, counted)
    return [one.x_count_asked for one in s.scalars(select(t.mapped).options(asked))]


@shape
def _hybrid(s, t):
    return s.execute(select(t.mapped.id, t.mapped.x_hybrid)).all()


@shape
def _hybrid_of_an_entity(s, t):
    return [one.x_hybrid for one in s.scalars(select(t.mapped))]


@shape
def _entity_over_an_alias(s, t):
    return s.scalars(select(t.twin)).all()


@shape
def _relationship_join(s, t):
    return s.execute(select(t.mapped.id, t.twin.id).join(t.mapped.x_twins)).all()


@shape
def _relationship_outer_join(s, t):
    a = aliased(t.twin)
    return s.execute(select(t.mapped.id, a.id).outerjoin(t.mapped.x_twins.of_type(a))).all()


@shape
def _relationship_any(s, t):
    there = t.mapped.x_twins.any(t.twin.id == t.own_id)
    return s.scalars(select(t.mapped.id).where(there)).all()


@shape
def _relationship_has(s, t):
    return [
        s.scalars(select(t.mapped.id).where(getattr(t.mapped, name).has())).all()
        for name in t.parents()
    ]


@shape
def _contains_eager(s, t):
    asked = select(t.mapped).join(t.mapped.x_twins).options(contains_eager(t.mapped.x_twins))
    return [[*one.x_twins] for one in s.scalars(asked).unique()]


@shape
def _criteria_of_a_loader(s, t):
    fewer = with_loader_criteria(t.twin, t.twin.id != t.foreign_id)
    asked = select(t.mapped).options(joinedload(t.mapped.x_twins), fewer)
    return [[*one.x_twins] for one in s.scalars(asked).unique()]


@shape
def _connection_of_the_session(s, t):
    return s.connection().execute(select(t.table)).all()


@shape(filter=REFUSED)
def _compiled_beforehand_with_literals(s, t):
    connection = s.connection()
    compiled = select(t.table.c.id).compile(connection, compile_kwargs={"literal_binds": True})
    return [UUID(str(row[0])) for row in connection.exec_driver_sql(str(compiled))]


@shape
def _parameters(s, t):
    wanted = select(t.model).where(t.model.id == bindparam("wanted"))
    return s.scalars(wanted, {"wanted": t.foreign_id}).all()


@shape
def _integer_arithmetic(s, t):
    count = select(func.count()).select_from(t.model).scalar_subquery()
    return s.scalar(select(cast(count, Integer) % 2 + 1))
