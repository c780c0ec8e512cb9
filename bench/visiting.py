"""Visiting a portal as somebody who is signed in, as a browser does."""

from bench.client import Client
from bench.installations import Installation


def signed_in(portal: Installation, port: int) -> Client:
    """A client with the session's cookie and, where the portal hands one out, the form's."""
    cookie = f"session={portal.token}"
    first = Client(port, portal.host, {"Cookie": cookie}).get("/documents")
    form = first.headers.get("set-cookie", "").partition(";")[0]
    return Client(port, portal.host, {"Cookie": "; ".join(filter(None, (cookie, form)))})
