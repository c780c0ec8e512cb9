"""The one source of time. Always aware, always UTC."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def milliseconds_of(at: datetime) -> int:
    """Whole milliseconds since 1970 began: by integers, as a float would miss some by one."""
    return (at - _EPOCH) // timedelta(milliseconds=1)
