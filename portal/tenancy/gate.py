"""The last gate: every statement that any engine of this process sends passes here.

SQLAlchemy has three places that hand SQL to a driver, and all fire `before_cursor_execute`, with
the text as it goes out. `scan` proves of that text that it stays within the bound tenant. Raw
strings, DDL and statements compiled elsewhere have no guarded placeholders, so they can't mention
a tenant's table at all. What touches tenants must run on a transaction begun for the bound one.
Engines of the operator's tools (migrations, checks of the catalogue) are made by
`placement.system_engine`, which marks them by name.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from portal.tenancy.binding import Binding, bound, find_binding
from portal.tenancy.errors import TenantSwitched
from portal.tenancy.guard import TenantGuard, tenant_table_names
from portal.tenancy.results import keep_own
from portal.tenancy.scan import touches_tenants

STAMP = "portal_tenant"
SYSTEM = "portal_system"
NO_TRANSACTION = "portal_no_transaction"


def is_system(engine: Engine) -> bool:
    """Whether `engine` is one of the operator's tools."""
    return bool(engine.get_execution_options().get(SYSTEM))


def stamp_transactions(engine: Engine, begin: Callable[[Any, Binding | None], None]) -> None:
    """Have `begin(driver's connection, unit of work)` begin all transactions of `engine`.

    Each is marked as the bound tenant's, until it ends. In AUTOCOMMIT and `without_transactions`,
    where there is none, no tenant's table can be touched.
    """

    def stamp(connection: Connection) -> None:
        connection.info.pop(STAMP, None)
        options = connection.get_execution_options()
        if NO_TRANSACTION in options or options.get("isolation_level") == "AUTOCOMMIT":
            return
        binding = find_binding()
        try:
            begin(connection.connection.dbapi_connection, binding)
        except Exception as error:  # noqa: BLE001  # whatever a driver raises
            # As SQLAlchemy does where it begins: a lost server empties the pool.
            connection._handle_dbapi_exception(error, "BEGIN", None, None, None)  # noqa: SLF001
        if binding is not None:
            connection.info[STAMP] = binding.tenant.id

    def unstamp(connection: Connection) -> None:
        connection.info.pop(STAMP, None)

    event.listen(engine, "begin", stamp)
    event.listen(engine, "commit", unstamp)
    event.listen(engine, "rollback", unstamp)


def without_transactions(engine: Engine) -> Engine:
    """The same engine for single reads of global tables, which need no transaction around them.

    On SQLite there is none where nobody sends BEGIN. AUTOCOMMIT would be set and taken back each
    time, by a PRAGMA that has SQLite prepare every statement of the connection anew.
    """
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{NO_TRANSACTION: True})
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def check_statement(
    connection: Connection, cursor: Any, statement: str, _params: Any, context: Any, _many: bool
) -> None:
    """Let a statement pass, or raise an `IsolationError`."""
    if is_system(connection.engine):
        return
    compiled = context.compiled if context is not None else None
    own = compiled.own_parameters if isinstance(compiled, TenantGuard) else frozenset()
    if touches_tenants(statement, connection.dialect.name, tenant_table_names(), own):
        binding = bound()
        if connection.info.get(STAMP) != binding.tenant.id:
            raise TenantSwitched("this transaction was not begun for the bound tenant")
        binding.cursors.add(cursor)


event.listen(Engine, "before_cursor_execute", check_statement)
event.listen(Engine, "after_execute", keep_own)
