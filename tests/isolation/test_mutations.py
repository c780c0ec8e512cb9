"""The tests notice when a wall is damaged: they go red, or the statement is refused.

Each mutation breaks one thing. The shapes of the other modules are tried in a world of its own,
whose engine compiles everything anew.
"""

from contextlib import suppress
from contextvars import copy_context

import pytest
from sqlalchemy import create_engine, event, true
from sqlalchemy.engine import Engine

from portal.tenancy import gate, guard, placement, results, scan, session
from portal.tenancy.errors import IsolationError
from portal.tenancy.guard import TenantGuard
from portal.tenancy.models import TenantId
from portal.tenancy.session import TenantSession, db
from tests.isolation import (
    test_binding,
    test_raw_fragments,
    test_raw_statements,
    test_reads,
    test_relationships,
    test_sessions,
    test_streams,
    test_writes,
)
from tests.isolation.shapes import OWN, attempt
from tests.isolation.subjects import NotApplicable, subjects

READS = ["entities", "right_nested_join", "exists", "recursive_cte", "column_property"]
LOADS = ["lazily", "by_select_in", "by_join"]
INSERTS = ["insert", "insert_from_select", "upsert_over_an_own_row"]
CHANGES = ["update", "update_from_another_table", "update_of_a_model"]
DELETES = ["delete_where", "delete_returning"]
REFUSED = [
    "insert_for_another_tenant_by_a_literal",
    "insert_from_select_for_another_tenant",
    "update_the_tenant_by_a_literal",
    "upsert_that_gives_away_after_a_subquery",
]
RAW = ["SELECT id FROM {t}", "DELETE FROM {t}", "given_to_the_driver", "look_alike"]
FRAGMENTS = [
    "further_rows_of_another_tenant_from_select",
    "a_second_row_for_another_tenant",
    "element_that_imitates_the_filter_beside_it",
    "UPDATE WHERE: 1=1) OR (1=1",
]
SHAPES = {
    str(shape): shape
    for module in (
        test_reads,
        test_relationships,
        test_writes,
        test_raw_statements,
        test_raw_fragments,
    )
    for shape in module.shape
}


@pytest.fixture
def mutant(world_of):
    """A world with the filter alone, whose engine nobody has used before."""
    world = world_of("sqlite-filter")
    with world.app.app_context():
        kept = db.engines[None]
        db.engines[None] = placement.prepare(create_engine(kept.url))
        yield world
        db.engines[None].dispose()
        db.engines[None] = kept


@pytest.fixture
def outcome(mutant, judge, world_of):
    """What the tests of some shapes say: green, refused where it should have answered, or red."""

    def find(*names):
        found = set()
        alone = world_of(f"{mutant.dialect}-alone")
        for name in names:
            shape = SHAPES[name]
            faults = judge.faults(shape, mutant, alone)
            if not faults:
                found.add("green")
            elif shape.expected(mutant.name) == OWN and _refuses(shape, mutant):
                found.add("refused")
            else:
                found.add("red")
        return found

    return find


def _refuses(shape, world):
    return all(isinstance(got.error, IsolationError) for got in _attempts(shape, world))


def _attempts(shape, world):
    for subject in subjects():
        with suppress(NotApplicable):
            yield attempt(world, shape, subject)


def test_the_probes_are_green_while_nothing_is_broken(outcome):
    every = [*READS, *LOADS, *INSERTS, *CHANGES, *DELETES, *REFUSED, *RAW, *FRAGMENTS]
    assert outcome(*every) == {"green"}


# --- one thing broken: refused or red


@pytest.mark.parametrize(
    ("hook", "probes"),
    [
        ("visit_table", [*READS, *LOADS, "update_from_another_table"]),
        ("visit_update", CHANGES),
        ("visit_delete", DELETES),
        ("visit_insert", ["insert_from_select", "insert_from_select_returning"]),
    ],
)
def test_a_hook_that_is_called_no_more_has_its_statements_refused(
    outcome, monkeypatch, hook, probes
):
    """As if a release of SQLAlchemy had renamed it."""
    monkeypatch.delattr(TenantGuard, hook)
    if hook == "visit_insert":  # then the SELECT stands there bare, and is proved or not
        assert outcome(*probes, *FRAGMENTS, *REFUSED) <= {"green", "refused"}
    else:
        assert outcome(*probes) == {"refused"}


def test_without_the_predicate_everything_is_refused(outcome, monkeypatch):
    monkeypatch.setattr(guard, "_is_own", lambda table: true())
    assert outcome(*READS, *LOADS, *CHANGES, *DELETES) == {"refused"}


def test_with_another_predicate_everything_is_refused(outcome, monkeypatch):
    monkeypatch.setattr(guard, "_is_own", lambda table: table.c.tenant_id == table.c.tenant_id)
    assert outcome(*READS, *CHANGES, *DELETES) == {"refused"}


def test_with_criteria_that_are_not_in_parentheses_fragments_are_refused(outcome, monkeypatch):
    def bounded(statement):
        if statement.table not in guard.tenant_tables():
            return statement
        return statement.where(guard._is_own(statement.table))

    monkeypatch.setattr(guard, "_bounded", bounded)
    assert outcome("update_where", "update_where_a_subquery", "delete_where") == {"refused"}


def test_without_the_compiler_everything_is_refused(mutant, outcome):
    dialect = db.engine.dialect
    dialect.statement_compiler = dialect.statement_compiler.__mro__[2]
    assert outcome(*READS, *CHANGES, *DELETES, *INSERTS) == {"refused"}


def test_without_the_gate_the_tests_go_red(outcome, monkeypatch):
    event.remove(Engine, "before_cursor_execute", gate.check_statement)
    try:
        assert "red" in outcome(*RAW)
        assert "red" in outcome(*FRAGMENTS)
        assert "red" in outcome(*REFUSED)
    finally:
        event.listen(Engine, "before_cursor_execute", gate.check_statement)


def test_with_a_blind_proof_the_tests_go_red(outcome, monkeypatch):
    monkeypatch.setattr(gate, "touches_tenants", lambda *_: True)
    for probes in (RAW, FRAGMENTS, REFUSED):
        assert "red" in outcome(*probes)


@pytest.mark.parametrize(
    "part", ["_check_slice", "_check_insert", "_check_change", "_check_settings"]
)
def test_with_a_part_of_the_proof_left_out_the_tests_go_red(outcome, monkeypatch, part):
    scan.touches_tenants.cache_clear()
    monkeypatch.setattr(scan, part, lambda *_: None)
    try:
        assert "red" in outcome(*REFUSED, *FRAGMENTS)
    finally:
        scan.touches_tenants.cache_clear()


def test_with_every_placeholder_trusted_the_tests_go_red(outcome, monkeypatch):
    monkeypatch.setattr(
        TenantGuard, "_own_parameters", lambda self: frozenset(self.bind_names.values())
    )
    assert "red" in outcome(*REFUSED, *FRAGMENTS)


def test_with_a_type_that_compares_nothing_the_tests_go_red(outcome, monkeypatch):
    monkeypatch.setattr(TenantId, "process_bind_param", lambda self, value, dialect: value)
    assert "red" in outcome("insert_for_another_tenant", "insert_for_another_tenant_by_parameters")


# --- two things: never green


def test_without_predicate_and_proof_the_tests_go_red(outcome, monkeypatch):
    monkeypatch.setattr(guard, "_is_own", lambda table: true())
    monkeypatch.setattr(gate, "touches_tenants", lambda *_: True)
    for probes in (READS, LOADS, CHANGES, DELETES):
        assert "red" in outcome(*probes)


@pytest.mark.parametrize(
    ("hook", "probes"),
    [("visit_table", READS), ("visit_update", CHANGES), ("visit_delete", DELETES)],
)
def test_without_a_hook_and_the_proof_the_tests_go_red(outcome, monkeypatch, hook, probes):
    monkeypatch.delattr(TenantGuard, hook)
    monkeypatch.setattr(gate, "touches_tenants", lambda *_: True)
    assert "red" in outcome(*probes)


# --- sessions and transactions


def goes_red(test, *args):
    """Whether a test fails; whom it leaves bound is no concern of the next."""
    try:
        copy_context().run(test, *args)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001  # however it fails
        return True
    return False


def test_with_sessions_that_ask_nobody_the_tests_go_red(mutant, monkeypatch):
    monkeypatch.setattr(TenantSession, "check_binding", lambda self: None)
    assert goes_red(
        test_sessions.test_a_session_opens_no_door_under_another_tenant,
        mutant,
        subjects()[0],
        "get what is loaded",
    )


def test_with_an_identity_map_that_asks_nobody_the_tests_go_red(mutant, monkeypatch):
    monkeypatch.delattr(TenantSession, "_identity_lookup")
    assert goes_red(
        test_sessions.test_a_parent_in_the_identity_map_is_not_handed_out_under_another_tenant,
        mutant,
    )


def test_with_objects_attached_unseen_the_tests_go_red(mutant):
    event.remove(TenantSession, "before_attach", session._check_attach)
    try:
        assert goes_red(
            test_sessions.test_an_object_can_be_attached_under_no_other_tenant,
            mutant,
            subjects()[0],
        )
    finally:
        event.listen(TenantSession, "before_attach", session._check_attach)


def test_with_any_kind_of_session_the_tests_go_red(mutant):
    event.remove(session.Session, "after_begin", session._check_kind)
    try:
        assert goes_red(
            test_sessions.test_no_other_kind_of_session_is_served, mutant, subjects()[0].model
        )
    finally:
        event.listen(session.Session, "after_begin", session._check_kind)


def test_with_results_that_anybody_may_read_the_tests_go_red(mutant, monkeypatch):
    monkeypatch.setattr(results.OwnRows, "_checked", lambda self, result: self._rows)
    assert goes_red(
        test_streams.test_a_result_is_not_read_under_another_tenant,
        mutant,
        subjects()[0].model,
        test_streams.RESULTS["rows of the connection, by portions"],
    )


def test_with_transactions_of_nobody_everything_is_refused(mutant, outcome, monkeypatch):
    monkeypatch.setattr(gate, "STAMP", "another")
    assert outcome(*READS) == {"green"}
    original = gate.find_binding
    monkeypatch.setattr(gate, "find_binding", lambda: None)
    assert outcome(*READS, *CHANGES) == {"refused"}
    monkeypatch.setattr(gate, "find_binding", original)


def test_with_a_binding_that_outlives_its_block_the_tests_go_red(mutant, monkeypatch):
    monkeypatch.setattr("portal.tenancy.binding.Binding.close", lambda self: None)
    assert goes_red(
        test_binding.test_blocks_left_out_of_order_leave_the_inner_bound_and_then_nobody,
        mutant,
        subjects()[0].model,
    )


# --- the database


def test_without_the_tenant_in_the_transaction_the_database_refuses(world_of):
    def begin(connection, _binding):
        connection.autocommit = True
        connection.execute("BEGIN")

    world = world_of("postgresql-wall")
    with world.app.app_context():
        kept = db.engines[None]
        db.engines[None] = placement.system_engine(kept.url)
        gate.stamp_transactions(db.engines[None], begin)
        try:
            for subject in subjects():
                got = attempt(world, SHAPES["entities"], subject)
                assert "app.tenant_id" in str(got.error)
        finally:
            db.engines[None].dispose()
            db.engines[None] = kept


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE {t} DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY damage ON {t} USING (true)",
    ],
)
def test_with_a_wall_that_has_a_hole_the_tests_go_red(server, world_of, judge, damage):
    world, alone = world_of("postgresql-wall"), world_of("postgresql-alone")
    repair = {
        "ALTER": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
        "CREATE": "DROP POLICY damage ON {t}",
    }[damage.split()[0]]
    owner = placement.system_engine(server.url("postgresql_wall"))
    tables = [subject.table.name for subject in subjects()]
    try:
        _run(owner, damage, tables)
        assert judge.faults(SHAPES["entities"], world, alone)
    finally:
        _run(owner, repair, tables)
        owner.dispose()
    assert not judge.faults(SHAPES["entities"], world, alone)


def _run(engine, statement, tables):
    with engine.begin() as connection:
        connection.exec_driver_sql("SET lock_timeout = '10s'")
        for table in tables:
            connection.exec_driver_sql(statement.format(t=table))
