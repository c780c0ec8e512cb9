"""Break-glass codes: the way back in where single sign-on is the only one, and is broken.

Made when it is enforced, shown once, to be kept sealed on paper. A code opens a session that may
repair single sign-on and do nothing else, for half an hour; every admin is told.
"""

import base64
import secrets
from collections.abc import Sequence

from argon2 import Type
from argon2.low_level import hash_secret_raw
from sqlalchemy import delete, or_, select, update

from portal.access.decision import require
from portal.access.models import RoleAssignment
from portal.access.permissions import ADMIN, Permission
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.auth import attempts
from portal.auth.assurance import First
from portal.auth.notices import Notice, tell
from portal.auth.policy.queries import get_policy
from portal.auth.sessions import open_session
from portal.auth.sso.models import BreakGlassCode
from portal.core import clock
from portal.tenancy.session import change, db, release
from portal.users.models import User, UserState
from portal.users.queries import canonical

COUNT = 5
GROUPS, GROUP_LENGTH = 2, 10  # 100 bits
SALT_BYTES, HASH_BYTES = 16, 32
TIME_COST, MEMORY_KIB = 2, 19456  # not the installation's, which may change while codes lie sealed
PER_PLACE, PER_ADDRESS = 10, 20  # tries for one person from one address, and for anybody from it
STRANGERS_PER_PERSON = 50  # from all addresses: beyond it each has to wait its turn


class InvalidBreakGlass(RecordedRefusal):
    """Nobody's e-mail, no admin's, a wrong or used code, or no need: one answer for all of them."""

    status = 401
    message = "E-mail or code is wrong."
    action = Action.SIGN_IN_FAILED
    outcome = Outcome.FAILURE


def make_codes(actor: Actor) -> Sequence[str]:
    """Make new codes in place of all earlier ones; they are shown now and never again.

    Ends the present transaction. Raises `Forbidden`.
    """
    require(actor, Permission.SSO_EDIT)
    codes = [_new_code() for _ in range(COUNT)]
    salt = secrets.token_bytes(SALT_BYTES)  # one for all: a try costs one hash, however many codes
    release()
    hashes = [_hash(code, salt) for code in codes]
    forget_codes()
    for code_hash in hashes:
        db.session.add(BreakGlassCode(salt=salt, code_hash=code_hash, created_by=actor.user_id))
    return codes


def forget_codes() -> None:
    """Delete all codes."""
    db.session.execute(delete(BreakGlassCode))


def count_codes() -> int:
    """How many codes are left."""
    unused = select(BreakGlassCode.id).where(BreakGlassCode.used_at.is_(None))
    return len(db.session.scalars(unused).all())


def break_glass(origin: Actor, email: str, code: str, *, user_agent: str) -> str:
    """Open a session that can repair single sign-on; gives its token. Each code works once.

    Raises `InvalidBreakGlass` or `TooManyAttempts`.
    """
    network, person = attempts.network_of(origin.address), canonical(email)
    attempts.reserve(
        "user:unknown",
        (PER_PLACE, f"break-glass-place:{network}:{person}"),
        (PER_ADDRESS, f"break-glass-address:{network}"),
        crowds=[(STRANGERS_PER_PERSON, f"break-glass-person:{person}")],
    )
    salt = db.session.scalars(select(BreakGlassCode.salt).limit(1)).first()
    release()  # hashing takes long: no transaction waits for it
    code_hash = _hash(_typed(code), salt or bytes(SALT_BYTES))
    admin = next((a for a in list_admins() if a.email == person), None)
    if admin is None or not get_policy().is_sso_only or not _use(code_hash):
        raise InvalidBreakGlass(f"user:{admin.id}" if admin else "user:unknown", step="break-glass")
    record(origin, Action.BREAK_GLASS_USED, f"user:{admin.id}")
    _tell_admins(origin, admin)
    return open_session(origin, admin, First.BREAK_GLASS, user_agent)


def list_admins() -> Sequence[User]:
    """Everybody who is an admin now, by e-mail."""
    return db.session.scalars(
        select(User)
        .join(RoleAssignment, RoleAssignment.user_id == User.id)
        .where(
            RoleAssignment.role == ADMIN.key,
            or_(RoleAssignment.expires_at.is_(None), RoleAssignment.expires_at > clock.now()),
            User.state == UserState.ACTIVE,
        )
        .order_by(User.email)
    ).all()


def _use(code_hash: bytes) -> bool:
    """Of two who use a code at the same time one is refused."""
    return bool(
        change(
            update(BreakGlassCode)
            .where(BreakGlassCode.code_hash == code_hash, BreakGlassCode.used_at.is_(None))
            .values(used_at=clock.now())
        )
    )


def _tell_admins(origin: Actor, user: User) -> None:
    for admin in list_admins():
        tell(
            admin.id,
            Notice.BREAK_GLASS_USED,
            in_the_name_of=f"{user.name} ({user.email})",
            address=origin.address or "unknown",
        )


def _new_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(GROUPS * GROUP_LENGTH * 5 // 8 + 1)).decode()
    starts = range(0, GROUPS * GROUP_LENGTH, GROUP_LENGTH)
    return "-".join(letters[start : start + GROUP_LENGTH] for start in starts)


def _typed(code: str) -> str:
    """A code as it was made, however it was typed; 0, 1 and 8 are no letters of base32."""
    letters = "".join(code.upper().translate(str.maketrans("018", "OIB")).split()).replace("-", "")
    return "-".join(letters[i : i + GROUP_LENGTH] for i in range(0, len(letters), GROUP_LENGTH))


def _hash(code: str, salt: bytes) -> bytes:
    return hash_secret_raw(
        code.encode("utf-8", "replace"),
        salt,
        time_cost=TIME_COST,
        memory_cost=MEMORY_KIB,
        parallelism=1,
        hash_len=HASH_BYTES,
        type=Type.ID,
    )
