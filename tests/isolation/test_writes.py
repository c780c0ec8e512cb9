"""Every shape in which SQLAlchemy can write."""

from sqlalchemy import (
    Uuid,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased, make_transient, make_transient_to_detached
from sqlalchemy.types import NullType

from tests.isolation.rows import count_of, row_id, stands_alone
from tests.isolation.shapes import FAILS, REFUSED, WALLED, Shapes
from tests.isolation.subjects import subjects
from tests.isolation.worlds import tenant

shape = Shapes(writes=True)


def test_a_write_changes_what_it_would_if_the_tenant_were_alone(world, alone, judge, tried):
    faults = judge.faults(tried, world, alone)
    assert not faults, faults[0]


def test_what_comes_and_what_goes_is_noticed(world):
    """Else no shape could fail."""
    t = next(subject for subject in subjects() if stands_alone(subject.table))
    with world.acting() as s:
        s.execute(insert(t.table).values(**t.new()))
        assert len(world.changes(s)) == 1
        s.execute(delete(t.table).where(t.table.c.id == t.own_id))
        assert len(world.changes(s)) == 2
    with world.acting() as s:
        assert not world.changes(s)


OTHER = tenant("before").id


def _upsert(s, t):
    """This database's own INSERT."""
    dialect = postgresql if s.connection().dialect.name == "postgresql" else sqlite
    return dialect.insert(t.table)


# --- by the unit of work


@shape
def _add(s, t):
    s.add(t.model(**t.new()))


@shape
def _add_several(s, t):
    s.add_all([t.model(**t.new()), t.model(**t.new(1))])
    s.flush()
    return s.scalars(select(t.model.tenant_id)).all()


@shape
def _add_with_own_tenant(s, t):
    s.add(t.model(tenant_id=tenant("own").id, **t.new()))


@shape(filter=REFUSED, wall=REFUSED)
def _add_with_another_tenant(s, t):
    s.add(t.model(tenant_id=OTHER, **t.new()))


@shape(filter=REFUSED, wall=REFUSED)
def _add_and_then_give_away(s, t):
    one = t.model(**t.new())
    s.add(one)
    one.tenant_id = OTHER


@shape
def _change(s, t):
    setattr(s.get(t.model, t.key), t.column.name, t.value)


@shape
def _change_by_expression(s, t):
    setattr(s.get(t.model, t.key), t.column.name, select(func.max(t.column)).scalar_subquery())


@shape(filter=REFUSED, wall=REFUSED)
def _give_away(s, t):
    s.get(t.model, t.key).tenant_id = OTHER


@shape(filter=REFUSED)
def _give_away_by_expression(s, t):
    s.get(t.model, t.key).tenant_id = literal(tenant("own").id, Uuid())


@shape
def _remove(s, t):
    s.delete(s.get(t.model, t.key))


@shape
def _merge(s, t):
    row = {**t.new(-1), "id": t.own_id}
    s.merge(t.model(tenant_id=tenant("own").id, **row))


@shape
def _merge_something_new(s, t):
    s.merge(t.model(tenant_id=tenant("own").id, **t.new()))


@shape(filter=REFUSED, wall=REFUSED)
def _merge_what_is_another_tenants(s, t):
    s.merge(t.model(tenant_id=OTHER, **t.new()))


@shape(filter=REFUSED, wall=REFUSED)
def _merge_what_is_another_tenants_unread(s, t):
    one = t.model(tenant_id=OTHER, **t.new())
    make_transient_to_detached(one)
    s.merge(one, load=False)


@shape(filter=REFUSED, wall=REFUSED)
def _attach_what_is_another_tenants(s, t):
    one = t.model(tenant_id=OTHER, **t.new())
    make_transient_to_detached(one)
    s.add(one)


@shape(filter=REFUSED, wall=REFUSED)
def _delete_what_is_another_tenants(s, t):
    one = t.model(tenant_id=OTHER, **t.new())
    make_transient_to_detached(one)
    s.delete(one)


@shape(filter=FAILS, wall=FAILS)
def _change_a_forged_row(s, t):
    """Another tenant's id under the own tenant's key: there is no such row to change."""
    one = t.model(tenant_id=tenant("own").id, id=t.foreign_id)
    make_transient_to_detached(one)
    s.add(one)
    setattr(one, t.column.name, t.value)


@shape
def _copy_of_an_own_row(s, t):
    one = s.get(t.model, t.key)
    s.expunge(one)
    make_transient(one)
    for name, value in t.new().items():
        setattr(one, name, value)
    s.add(one)


@shape(filter=FAILS, wall=FAILS)
def _refer_to_a_row_of_another_tenant(s, t):
    """Wall 3: the foreign key can't leave the tenant."""
    t.parents()
    row = t.new(1)
    for column in t.table.c:
        if column.foreign_keys and column.name != "tenant_id":
            target = next(iter(column.foreign_keys)).column.table
            row[column.name] = _only_others_have(target)
    s.add(t.model(**row))


def _only_others_have(table):
    return row_id(table, count_of(table))


@shape
def _save_in_bulk(s, t):
    s.bulk_save_objects([t.model(**t.new()), t.model(**t.new(1))])


@shape(filter=REFUSED, wall=REFUSED)
def _save_another_tenants_in_bulk(s, t):
    s.bulk_save_objects([t.model(tenant_id=OTHER, **t.new())])


@shape
def _insert_mappings_in_bulk(s, t):
    s.bulk_insert_mappings(t.model.__mapper__, [t.new(), t.new(1)])


@shape(filter=REFUSED, wall=REFUSED)
def _insert_another_tenants_mappings_in_bulk(s, t):
    s.bulk_insert_mappings(t.model.__mapper__, [{"tenant_id": OTHER, **t.new()}])


@shape
def _update_mappings_in_bulk(s, t):
    row = {"tenant_id": tenant("own").id, "id": t.own_id, t.column.name: t.value}
    s.bulk_update_mappings(t.model.__mapper__, [row])


@shape(filter=REFUSED, wall=REFUSED)
def _update_another_tenants_mappings_in_bulk(s, t):
    row = {"tenant_id": OTHER, "id": t.foreign_id, t.column.name: t.value}
    s.bulk_update_mappings(t.model.__mapper__, [row])


# --- INSERT


@shape
def _insert(s, t):
    s.execute(insert(t.table).values(**t.new()))


@shape
def _insert_by_parameters(s, t):
    s.execute(insert(t.table), t.new())


@shape
def _insert_many(s, t):
    s.execute(insert(t.table), [t.new(), t.new(1)])


@shape
def _insert_many_of_a_model(s, t):
    return s.scalars(insert(t.model).returning(t.model), [t.new(), t.new(1)]).all()


@shape
def _insert_many_in_order(s, t):
    ordered = insert(t.model).returning(t.model.id, sort_by_parameter_order=True)
    return s.scalars(ordered, [t.new(1), t.new()]).all()


@shape
def _insert_rows_at_once(s, t):
    s.execute(insert(t.table).values([t.new(), t.new(1)]))


@shape
def _insert_rows_of_a_model_at_once(s, t):
    return s.scalars(insert(t.model).values([t.new(), t.new(1)]).returning(t.model)).all()


@shape
def _insert_by_core(s, t):
    s.connection().execute(insert(t.table).values(**t.new()))


@shape
def _insert_returning(s, t):
    return s.execute(insert(t.table).values(**t.new()).returning(*t.table.c)).all()


@shape
def _insert_with_own_tenant(s, t):
    s.execute(insert(t.table).values(tenant_id=tenant("own").id, **t.new()))


@shape
def _insert_with_a_subquery(s, t):
    count = select(func.max(t.column)).scalar_subquery()
    s.execute(insert(t.table).values({**t.new(), t.column.name: count}))


def _copied(t):
    """A SELECT of rows that are there, under new ids and with new unique values."""
    new = t.new()
    return list(new), select(*(literal(new[name], t.table.c[name].type) for name in new))


@shape
def _insert_from_select(s, t):
    names, copied = _copied(t)
    s.execute(
        insert(t.table).from_select(names, copied.where(exists().where(t.table.c.id == t.own_id)))
    )


@shape
def _insert_from_select_of_what_others_have(s, t):
    names, copied = _copied(t)
    there = exists().where(t.table.c.id == t.foreign_id)
    s.execute(insert(t.table).from_select(names, copied.where(there)))


@shape
def _insert_from_select_for_a_model(s, t):
    names, copied = _copied(t)
    s.execute(insert(t.model).from_select(names, copied))


@shape
def _insert_from_a_union(s, t):
    names, copied = _copied(t)
    both = union_all(copied.where(literal_column("1") == 0), copied).subquery()
    s.execute(insert(t.table).from_select(names, select(both)))


@shape
def _insert_from_a_cte(s, t):
    names, copied = _copied(t)
    s.execute(insert(t.table).from_select(names, select(copied.cte())))


@shape
def _insert_from_select_returning(s, t):
    names, copied = _copied(t)
    return s.execute(insert(t.table).from_select(names, copied).returning(t.table.c.id)).all()


@shape(filter=REFUSED)
def _insert_from_select_that_names_the_tenant(s, t):
    names, copied = _copied(t)
    own = copied.add_columns(literal(tenant("own").id, Uuid()))
    s.execute(insert(t.table).from_select([*names, "tenant_id"], own))


@shape(filter=REFUSED, wall=WALLED)
def _insert_from_select_for_another_tenant(s, t):
    names, copied = _copied(t)
    other = copied.add_columns(literal(OTHER, Uuid()))
    s.execute(insert(t.table).from_select([*names, "tenant_id"], other))


@shape(filter=FAILS, wall=FAILS)
def _insert_from_select_without_the_tenant(s, t):
    names, copied = _copied(t)
    s.execute(insert(t.table).from_select(names, copied, include_defaults=False))


@shape(filter=REFUSED, wall=REFUSED)
def _insert_for_another_tenant(s, t):
    s.execute(insert(t.table).values(tenant_id=OTHER, **t.new()))


@shape(filter=REFUSED, wall=REFUSED)
def _insert_for_another_tenant_by_parameters(s, t):
    own = {"tenant_id": tenant("own").id}
    s.execute(insert(t.table), [{**own, **t.new()}, {"tenant_id": OTHER, **t.new(1)}])


@shape
def _insert_for_another_tenant_by_parameters_that_are_not_asked_for(s, t):
    """The first row says which columns there are; what only the second has is left out."""
    s.execute(insert(t.table), [t.new(), {"tenant_id": OTHER, **t.new(1)}])


@shape(filter=REFUSED, wall=REFUSED)
def _insert_for_another_tenant_in_the_second_row(s, t):
    s.execute(insert(t.table).values([t.new(), {"tenant_id": OTHER, **t.new(1)}]))


@shape(filter=REFUSED, wall=REFUSED)
def _insert_for_no_tenant(s, t):
    s.execute(insert(t.table).values(tenant_id=None, **t.new()))


@shape(filter=REFUSED, wall=WALLED)
def _insert_for_another_tenant_by_a_literal(s, t):
    s.execute(insert(t.table).values(tenant_id=literal(OTHER, Uuid()), **t.new()))


@shape(filter=REFUSED, wall=WALLED)
def _insert_for_another_tenant_by_a_typed_parameter(s, t):
    given = bindparam("whose", type_=Uuid())
    s.execute(insert(t.table).values(tenant_id=given, **t.new()), {"whose": OTHER})


@shape(filter=REFUSED, wall=WALLED)
def _insert_for_another_tenant_by_an_untyped_parameter_in_the_second_row(s, t):
    given = bindparam(None, OTHER.hex, type_=NullType(), unique=True)
    s.execute(insert(t.table).values([t.new(), {"tenant_id": given, **t.new(1)}]))


@shape(filter=REFUSED, wall=WALLED)
def _insert_for_another_tenant_by_an_expression(s, t):
    s.execute(insert(t.table).values(tenant_id=type_coerce(OTHER, Uuid()), **t.new()))


@shape(filter=REFUSED, wall=FAILS, only="postgresql")
def _insert_for_another_tenant_past_the_column_type(s, t):
    plain = literal_column(f"'{OTHER}'::uuid")
    s.execute(insert(t.table).values(tenant_id=plain, **t.new()))


@shape(filter=REFUSED, only="sqlite")
def _insert_or_replace(s, t):
    row = {**t.new(), "id": t.own_id}
    s.execute(insert(t.table).prefix_with("OR REPLACE").values(**row))


# --- upserts


@shape
def _upsert_over_an_own_row(s, t):
    row = {**t.new(), "id": t.own_id}
    upsert = _upsert(s, t).values(**row)
    s.execute(
        upsert.on_conflict_do_update(
            index_elements=["tenant_id", "id"], set_={t.column.name: upsert.excluded[t.column.name]}
        )
    )


@shape
def _upsert_over_what_only_others_have(s, t):
    upsert = _upsert(s, t).values(**t.new())
    s.execute(
        upsert.on_conflict_do_update(
            index_elements=["tenant_id", "id"], set_={t.column.name: t.value}
        )
    )


@shape
def _upsert_that_does_nothing(s, t):
    row = {**t.new(), "id": t.own_id}
    upsert = _upsert(s, t).values(**row).on_conflict_do_nothing()
    return s.execute(upsert.returning(t.table.c.id)).all()


@shape
def _upsert_with_a_condition(s, t):
    row = {**t.new(), "id": t.own_id}
    s.execute(
        _upsert(s, t)
        .values(**row)
        .on_conflict_do_update(
            index_elements=["tenant_id", "id"],
            set_={t.column.name: select(func.max(t.column)).scalar_subquery()},
            where=t.table.c.id == t.own_id,
        )
    )


@shape
def _upsert_of_a_model(s, t):
    dialect = postgresql if s.connection().dialect.name == "postgresql" else sqlite
    row = {**t.new(), "id": t.own_id}
    upsert = dialect.insert(t.model).values(**row)
    upsert = upsert.on_conflict_do_update(
        index_elements=["tenant_id", "id"], set_={t.column.name: t.value}
    )
    return s.scalars(upsert.returning(t.model)).all()


@shape(filter=REFUSED, wall=REFUSED)
def _upsert_that_gives_away(s, t):
    row = {**t.new(), "id": t.own_id}
    s.execute(
        _upsert(s, t)
        .values(**row)
        .on_conflict_do_update(index_elements=["tenant_id", "id"], set_={"tenant_id": OTHER})
    )


@shape(filter=REFUSED, wall=WALLED)
def _upsert_that_gives_away_after_a_subquery(s, t):
    row = {**t.new(), "id": t.own_id}
    count = select(func.max(t.column)).scalar_subquery()
    given = {t.column.name: count, "tenant_id": literal(OTHER, Uuid())}
    s.execute(
        _upsert(s, t)
        .values(**row)
        .on_conflict_do_update(index_elements=["tenant_id", "id"], set_=given)
    )


# --- UPDATE


@shape
def _update(s, t):
    return s.execute(update(t.table).values({t.column.name: t.value})).rowcount


@shape
def _update_of_a_model(s, t):
    return s.execute(update(t.model).values({t.column.name: t.value})).rowcount


@shape
def _update_where(s, t):
    changed = update(t.table).where(t.table.c.id == t.own_id).values({t.column.name: t.value})
    return s.execute(changed).rowcount


@shape
def _update_what_only_others_have(s, t):
    changed = update(t.model).where(t.model.id == t.foreign_id).values({t.column.name: t.value})
    return s.execute(changed).rowcount


@shape
def _update_and_evaluate(s, t):
    kept = s.scalars(select(t.model)).all()
    s.execute(
        update(t.model).where(t.model.id == t.own_id).values({t.column.name: t.value}),
        execution_options={"synchronize_session": "evaluate"},
    )
    return kept


@shape
def _update_and_fetch(s, t):
    kept = s.scalars(select(t.model)).all()
    s.execute(
        update(t.model).where(t.model.id == t.own_id).values({t.column.name: t.value}),
        execution_options={"synchronize_session": "fetch"},
    )
    return kept


@shape
def _update_by_primary_key(s, t):
    row = {"tenant_id": tenant("own").id, "id": t.own_id, t.column.name: t.value}
    s.execute(update(t.model), [row])


@shape(filter=REFUSED, wall=REFUSED)
def _update_by_another_tenants_primary_key(s, t):
    s.execute(update(t.model), [{"tenant_id": OTHER, "id": t.own_id, t.column.name: t.value}])


@shape
def _update_many(s, t):
    changed = update(t.table).where(t.table.c.id == bindparam("which"))
    given = [{"which": t.own_id}, {"which": t.foreign_id}]
    s.connection().execute(changed.values({t.column.name: t.value}), given)


@shape
def _update_by_a_subquery(s, t):
    a = aliased(t.model)
    count = select(func.max(getattr(a, t.column.key))).scalar_subquery()
    return s.execute(update(t.model).values({t.column.name: count})).rowcount


@shape
def _update_where_a_subquery(s, t):
    ids = select(t.other.id).union(select(t.table.c.id))
    changed = update(t.table).where(t.table.c.id.in_(ids)).values({t.column.name: t.value})
    return s.execute(changed).rowcount


@shape
def _update_where_exists(s, t):
    a = t.table.alias()
    there = exists().where(a.c.id == t.foreign_id)
    return s.execute(update(t.table).where(there).values({t.column.name: t.value})).rowcount


@shape
def _update_from_another_table(s, t):
    a = t.table.alias()
    changed = (
        update(t.table).where(t.table.c.id == a.c.id).values({t.column.name: a.c[t.column.name]})
    )
    return s.execute(changed).rowcount


@shape
def _update_from_a_cte(s, t):
    ids = select(t.model.id).cte()
    changed = update(t.table).where(t.table.c.id == ids.c.id).values({t.column.name: t.value})
    return s.execute(changed).rowcount


@shape
def _update_returning(s, t):
    return s.execute(
        update(t.table)
        .values({t.column.name: t.value})
        .returning(t.table.c.id, t.table.c.tenant_id)
    ).all()


@shape
def _update_of_a_model_returning(s, t):
    return s.scalars(update(t.model).values({t.column.name: t.value}).returning(t.model)).all()


@shape
def _update_to_null(s, t):
    return s.execute(update(t.table).values({t.column.name: null()})).rowcount


@shape
def _legacy_update(s, t):
    return s.query(t.model).filter(t.model.id != t.foreign_id).update({t.column.name: t.value})


@shape(only="postgresql")
def _update_in_a_cte(s, t):
    changed = update(t.table).values({t.column.name: t.value}).returning(t.table.c.id).cte()
    return s.scalars(select(changed.c.id)).all()


@shape(filter=REFUSED, wall=REFUSED)
def _update_the_tenant(s, t):
    s.execute(update(t.table).values(tenant_id=OTHER))


@shape(filter=REFUSED, wall=REFUSED)
def _update_the_tenant_by_parameters(s, t):
    s.execute(update(t.table), {"tenant_id": OTHER})


@shape(filter=REFUSED, wall=WALLED)
def _update_the_tenant_by_a_literal(s, t):
    one = update(t.table).where(t.table.c.id == t.own_id)
    s.execute(one.values(tenant_id=literal(OTHER, Uuid())))


@shape(filter=REFUSED, wall=WALLED)
def _update_the_tenant_after_a_subquery(s, t):
    count = select(func.max(t.column)).scalar_subquery()
    one = update(t.table).where(t.table.c.id == t.own_id)
    s.execute(
        one.ordered_values(
            (t.table.c[t.column.name], count), (t.table.c.tenant_id, literal(OTHER, Uuid()))
        )
    )


@shape(filter=REFUSED, wall=WALLED)
def _update_the_tenant_after_a_distinction(s, t):
    """IS DISTINCT FROM has a FROM that ends no SET."""
    one = update(t.table).where(t.table.c.id == t.own_id)
    same = func.coalesce(t.table.c.id.is_distinct_from(t.table.c.id), True)
    kept = func.nullif(t.column, t.column) if t.column.nullable else t.column
    s.execute(
        one.ordered_values(
            (t.column, func.coalesce(kept, t.column)),
            (t.table.c.tenant_id, literal(OTHER, Uuid())),
        ).where(same.is_not(None))
    )


@shape(filter=FAILS)
def _update_an_alias(s, t):
    s.execute(update(t.table.alias("x")).values({t.column.name: t.value}))


# --- DELETE


@shape
def _delete(s, t):
    return s.execute(delete(t.table)).rowcount


@shape
def _delete_of_a_model(s, t):
    return s.execute(delete(t.model)).rowcount


@shape
def _delete_where(s, t):
    return s.execute(delete(t.table).where(t.table.c.id == t.own_id)).rowcount


@shape
def _delete_what_only_others_have(s, t):
    return s.execute(delete(t.model).where(t.model.id == t.foreign_id)).rowcount


@shape
def _delete_and_evaluate(s, t):
    kept = s.scalars(select(t.model)).all()
    s.execute(
        delete(t.model).where(t.model.id == t.own_id),
        execution_options={"synchronize_session": "evaluate"},
    )
    return len(kept), len(s.identity_map)


@shape
def _delete_where_a_subquery(s, t):
    ids = select(t.other.id).union_all(select(t.table.c.id))
    return s.execute(delete(t.table).where(t.table.c.id.in_(ids))).rowcount


@shape(only="postgresql")
def _delete_using_another_table(s, t):
    a = t.table.alias()
    return s.execute(delete(t.table).where(t.table.c.id == a.c.id)).rowcount


@shape
def _delete_returning(s, t):
    return s.execute(delete(t.table).returning(*t.table.c)).all()


@shape
def _delete_of_a_model_returning(s, t):
    return s.scalars(delete(t.model).returning(t.model)).all()


@shape
def _legacy_delete(s, t):
    return s.query(t.model).filter(t.model.id != t.foreign_id).delete()


@shape(only="postgresql")
def _delete_in_a_cte(s, t):
    gone = delete(t.table).returning(t.table.c.id).cte()
    return s.scalars(select(gone.c.id)).all()


@shape(only="postgresql")
def _insert_in_a_cte(s, t):
    made = insert(t.table).values(**t.new()).returning(t.table.c.id).cte()
    return s.scalars(select(made.c.id)).all()


@shape
def _delete_within_a_savepoint(s, t):
    with s.begin_nested():
        s.execute(delete(t.table).where(t.table.c.id == t.own_id))
    with s.begin_nested() as inner:
        s.execute(delete(t.table))
        inner.rollback()
    return s.scalars(select(t.table.c.id)).all()
