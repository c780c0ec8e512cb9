"""The portal's own pages with every security layer taken off.

Off are: the query filter and the gate before the driver (tenant_id is compared in a WHERE written
by hand), the checks of sessions, SET LOCAL and row-level security (its database has no policies),
encrypted names (its rows hold them in clear), the declaration of views with the check of
permissions at the door, CSRF tokens, security headers, limits of requests, and the context of its
own for each request. Left on is what tells who is there: host, session row, person and roles.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import BindParameter, Select, Table, bindparam, select

from portal.app import create_app as create_portal
from portal.auth import live_sessions
from portal.documents import places, queries
from portal.keys.columns import SealedText
from portal.tenancy import placement, postgres, session
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.guard import tenant_table_names
from portal.web import headers, lifecycle, limits

JOINED_BY_TENANT = {"sign_in_policy"}  # the condition of its join compares the tenant already


def create_app() -> Flask:
    """The portal, unprotected. For the process of its own that `bench.yardsticks` is."""
    _drop_filter()
    begin = postgres._begin
    _replace(postgres, _begin=lambda connection, _binding: begin(connection, None))
    _replace(SealedText, open=lambda _self, _row_id, name: name.decode())
    _replace(lifecycle, check_door=lambda _declaration: None)
    _replace(headers, add_headers=lambda response: response)
    limits.limiter.enabled = False
    app = create_portal()
    app.config["WTF_CSRF_ENABLED"] = False
    app.jinja_env.globals["csrf_token"] = str
    return app


def _replace(owner: Any, **functions: Callable[..., Any]) -> None:
    """Put something else in the place of functions. Raises where there are none of that name."""
    for name, function in functions.items():
        getattr(owner, name)
        setattr(owner, name, function)


def _drop_filter() -> None:
    """What listens to engines and sessions is gone already: `bench.yardsticks` sees to that."""
    _replace(placement, guard_engine=lambda _engine: None)
    _replace(session.TenantSession, check_binding=lambda _self: None)
    for module in (live_sessions, queries, places):
        for name, value in vars(module).copy().items():
            if isinstance(value, Select):
                setattr(module, name, _by_hand(value))
        _replace(module, select=lambda *columns: _by_hand(select(*columns)))


def _by_hand(statement: Any) -> Any:
    """The statement with a comparison of tenant_id for each table that it selects from."""
    tables = {getattr(column, "table", None) for column in statement.selected_columns}
    for table in tables:
        if isinstance(table, Table) and table.name in tenant_table_names() - JOINED_BY_TENANT:
            own: BindParameter[Any] = bindparam(f"own_{table.name}", callable_=bound_tenant_id)
            statement = statement.where(table.c.tenant_id == own)
    return statement
