"""Making a sharing link, and moving its end."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select, update

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
from portal.core.ids import new_id
from portal.core.settings import active
from portal.core.texts import is_one_line
from portal.documents.links.kinds import Audience, Kind
from portal.documents.links.managing import get_managed
from portal.documents.links.models import SharingLink
from portal.documents.links.pictures import is_shown
from portal.documents.links.policy import Mode, Rules, get_rules
from portal.documents.links.rights import require_to_share
from portal.documents.models import DocumentVersion
from portal.documents.places import Place
from portal.documents.queries import find_anywhere
from portal.tenancy.session import change, db, release
from portal.users.queries import canonical

MOST_RECIPIENTS = 50
MOST_USES = 100_000
MOST_NOTE = 300  # characters
MOST_ENDINGS = 20
MIN_PASSWORD = 8  # guesses are counted, and the address has to be known as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a link is to be. Without an end it gets the usual one."""

    kind: Kind = Kind.DOWNLOAD
    audience: Audience = Audience.ANYBODY
    recipients: Sequence[str] = ()
    password: str = ""
    expires_at: datetime | None = None
    max_uses: int | None = None
    version_number: int | None = None
    note: str = ""
    max_file_mib: int | None = None
    endings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A new link. `address` is shown once and kept nowhere."""

    link: SharingLink
    address: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody may share by a link, and by which rules."""

    name: str
    place: Place
    rules: Rules
    newest: int = 0
    is_shown: bool = True


def offer_document(actor: Actor, document_id: UUID) -> Offer:
    """What a link to a document could be. Raises `NotFound` or `Forbidden`."""
    place = require_to_share(actor, Kind.DOWNLOAD, document_id, None)
    document = find_anywhere(document_id).document
    media_type = _media_type(document_id, document.version_number)
    seen = place.seen_by(actor, Permission.DOCUMENT_READ)
    shown = is_shown(media_type or "")
    return Offer(document.name, seen, get_rules(), document.version_number, shown)


def offer_folder(actor: Actor, folder_id: UUID, kind: Kind = Kind.DOWNLOAD) -> Offer:
    """What a link to a folder could be. Raises `NotFound` or `Forbidden`."""
    place = require_to_share(actor, kind, None, folder_id)
    name = place.folders[0].name
    return Offer(name, place.seen_by(actor, Permission.DOCUMENT_READ), get_rules())


def make_document_link(actor: Actor, document_id: UUID, wanted: Wanted, *, host: str) -> Made:
    """Share a document by a link on `host`. Raises `NotFound`, `Forbidden` or `Invalid`."""
    require_to_share(actor, wanted.kind, document_id, None)
    if wanted.kind == Kind.REQUEST:
        raise Invalid("Files are sent into a folder.")
    _check_version(document_id, wanted)
    return _make(actor, document_id, None, wanted, host)


def make_folder_link(actor: Actor, folder_id: UUID, wanted: Wanted, *, host: str) -> Made:
    """The same for a folder with all beneath it, or to have files sent into it."""
    require_to_share(actor, wanted.kind, None, folder_id)
    return _make(actor, None, folder_id, wanted, host)


def change_end(actor: Actor, link_id: UUID, expires_at: datetime | None) -> None:
    """Let a link that still works do so for longer or shorter; None is the usual end.

    Raises `NotFound`, `Forbidden`, `Invalid` or `Conflict`.
    """
    actor = lock_access_as(actor)
    led, rules = get_managed(actor, link_id), get_rules()
    require(actor, Permission.LINK_CREATE, led.place.target(f"link:{link_id}"))
    until = expires_at or rules.usual_end
    _check_end(until, rules)
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
        about=led.link.target,
        expires_at=until.isoformat(timespec="seconds"),
    )


def _make(
    actor: Actor, document_id: UUID | None, folder_id: UUID | None, wanted: Wanted, host: str
) -> Made:
    recipients = _clean_recipients(wanted)
    _check_texts(wanted)
    password_hash = _hash(wanted.password)
    # Nobody tightens the rules, or takes the right, between here and the commit.
    actor = lock_access_as(actor)
    require_to_share(actor, wanted.kind, document_id, folder_id)
    rules = get_rules()
    until = wanted.expires_at or rules.usual_end
    _check_rules(wanted, until, rules)
    secret = new_token()
    link = SharingLink(
        id=new_id(),
        kind=wanted.kind,
        document_id=document_id,
        folder_id=folder_id,
        version_number=wanted.version_number,
        secret_hash=hash_token(secret),
        note=wanted.note.strip(),
        audience=wanted.audience,
        recipients_json=json.dumps(recipients),
        password_hash=password_hash,
        max_uses=wanted.max_uses,
        max_file_mib=wanted.max_file_mib,
        endings=[ending.lower().lstrip(".") for ending in wanted.endings],
        created_by=actor.user_id,
        expires_at=until,
    )
    db.session.add(link)
    record(
        actor,
        Action.LINK_MADE,
        f"link:{link.id}",
        about=link.target,
        kind=str(wanted.kind),
        audience=str(wanted.audience),
        has_password=bool(password_hash),
        max_uses=wanted.max_uses,
        version=wanted.version_number,
        expires_at=until.isoformat(timespec="seconds"),
    )
    # In the fragment, which no browser sends: docs/decisions/0013.
    return Made(link, f"{active().address_of(host)}/shared#{secret}")


def _check_version(document_id: UUID, wanted: Wanted) -> None:
    """Raises `Invalid` where the version is not there, or there would be nothing to be seen."""
    number = wanted.version_number or find_anywhere(document_id).document.version_number
    media_type = _media_type(document_id, number)
    if media_type is None:
        raise Invalid("There is no such version.")
    if wanted.kind == Kind.VIEW and not is_shown(media_type):
        raise Invalid("Only PDFs and pictures can be viewed; this is neither.")


def _media_type(document_id: UUID, number: int) -> str | None:
    return db.session.scalars(
        select(DocumentVersion.media_type).where(
            DocumentVersion.document_id == document_id, DocumentVersion.number == number
        )
    ).one_or_none()


def _clean_recipients(wanted: Wanted) -> Sequence[str]:
    """The listed e-mails, each once. Raises `Invalid`."""
    if wanted.audience != Audience.LISTED:
        return ()
    recipients = list(dict.fromkeys(map(canonical, wanted.recipients)))
    if not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise Invalid(f"List 1 to {MOST_RECIPIENTS} e-mails.")
    for email in recipients:
        try:
            validate_email(email, check_deliverability=False)
        except EmailNotValidError:
            raise Invalid(f"{email[:80]!r} is not an e-mail.") from None
    return recipients


def _check_texts(wanted: Wanted) -> None:
    if len(wanted.note.strip()) > MOST_NOTE or not is_one_line(wanted.note):
        raise Invalid(f"A note is one line of {MOST_NOTE} characters at most.")
    if wanted.max_uses is not None and not 1 <= wanted.max_uses <= MOST_USES:
        raise Invalid(f"A link can be limited to 1 to {MOST_USES} uses.")
    if wanted.max_file_mib is not None and wanted.max_file_mib < 1:
        raise Invalid("Enter at least 1 MiB.")
    endings = [ending.lstrip(".") for ending in wanted.endings]
    if len(endings) > MOST_ENDINGS or not all(
        ending.isascii() and ending.isalnum() and len(ending) <= 10 for ending in endings
    ):
        raise Invalid("Name kinds of files by their endings, such as: pdf docx.")


def _hash(password: str) -> str | None:
    """Hashing takes long: no transaction waits for it."""
    if not password:
        return None
    check_strength(password, min_length=MIN_PASSWORD, about=[])
    release()
    return hash_password(password)


def _check_rules(wanted: Wanted, until: datetime, rules: Rules) -> None:
    if rules.mode == Mode.OFF:
        raise Invalid("Your organisation does not allow sharing by links.")
    if rules.mode == Mode.INTERNAL and wanted.audience != Audience.MEMBERS:
        raise Invalid("Your organisation allows links for its own members only.")
    if rules.is_lock_required and wanted.audience == Audience.ANYBODY and not wanted.password:
        raise Invalid("Your organisation requires a password or a list of e-mails.")
    if rules.is_view_only and wanted.kind == Kind.DOWNLOAD:
        raise Invalid(
            "Your organisation lets people outside view documents, but not download them."
        )
    _check_end(until, rules)


def _check_end(until: datetime, rules: Rules) -> None:
    if not clock.now() < until <= rules.latest_end:
        raise Invalid(f"A link lasts {rules.max_days} days at most here.")
