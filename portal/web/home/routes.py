"""The first page: of the installation on the apex, of the organisation on its own host."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.access.decision import decide, holds_anywhere
from portal.access.permissions import Permission
from portal.auth import samples
from portal.core.settings import active
from portal.documents import checklist
from portal.keys import hierarchy
from portal.tenancy.queries import check_main_database, find_tenant_host
from portal.web.access import anywhere, probe

blueprint = Blueprint("home", __name__)

# Where a member goes who may see this; the first that fits.
FIRST_PAGES = (
    (Permission.DOCUMENT_READ, "documents.index"),
    (Permission.AUDIT_READ, "audit.index"),
    (Permission.MEMBER_READ, "members.index"),
    (Permission.SSO_EDIT, "sso.index"),
)


@blueprint.get("/")
@anywhere
def index() -> ResponseReturnValue:
    """The apex page; on a tenant's host the way in, or the member's first page."""
    if "tenant" not in g:
        return _apex_page()
    if not current_user.is_authenticated:
        return redirect(url_for("auth.sign_in" if current_user.is_anonymous else "auth.code"))
    return redirect(url_for(_first_page()))


@blueprint.get("/healthz")
@probe
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@probe
def readyz() -> ResponseReturnValue:
    """The main database answers, and the keys can be used.

    A provider that is away and not the default is told of, and no reason to send nobody here.
    """
    check_main_database()
    chosen = hierarchy.providers()
    keys = {name: "away" if fault else "ready" for name, fault in chosen.health().items()}
    status = keys[chosen.default.name]
    return {"status": status, "keys": keys}, 200 if status == "ready" else 503


def _first_page() -> str:
    """Whoever runs the organisation finds first what its safety is waiting for."""
    if decide(g.actor, Permission.POLICY_EDIT) and checklist.is_urgent(g.actor):
        return "policy.checklist"
    fitting = (page for right, page in FIRST_PAGES if holds_anywhere(g.actor, right))
    return next(fitting, "account.index")


def _apex_page() -> ResponseReturnValue:
    asked = request.args.get("organisation", "").strip().lower()
    host = find_tenant_host(asked) if asked else None
    if host is not None:
        return render_template("home/onward.html", address=active().address_of(host))
    people = samples.read(active().instance) if active().demo else ()
    status = 404 if asked else 200
    return render_template("home/apex.html", asked=asked, people=people), status
