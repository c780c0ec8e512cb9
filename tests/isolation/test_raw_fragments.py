"""Raw text in every place of a statement where SQLAlchemy takes some.

A fragment that names a tenant's table is refused by the filter; one that tries to widen, close or
cut off what the filter wrote is harmless or refused.
"""

from sqlalchemy import (
    String,
    bindparam,
    case,
    cast,
    collate,
    column,
    delete,
    event,
    extract,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    text,
    true,
    type_coerce,
    update,
    values,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.expression import ColumnElement, FromClause
from sqlalchemy.types import TypeDecorator, UserDefinedType

from tests.isolation.shapes import EITHER, FAILS, OWN, REFUSED, WALLED, Shapes, fetched
from tests.isolation.worlds import tenant

shape = Shapes(writes=True, models=3)


def test_a_raw_fragment_reaches_no_other_tenant(world, alone, judge, tried):
    faults = judge.faults(tried, world, alone)
    assert not faults, faults[0]


OTHER = tenant("before").id
WIDENING = [
    "1=1 OR 1=1",
    "1=1) OR (1=1",
    "1=1 OR 1=1 OR ('' = ''",
    "1=1)) OR ((1=1",
    "1=1 --",
    "1=1 /*",
    "1=1; SELECT 1",
    "1=1 UNION ALL SELECT NULL",
    "1=1) UNION ALL SELECT NULL WHERE (1=1",
    "'",
    '"',
    "tenant_id IS NOT NULL OR 1=1",
]


def _all(name, statement, fragments, outcome=EITHER):
    """A shape for each fragment, in a statement that takes one."""
    for fragment in fragments:

        def run(s, t, fragment=fragment):
            return fetched(s.execute(statement(t, fragment.format(t=t.table.name))))

        run.__name__ = f"{name}: {fragment}"
        shape(run, filter=outcome, wall=outcome)


_all("WHERE", lambda t, raw: select(t.model.id).where(text(raw)), WIDENING)
_all(
    "WHERE of two",
    lambda t, raw: select(t.model.id).where(t.model.id == t.own_id, text(raw)),
    WIDENING,
)
_all("ON", lambda t, raw: select(t.model.id).join(t.other, text(raw), isouter=True), WIDENING)
_all("HAVING", lambda t, raw: select(t.model.id).group_by(t.model.id).having(text(raw)), WIDENING)
_all("UPDATE WHERE", lambda t, raw: update(t.table).where(text(raw)).values(_set(t)), WIDENING)
_all("DELETE WHERE", lambda t, raw: delete(t.table).where(text(raw)), WIDENING)
_all(
    "UPDATE of a model",
    lambda t, raw: update(t.model).where(text(raw)).values(_set(t)),
    WIDENING[:4],
)
_all("subquery", lambda t, raw: select(select(t.model.id).where(text(raw)).subquery()), WIDENING)
_all("EXISTS", lambda t, raw: select(select(t.model.id).where(text(raw)).exists()), WIDENING)
_all("CTE", lambda t, raw: select(select(t.model.id).where(text(raw)).cte()), WIDENING)


def _set(t):
    return {t.column.name: t.value}


NAMING = "(SELECT count(*) FROM {t})"
PLACES = {
    "column": lambda t, raw: select(literal_column(raw)),
    "column of text": lambda t, raw: select(text(raw)),
    "column beside others": lambda t, raw: select(t.model.id, literal_column(raw).label("x")),
    "condition": lambda t, raw: select(t.model.id).where(text(f"{raw} > 0")),
    "condition of a literal": lambda t, raw: select(t.model.id).where(literal_column(raw) > 0),
    "join": lambda t, raw: select(t.model.id).join(t.other, text(f"{raw} > 0")),
    "grouping": lambda t, raw: select(func.count(t.model.id)).group_by(text(raw)),
    "having": lambda t, raw: select(func.count(t.model.id)).having(text(f"{raw} > 0")),
    "ordering": lambda t, raw: select(t.model.id).order_by(text(raw)),
    "limit": lambda t, raw: select(t.model.id).order_by(t.model.id).limit(literal_column(raw)),
    "offset": lambda t, raw: (
        select(t.model.id).order_by(t.model.id).limit(1).offset(literal_column(raw))
    ),
    "prefix": lambda t, raw: select(t.model.id).prefix_with(f"{raw},"),
    "suffix": lambda t, raw: select(func.count(t.model.id)).suffix_with(f"UNION ALL SELECT {raw}"),
    "suffix of a CTE": lambda t, raw: select(
        select(func.count(t.model.id)).suffix_with(f"UNION ALL SELECT {raw}").cte("x")
    ),
    "operator": lambda t, raw: select(t.model.id).where(
        t.model.id.bool_op(f"IS NOT NULL OR 0 < {raw} OR 1 =")(literal_column("1"))
    ),
    "function": lambda t, raw: select(func.abs(text(raw))),
    "case": lambda t, raw: select(case((text(f"{raw} > 0"), 1), else_=2)),
    "cast": lambda t, raw: select(cast(text(raw), String)),
    "coerced type": lambda t, raw: select(type_coerce(text(raw), String)),
    "window": lambda t, raw: select(func.count().over(order_by=text(raw))),
    "aggregate filter": lambda t, raw: select(func.count(t.model.id).filter(text(f"{raw} > 0"))),
    "FROM": lambda t, raw: select(column("x")).select_from(text(f"(SELECT {raw} AS x) AS y")),
    "scalar subquery": lambda t, raw: select(select(literal_column(raw)).scalar_subquery()),
    "given values": lambda t, raw: select(
        values(column("x"), name="v").data([(literal_column(raw),)]).cte()
    ),
}
for place, statement in PLACES.items():

    def run(s, t, statement=statement):
        return s.execute(statement(t, NAMING.format(t=t.table.name))).all()

    run.__name__ = f"named in {place}"
    shape(run, filter=REFUSED)


CHANGES = {
    "SET": lambda t, raw: update(t.table).values({t.column.name: _typed(t, raw)}),
    "SET of a model": lambda t, raw: update(t.model).values({t.column.name: _typed(t, raw)}),
    "WHERE of UPDATE": lambda t, raw: update(t.table).where(text(raw)).values(_set(t)),
    "WHERE of DELETE": lambda t, raw: delete(t.table).where(text(raw)),
    "RETURNING of UPDATE": lambda t, raw: update(t.table).values(_set(t)).returning(text(raw)),
    "RETURNING of DELETE": lambda t, raw: delete(t.table).returning(literal_column(raw)),
    "RETURNING of INSERT": lambda t, raw: insert(t.table).values(t.new()).returning(text(raw)),
    "VALUES": lambda t, raw: insert(t.table).values({**t.new(), t.column.name: text(raw)}),
}
for place, statement in CHANGES.items():

    def run(s, t, statement=statement):
        s.execute(statement(t, f"(SELECT NULL FROM {t.table.name} LIMIT 1) IS NULL"))

    run.__name__ = f"named in {place}"
    shape(run, filter=REFUSED, wall=EITHER)


def _typed(t, raw):
    return type_coerce(literal_column(raw), t.column.type)


# --- fragments that try to finish the statement


def _finishing(name, statement, fragment, *, wall=EITHER, only=None, outcome=REFUSED):
    """A shape of a fragment that brings its own ending, and hopes that the rest is not missed."""

    def run(s, t):
        raw = fragment.format(t=t.table.name, c=t.column.name, other=_id(s, OTHER))
        return fetched(s.execute(statement(t, raw)))

    run.__name__ = f"{name}: {fragment}"
    shape(run, filter=outcome, wall=wall, only=only)


def _id(s, value):
    return f"'{value.hex}'" if s.connection().dialect.name == "sqlite" else f"'{value}'"


def _set_to(t, raw):
    return (
        update(t.table).where(t.table.c.id == t.own_id).values({t.column.name: literal_column(raw)})
    )


_finishing("SET", _set_to, "NULL WHERE 1=1 RETURNING NULL")
_finishing("SET", _set_to, "NULL WHERE 1=1 OR EXISTS (SELECT 1")
_finishing("SET", _set_to, "{c} WHERE tenant_id = {other} RETURNING (SELECT 1")
_finishing(
    "SET", _set_to, "{c} FROM (SELECT {other} AS tenant_id) AS {t}", outcome=FAILS, wall=EITHER
)
_finishing("SET", _set_to, "{c} FROM (SELECT {other} AS tenant_id) {t}", wall=EITHER)
_finishing("SET", _set_to, "{c}, tenant_id = {other}", wall=WALLED)
_finishing("SET", _set_to, '{c}, "tenant_id" = {other}', wall=WALLED)
_finishing("SET", _set_to, "{c}, TENANT_ID = {other}", wall=WALLED)
_finishing(
    "SET",
    _set_to,
    "(SELECT x.set FROM (SELECT NULL AS set) AS x), tenant_id = {other}",
    only="postgresql",
)
_finishing("SET", _set_to, "{c}, (tenant_id, id) = ({other}, id)", wall=WALLED)
_finishing(
    "SET", _set_to, "CASE WHEN 1 IS DISTINCT FROM 2 THEN {c} ELSE {c} END, tenant_id = {other}"
)
_finishing("SET", _set_to, "{c}, [tenant_id] = {other}", only="sqlite", wall=OWN)
_finishing("SET", _set_to, "{c}, 'tenant_id' = {other}", only="sqlite", wall=OWN)
_finishing("SET", _set_to, "{c} WHERE {t}.tenant_id = {other} RETURNING (SELECT 1", wall=EITHER)


def _insert_with(t, raw):
    """The fragment stands in the last column but comes before no other: it may end the row."""
    return insert(t.table).values(
        {**t.new(), t.table.columns.values()[-1].name: literal_column(raw)}
    )


def _twice(t, whose):
    """The end of one row and the whole of another but its last parenthesis."""
    columns = [c.name for c in t.table.c]
    second = ", ".join(_of_second(t, name, whose) for name in columns)
    return f"{columns[-1]}), ({second}"


def _of_second(t, name, whose):
    return {"tenant_id": whose, "id": f"'{t.own_id}'"}.get(name, "NULL")


@shape(filter=REFUSED, wall=FAILS)
def _a_second_row_for_another_tenant(s, t):
    """VALUES (…, NULL), ('another tenant', …)"""
    row = [_id(s, OTHER)] + ["NULL"] * (len(t.table.c) - 1)
    s.execute(_insert_with(t, f"NULL), ({', '.join(row)}"))


def _copied(t, *, suffix):
    """INSERT FROM SELECT of one new row, with raw text behind it."""
    new = t.new()
    chosen = select(*(literal(new[name], t.table.c[name].type) for name in new))
    return insert(t.table).from_select(list(new), chosen.suffix_with(suffix))


@shape(filter=EITHER, wall=FAILS)
def _further_rows_of_another_tenant_from_select(s, t):
    """The tenant's column is added outside of what the fragment can reach."""
    columns = ", ".join(["NULL"] * (len(t.table.c) - 1))
    s.execute(_copied(t, suffix=f"UNION ALL SELECT {columns}, {_id(s, OTHER)}"))


@shape(filter=REFUSED, wall=FAILS)
def _a_select_that_closes_its_subselect(s, t):
    columns = ", ".join(["NULL"] * (len(t.table.c) - 1))
    s.execute(
        _copied(t, suffix=f") AS x UNION ALL SELECT {columns}, {_id(s, OTHER)} FROM (SELECT 1")
    )


def _conflicting(s, t):
    dialect = postgresql if s.connection().dialect.name == "postgresql" else sqlite
    return dialect.insert(t.table).values({**t.new(), "id": t.own_id})


@shape(filter=REFUSED, wall=WALLED)
def _conflict_that_gives_away(s, t):
    raw = f"{t.table.name}.{t.column.name}, tenant_id = {_id(s, OTHER)}"
    s.execute(
        _conflicting(s, t).on_conflict_do_update(
            index_elements=["tenant_id", "id"], set_={t.column.name: literal_column(raw)}
        )
    )


@shape(filter=REFUSED, only="sqlite")
def _conflict_with_a_second_one_behind(s, t):
    again = f"0 ON CONFLICT DO UPDATE SET tenant_id = {_id(s, OTHER)}"
    s.execute(
        _conflicting(s, t).on_conflict_do_update(
            index_elements=["tenant_id", "id"], set_=_set(t), where=text(again)
        )
    )


@shape(filter=EITHER, wall=EITHER)
def _insert_with_a_raw_ending(s, t):
    s.execute(
        insert(t.table).values(t.new()).suffix_with("ON CONFLICT DO NOTHING")
        if hasattr(insert(t.table), "suffix_with")
        else insert(t.table).values(t.new())
    )


@shape(filter=EITHER, wall=EITHER)
def _update_with_a_prefix(s, t):
    s.execute(update(t.table).prefix_with("OR IGNORE").values(_set(t)))


@shape(filter=REFUSED, wall=EITHER, only="postgresql")
def _update_only(s, t):
    s.execute(update(t.table).prefix_with("ONLY").values(_set(t)))


@shape(filter=EITHER, wall=EITHER)
def _hints(s, t):
    hinted = select(t.model.id).with_hint(t.table, "AS x").with_statement_hint("/* x */")
    return s.execute(hinted).all()


@shape(filter=EITHER, wall=EITHER)
def _hints_for_every_dialect(s, t):
    dialect = s.connection().dialect.name
    hinted = select(t.model.id).with_hint(t.table, f", {t.table.name} AS x", dialect)
    return s.execute(hinted).all()


# --- elements of one's own making


class Everything(ColumnElement):
    """Renders a subselect past the filter."""

    inherit_cache = False

    def __init__(self, name):
        self.name = name


@compiles(Everything)
def _everything(element, compiler, **kw):
    return f"(SELECT count(*) FROM {element.name})"


class Slice(ColumnElement):
    """Renders what looks like the filter's own subselect, for whomever a parameter says."""

    inherit_cache = False

    def __init__(self, name, parameter):
        self.name, self.parameter = name, parameter


@compiles(Slice)
def _slice(element, compiler, **kw):
    own = compiler.process(element.parameter)
    name = element.name
    return f"(SELECT count(*) FROM (SELECT * FROM {name} WHERE {name}.tenant_id = {own}) AS x)"


class Rows(FromClause):
    """Renders a table past the filter."""

    inherit_cache = False

    def __init__(self, name):
        self.name = name


@compiles(Rows)
def _rows(element, compiler, **kw):
    return element.name


@shape(filter=REFUSED)
def _element_that_names_a_table(s, t):
    return s.execute(select(Everything(t.table.name))).all()


@shape(filter=REFUSED)
def _clause_that_names_a_table(s, t):
    return s.execute(select(literal_column("id")).select_from(Rows(t.table.name))).all()


@shape(filter=REFUSED)
def _element_that_imitates_the_filter_without_it(s, t):
    given = bindparam("given", OTHER, UuidType())
    return s.execute(select(Slice(t.table.name, given))).all()


@shape(filter=REFUSED)
def _element_that_imitates_the_filter_beside_it(s, t):
    given = bindparam("given", OTHER, UuidType())
    return s.execute(select(t.model.id, Slice(t.table.name, given))).all()


@shape(filter=REFUSED)
def _text_that_imitates_the_filter(s, t):
    name = t.table.name
    raw = text(
        f"(SELECT count(*) FROM (SELECT * FROM {name} WHERE {name}.tenant_id = :given) AS x)"
    )
    return s.execute(
        select(t.model.id, raw.bindparams(bindparam("given", OTHER, UuidType())))
    ).all()


@shape(filter=REFUSED, wall=FAILS)
def _text_that_imitates_the_predicate(s, t):
    """SET … WHERE t.tenant_id = :given RETURNING (SELECT 1 [WHERE t.tenant_id = :own …])"""
    raw = f"{t.column.name} WHERE {t.table.name}.tenant_id = :given RETURNING (SELECT 1"
    end = text("1=1)) AS x, (1")
    given = bindparam("given", OTHER, UuidType())
    changed = update(t.table).values({t.column.name: text(raw).bindparams(given)}).where(end)
    return s.execute(changed).all()


class OtherTenant(TypeDecorator):
    """A type that makes every value another tenant's id."""

    impl = UuidType
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return OTHER

    def process_literal_param(self, value, dialect):
        return OTHER


class RawLiteral(TypeDecorator):
    """A type whose literals are raw SQL."""

    impl = String
    cache_ok = True

    def process_literal_param(self, value, dialect):
        return value

    def literal_processor(self, dialect):
        return str


class RawBind(UserDefinedType):
    """A type that wraps its parameters in raw SQL."""

    cache_ok = True

    def __init__(self, name=""):
        self.name = name

    def get_col_spec(self, **kw):
        return f"TEXT) || (SELECT count(*) FROM {self.name}"

    def bind_expression(self, bindvalue):
        return literal_column(f"(SELECT count(*) FROM {self.name})")

    def column_expression(self, col):
        return literal_column(f"(SELECT count(*) FROM {self.name})")


@shape(filter=REFUSED)
def _literal_rendered_at_execution(s, t):
    """It is not in the compiled statement, only in what is sent."""
    raw = bindparam(
        "x", f"(SELECT count(*) FROM {t.table.name})", RawLiteral(), literal_execute=True
    )
    return s.execute(select(t.model.id, raw)).all()


@shape(filter=REFUSED)
def _parameter_wrapped_by_its_type(s, t):
    return s.execute(select(t.model.id).where(bindparam("x", "", RawBind(t.table.name)) > 0)).all()


@shape(filter=REFUSED)
def _column_wrapped_by_its_type(s, t):
    return s.execute(select(t.model.id, column("id", RawBind(t.table.name)))).all()


@shape(filter=REFUSED, wall=EITHER)
def _cast_to_a_raw_type(s, t):
    return s.execute(select(cast(literal("x"), RawBind(t.table.name)))).all()


@shape(filter=REFUSED, wall=EITHER, only="postgresql")
def _field_of_extract(s, t):
    raw = f"year FROM now()) + (SELECT count(*) FROM {t.table.name}) + extract(year"
    return s.execute(select(extract(raw, func.now()))).all()


@shape(filter=EITHER, wall=EITHER)
def _collation(s, t):
    name = f'C" FROM {t.table.name} --'
    return s.execute(select(collate(cast(t.model.id, String), name))).all()


# --- parameters and names


@shape(filter=REFUSED, wall=OWN)
def _parameter_of_the_filters_name(s, t):
    given = bindparam("bound_tenant", t.own_id, UuidType())
    return s.execute(select(t.model.id).where(t.model.id == given)).all()


@shape(filter=REFUSED, wall=OWN)
def _parameter_of_the_filters_name_and_another_value(s, t):
    given = bindparam("bound_tenant", OTHER, OtherTenant())
    return s.execute(select(t.model.id).where(t.model.id != given)).all()


@shape
def _value_given_for_a_parameter_nobody_asked_for(s, t):
    return s.execute(select(t.model.id), {"given": OTHER}).all()


@shape(filter=REFUSED)
def _value_given_for_the_filters_parameter(s, t):
    return s.execute(select(t.model.id), {"bound_tenant": OTHER}).all()


@shape(filter=EITHER)
def _parameter_that_is_escaped_to_the_filters_name(s, t):
    given = bindparam("bound tenant", OTHER, UuidType())
    return s.execute(select(t.model.id).where(t.model.id != given)).all()


@shape(filter=EITHER)
def _parameter_that_is_escaped_to_the_filters_name_first(s, t):
    given = bindparam("bound.tenant", OTHER, UuidType())
    return s.execute(select(given, t.model.id)).all()


@shape(filter=EITHER)
def _parameter_named_like_one_of_a_batch(s, t):
    name = t.table.name
    given = bindparam("bound_tenant__1", OTHER, UuidType())
    return s.execute(select(t.model.id, Slice(name, given))).all()


@shape(filter=EITHER, wall=EITHER)
def _parameters_named_with_quotes(s, t):
    """The driver sees placeholders, a careless reader sees a string between them."""
    first, last = bindparam("'a", 1), bindparam("b'", 1)
    hidden = literal_column(f"(SELECT count(*) FROM {t.table.name})")
    return s.execute(select(first, hidden, last)).all()


@shape(filter=EITHER)
def _parameters_named_like_a_table(s, t):
    return s.execute(
        select(t.model.id).where(t.model.id == bindparam(t.table.name, t.own_id))
    ).all()


@shape(filter=REFUSED)
def _literal_of_the_own_tenant(s, t):
    """What is compiled for one tenant must not be kept for the next."""
    own = bindparam("x", tenant("own").id, t.table.c.tenant_id.type, literal_execute=True)
    return s.execute(select(Slice(t.table.name, own))).all()


@shape
def _alias_with_a_hostile_name(s, t):
    a = aliased(t.model, name='x" WHERE 1=1 OR "')
    return s.execute(select(a.id)).all()


@shape
def _alias_with_parentheses(s, t):
    a = aliased(t.model, name="x) OR (1=1")
    return s.execute(select(a.id).where(a.id == t.own_id)).all()


@shape
def _label_with_a_hostile_name(s, t):
    label = f'x" FROM {t.table.name} AS "y'
    return s.execute(select(t.model.id.label(label))).all()


@shape
def _label_named_like_a_table(s, t):
    return s.execute(select(t.model.id.label(t.table.name))).all()


@shape
def _label_with_a_comment(s, t):
    return s.execute(select(t.model.id.label("x -- y"))).all()


@shape(filter=EITHER, wall=EITHER)
def _cte_with_a_hostile_name(s, t):
    return s.execute(select(select(t.model.id).cte(f'x" AS (SELECT 1), "{t.table.name}'))).all()


@shape(filter=EITHER, wall=EITHER)
def _table_with_a_hostile_name(s, t):
    return s.execute(select(table(f'x", "{t.table.name}', column("id")))).all()


@shape(filter=REFUSED, wall=EITHER)
def _function_named_like_a_table(s, t):
    return s.execute(select(getattr(func, t.table.name)())).all()


@shape(filter=EITHER, wall=EITHER)
def _package_named_like_a_table(s, t):
    return s.execute(select(getattr(func, t.table.name).id())).all()


# --- rewriting


@shape
def _statement_rewritten_before_it_is_compiled(s, t):
    """What a listener puts in the place of a statement is guarded like any other."""

    def rewrite(connection, statement, multi, params, options):
        return select(t.table), multi, params

    event.listen(Engine, "before_execute", rewrite, retval=True)
    try:
        return s.connection().execute(select(true())).all()
    finally:
        event.remove(Engine, "before_execute", rewrite)


@shape(filter=REFUSED)
def _statement_rewritten_to_text(s, t):
    def rewrite(connection, statement, multi, params, options):
        return text(f"SELECT id FROM {t.table.name}"), multi, params

    event.listen(Engine, "before_execute", rewrite, retval=True)
    try:
        return s.connection().execute(select(true())).all()
    finally:
        event.remove(Engine, "before_execute", rewrite)


@shape
def _statement_rewritten_for_the_session(s, t):
    def rewrite(state):
        state.statement = select(t.model)

    event.listen(Session, "do_orm_execute", rewrite)
    try:
        return s.execute(select(t.other.id)).all()
    finally:
        event.remove(Session, "do_orm_execute", rewrite)


@shape(filter=EITHER, wall=EITHER)
def _inserted_default_of_a_column(s, t):
    """SQL given for a value is run inside the statement, not beside it."""
    count = select(func.max(t.column)).scalar_subquery()
    return s.execute(
        insert(t.table).values({**t.new(), t.column.name: count}).returning(t.column)
    ).all()
