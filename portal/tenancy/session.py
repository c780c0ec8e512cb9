"""ORM sessions: one per unit of work, belonging to one tenant for life.

Flask-SQLAlchemy is used as engine and session holder only; this module and `placement` are the
two that know it.
"""

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import CursorResult, Delete, Select, Update, event, inspect
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session

from portal.core.db import Base
from portal.tenancy import placement, postgres
from portal.tenancy.binding import Binding, bound, find_binding
from portal.tenancy.errors import CrossTenantWrite, TenantSwitched
from portal.tenancy.gate import is_system
from portal.tenancy.models import TenantOwned

Write = Callable[[list[Any]], None]


class TenantSession(FlaskSession):
    """A session of the tenant that was bound when it was made.

    Every door that leads to rows or to the identity map asks first whether that unit of work is
    still the present one: what is loaded must not be handed out under another tenant either.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._binding = bound()
        self._later: dict[Write, list[Any]] = {}
        super().__init__(*args, **kwargs)
        self._binding.at_end(self.close)

    @property
    def tenant_id(self) -> UUID:
        """The tenant this session belongs to."""
        return self._binding.tenant.id

    def check_binding(self) -> None:
        """Raises `NoTenantBound` or `TenantSwitched` where this session may not be used."""
        if bound() is not self._binding:
            raise TenantSwitched("a session of another unit of work was used")

    @property
    def has_more_to_write(self) -> bool:
        """Whether something would be lost that no statement was sent for yet."""
        return bool(self._later or self.new or self.dirty or self.deleted)

    def write_later(self, write: Write, item: Any) -> None:
        """Have `write` called with all such items at once, before anything is read or flushed."""
        self._later.setdefault(write, []).append(item)

    def write_now(self) -> None:
        """Write what was put off."""
        while self._later:
            write, items = self._later.popitem()
            write(items)

    def forget_later(self) -> None:
        """What was put off is rolled back with the rest."""
        self._later.clear()

    def flush(self, *args: Any, **kwargs: Any) -> None:
        self.write_now()
        super().flush(*args, **kwargs)

    def rollback(self) -> None:
        self.forget_later()  # also where no statement has begun a transaction yet
        super().rollback()

    def begin_nested(self, *args: Any, **kwargs: Any) -> Any:
        self.write_now()  # it is no part of what may be rolled back alone
        return super().begin_nested(*args, **kwargs)

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine:
        self.check_binding()
        return placement.engine_for(self._binding.tenant, self._db.engines)  # type: ignore[arg-type]

    def connection(self, *args: Any, **kwargs: Any) -> Any:
        self.check_binding()
        return super().connection(*args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        self.check_binding()
        return super().get(*args, **kwargs)

    def merge(self, *args: Any, **kwargs: Any) -> Any:
        self.check_binding()
        return super().merge(*args, **kwargs)

    def refresh(self, *args: Any, **kwargs: Any) -> Any:
        self.check_binding()
        return super().refresh(*args, **kwargs)

    def _identity_lookup(self, *args: Any, **kwargs: Any) -> Any:
        self.check_binding()
        return super()._identity_lookup(*args, **kwargs)

    def _flush(self, *args: Any, **kwargs: Any) -> Any:
        self.check_binding()
        return super()._flush(*args, **kwargs)


def _check_execute(state: Any) -> None:
    state.session.check_binding()
    state.session.write_now()


def _check_attach(session: TenantSession, instance: Any) -> None:
    """An object of another tenant is refused, be it loaded, forged, pickled or new."""
    session.check_binding()
    if isinstance(instance, TenantOwned):
        identity = inspect(instance).identity
        owners = {instance.__dict__.get("tenant_id"), identity[0] if identity else None}
        if owners - {None, session.tenant_id}:
            raise CrossTenantWrite("this object belongs to another tenant")


event.listen(TenantSession, "do_orm_execute", _check_execute)
event.listen(TenantSession, "before_attach", _check_attach)
event.listen(TenantSession, "before_commit", TenantSession.write_now)
event.listen(TenantSession, "after_soft_rollback", lambda session, _: session.forget_later())


def _check_kind(session: Session, _transaction: Any, connection: Connection) -> None:
    """Any other session would keep one tenant's objects and hand them out under the next."""
    if not isinstance(session, TenantSession) and not is_system(connection.engine):
        raise TenantSwitched("a session that belongs to no tenant was used")


event.listen(Session, "after_begin", _check_kind)


def _scope() -> Binding | None:
    """One session a unit of work. It leaves the registry when the unit ends."""
    binding = find_binding()
    if binding is not None and not binding.has_session:
        binding.has_session = True
        binding.at_end(lambda: db.session.registry.registry.pop(binding, None))
    return binding


class _Databases(SQLAlchemy):
    def _teardown_session(self, exc: BaseException | None) -> None:
        """The end of a unit of work ends its session; that of an application context does not."""


db = _Databases(
    metadata=Base.metadata,
    session_options={"class_": TenantSession, "scopefunc": _scope, "expire_on_commit": False},
)


def init_databases(app: Any) -> None:
    """Open the main database for `app`, a Flask application, with the first two walls on it."""
    db.init_app(app)
    with app.app_context():
        placement.prepare(db.engine)


def change(statement: Update | Delete) -> int:
    """Run an UPDATE or DELETE in the present session; gives the number of rows it met."""
    return cast("CursorResult[Any]", db.session.execute(statement)).rowcount


def csv_of(statement: Select[*tuple[Any, ...]]) -> postgres.Csv:
    """What a SELECT finds, as CSV that PostgreSQL writes."""
    csv = postgres.Csv()
    db.session.flush()
    db.session.connection().execute(statement.execution_options(**{postgres.CSV: csv}))
    return csv


def write_later(write: Write, item: Any) -> None:
    """Put a row off until something is flushed, read or committed: then `write` is called once
    with all that were put off for it.
    """
    _present().write_later(write, item)


def _present() -> TenantSession:
    return cast("TenantSession", db.session())


def release() -> None:
    """End the present transaction before long work that needs no database.

    Nothing may have been written in it: what is still pending would be lost unseen.
    """
    if _present().has_more_to_write:
        raise RuntimeError("a transaction with changes can't be released")
    db.session.rollback()
