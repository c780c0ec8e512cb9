"""Destinations as an officer sets them up, and the worker's visits to them."""

from typing import Any
from uuid import UUID

from portal.cli.feeding import feed
from portal.cli.keeping_log import keep_logs
from tests.installation import Organisation

NOTHING = {"rhythm": "never", "entry_form": ""}


def made(acme: Organisation, kind: str, **given: Any) -> UUID:
    """A destination that the officer has entered."""
    fields = {"name": f"The {kind}"} | given
    answer = acme.visit("officer").post(f"/audit/destinations/new/{kind}", fields)
    assert answer.status_code in (200, 302), answer.text
    return max(row["id"] for row in rows_of(acme))


def started(acme: Organisation, kind: str, **given: Any) -> UUID:
    """The same, started."""
    id_ = made(acme, kind, **given)
    assert press(acme, id_, "start").status_code == 302
    return id_


def press(acme: Organisation, id_: UUID, what: str, **given: Any) -> Any:
    """Send one of the forms on its page."""
    return acme.visit("officer").post(f"/audit/destinations/{id_}/{what}", given)


def rows_of(acme: Organisation) -> list[dict[str, Any]]:
    rows = acme.portal.rows("log_destination")
    return [row for row in rows if row["tenant_id"] == acme.id]


def row_of(acme: Organisation, id_: UUID) -> dict[str, Any]:
    [row] = [row for row in rows_of(acme) if row["id"] == id_]
    return row


def visit(acme: Organisation) -> None:
    """What the worker does: it numbers and signs the log, and sends what waits."""
    with acme.portal.app.app_context():
        keep_logs()
        feed(acme.record)
