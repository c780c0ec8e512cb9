"""The schema that migrations make is the one that the models describe, and it can be taken back."""

from typing import Any
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, make_url

from portal.core.db import Base
from portal.core.ids import new_id
from portal.tenancy import migrations, schema
from portal.tenancy.models import GLOBAL_TABLES
from portal.tenancy.placement import system_engine, url_for
from tests.architecture.lanes import downgrade, stamp
from tests.conftest import on_sqlite
from tests.installation import APP_ROLE


def owned_by(lane: str, name: str | None) -> bool:
    return (name in GLOBAL_TABLES) is (lane == "control") and name in Base.metadata.tables


@pytest.mark.parametrize("lane", migrations.LANES)
def test_migrations_make_what_the_models_say(portal, acme, lane) -> None:
    owner = make_url(portal.settings.owner_database_url)
    engine = system_engine(owner if lane == "control" else url_for(acme.record, owner))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "compare_server_default": True,
                    "version_table": f"schema_version_{lane}",
                    "include_name": lambda name, kind, _parents: (
                        kind != "table" or owned_by(lane, name)
                    ),
                    "include_object": lambda thing, name, kind, _is_reflected, _other: (
                        kind != "table" or owned_by(lane, name)
                    ),
                },
            )
            assert compare_metadata(context, Base.metadata) == []
    finally:
        engine.dispose()


@pytest.mark.parametrize("lane", migrations.LANES)
def test_revisions_form_one_line(lane) -> None:
    script = ScriptDirectory.from_config(migrations._config(lane))
    assert len(script.get_heads()) == 1
    for revision in script.walk_revisions():
        assert revision.doc
        assert hasattr(revision.module, "downgrade")


def tables_in(url: str) -> set[str]:
    engine = system_engine(url)
    try:
        with engine.connect() as connection:
            return set(inspect(connection).get_table_names()) - schema.VERSION_TABLES
    finally:
        engine.dispose()


def test_what_was_made_can_be_taken_back_and_made_again(empty) -> None:
    lanes = migrations.lanes_of(make_url(empty), is_main=True)
    migrations.upgrade_main(empty, APP_ROLE)
    made = tables_in(empty)
    assert made >= GLOBAL_TABLES
    for lane in reversed(lanes):
        downgrade(empty, lane)
    assert tables_in(empty) == set()
    migrations.upgrade_main(empty, APP_ROLE)
    assert tables_in(empty) == made


CHOICES = (
    "INSERT INTO sign_in_policy (tenant_id, id, mfa_for, mfa_roles, factors, grace_days,"
    " idle_minutes, absolute_hours, password_min_length, is_sso_only, resets_need_two, changed_at)"
    " VALUES ('{0}', '{0}', 'everybody', '[]', '[]', 0, 60, 12, 8, false, {1}, '2026-01-01')"
)


def test_the_choice_that_two_admins_remove_factors_is_kept(empty) -> None:
    """The choice of 0006 becomes a row of its own, and can be taken back."""
    url, is_postgres = make_url(empty), empty.startswith("postgresql")
    lanes = migrations.lanes_of(url, is_main=True) if is_postgres else ("tenant",)
    migrations._upgrade(url, lanes, APP_ROLE)
    downgrade(empty, "tenant", "0006")
    tenants = {new_id(): True, new_id(): False}
    engine = system_engine(empty)

    def read(table: str, column: str) -> dict[str, Any]:
        found = {}
        with engine.connect() as connection:
            for tenant in tenants:
                stamp(connection, tenant)
                rows = connection.exec_driver_sql(f"SELECT tenant_id, {column} FROM {table}")
                found |= {str(UUID(str(row[0]))): row[1] for row in rows}
        return found

    try:
        with engine.begin() as connection:
            for tenant, wants_two in tenants.items():
                stamp(connection, tenant)
                value = str(wants_two).lower()
                name = str(tenant) if is_postgres else tenant.hex
                connection.exec_driver_sql(CHOICES.format(name, value))
        migrations._upgrade(url, lanes, APP_ROLE)
        [kept] = read("access_policy", "needs_two").items()
        assert kept[0] == str(next(iter(tenants)))
        assert kept[1] in (["reset-factors"], '["reset-factors"]')
        downgrade(empty, "tenant", "0006")
        assert {k: bool(v) for k, v in read("sign_in_policy", "resets_need_two").items()} == {
            str(tenant): value for tenant, value in tenants.items()
        }
    finally:
        engine.dispose()


@on_sqlite
def test_a_tenants_lane_can_be_taken_back_too(empty) -> None:
    migrations._upgrade(make_url(empty), ("tenant",), APP_ROLE)
    assert len(tables_in(empty)) >= 13
    downgrade(empty, "tenant")
    assert tables_in(empty) == set()


def test_an_erasure_that_was_withdrawn_is_a_refused_one_before_that_could_be(portal, acme) -> None:
    """Never a granted one, by which more would be erased."""
    url = url_for(acme.record, make_url(portal.settings.owner_database_url))
    address = url.render_as_string(hide_password=False)
    made = acme.visit("admin").post(
        "/retention/erasures/new",
        {"email": acme["member"].email, "what": ["documents"], "reason": "by letter"},
    )
    officer, path = acme.visit("officer"), made.location
    officer.post(f"{path}/decide", {"decision": "grant", "answer": "by law"})
    assert officer.post(f"{path}/withdraw", {"reason": "a mistake"}).status_code == 302
    portal.close_engines()
    downgrade(address, "tenant", "0037")
    migrations._upgrade(url, ("tenant",), APP_ROLE)
    [row] = [row for row in portal.rows("erasure_request") if str(row["id"]) in path]
    assert row["state"] == "refused"
    assert row["withdrawn_at"] is None
