"""Sharing links: made, looked at, ended; one's own and everybody's."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.decision import decide, holds_anywhere
from portal.access.permissions import Permission
from portal.core.settings import active
from portal.documents.links import making, offering, queries, revoking
from portal.documents.links.kinds import Kind
from portal.documents.links.making import Made
from portal.documents.links.offering import Offer
from portal.documents.links.terms import Terms
from portal.users.queries import get_user
from portal.web.access import requires
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.links.forms import EndForm, RequestForm, ShareForm
from portal.web.request import request

blueprint = Blueprint("links", __name__, url_prefix="/links")


@blueprint.get("")
@requires(Permission.LINK_CREATE, Permission.LINK_READ)
def index() -> ResponseReturnValue:
    """What one has shared oneself."""
    if not holds_anywhere(g.actor, Permission.LINK_CREATE):
        return redirect(url_for("links.everybody"))
    return render_template("links/index.html", found=queries.list_own_links(g.actor, _before()))


@blueprint.get("/everybody")
@requires(Permission.LINK_READ)
def everybody() -> ResponseReturnValue:
    """What everybody has shared, or one person."""
    user_id = request.args.get("person", type=UUID)
    return render_template(
        "links/everybody.html",
        found=queries.list_all_links(g.actor, user_id, _before()),
        person=get_user(user_id) if user_id else None,
        may_revoke=decide(g.actor, Permission.LINK_REVOKE),
    )


@blueprint.get("/<uuid:link_id>")
@requires(Permission.LINK_CREATE, Permission.LINK_READ)
def show(link_id: UUID) -> ResponseReturnValue:
    """One link, and what was done by it."""
    return render_template("links/show.html", shown=queries.show_link(g.actor, link_id, _before()))


@blueprint.route("/documents/<uuid:document_id>/new", methods=["GET", "POST"])
@requires(Permission.LINK_CREATE)
def share_document(document_id: UUID) -> ResponseReturnValue:
    """Share a document by a link."""
    offered = offering.offer_document(g.actor, document_id)
    return _new_link(
        ShareForm(),
        offered,
        lambda terms: making.make_document_link(g.actor, document_id, terms, host=g.host),
        back=url_for("documents.show", document_id=document_id),
    )


@blueprint.route("/folders/<uuid:folder_id>/new", methods=["GET", "POST"])
@requires(Permission.LINK_CREATE)
def share_folder(folder_id: UUID) -> ResponseReturnValue:
    """Share a folder, with all beneath it, by a link."""
    offered = offering.offer_folder(g.actor, folder_id)
    return _new_link(
        ShareForm(),
        offered,
        lambda terms: making.make_folder_link(g.actor, folder_id, terms, host=g.host),
        back=url_for("documents.folder", folder_id=folder_id),
    )


@blueprint.route("/folders/<uuid:folder_id>/request", methods=["GET", "POST"])
@requires(Permission.LINK_CREATE)
def request_files(folder_id: UUID) -> ResponseReturnValue:
    """Have others send files into a folder by a link."""
    offered = offering.offer_folder(g.actor, folder_id, Kind.REQUEST)
    return _new_link(
        RequestForm(),
        offered,
        lambda terms: making.make_folder_link(g.actor, folder_id, terms, host=g.host),
        back=url_for("documents.folder", folder_id=folder_id),
    )


@blueprint.route("/<uuid:link_id>/end", methods=["GET", "POST"])
@requires(Permission.LINK_CREATE)
def change_end(link_id: UUID) -> ResponseReturnValue:
    """Let a link work for longer or shorter."""
    shown = queries.show_link(g.actor, link_id)
    form = EndForm(until=shown.listed.link.expires_at.date())
    if form.validate_on_submit():
        with shown_on(form):
            making.change_end(g.actor, link_id, form.until.end)
            flash("The end is changed.", "success")
            return redirect(url_for("links.show", link_id=link_id))
    elif not (form.is_submitted() or shown.can_change):
        return redirect(url_for("links.show", link_id=link_id))  # which says why
    return render_template("links/end.html", form=form, shown=shown), shown_status(form)


@blueprint.route("/<uuid:link_id>/revoke", methods=["GET", "POST"])
@requires(Permission.LINK_CREATE, Permission.LINK_REVOKE)
def revoke(link_id: UUID) -> ResponseReturnValue:
    """End a link for good, after a question."""
    shown, form = queries.show_link(g.actor, link_id), ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            revoking.revoke_link(g.actor, link_id)
            flash("The link is revoked. It opens nothing any more.", "success")
            return redirect(url_for("links.show", link_id=link_id))
    elif not (form.is_submitted() or shown.can_revoke):
        return redirect(url_for("links.show", link_id=link_id))  # which says why
    return render_template("links/revoke.html", form=form, shown=shown), shown_status(form)


@blueprint.route("/people/<uuid:user_id>/revoke", methods=["GET", "POST"])
@requires(Permission.LINK_REVOKE)
def revoke_all(user_id: UUID) -> ResponseReturnValue:
    """End all links of a person, after a question."""
    person, form = get_user(user_id), ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            count = revoking.revoke_links_of(g.actor, user_id)
            flash(f"{count} {'link is' if count == 1 else 'links are'} revoked.", "success")
            return redirect(url_for("links.everybody", person=user_id))
    return render_template("links/revoke_all.html", form=form, person=person), shown_status(form)


def _new_link(
    form: ShareForm | RequestForm, offered: Offer, make: Callable[[Terms], Made], *, back: str
) -> ResponseReturnValue:
    """The form of a new link; once it is made, its address, which is shown this once."""
    form.offer(offered)
    if form.validate_on_submit():
        with shown_on(form):
            made = make(form.terms())
            return render_template("links/made.html", made=made, offered=offered, back=back)
    form.give_id()
    page = "links/request.html" if isinstance(form, RequestForm) else "links/new.html"
    sends_mail = bool(active().smtp_url)
    shown = render_template(page, form=form, offered=offered, back=back, sends_mail=sends_mail)
    return shown, shown_status(form)


def _before() -> UUID | None:
    """The link or use after which a list goes on."""
    return request.args.get("before", type=UUID)
