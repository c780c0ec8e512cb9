"""Visiting a portal as somebody who is signed in, as a browser does."""

import re

from flask.testing import FlaskClient

from bench.client import Client
from bench.installations import Installation

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def signed_in(portal: Installation, port: int) -> Client:
    """A client with the session's cookie and, where the portal hands one out, the form's."""
    cookie = f"session={portal.token}"
    first = Client(port, portal.host, {"Cookie": cookie}).get("/documents")
    form = first.headers.get("set-cookie", "").partition(";")[0]
    return Client(port, portal.host, {"Cookie": "; ".join(filter(None, (cookie, form)))})


def form_token(client: FlaskClient, base: str, page: str) -> str:
    """The token that the forms of a page carry. Raises `RuntimeError` where it has none."""
    found = TOKEN.search(client.get(page, base_url=base).text)
    if found is None:
        raise RuntimeError(f"{page} has no form")
    return found[1]
