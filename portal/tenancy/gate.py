"""The last gate: every statement that any engine of this process sends passes here.

SQLAlchemy has three places that hand SQL to a driver, and all fire `before_cursor_execute`. What
comes from a guarded compiler has been proved by then, and must run on a transaction begun for the
bound tenant. Anything else (raw strings, statements compiled elsewhere, DDL) must not mention a
tenant's table. Engines of the operator's tools (migrations, checks of the catalogue) are made by
`placement.system_engine`, which marks them by name.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from portal.tenancy.binding import bound
from portal.tenancy.errors import TenantSwitched, UnguardedSQL
from portal.tenancy.guard import TenantGuard, tenant_table_names
from portal.tenancy.scan import names_tenant_table

STAMP = "portal_tenant"
SYSTEM = "portal_system"


def check_statement(
    connection: Connection, cursor: Any, statement: str, _params: Any, context: Any, _many: bool
) -> None:
    """Let a statement pass, or raise an `IsolationError`."""
    if connection.engine.get_execution_options().get(SYSTEM):
        return
    compiled = context.compiled if context is not None else None
    if isinstance(compiled, TenantGuard):
        if compiled.touches_tenant:
            _check_stamp(connection, cursor)
    elif names_tenant_table(statement, connection.dialect.name, tenant_table_names()):
        raise UnguardedSQL("raw SQL names a tenant's table")


def _check_stamp(connection: Connection, cursor: Any) -> None:
    binding = bound()
    if connection.info.get(STAMP) != binding.tenant.id:
        raise TenantSwitched("this transaction was not begun for the bound tenant")
    binding.cursors.add(cursor)


event.listen(Engine, "before_cursor_execute", check_statement)
