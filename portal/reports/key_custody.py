"""Key custody: every key of the organisation, in whose care it is, and what was done to keys."""

from collections.abc import Iterator
from hashlib import sha256

from portal.access.permissions import Permission
from portal.audit.actions import SENTENCES
from portal.audit.actor import Actor
from portal.audit.queries import list_latest
from portal.auth.key_care import TOLD_OF_KEYS, show_keys
from portal.reports.report import Report, Row, moment
from portal.users.queries import names_of

MOST_ACTS = 1000


def _rows(actor: Actor) -> Iterator[Row]:
    shown = show_keys(actor)
    for key in shown.versions:
        under = f"{key.data_keys} keys of contents, {key.values} names and secrets"
        made = moment(key.created_at)
        yield "Encryption key", f"Version {key.version}", key.provider, made, "", under, ""
    for pair in shown.signing_keys:
        known_by = f"SHA-256 of the public key {sha256(pair.public_key.encode()).hexdigest()}"
        at = moment(pair.created_at), moment(pair.retired_at)
        yield "Signing key", pair.id, "The organisation’s encryption key", *at, known_by, ""
    acts = list_latest(TOLD_OF_KEYS, MOST_ACTS)
    names = names_of({act.actor_id for act in acts if act.actor_id})
    for act in acts:
        by = names.get(act.actor_id, "") if act.actor_id else act.actor_kind
        yield "Act", SENTENCES[act.action], "", moment(act.at), "", act.target, by


REPORT = Report(
    key="key-custody",
    name="Key custody",
    sentence="Every encryption and signing key, in whose care it is, how much lies under it, and "
    "what was done to keys and by whom.",
    permission=Permission.KEY_READ,
    columns=("Kind", "Which", "In the care of", "At", "Retired", "About", "By"),
    rows=_rows,
)
