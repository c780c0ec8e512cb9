"""Reports: made by one click, as a page to print or as a table; verified when they come back."""

from collections.abc import Iterator
from uuid import UUID

from flask import Response, current_app, g, render_template, request
from flask.typing import ResponseReturnValue

from portal.access.decision import holds_anywhere
from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.core.errors import Invalid
from portal.reports import making, verifying
from portal.reports.kinds import REPORTS
from portal.reports.making import Drawn, Form, Made
from portal.users.queries import names_of
from portal.web.access import declared, discloses, freshly, only_asks, reads_form, requires
from portal.web.headers import DOWNLOAD_POLICY
from portal.web.report_look import report_look
from portal.web.reports.blueprint import blueprint
from portal.web.reports.controls import EVIDENCE, STANDARDS, list_controls
from portal.web.streamed_form import READ_BYTES, File, StreamedForm

MEDIA_TYPES = {Form.CSV: "text/csv; charset=utf-8", Form.HTML: "text/html; charset=utf-8"}


@blueprint.get("")
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    """What can be made, what was made last, and a form for a file that somebody brings."""
    return _index()


@blueprint.post("/<key:report>/page")
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_READ)
def make_page(report: str) -> Response:
    """A report as a page that needs nothing else, to be kept and printed."""
    return _attachment(making.make_report(g.actor, report, Form.HTML, _write_page))


@blueprint.post("/<key:report>/table")
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_READ)
def make_table(report: str) -> Response:
    """A report for a spreadsheet."""
    return _attachment(making.make_report(g.actor, report, Form.CSV, making.write_csv))


@blueprint.get("/statements/<uuid:entry_id>")
@discloses
@requires(Permission.AUDIT_READ)
def statement(entry_id: UUID) -> Response:
    """The signed statement that a report was made."""
    response = Response(
        verifying.fetch_statement(g.actor, entry_id), content_type="application/json"
    )
    return _named(response, f"report-statement-{entry_id}.json")


@blueprint.post("/verify")
@only_asks
@reads_form
@requires(Permission.AUDIT_READ)
def verify() -> ResponseReturnValue:
    """Whether a file is a report that was made here. It is read through, and not kept."""
    form = StreamedForm()
    try:
        verified = _verified(form)
    except Invalid as error:
        return _index(error=str(error)), error.status
    return _index(verified=verified)


@blueprint.get("/controls")
@requires(Permission.AUDIT_READ)
def controls() -> ResponseReturnValue:
    """What the portal does for the items of standards, and where that can be seen."""
    chosen = request.args.get("standard", "")
    return render_template(
        "reports/controls.html",
        controls=list_controls(chosen if chosen in STANDARDS else None),
        standards=STANDARDS,
        chosen=chosen,
        evidence=EVIDENCE,
        open_to_me={endpoint for endpoint in EVIDENCE if _is_open(endpoint)},
    )


def _is_open(endpoint: str) -> bool:
    """Whether the reader may go to a page."""
    door = declared(current_app.view_functions[endpoint])
    if door is None or door.permission is None:
        return True
    return any(holds_anywhere(g.actor, one) for one in (door.permission, *door.others))


def _verified(form: StreamedForm) -> verifying.Verified:
    for file in form.files():
        if file.name:
            return verifying.verify_file(g.actor, _pieces(file))
    return verifying.verify_digest(g.actor, form.fields.get("digest", ""))


def _pieces(file: File) -> Iterator[bytes]:
    while piece := file.read(READ_BYTES):
        yield piece


def _index(verified: verifying.Verified | None = None, error: str = "") -> str:
    made = making.list_made(g.actor)
    entries = [*made, *([verified.entry] if verified else [])]
    return render_template(
        "reports/index.html",
        reports=making.list_reports(g.actor),
        made=made,
        names={key: report.name for key, report in REPORTS.items()},
        people=names_of({entry.actor_id for entry in entries if entry.actor_id}),
        verified=verified,
        error=error,
    )


def _write_page(drawn: Drawn) -> Iterator[str]:
    template = current_app.jinja_env.get_template("reports/report.html")
    pieces = template.stream(
        drawn=drawn,
        rows=drawn.rows(),
        organisation=g.tenant.name,
        maker=g.actor.name,
        look=report_look(),
    )
    pieces.enable_buffering(500)
    yield from pieces


def _attachment(made: Made) -> Response:
    response = Response(made.read(), content_type=MEDIA_TYPES[made.form])
    return _named(response, f"{made.report.key}-{made.at:%Y-%m-%d-%H%M}.{made.form}")


def _named(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    return response
