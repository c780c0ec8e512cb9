"""What was asked for of a document: `?version=…`."""

from uuid import UUID

from portal.core.errors import NotFound
from portal.web.request import request


def asked_version() -> UUID | None:
    """The version; None for the newest. Raises `NotFound` for what is no id."""
    text = request.args.get("version", "")
    try:
        return UUID(text) if text else None
    except ValueError:
        raise NotFound from None
