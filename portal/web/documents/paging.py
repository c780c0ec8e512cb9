"""Where a list of documents goes on: `?at=…&id=…`."""

from datetime import datetime, timedelta
from uuid import UUID

from portal.documents.queries import Cursor
from portal.web.request import request


def before() -> Cursor | None:
    """The row after which the page goes on, from `?at=…&id=…`."""
    at = request.args.get("at", type=_utc)
    document_id = request.args.get("id", type=UUID)
    return None if at is None or document_id is None else (at, document_id)


def _utc(text: str) -> datetime:
    """A time as our own links give it. Raises `ValueError` for any other."""
    at = datetime.fromisoformat(text)
    if at.utcoffset() != timedelta(0):
        raise ValueError("not in UTC")
    return at
