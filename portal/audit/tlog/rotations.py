"""Keys that took over from one another, followed through a log from one that somebody knows.

The entry of a new signing key carries the signature of the key before it, over both of them and
over whose log it is: whoever can write entries, and has no key, names no other one. That alone
would let the holder of the new key write another past around this entry. So a key is followed only
where a checkpoint covers the entry that was signed by a key known before.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from portal.audit.actions import Action
from portal.audit.tlog.notes import Note, VerifierKey
from portal.core.canonical import canonical

_MADE = f'{{"action":"{Action.SIGNING_KEY_MADE}",'.encode()  # canonical JSON begins with it


@dataclass(frozen=True, slots=True)
class Rotation:
    """What the entry of a new key tells: the key, the one it follows, and what that one signed.

    The first key of a log follows none.
    """

    number: int
    public_key: bytes
    follows: bytes
    endorsement: bytes

    def is_endorsed(self, tenant: str) -> bool:
        """Whether the key before has signed for this one."""
        message = endorsement_of(tenant, self.public_key, self.follows)
        try:
            Ed25519PublicKey.from_public_bytes(self.follows).verify(self.endorsement, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def is_covered(self, notes: Iterable[Note], keys: Iterable[bytes]) -> bool:
        """Whether one of these keys has signed a log that has this entry."""
        covering = [note for note in notes if note.checkpoint.size > self.number]
        return any(is_signed(note, key) for note in covering for key in keys)


@dataclass(slots=True)
class Followed:
    """The public keys that are known now, the rotations that led to them, and those that claim to
    and don't.
    """

    keys: list[bytes]
    rotations: list[Rotation] = field(default_factory=list)
    refused: list[Rotation] = field(default_factory=list)

    def key_at(self, size: int) -> bytes | None:
        """The key that has to have signed a log of this size; None where no rotation tells."""
        earlier = [rotation for rotation in self.rotations if rotation.number < size]
        return earlier[-1].public_key if earlier else None


def endorsement_of(tenant: str, public_key: bytes, follows: bytes) -> bytes:
    """What a key signs for the one after it."""
    return canonical(
        {"follows": encoded(follows), "signing_key": encoded(public_key), "tenant": tenant}
    )


def find_rotations(entries: Iterable[tuple[int, bytes]]) -> Iterator[Rotation]:
    """Those among entries, by their numbers, that are of new keys."""
    for number, body in entries:
        if body.startswith(_MADE) and (entry := _read(body)):
            fields = (_decoded(entry, name) for name in ("public_key", "follows", "endorsement"))
            yield Rotation(number, *fields)


def follow(
    rotations: Sequence[Rotation], notes: Sequence[Note], known: Sequence[bytes], tenant: str
) -> Followed:
    """Go from the keys known to those after them.

    `rotations` come by their numbers. `notes` are those that the log agrees with.
    """
    found = Followed([*known])
    for place, rotation in enumerate(rotations):
        is_endorsed = rotation.is_endorsed(tenant)
        is_next = is_endorsed and rotation.follows in found.keys
        if is_next and rotation.is_covered(notes, found.keys):
            found.rotations.append(rotation)
            found.keys.append(rotation.public_key)
        elif rotation.public_key in found.keys or (place == 0 and not rotation.follows):
            continue
        elif is_next or not is_endorsed:
            found.refused.append(rotation)
    return found


def is_signed(note: Note, public_key: bytes) -> bool:
    """Whether a key has signed a checkpoint in the log's own name."""
    return note.is_signed_by(VerifierKey(note.checkpoint.origin, public_key))


def encoded(value: bytes) -> str:
    """Bytes of a key or a signature as they stand in an entry."""
    return b64encode(value).decode("ascii")


def _read(body: bytes) -> dict[str, Any] | None:
    """What the entry of a new key tells besides."""
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, KeyError, RecursionError):
        return None
    return detail if isinstance(detail, dict) else None


def _decoded(detail: dict[str, Any], name: str) -> bytes:
    try:
        return b64decode(str(detail.get(name, "")), validate=True)
    except ValueError:
        return b""
