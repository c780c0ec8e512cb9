"""Addresses to go to next, and what may stand in one."""

from urllib.parse import urlsplit

from flask import url_for
from werkzeug.routing import BaseConverter


class KeyConverter(BaseConverter):
    """`<key:…>`: what is named by a key that is no UUID, as built-in roles are."""

    regex = "[a-z0-9-]{1,60}"


def local_path(address: str | None) -> str | None:
    """`address` if it is a path on this very host, else None: no open redirect.

    Browsers read backslashes as slashes and skip control characters, so either is refused.
    """
    if not address or not address.startswith("/") or address.startswith("//"):
        return None
    if "\\" in address or not address.isprintable():
        return None
    parts = urlsplit(address)
    return None if parts.scheme or parts.netloc else address


def path_or_home(address: str | None) -> str:
    """`address` if it is a path on this very host, else the first page."""
    return local_path(address) or url_for("home.index")
