"""Codes by mail: how somebody shows that they read the mail of a listed address.

As for forgotten passwords, whoever asks gets one answer after one piece of work, listed or not: the
request goes into the outbox sealed, and the worker finds out whether there is anybody to write to.
"""

import json
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select

from portal.audit.actions import Action
from portal.audit.actor import Actor, ActorKind
from portal.audit.service import record
from portal.auth import attempts
from portal.auth.mail import send_later
from portal.auth.passwords import hash_password, verify_password
from portal.core import clock
from portal.core.errors import NotFound
from portal.core.ids import new_id
from portal.documents.links.managing import get_link
from portal.documents.links.models import LinkCode
from portal.documents.links.uses import LinkRefused, record_refusal
from portal.documents.links.visits import Visit, count_try, go_on
from portal.keys.columns import open_sealed, seal
from portal.outbox.models import Job
from portal.outbox.service import enqueue
from portal.tenancy.binding import bound
from portal.tenancy.session import change, db, release
from portal.users.queries import canonical

KIND = "link-code"
VALID_FOR = timedelta(minutes=10)
DIGITS = 8
LONGEST_EMAIL = 320  # RFC 5321: what is longer is none
MAILS_PER_RECIPIENT = 5
MAILS_PER_PLACE = 20
TRIES_PER_RECIPIENT = 10  # at the codes of one recipient, from one address
STRANGERS_PER_RECIPIENT = 30


class WrongCode(LinkRefused):
    """The code is wrong, was used, has expired, or there never was one: one answer for all."""

    message = "This code is wrong or has expired. Try again, or ask for another one."


def ask_code(visit: Visit, email: str) -> None:
    """Have a code mailed to that address, if it is listed. Raises `TooManyTries`."""
    link, recipient = visit.link, canonical(email)[:LONGEST_EMAIL]
    network = attempts.network_of(visit.actor.address)
    count_try(
        link.id,
        (MAILS_PER_PLACE, f"link-mail:{link.id}:{network}"),
        (MAILS_PER_RECIPIENT, f"link-mail:{link.id}:{recipient}"),
    )
    asked = {
        "link": str(link.id),
        "email": recipient,
        "at": clock.now().isoformat(),
        "address": visit.actor.address,
    }
    enqueue(KIND, lambda job: seal("job", "payload", job.id, json.dumps(asked)))
    record(visit.actor, Action.LINK_CODE_ASKED, f"link:{link.id}")


def answer(job: Job) -> None:
    """Make the code that was asked for and put it into a mail, if there is somebody to get it.

    Whoever shares is told of an address that is not listed; whoever asked is not.
    """
    asked = json.loads(open_sealed("job", "payload", job.id, job.payload))
    recipient = asked["email"]
    try:
        link = get_link(UUID(asked["link"])).link
    except NotFound:
        return
    is_late = datetime.fromisoformat(asked["at"]) + VALID_FOR <= clock.now()
    if is_late:
        return
    if recipient not in link.recipients:
        origin = Actor(kind=ActorKind.LINK, address=asked.get("address"))
        record_refusal(origin, link.id, "not-listed", who=recipient)
        return
    link_id, code = link.id, f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    release()  # hashing takes long: no transaction waits for it
    code_hash = hash_password(code)
    _forget(link_id, recipient)
    until = clock.now() + VALID_FOR
    db.session.add(
        LinkCode(
            id=new_id(),
            link_id=link_id,
            recipient=recipient,
            code_hash=code_hash,
            expires_at=until,
        )
    )
    send_later(
        recipient,
        f"Your code for documents of {bound().tenant.name}",
        "link_code",
        code=f"{code[:4]} {code[4:]}",
        until=f"{until:%H:%M} UTC",
    )


def give_code(visit: Visit, email: str, code: str) -> None:
    """Take a code that was mailed. It works once, for whoever is listed still.

    An address that is not listed costs the same hash as one that is. Raises `TooManyTries`,
    `WrongCode` or `LinkClosed`.
    """
    link_id, recipient = visit.link.id, canonical(email)[:LONGEST_EMAIL]
    network = attempts.network_of(visit.actor.address)
    place, crowd = f"link-code:{link_id}:{recipient}:{network}", f"link-code:{link_id}:{recipient}"
    count_try(link_id, (TRIES_PER_RECIPIENT, place), crowds=[(STRANGERS_PER_RECIPIENT, crowd)])
    found = _find(link_id, recipient)
    code_id, code_hash = (found.id, found.code_hash) if found else (None, None)
    release()
    typed = "".join(sign for sign in code if sign.isascii() and sign.isdigit())
    is_right = verify_password(code_hash, typed)
    # Of two who give the same code at once, one comes in by it.
    if not is_right or not change(delete(LinkCode).where(LinkCode.id == code_id)):
        raise WrongCode(link_id, "wrong-code")
    attempts.forget(place, taking_back=[crowd])
    go_on(visit, recipient=recipient)


def _find(link_id: UUID, recipient: str) -> LinkCode | None:
    """A recipient's present code. They are sealed, and few: each is opened to be compared."""
    codes = db.session.scalars(
        select(LinkCode)
        .where(LinkCode.link_id == link_id, LinkCode.expires_at > clock.now())
        .order_by(LinkCode.id.desc())
    )
    return next((one for one in codes if one.recipient == recipient), None)


def _forget(link_id: UUID, recipient: str) -> None:
    codes = db.session.scalars(select(LinkCode).where(LinkCode.link_id == link_id))
    old = [one.id for one in codes if one.recipient == recipient]
    db.session.execute(delete(LinkCode).where(LinkCode.id.in_(old)))
