"""Making a sharing link, and moving its end."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update

from portal.access.decision import require
from portal.access.locking import lock_access_as
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.passwords import check_strength, hash_password
from portal.auth.tokens import hash_token, new_token
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.settings import active
from portal.documents.links.kinds import Kind
from portal.documents.links.managing import get_managed_link
from portal.documents.links.models import SharingLink
from portal.documents.links.offering import media_type_of
from portal.documents.links.pictures import is_shown
from portal.documents.links.policy import get_rules
from portal.documents.links.rights import require_to_share
from portal.documents.links.terms import (
    Terms,
    check_end,
    check_limits,
    check_rules,
    clean_recipients,
)
from portal.documents.queries import find_anywhere, lock_document
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db, release

MIN_PASSWORD = 8  # guesses are counted, and the address has to be known as well


@dataclass(frozen=True, slots=True)
class Made:
    """A new link. `address` is shown once and kept nowhere."""

    link: SharingLink
    address: str


def make_document_link(actor: Actor, document_id: UUID, terms: Terms, *, host: str) -> Made:
    """Share a document by a link on `host`.

    Raises `NotFound`, `Forbidden`, `Invalid`, or `Conflict` where that link is made already.
    """
    require_to_share(actor, terms.kind, document_id, None)
    if terms.kind == Kind.REQUEST:
        raise Invalid("Files are sent into a folder.")
    _check_version(document_id, terms)
    return _make(actor, document_id, None, terms, host)


def make_folder_link(actor: Actor, folder_id: UUID, terms: Terms, *, host: str) -> Made:
    """The same for a folder with all beneath it, or to have files sent into it."""
    require_to_share(actor, terms.kind, None, folder_id)
    return _make(actor, None, folder_id, terms, host)


def change_end(actor: Actor, link_id: UUID, expires_at: datetime | None) -> None:
    """Let a link that still works do so for longer or shorter; None is the usual end.

    Raises `NotFound`, `Forbidden`, `Invalid` or `Conflict`.
    """
    actor = lock_access_as(actor)
    located, rules = get_managed_link(actor, link_id), get_rules()
    require(actor, Permission.LINK_CREATE, located.place.target(f"link:{link_id}"))
    until = expires_at or rules.usual_end
    check_end(until, rules)
    is_changed = change(
        update(SharingLink)
        .where(
            SharingLink.id == link_id,
            SharingLink.revoked_at.is_(None),
            SharingLink.expires_at > clock.now(),
            SharingLink.expires_at != until,
        )
        .values(expires_at=until)
        .execution_options(synchronize_session=False)
    )
    if not is_changed:
        raise Conflict("This link has ended already, or ends then anyway.")
    record(
        actor,
        Action.LINK_CHANGED,
        f"link:{link_id}",
        about=located.link.target,
        expires_at=until.isoformat(timespec="seconds"),
    )


def _make(
    actor: Actor, document_id: UUID | None, folder_id: UUID | None, terms: Terms, host: str
) -> Made:
    recipients = clean_recipients(terms)
    check_limits(terms)
    password_hash = _hash(terms.password)
    # Nobody tightens the rules, or takes the right, between here and the commit.
    actor = lock_access_as(actor)
    if document_id is not None:
        lock_document(actor, document_id, Permission.DOCUMENT_READ)
    require_to_share(actor, terms.kind, document_id, folder_id)
    rules = get_rules()
    until = terms.expires_at or rules.usual_end
    check_rules(terms, until, rules)
    if db.session.get(SharingLink, (bound_tenant_id(), terms.id)) is not None:
        raise Conflict(
            "This link is made already, and its address was shown then. It is listed under"
            " “Shared outside”. Sent again, this form makes another one."
        )
    secret = new_token()
    link = SharingLink(
        id=terms.id,
        kind=terms.kind,
        document_id=document_id,
        folder_id=folder_id,
        version_number=terms.version_number,
        secret_hash=hash_token(secret),
        note=terms.note.strip(),
        audience=terms.audience,
        recipients_json=json.dumps(recipients),
        password_hash=password_hash,
        max_uses=terms.max_uses,
        max_file_mib=terms.max_file_mib,
        endings=[ending.lower().lstrip(".") for ending in terms.endings],
        created_by=actor.user_id,
        expires_at=until,
    )
    db.session.add(link)
    record(actor, Action.LINK_MADE, f"link:{link.id}", **_detail(link))
    # In the fragment, which no browser sends: docs/decisions/0013.
    return Made(link, f"{active().address_of(host)}/shared#{secret}")


def _detail(link: SharingLink) -> dict[str, Any]:
    return {
        "about": link.target,
        "kind": str(link.kind),
        "audience": str(link.audience),
        "has_password": bool(link.password_hash),
        "max_uses": link.max_uses,
        "version": link.version_number,
        "expires_at": link.expires_at.isoformat(timespec="seconds"),
    }


def _check_version(document_id: UUID, terms: Terms) -> None:
    """Raises `Invalid` where the version is not there, or there would be nothing to be seen."""
    number = terms.version_number or find_anywhere(document_id).document.version_number
    media_type = media_type_of(document_id, number)
    if media_type is None:
        raise Invalid("There is no such version.")
    if terms.kind == Kind.VIEW and not is_shown(media_type):
        raise Invalid("Only PDFs and images can be viewed, and this version is neither.")


def _hash(password: str) -> str | None:
    """Hashing takes long: no transaction waits for it."""
    if not password:
        return None
    check_strength(password, min_length=MIN_PASSWORD, about=[])
    release()
    return hash_password(password)
