"""Making links by their pages, and opening them as those would who were sent one."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete

from portal.core import clock
from portal.documents.links.models import SharingLink
from tests.browsing import ADDRESS, Visitor
from tests.installation import Organisation

PASSWORD = "a gate of nine willows"
FORM = {"kind": "download", "audience": "anybody", "version": ""}


def make(acme: Organisation, on: str = "/links/documents/{plan}/new", **filled: object) -> str:
    """The secret of a new link that the member makes."""
    page = acme.visit("member").post(_path(acme, on), FORM | filled)
    assert page.status_code == 200, page.text
    [secret] = re.findall(r"/shared#([\w-]{43})", page.text)
    return secret


def refused(acme: Organisation, on: str = "/links/documents/{plan}/new", **filled: object) -> str:
    """What the member is told who can't make such a link."""
    page = acme.visit("member").post(_path(acme, on), FORM | filled)
    assert page.status_code in (400, 422), page.status_code
    return page.text


def opened(acme: Organisation, secret: str, address: str = ADDRESS) -> tuple[Visitor, str]:
    """A stranger's browser in which a link was opened, and the address that it was led to."""
    stranger = acme.visit(address=address)
    answer = stranger.post("/shared", {"address": f"http://{acme.host}:8000/shared#{secret}"})
    assert answer.status_code == 302, answer.text
    return stranger, answer.location


def link_of(acme: Organisation) -> UUID:
    """The id of the newest link."""
    return max(row["id"] for row in acme.portal.rows("sharing_link") if _is_of(acme, row))


def row_of(acme: Organisation) -> dict[str, object]:
    """The newest link as it is kept."""
    newest = link_of(acme)
    return next(row for row in acme.portal.rows("sharing_link") if row["id"] == newest)


def uses_of(acme: Organisation) -> list[tuple[str, str]]:
    """What the newest link's page can tell of it: what was done, and why it was refused."""
    newest = link_of(acme)
    rows = [row for row in acme.portal.rows("link_use") if row["link_id"] == newest]
    return [(row["deed"], row["reason"]) for row in sorted(rows, key=lambda row: row["id"])]


def destroy(acme: Organisation) -> None:
    """Destroy all links with what hangs on them, as a purge does of what they led to. It is another
    thread's doing: whoever is at work with one has read it before.
    """

    def work() -> None:
        with acme.bound(writes=True) as session:
            session.execute(delete(SharingLink))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def days_ahead(days: int) -> str:
    return f"{clock.now() + timedelta(days=days):%Y-%m-%d}"


def _path(acme: Organisation, on: str) -> str:
    return on.format(**acme.documents, **acme.folders)


def _is_of(acme: Organisation, row: dict[str, object]) -> bool:
    return row["tenant_id"] == acme.id
