"""What becomes of requests to a tenant that is not active, or that closes."""

from flask_login import current_user

from portal.auth.closing.queries import ReadOnly, find_end
from portal.core import clock
from portal.core.errors import PortalError
from portal.tenancy.binding import TenantRecord
from portal.tenancy.models import TenantState
from portal.web.access import STATIC, Declared, Door
from portal.web.request import SAFE_METHODS, request


class Suspended(PortalError):
    """The tenant is suspended. Its data is kept; nobody can sign in."""

    status = 403
    message = "This organisation is suspended. Its documents are kept safe."


class BeingDestroyed(PortalError):
    """The tenant's keys are being destroyed."""

    status = 403
    message = "This organisation is being closed for good. Nobody can read its documents any more."


class Destroyed(PortalError):
    """The tenant's keys were destroyed."""

    status = 410
    message = (
        "This organisation was closed for good. Its keys were destroyed, so that nobody can read "
        "its documents any more."
    )


class LinksEnded(PortalError):
    """The tenant closes: others than its people are let in no more."""

    status = 403
    message = "This organisation is closing. What it shared by links is no longer shared."


class Closed(PortalError):
    """The time is over in which the tenant could be read; its keys are about to be destroyed."""

    status = 403
    message = (
        "This organisation is closed. The time to download what it kept is over, and its keys are "
        "about to be destroyed."
    )


REFUSED_IN = {
    TenantState.SUSPENDED: Suspended,
    TenantState.CLOSING: BeingDestroyed,
    TenantState.DESTROYED: Destroyed,
}


def check_state(tenant: TenantRecord) -> None:
    """Raises `Suspended`, `BeingDestroyed` or `Destroyed`, except for the static files of the page
    that says so.
    """
    if tenant.state != TenantState.ACTIVE and request.endpoint not in STATIC:
        raise REFUSED_IN[TenantState(tenant.state)]


def check_closing(declaration: Declared | None) -> None:
    """Where the tenant closes, its people come in, look, and go out again, and do nothing else.

    Raises `Closed`, `LinksEnded` or `ReadOnly`.
    """
    if declaration is None or declaration.door == Door.ANYWHERE:
        return
    is_safe = request.method in SAFE_METHODS or declaration.only_asks
    door = declaration.door
    if not current_user.is_anonymous:
        ends_at = current_user.found.closing_ends_at
    else:  # a page for anybody tells nothing that the tenant keeps
        ends_at = None if is_safe and door != Door.BY_LINK else find_end()
    if ends_at is None:
        return
    if ends_at <= clock.now() and door != Door.ANY_SESSION:
        raise Closed
    if door == Door.BY_LINK:
        raise LinksEnded
    if not is_safe and door == Door.SIGNED_IN and not declaration.while_closing:
        raise ReadOnly
