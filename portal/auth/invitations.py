"""Inviting people: a one-time link by which they choose a password."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from portal.access.decision import Target, require
from portal.access.holders import person
from portal.access.letting_in import require_to_let_in, takes_two
from portal.access.locking import lock_access_as
from portal.access.permissions import Permission
from portal.access.service import Way, assign_role, waits
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.auth.assurance import First
from portal.auth.closing.queries import find_end
from portal.auth.credentials import hash_new_password, set_password
from portal.auth.mail import send_later
from portal.auth.models import Invitation
from portal.auth.sessions import open_session
from portal.auth.tokens import hash_token, new_token
from portal.core import clock
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.ids import new_id
from portal.core.settings import active
from portal.core.texts import is_one_line
from portal.tenancy.binding import bound
from portal.tenancy.session import change, db
from portal.users.models import User, UserState
from portal.users.queries import canonical, find_user_by_email, get_user

VALID_FOR = timedelta(days=7)


class InvalidInvitation(RecordedRefusal):
    """The link is unknown, was used, has expired, or the person's state no longer allows it."""

    status = 404
    message = "This invitation is not valid any more. Ask for a new one."
    action = Action.INVITATION_REFUSED


class AlreadyMember(Conflict):
    """The e-mail is taken in this organisation."""

    message = "There is a member with this e-mail already."


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation as its sender sees it: `link` is shown once and kept nowhere.

    It is empty where it takes two people to make such an account: whoever sees the link can use
    it, and would have a second account to agree with. Then it goes out by mail alone.
    """

    user: User
    link: str
    role_waits: bool = False  # a second person has to agree to it


def invite_member(
    actor: Actor,
    email: str,
    name: str,
    role_key: str,
    folder_id: UUID | None = None,
    *,
    host: str,
    way: Way = Way.INVITATION,
) -> Invited:
    """Invite somebody with a first role. The link leads to `host` and also goes out by mail.

    Raises `Forbidden`, `Conflict` or `Invalid`.
    """
    require(actor, Permission.MEMBER_INVITE)
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        raise Invalid("This is not an e-mail.") from None
    name = checked_name(name)
    if find_user_by_email(email) is not None:
        raise AlreadyMember
    user = User(id=new_id(), email=canonical(email), name=name)
    db.session.add(user)
    try:
        db.session.flush()  # the role refers to the person
    except IntegrityError:  # somebody else was faster
        raise AlreadyMember from None
    record(actor, Action.MEMBER_INVITED, f"user:{user.id}", role=role_key)
    given = assign_role(actor, person(user), role_key, folder_id, way=way)
    role_waits = waits(given)
    link = _send_link(actor, user, host)
    return Invited(user, "" if role_waits else link, role_waits)


def checked_name(name: str) -> str:
    """A person's name as it is kept. Raises `Invalid`."""
    if not is_name(name):
        raise Invalid("A name has 1 to 200 characters, all of them visible.")
    return name.strip()


def is_name(name: str) -> bool:
    """Whether somebody can be called that."""
    return 1 <= len(name.strip()) <= 200 and is_one_line(name)


def invite_again(actor: Actor, user_id: UUID, *, host: str) -> Invited:
    """Send a new link to somebody who has not accepted yet; earlier links end.

    Whoever sees the link can come in by it, so it takes the right to give all that the person
    holds. Raises `Forbidden`, `OwnRights`, `NotFound` or `Conflict`.
    """
    actor = lock_access_as(actor)
    require(actor, Permission.MEMBER_INVITE)
    require(actor, Permission.ROLE_ASSIGN, Target(f"user:{user_id}"))  # as inviting did
    user = get_user(user_id)
    roles = require_to_let_in(actor, user)
    if user.state != UserState.INVITED:
        raise Conflict(f"{user.name} has accepted the invitation already.")
    db.session.execute(
        update(Invitation)
        .where(Invitation.user_id == user.id, Invitation.used_at.is_(None))
        .values(expires_at=clock.now())
    )
    record(actor, Action.MEMBER_INVITED, f"user:{user.id}", again=True)
    link = _send_link(actor, user, host)
    return Invited(user, "" if takes_two(actor, user, roles) else link)


def get_invited(token: str) -> User:
    """Whom a link is for. Nobody comes in by one while the organisation closes.

    Raises `NotFound` or `InvalidInvitation`.
    """
    row = db.session.execute(
        select(User, Invitation.expires_at, Invitation.used_at)
        .join(Invitation, Invitation.user_id == User.id)
        .where(Invitation.token_hash == hash_token(token))
    ).one_or_none()
    if row is None:
        raise NotFound(InvalidInvitation.message)  # unrecorded: strangers can make up any number
    user, expires_at, used_at = row
    is_good = not used_at and expires_at > clock.now() and user.state == UserState.INVITED
    if not is_good or find_end() is not None:
        raise InvalidInvitation(f"user:{user.id}")
    return user


def accept_invitation(origin: Actor, token: str, password: str, *, user_agent: str) -> str:
    """Choose a password and be signed in for the next step; gives the session's token.

    Raises `NotFound`, `InvalidInvitation` or `WeakPassword`.
    """
    chosen = hash_new_password(get_invited(token), password)
    user = redeem_invitation(origin, token)
    set_password(user, chosen)
    return open_session(origin, user, First.PASSWORD, user_agent)


def redeem_invitation(origin: Actor, token: str) -> User:
    """Use an invitation up; gives the person, who is a member now and needs a way to sign in.

    Link and person are changed by conditional UPDATEs: of two parallel uses one is refused, and
    whoever was deactivated meanwhile stays so. Raises `NotFound` or `InvalidInvitation`.
    """
    user = get_invited(token)
    used = change(
        update(Invitation)
        .where(Invitation.token_hash == hash_token(token), Invitation.used_at.is_(None))
        .values(used_at=clock.now())
    )
    activated = change(
        update(User)
        .where(User.id == user.id, User.state == UserState.INVITED)
        .values(state=UserState.ACTIVE)
    )
    if not (used and activated):
        raise InvalidInvitation(f"user:{user.id}")
    record(origin, Action.INVITATION_ACCEPTED, f"user:{user.id}")
    return user


def _send_link(actor: Actor, user: User, host: str) -> str:
    token = new_token()
    db.session.add(
        Invitation(
            user_id=user.id,
            token_hash=hash_token(token),
            invited_by=actor.user_id,
            expires_at=clock.now() + VALID_FOR,
        )
    )
    link = f"{active().address_of(host)}/auth/invitations/{token}"
    send_later(
        user.email,
        f"Your invitation to {bound().tenant.name}",
        "invitation",
        name=user.name,
        link=link,
        days=VALID_FOR.days,
    )
    return link
