"""Why can she? Why not me? Who could open this on 3 March?"""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, g, render_template
from flask.typing import ResponseReturnValue

from portal.access.decision import Grant
from portal.access.history.world import Given
from portal.access.permissions import Permission
from portal.access.queries import names_of_groups
from portal.access.roles import list_roles
from portal.core import clock
from portal.core.errors import NotFound
from portal.core.paging import page_within
from portal.documents import explaining
from portal.documents.naming import names_for, tells_names
from portal.users.queries import find_user_by_email, names_of
from portal.web.access import discloses, requires, signed_in
from portal.web.explain.forms import OwnForm, QuestionForm, ReachForm
from portal.web.explain.report import Naming, reach_csv
from portal.web.places import choose_place
from portal.web.request import request

blueprint = Blueprint("explain", __name__, url_prefix="/explain")

PAGE_SIZE = 50


@blueprint.get("")
@discloses
@requires(Permission.MEMBER_READ)
def index() -> ResponseReturnValue:
    """Why a person may do something, or may not; now or then."""
    form = QuestionForm(request.args, tells_names(g.actor))
    if form.folder.is_asked:
        return choose_place(form.folder, "get")
    if not request.args or form.folder.is_answered:
        return _question_page(form)
    if not form.validate():
        return _question_page(form), 422
    person = find_user_by_email(str(form.email.data))
    if person is None:
        form.email.errors = ["There is no member with this e-mail."]
        return _question_page(form), 422
    question = explaining.Question(person.id, form.wanted, form.about)
    found = explaining.explain_access(g.actor, question, form.moment)
    return _question_page(form, found=found, person=person)


@blueprint.get("/own")
@signed_in
def own() -> ResponseReturnValue:
    """Why the reader may do something, or may not."""
    form = OwnForm(request.args)
    if not form.validate():
        raise NotFound
    found = explaining.explain_own(g.actor, Permission(form.permission.data), form.about)  # type: ignore[call-arg]
    return render_template(
        "explain/own.html", found=found, naming=_naming(found.holdings, form.about)
    )


@blueprint.get("/reach")
@discloses
@requires(Permission.AUDIT_READ)
def reach() -> ResponseReturnValue:
    """Who could read, change or share a thing at a moment."""
    form = ReachForm(request.args, tells_names(g.actor))
    if form.folder.is_asked:
        return choose_place(form.folder, "get")
    if not request.args or form.folder.is_answered:
        return render_template("explain/reach.html", form=form, found=None)
    if not form.validate():
        return render_template("explain/reach.html", form=form, found=None), 422
    at = form.moment or clock.now()
    found = explaining.who_could(g.actor, form.about, at)
    page, pages = page_within(request.page, len(found), PAGE_SIZE)
    shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    return render_template(
        "explain/reach.html",
        form=form,
        found=found,
        shown=shown,
        page=page,
        pages=pages,
        at=at,
        naming=_naming([pair for one in shown for pair in one.through], form.about),
    )


@blueprint.get("/reach/export")
@discloses
@requires(Permission.AUDIT_READ)
def export() -> ResponseReturnValue:
    """The same as a table to keep."""
    form = ReachForm(request.args)
    if not form.validate():
        raise NotFound
    at = form.moment or clock.now()
    found = explaining.who_could(g.actor, form.about, at)
    naming = _naming([pair for one in found for pair in one.through], form.about)
    body = reach_csv(found, form.about, at, naming)
    headers = {"Content-Disposition": 'attachment; filename="who-could.csv"'}
    return Response(body, content_type="text/csv; charset=utf-8", headers=headers)


def _question_page(
    form: QuestionForm, found: explaining.Explained | None = None, person: Any = None
) -> str:
    naming = _naming(found.holdings if found else (), form.about)
    return render_template(
        "explain/index.html",
        form=form,
        found=found,
        person=person,
        sentences=SENTENCES,
        naming=naming,
    )


def _naming(holdings: Iterable[tuple[Given, Grant]], target: str) -> Naming:
    pairs = list(holdings)
    places = {f"folder:{given.folder_id}" for given, _ in pairs if given.folder_id}
    return Naming(
        list_roles(),
        names_of([given.given_by for given, _ in pairs if given.given_by]),
        names_of_groups([grant.group_id for _, grant in pairs if grant.group_id]),
        names_for(g.actor, {*places, target}),
    )


SENTENCES = {permission.value: permission.sentence for permission in Permission}
