"""An entry's bytes, over which its hash is made, and the personal values that are not in them.

The bytes follow from the entry's row alone, for good: what is written here is never changed, a new
form gets a new number. What tells of a person beyond their id is in them as a commitment only, as
SD-JWT has it (RFC 9901): the hash of a random salt and the values. Salt and values lie beside the
entry and can be erased; without the salt nobody can try out what was committed to.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from portal.audit.entries import OWN_COLUMNS
from portal.audit.models import AuditEntry
from portal.core.canonical import canonical
from portal.core.errors import PortalError

FORM = 1
MAX_BODY_BYTES = 65_535  # an entry bundle has two bytes for the length (c2sp.org/tlog-tiles)
SALT_BYTES = 32
_ESCAPED = re.compile(rb"\\(?:\\|u0000)")  # a backslash, after which no escape begins; a NUL

# Of what entries tell besides: what people wrote or were called, and what was looked for.
PERSONAL = frozenset(
    {
        "claim",
        "comment",
        "email",
        "filters",
        "name",
        "name_before",
        "note",
        "reason",
        "sentence",
        "subject",
        "user_agent",
    }
)


class EntryTooLong(PortalError):
    """What was done can't be written down, and so is not done."""

    status = 413
    message = "This is more than the audit log can tell of one act."


# Of an entry's row, as much as its bytes follow from.
ENTRY_COLUMNS = (*OWN_COLUMNS, AuditEntry.commitment)


class Parted(NamedTuple):
    """What an entry tells besides: for good, and as long as it is not erased."""

    told: dict[str, Any]
    personal: dict[str, Any]


def part(detail: Mapping[str, Any]) -> Parted:
    """Part what is personal from the rest, both as plain JSON values.

    Without a NUL: PostgreSQL reads no JSON that has one, and neither could it search the log then.
    """
    plain = orjson.loads(_ESCAPED.sub(_without_nul, canonical(detail)))
    personal = {name: value for name, value in plain.items() if name in PERSONAL and value}
    told = {name: value for name, value in plain.items() if name not in personal}
    return Parted(told, personal)


def _without_nul(escaped: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escaped[0] == rb"\u0000" else escaped[0]


def opened(address: str | None, personal: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What is committed to: from where somebody acted, and the words that are personal."""
    return {**(personal or {}), **({"address": address} if address else {})}


def commitment_to(salt: bytes, values: Mapping[str, Any]) -> bytes:
    """What stands in an entry's bytes for what is `opened`."""
    return sha256(salt + canonical(values)).digest()


def body_of(entry: Any) -> bytes:
    """The bytes of an entry, or of a row of `ENTRY_COLUMNS`. Raises `EntryTooLong`."""
    body = canonical(
        {
            "form": FORM,
            "id": entry.id,
            "at": entry.at,
            "action": entry.action,
            "outcome": entry.outcome,
            "actor_kind": entry.actor_kind,
            "actor_id": entry.actor_id,
            "target": entry.target,
            "request_id": entry.request_id,
            "detail": entry.told,
            "personal": entry.commitment.hex() if entry.commitment else None,
        }
    )
    if len(body) > MAX_BODY_BYTES:
        raise EntryTooLong
    return body
