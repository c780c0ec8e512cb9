"""The moment in which a sign-in is complete: recorded, and told where the browser is a new one.

A browser is known by its name and its system, as far as it says them: the person has another
session from such a one, that gave as many factors. Sessions are swept a month after they ended
(`sweep`), so a browser that was not used for so long is new again. Whoever wants to look like a
known browser can; what strangers can't know is which ones those are.
"""

from typing import Any

from sqlalchemy import or_, select

from portal.audit.actions import Action
from portal.audit.service import record
from portal.auth.assurance import First
from portal.auth.devices import device_of
from portal.auth.live_sessions import FoundSession
from portal.auth.models import UserSession
from portal.auth.notices import Notice, tell
from portal.tenancy.session import db


def note_arrival(found: FoundSession, user_agent: str) -> None:
    """Record that somebody has signed in, and tell them if it was from a new browser.

    The entry tells so of whom another browser is known: of others every browser is new.
    """
    member, known = found.member, _known_devices(found)
    is_new = device_of(user_agent) not in known
    detail: dict[str, Any] = {"assurance": str(found.proof)}
    if known and is_new:
        detail |= {"is_new_browser": True, "user_agent": device_of(user_agent)}
    record(member, Action.SIGNED_IN, f"user:{member.user_id}", **detail)
    if is_new:
        tell(
            member.user_id,
            Notice.NEW_DEVICE,
            address=member.address,
            user_agent=user_agent,
        )


def _known_devices(found: FoundSession) -> set[str]:
    statement = (
        select(UserSession.user_agent)
        .where(
            UserSession.user_id == found.member.user_id, UserSession.id != found.member.session_id
        )
        .distinct()
    )
    if found.proof.is_multi_factor:  # whoever had the password alone has made no browser known
        statement = statement.where(
            or_(UserSession.second_factor.is_not(None), UserSession.first_factor == First.PASSKEY)
        )
    return {device_of(user_agent) for user_agent in db.session.scalars(statement)}
