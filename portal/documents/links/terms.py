"""The terms of a link: what it is to be, and whether it may be that."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from portal.core import clock
from portal.core.errors import Invalid
from portal.core.ids import new_id
from portal.core.texts import is_one_line
from portal.documents.links.kinds import Audience, Kind
from portal.documents.links.policy import Mode, Rules
from portal.users.queries import canonical

MOST_RECIPIENTS = 50
MOST_USES = 100_000
MOST_NOTE = 300  # characters
MOST_ENDINGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a link is to be. Without an end it gets the usual one.

    `id` is chosen before, by the page that is filled in: sent again, it makes no second link.
    """

    id: UUID = field(default_factory=new_id)
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


def check_limits(terms: Terms) -> None:
    """Raises `Invalid` for what no link can be, whatever the rules."""
    if len(terms.note.strip()) > MOST_NOTE or not is_one_line(terms.note):
        raise Invalid(f"A note is one line of {MOST_NOTE} characters at most.")
    if terms.max_uses is not None and not 1 <= terms.max_uses <= MOST_USES:
        raise Invalid(f"A link can be limited to 1 to {MOST_USES} uses.")
    if terms.max_file_mib is not None and terms.max_file_mib < 1:
        raise Invalid("Enter at least 1 MiB.")
    endings = [ending.lstrip(".") for ending in terms.endings]
    if len(endings) > MOST_ENDINGS or not all(
        ending.isascii() and ending.isalnum() and len(ending) <= 10 for ending in endings
    ):
        raise Invalid("Name kinds of files by their endings, such as: pdf docx.")


def clean_recipients(terms: Terms) -> Sequence[str]:
    """The listed e-mails, each once. Raises `Invalid`."""
    if terms.audience != Audience.LISTED:
        if terms.recipients:
            raise Invalid("Choose “Listed people”, or take the e-mails away.")
        return ()
    recipients = list(dict.fromkeys(map(canonical, terms.recipients)))
    if not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise Invalid(f"List 1 to {MOST_RECIPIENTS} e-mails.")
    for email in recipients:
        try:
            validate_email(email, check_deliverability=False)
        except EmailNotValidError:
            raise Invalid(f"{email[:80]!r} is not an e-mail.") from None
    return recipients


def check_rules(terms: Terms, until: datetime, rules: Rules) -> None:
    """Raises `Invalid` for what the organisation does not allow."""
    if rules.mode == Mode.OFF:
        raise Invalid("Your organisation does not allow sharing by links.")
    if rules.mode == Mode.INTERNAL and terms.audience != Audience.MEMBERS:
        raise Invalid("Your organisation allows links for its own members only.")
    if rules.is_lock_required and terms.audience == Audience.ANYBODY and not terms.password:
        raise Invalid("Your organisation requires a password, listed people, or members.")
    if rules.is_view_only and terms.kind == Kind.DOWNLOAD:
        raise Invalid(
            "Your organisation lets people outside view documents, but not download them."
        )
    check_end(until, rules)


def check_end(until: datetime, rules: Rules) -> None:
    """Raises `Invalid` where a link may not last until then."""
    if not clock.now() < until <= rules.latest_end:
        raise Invalid(f"A link lasts {rules.max_days} days at most here.")
