"""What an officer enters about a destination, and what of it is refused."""

import ipaddress
import re
import ssl
from dataclasses import dataclass

from portal.audit.export import Form
from portal.auth.sso.discovery import is_address
from portal.core.errors import Invalid
from portal.core.texts import is_one_line
from portal.destinations.kinds import (
    RHYTHMS,
    STREAMED_AS,
    TAKE_ALERTS,
    TAKE_ENTRIES,
    Kind,
    Rhythm,
)
from portal.destinations.places import (
    PLACES,
    BucketPlace,
    Lock,
    MailPlace,
    Place,
    SyslogPlace,
    WebhookPlace,
)

MOST_ADDRESSES = 10
MOST_DAYS = 36_500
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY = re.compile(r"[A-Za-z0-9/._-]*")
_REGION = re.compile(r"[a-z0-9-]{0,40}")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was entered. An empty `secret` keeps the one there is, or has one made."""

    name: str
    kind: Kind
    place: Place
    secret: str = ""
    rhythm: Rhythm
    entry_form: Form | None = None
    wants_alerts: bool = False
    from_beginning: bool = False


def check(chosen: Chosen) -> None:
    """Raises `Invalid`."""
    if not chosen.name.strip() or not is_one_line(chosen.name):
        raise Invalid("The name contains invisible characters, or no visible ones.")
    if not isinstance(chosen.place, PLACES[chosen.kind]) or not _is_taken(chosen):
        raise Invalid("A destination of this kind does not get this.")
    if not (chosen.rhythm != Rhythm.NEVER or chosen.entry_form or chosen.wants_alerts):
        raise Invalid("Choose something that it gets.")
    _check_place(chosen.place)


def _is_taken(chosen: Chosen) -> bool:
    kind, form = chosen.kind, chosen.entry_form
    return (
        chosen.rhythm in RHYTHMS[kind]
        and (form is None or (kind in TAKE_ENTRIES and form in STREAMED_AS))
        and (not chosen.wants_alerts or kind in TAKE_ALERTS)
    )


def _check_place(place: Place) -> None:
    match place:
        case MailPlace():
            _check_addresses(place)
        case SyslogPlace():
            _check_collector(place)
        case WebhookPlace():
            if not is_address(place.address):
                raise Invalid("The address looks like https://siem.example.com/portal.")
        case BucketPlace():
            _check_bucket(place)


def _check_addresses(place: MailPlace) -> None:
    if not 1 <= len(place.addresses) <= MOST_ADDRESSES:
        raise Invalid(f"Enter one e-mail, or {MOST_ADDRESSES} at most.")
    for address in place.addresses:
        if not _EMAIL.fullmatch(address) or not address.isascii():
            raise Invalid("One of these is not an e-mail.")


def _check_collector(place: SyslogPlace) -> None:
    if not _HOST.fullmatch(place.host) and not _is_ip(place.host):
        raise Invalid("The host looks like logs.example.com.")
    if not 1 <= place.port <= 65_535:
        raise Invalid("A port is a number from 1 to 65535.")
    if place.ca:
        try:
            ssl.create_default_context(cadata=place.ca)
        except (ssl.SSLError, ValueError):
            raise Invalid("This is not a certificate in PEM.") from None


def _check_bucket(place: BucketPlace) -> None:
    if place.endpoint and (not is_address(place.endpoint) or "?" in place.endpoint):
        raise Invalid("The address looks like https://s3.example.com.")
    if not _BUCKET.fullmatch(place.bucket) or not _KEY.fullmatch(place.prefix):
        raise Invalid("This is not the name of a bucket, or of a folder in it.")
    if not _REGION.fullmatch(place.region) or not (place.region or place.endpoint):
        raise Invalid("A region looks like eu-central-1.")
    if place.lock not in tuple(Lock) or not 1 <= place.days <= MOST_DAYS:
        raise Invalid(f"Checkpoints are locked for 1 to {MOST_DAYS} days.")
    if not place.access_key_id.isascii() or not place.access_key_id.isalnum():
        raise Invalid("This is not the id of an access key.")


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
