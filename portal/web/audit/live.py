"""The log as it grows. The stream gives what is new and ends: the browser comes back by itself, so
that nobody who watches keeps a thread of the server (docs/decisions/0029).
"""

from collections.abc import Iterator
from uuid import UUID

from flask import Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access import log_live
from portal.access.log_live import Ended, Look
from portal.access.permissions import Permission
from portal.audit.actions import SENTENCES, SEVERITIES
from portal.web.access import discloses, requires
from portal.web.audit.blueprint import blueprint
from portal.web.audit.forms import LiveForm
from portal.web.audit.naming import names_in_log

AGAIN_AFTER_MS = 2000


@blueprint.get("/live")
@discloses
@requires(Permission.AUDIT_READ)
def live() -> ResponseReturnValue:
    """Begin to watch, which is recorded."""
    form = LiveForm(request.args)
    if not form.validate():
        return redirect(url_for("audit.index", **form.kept))
    reading_id = log_live.begin(g.actor, form.filters())
    return redirect(url_for("audit.watch", reading_id=reading_id))


@blueprint.get("/live/<uuid:reading_id>")
@requires(Permission.AUDIT_READ)
def watch(reading_id: UUID) -> ResponseReturnValue:
    """What there is now. Without a script one looks again by a link to the same."""
    look = log_live.look(g.actor, reading_id)
    return render_template("audit/live.html", reading_id=reading_id, **_shown(look))


@blueprint.get("/live/<uuid:reading_id>/events")
@requires(Permission.AUDIT_READ)
def events(reading_id: UUID) -> ResponseReturnValue:
    """What is new, as server-sent events. "No content" tells the browser to come no more."""
    after = request.headers.get("Last-Event-ID", type=UUID)
    try:
        look = log_live.look(g.actor, reading_id, after=after)
    except Ended:
        return "", 204
    return Response("".join(_events(look)), content_type="text/event-stream; charset=utf-8")


def _events(look: Look) -> Iterator[str]:
    yield f"retry: {AGAIN_AFTER_MS}\n\n"
    shown = _shown(look)
    for entry in reversed(look.entries):
        row = render_template("audit/live_row.html", entry=entry, **shown)
        data = "".join(f"data: {line}\n" for line in row.splitlines())
        yield f"id: {entry.id}\n{data}\n"


def _shown(look: Look) -> dict[str, object]:
    targets = [entry.target for entry in look.entries]
    return {
        "look": look,
        "names": names_in_log(targets, look.people, look.groups),
        "sentences": SENTENCES,
        "severities": SEVERITIES,
    }
