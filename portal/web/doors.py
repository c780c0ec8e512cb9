"""Who comes in by which door: what a view declares, checked against the session of a request."""

from typing import Any

from flask import g, redirect, url_for
from flask_login import current_user

from portal.access.decision import ORGANISATION, Forbidden, holds_anywhere
from portal.audit.service import RecordedRefusal
from portal.auth.assurance import First, Step
from portal.core.errors import PortalError
from portal.web.access import Declared, Door
from portal.web.request import SAFE_METHODS, request
from portal.web.urls import path_or_home

STEP_PAGES = {
    Step.GIVE_FACTOR: "auth.code",
    Step.ENROL: "auth.enrol",
    Step.RENEW_PASSWORD: "auth.renew_password",
}


class NotSignedIn(PortalError):
    """Something was to be changed by nobody, or by a session that has ended."""

    status = 401
    message = "Please sign in, and try again."


class BreakGlassOnly(RecordedRefusal):
    """A session that was opened by breaking the glass went where it has no business."""

    status = 403
    message = "This session can only repair single sign-on."


def check_door(declaration: Declared | None) -> Any:
    """The way to where somebody has to go first; None where they may come in.

    Raises `NotSignedIn`, `Forbidden` or `BreakGlassOnly`.
    """
    if declaration is None or declaration.door in (Door.PUBLIC, Door.ANYWHERE, Door.BY_LINK):
        return None
    if declaration.door == Door.HALF_SIGNED_IN:
        if current_user.is_anonymous:
            return _ask_to_sign_in()
        is_done = current_user.is_authenticated
        return redirect(path_or_home(request.args.get("next"))) if is_done else None
    if declaration.door == Door.ANY_SESSION:
        return _ask_to_sign_in() if current_user.is_anonymous else None
    if not current_user.is_authenticated:
        return _ask_to_sign_in()
    _check_permission(declaration)
    return None


def _check_permission(declaration: Declared) -> None:
    """Behind broken glass there is nothing but what that is for, not even one's own account."""
    if declaration.permission is not None:
        enough = (declaration.permission, *declaration.others)
        if not any(holds_anywhere(g.actor, permission) for permission in enough):
            raise Forbidden(declaration.permission, ORGANISATION)
    elif current_user.found.proof.first == First.BREAK_GLASS and not declaration.repairs:
        raise BreakGlassOnly("organisation")


def _ask_to_sign_in() -> Any:
    if request.method not in SAFE_METHODS:
        raise NotSignedIn
    page = "auth.sign_in" if current_user.is_anonymous else STEP_PAGES[current_user.found.step]
    return redirect(url_for(page, next=request.full_path.rstrip("?")))
