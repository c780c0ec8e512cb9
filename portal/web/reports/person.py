"""All that is held about a person as one ZIP: JSON for programs, a page for people."""

import io
from collections.abc import Iterable, Iterator
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from flask import Response, current_app, g, render_template
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.core import clock
from portal.reports.person import gathering
from portal.reports.person.gathering import Person
from portal.reports.person.sections import SECTIONS
from portal.web.access import freshly, requires, signed_in, while_closing
from portal.web.headers import DOWNLOAD_POLICY
from portal.web.lifecycle import shown_on, shown_status
from portal.web.report_look import report_look
from portal.web.reports.blueprint import blueprint


class PersonForm(FlaskForm):
    """Why somebody's data is handed out."""

    reason = TextAreaField(
        "Who asked, and when",
        [InputRequired("Say who asked for it, and when."), Length(max=gathering.MAX_REASON)],
    )


@blueprint.get("/own")
@signed_in
def about_me() -> ResponseReturnValue:
    """What one can have of one's own data."""
    return render_template("reports/person/own.html", sections=SECTIONS)


@blueprint.post("/own/file")
@while_closing
@freshly(Act.EXPORTS)
@signed_in
def fetch_own() -> Response:
    """All that is held about whoever asks."""
    return _packed(gathering.fetch_own(g.actor))


@blueprint.route("/people/<uuid:user_id>", methods=["GET", "POST"])
@freshly(Act.EXPORTS)
@requires(Permission.ERASURE_DECIDE)
def fetch_person(user_id: UUID) -> ResponseReturnValue:
    """All that is held about somebody who has asked for it."""
    form, person = PersonForm(), gathering.show_person(g.actor, user_id)
    if form.validate_on_submit():
        with shown_on(form):
            return _packed(gathering.fetch_for(g.actor, user_id, str(form.reason.data)))
    page = render_template("reports/person/fetch.html", form=form, person=person, sections=SECTIONS)
    return page, shown_status(form)


def _packed(person: Person) -> Response:
    """The ZIP, which lies in memory as it goes out: packed, and never written to a disk."""
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        _add(archive, "data.json", gathering.write_json(person))
        _add(archive, "your-data.html", _page(person))
    response = Response(packed.getvalue(), content_type="application/zip")
    name = f"personal-data-{clock.now():%Y-%m-%d}.zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    return response


def _add(archive: ZipFile, name: str, pieces: Iterable[str]) -> None:
    with archive.open(name, "w", force_zip64=True) as out:
        for piece in pieces:
            out.write(piece.encode())


def _page(person: Person) -> Iterator[str]:
    template = current_app.jinja_env.get_template("reports/person/page.html")
    pieces = template.stream(
        user_name=person.name,
        organisation=g.tenant.name,
        at=clock.now(),
        sections=SECTIONS,
        read=lambda section: gathering.read_section(section, person),
        look=report_look(),
    )
    pieces.enable_buffering(500)
    yield from pieces
