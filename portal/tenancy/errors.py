"""What the walls refuse.

All derive from SQLAlchemy's DontWrapMixin, so they come out as themselves and not inside a
StatementError. None is meant to be shown to a visitor: each is a mistake in the program, or an
attack, and is answered with a plain 500 after nothing was read or written.
"""

from sqlalchemy.exc import DontWrapMixin


class IsolationError(DontWrapMixin, Exception):
    """A statement or a session would have left the bound tenant; it was refused."""


class NoTenantBound(IsolationError):
    """Tenant data was asked for while no tenant is bound."""


class TenantSwitched(IsolationError):
    """A session, transaction or cursor of one tenant was used under another."""


class CrossTenantWrite(IsolationError):
    """A row of another tenant would have been written, or a row's tenant changed."""


class UnguardedSQL(IsolationError):
    """SQL names a tenant's table in a way the query filter can't vouch for."""


class SchemaNotIsolated(Exception):
    """A table, key, view or function breaks a rule that the walls rely on."""
