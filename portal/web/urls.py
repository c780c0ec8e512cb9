"""Addresses to go to next."""

from urllib.parse import urlsplit


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
