"""The versions that an address asks for: `?version=…`, compared with `&old=…`."""

from uuid import UUID

from portal.core.errors import NotFound
from portal.web.request import request


def asked_version(name: str = "version") -> UUID | None:
    """The version; None where none is named. Raises `NotFound` for what is no id."""
    text = request.args.get(name, "")
    try:
        return UUID(text) if text else None
    except ValueError:
        raise NotFound from None
