"""Signed checkpoints as text (c2sp.org/tlog-checkpoint in c2sp.org/signed-note), with Ed25519."""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from portal.audit.tlog.hashes import HASH_BYTES

ED25519 = b"\1"
SIGNATURE_BEGINS = "\N{EM DASH} "
MAX_NOTE_BYTES = 10_000
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


class Malformed(ValueError):
    """A text is no checkpoint, or no key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How large a log was at one moment, and the root of its tree then."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name of the log that signs by it."""

    name: str
    public_key: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature says which key made it."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_base64(ED25519 + self.public_key)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint with its signatures: (name, key id, signature)."""

    checkpoint: Checkpoint
    signatures: Sequence[tuple[str, bytes, bytes]]

    def is_signed_by(self, key: VerifierKey) -> bool:
        """Whether one of the signatures is this key's, and genuine. A wrong one decides."""
        message, public = self.checkpoint.text.encode(), key.public_key
        own = [
            made for name, key_id, made in self.signatures if (name, key_id) == (key.name, key.id)
        ]
        try:
            for signature in own:
                Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except InvalidSignature:
            return False
        return bool(own)


def sign_checkpoint(
    checkpoint: Checkpoint, public_key: bytes, sign: Callable[[bytes], bytes]
) -> str:
    """The note of a checkpoint, signed in the log's own name."""
    return f"{checkpoint.text}\n{_signed_line(checkpoint, public_key, sign)}"


def countersign(note: str, public_key: bytes, sign: Callable[[bytes], bytes]) -> str:
    """The same note with the signature of one key more. Raises `Malformed`."""
    return note + _signed_line(parse_note(note).checkpoint, public_key, sign)


def parse_note(text: str) -> Note:
    """Read a signed checkpoint. Raises `Malformed`.

    Lines between the root and the signatures (extensions) are not read: this log makes none. The
    format forbids control characters; whoever shows the origin on a terminal relies on that.
    """
    body, found, signatures = text.partition("\n\n")
    lines = body.split("\n")
    if not found or len(lines) != 3 or len(text) > MAX_NOTE_BYTES:
        raise Malformed("not a signed checkpoint")
    origin, size, root = lines
    if not origin or not origin.isprintable():
        raise Malformed("not a signed checkpoint")
    checkpoint = Checkpoint(origin, parse_number(size), _bytes(root))
    if len(checkpoint.root) != HASH_BYTES or not signatures.endswith("\n"):
        raise Malformed("not a signed checkpoint")
    return Note(checkpoint, [_signature(line) for line in signatures[:-1].split("\n")])


def parse_key(text: str) -> VerifierKey:
    """Read a verifier key. Raises `Malformed`."""
    name, _, rest = text.strip().partition("+")
    key_id, _, public = rest.partition("+")
    found = _bytes(public)
    key = VerifierKey(name, found[1:])
    if found[:1] != ED25519 or len(found) != 33 or key.id.hex() != key_id or not _is_name(name):
        raise Malformed("not a verifier key for Ed25519")
    return key


def parse_number(text: str) -> int:
    """Read a decimal number as it is written. Raises `Malformed`."""
    if not NUMBER.fullmatch(text):
        raise Malformed("not a number")
    return int(text)


def _signed_line(checkpoint: Checkpoint, public_key: bytes, sign: Callable[[bytes], bytes]) -> str:
    key = VerifierKey(checkpoint.origin, public_key)
    signature = _base64(key.id + sign(checkpoint.text.encode()))
    return f"{SIGNATURE_BEGINS}{key.name} {signature}\n"


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(SIGNATURE_BEGINS).partition(" ")
    found = _bytes(encoded)
    if not line.startswith(SIGNATURE_BEGINS) or not _is_name(name) or len(found) < 5:
        raise Malformed("not a signature line")
    return name, found[:4], found[4:]


def _is_name(text: str) -> bool:
    return text.isprintable() and bool(text) and not any(s.isspace() or s == "+" for s in text)


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("not in base64") from None
