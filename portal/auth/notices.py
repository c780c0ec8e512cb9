"""Notices: what people are told by mail of what happened to their account, whoever did it, and of
what waits for them.

They hold no secret and no link that acts, so that a mailbox which others read gives nothing away
and nobody gets used to following links in such mails (ASVS 5.0, 6.3.5 and 6.3.7).
"""

from enum import Enum
from typing import Any
from uuid import UUID

from portal.access.decision import Member
from portal.audit.actor import Actor, ActorKind
from portal.auth.devices import device_of
from portal.auth.mail import NOTICE_KIND, send_later
from portal.auth.models import UserSession
from portal.core import clock
from portal.tenancy.binding import bound, bound_tenant_id
from portal.tenancy.session import db
from portal.users.queries import get_user

_CHECK = (
    "If this was not you: change your password, end any sessions on your account page that you"
    " do not recognise, and tell an admin of your organisation."
)


class Notice(Enum):
    """What there is to tell: a subject, what happened, and what to do if it was somebody else."""

    ACCESS_ANSWERED = (
        "Your request for access was answered",
        "You asked for access, and somebody who can give it has decided.",
        "The page Requests shows the answer in full.",
    )
    ACCESS_ASKED = (
        "Somebody asks for access",
        "A member of your organisation asks for access that you can give.",
        "The page Requests shows what it is for, and lets you approve or decline.",
    )
    ACCOUNT_LINKED = (
        "A way to sign in to your account was added",
        "An account at an identity provider was linked to yours, and opens it from now on.",
        _CHECK,
    )
    ACCOUNT_UNLINKED = (
        "A way to sign in to your account was removed",
        "An account at an identity provider was unlinked from yours, and no longer opens it.",
        _CHECK,
    )
    ALERTS_RAISED = (
        "The audit log raised an alert",
        "Something happened that an alert rule of your organisation watches for.",
        "Sign in to the portal as usual, and open Alerts to see which entries it was.",
    )
    BREAK_GLASS_USED = (
        "A break-glass code was used",
        "A break-glass code opened a session that can repair single sign-on, and nothing else.",
        "If no admin of your organisation did this, enforce single sign-on again to end all codes.",
    )
    CLOSING_ASKED = (
        "The operator asks to close your organisation",
        "The operator of the portal wants to close your organisation, and destroy all it keeps.",
        "Nothing happens unless somebody agrees. Sign in to the portal as usual, and open Keys.",
    )
    CLOSING_BEGUN = (
        "Your organisation is closing",
        "Until the time below everything can be read and downloaded. Then its keys are destroyed.",
        "If this is not intended, an admin can call it off: sign in to the portal as usual.",
    )
    CLOSING_WITHDRAWN = (
        "Your organisation is not closing after all",
        "The closing of your organisation was called off.",
        "Everything works as before. There is nothing to do.",
    )
    CONTENTS_DAMAGED = (
        "Damaged contents were found",
        "The contents of documents of your organisation are not what was stored, or are missing.",
        "The page Health of documents shows which. Ask the operator to restore them from a backup.",
    )
    FACTOR_ADDED = "A second factor was added", "A second factor was added to your account.", _CHECK
    FACTOR_REMOVED = (
        "A second factor was removed",
        "A second factor was removed from your account.",
        _CHECK,
    )
    FACTORS_RESET = (
        "Your second factors were removed",
        "All second factors of your account were removed; the next sign-in sets up new ones.",
        "If you did not ask for this, tell an admin of your organisation at once.",
    )
    FILE_RECEIVED = (
        "Somebody sent you a file",
        "Somebody outside sent a file by a link that you made. It is in the folder you chose.",
        "Sign in to the portal as usual, and open Shared outside to see who sent what.",
    )
    GIVEN_ROLE_ENDS = (
        "A role that you gave ends soon",
        "A role that you gave for a limited time is about to end.",
        "If it is still needed, change its end date. Otherwise there is nothing to do.",
    )
    LOG_BROKEN = (
        "The audit log is not what was signed",
        "The audit log of your organisation does not match what was signed of it.",
        "Unless the operator restored a backup, keep your checkpoints, and have the log verified.",
    )
    NAME_CHANGED = (
        "Your name was changed",
        "Your name in the portal was changed.",
        "If it is not right, tell an admin of your organisation.",
    )
    NEW_DEVICE = (
        "Signed in from a new browser",
        "Somebody signed in to your account from a browser you have not used in the last month.",
        _CHECK,
    )
    PASSWORD_CHANGED = "Your password was changed", "Your password was changed.", _CHECK
    RECOVERY_CODE_USED = (
        "A recovery code was used",
        "A recovery code was used in place of your second factor. It does not work again.",
        _CHECK,
    )
    REVIEW_ASKED = (
        "You are asked to review access",
        "An access review has lines for you: keep or revoke what people hold, one by one.",
        "Sign in to the portal as usual, and open Reviews.",
    )
    REVIEW_DUE = (
        "An access review is due soon",
        "Lines of an access review are still waiting for your answer.",
        "Sign in to the portal as usual, and open Reviews.",
    )
    REVIEW_ESCALATED = (
        "An access review waits for you",
        "An access review was due, and what nobody answered is now for the officers to decide.",
        "Sign in to the portal as usual, and open Reviews.",
    )
    ROLE_ENDS = (
        "A role of yours ends soon",
        "A role that you were given for a limited time is about to end.",
        "If you still need it, ask whoever gave it or an admin of your organisation.",
    )
    SESSIONS_ENDED = (
        "You were signed out",
        "Sessions of yours were ended. You may have to sign in again.",
        "If you do not know why, ask an admin of your organisation.",
    )
    UPLOAD_INFECTED = (
        "The scanner refused an upload",
        "Somebody uploaded a file in which the scanner found malware. Nothing of it was kept.",
        "The audit log says who it was, and what was found.",
    )
    WRONG_CODES = (
        "Wrong codes were entered at your sign-in",
        "Somebody got past the first step of your sign-in, and then gave several wrong codes.",
        "If this was not you, your password may be known: change it now, and tell an admin.",
    )

    def __init__(self, subject: str, happened: str, otherwise: str) -> None:
        self.subject = subject
        self.happened = happened
        self.otherwise = otherwise


def tell(user_id: UUID, notice: Notice, *, actor: Actor | None = None, **facts: Any) -> None:
    """Tell a person, in the present transaction.

    `actor` is who did it: it gives the address, and the browser of the session in use. Further
    `facts` are told as they are named (`factor="passkey"` reads "Factor: passkey"); `address` and
    `user_agent` say where from, where no actor does. Raises `NotFound`.
    """
    user = get_user(user_id)
    details = {"Organisation": bound().tenant.name, "When": f"{clock.now():%Y-%m-%d %H:%M} UTC"}
    details |= _whence(actor, user_id) if actor else {}
    if "user_agent" in facts:
        details["Browser"] = device_of(facts.pop("user_agent") or "")
    details |= {
        name.replace("_", " ").capitalize(): str(fact) for name, fact in facts.items() if fact
    }
    send_later(
        user.email,
        notice.subject,
        "notice",
        kind=NOTICE_KIND,
        name=user.name,
        happened=notice.happened,
        details=details,
        otherwise=notice.otherwise,
    )


def _whence(actor: Actor, user_id: UUID) -> dict[str, str]:
    """Who did it, if it was somebody else, and from where."""
    if actor.kind == ActorKind.OPERATOR:
        return {"By": "the operator of the portal"}
    details = {"Address": actor.address} if actor.address else {}
    if not isinstance(actor, Member):
        return details
    if actor.user_id != user_id:
        return {"By": actor.name}  # a colleague's address is nobody's business
    session = db.session.get(UserSession, (bound_tenant_id(), actor.session_id))
    return details | ({"Browser": device_of(session.user_agent)} if session else {})
