"""A result's rows are handed out only within the unit of work that asked for them.

Closing cursors at its end would not do: a result that is streamed keeps rows ahead, and one that
is read in small portions may come to be read while another tenant is bound.
"""

from typing import Any

from sqlalchemy.engine import CursorResult
from sqlalchemy.engine.cursor import ResultFetchStrategy

from portal.tenancy.binding import Binding, find_binding
from portal.tenancy.errors import TenantSwitched


class OwnRows(ResultFetchStrategy):
    """What SQLAlchemy fetches a result's rows by, for one unit of work."""

    def __init__(self, rows: ResultFetchStrategy, binding: Binding) -> None:
        self._rows = rows
        self._binding = binding

    def _checked(self, result: Any) -> Any:
        if find_binding() is not self._binding:
            result.close()
            raise TenantSwitched("a result of another unit of work was read")
        return self._rows

    def fetchone(self, result: Any, *args: Any, **kwargs: Any) -> Any:
        return self._checked(result).fetchone(result, *args, **kwargs)

    def fetchmany(self, result: Any, *args: Any, **kwargs: Any) -> Any:
        return self._checked(result).fetchmany(result, *args, **kwargs)

    def fetchall(self, result: Any, *args: Any, **kwargs: Any) -> Any:
        return self._checked(result).fetchall(result, *args, **kwargs)

    def yield_per(self, result: Any, *args: Any) -> None:
        self._rows.yield_per(result, *args)
        if result.cursor_strategy is not self:  # it has put another in its place
            result.cursor_strategy = OwnRows(result.cursor_strategy, self._binding)

    def soft_close(self, *args: Any) -> None:
        self._rows.soft_close(*args)

    def hard_close(self, *args: Any) -> None:
        self._rows.hard_close(*args)

    def handle_exception(self, *args: Any) -> Any:
        self._rows.handle_exception(*args)


def keep_own(
    _connection: Any, _statement: Any, _multi: Any, _params: Any, _options: Any, result: Any
) -> None:
    """Tie the rows of a result to the present unit of work, if there is one (`gate` calls it)."""
    binding = find_binding()
    if binding is not None and isinstance(result, CursorResult) and result.cursor is not None:
        result.cursor_strategy = OwnRows(result.cursor_strategy, binding)
