"""What was asked of a list of who can open something: `?can=…&q=…&page=…`."""

from portal.access.reach import Can
from portal.web.request import request


def asked() -> tuple[Can | None, str, int]:
    """What they can do, a part of their name, and the page; anything else is not asked."""
    return (
        request.args.get("can", type=Can),
        request.args.get("q", "")[:100],
        request.page,
    )
