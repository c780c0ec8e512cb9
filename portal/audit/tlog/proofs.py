"""The proof of one entry as a text (c2sp.org/tlog-proof), with the entry itself along.

The format leaves the extra data to the log: here they are the entry's bytes, so that one file says
what is proved. They are as good as their hash, which the proof is about.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from portal.audit.tlog.hashes import HASH_BYTES, is_included, leaf_hash
from portal.audit.tlog.notes import Malformed, Note, parse_note, parse_number

HEADING = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 64


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry has a place in the log of a checkpoint."""

    entry: bytes
    number: int
    hashes: Sequence[bytes]
    note: str

    def __str__(self) -> str:
        lines = [HEADING, f"extra {_base64(self.entry)}", f"index {self.number}"]
        return "\n".join([*lines, *map(_base64, self.hashes), "", self.note])

    @property
    def signed(self) -> Note:
        """The checkpoint. Raises `Malformed`."""
        return parse_note(self.note)

    @property
    def holds(self) -> bool:
        """Whether the entry is at its place, if the checkpoint is to be believed."""
        checkpoint = self.signed.checkpoint
        leaf = leaf_hash(self.entry)
        return is_included(leaf, self.number, checkpoint.size, checkpoint.root, self.hashes)


def parse_proof(text: str) -> Proof:
    """Read a proof that says what it proves. Raises `Malformed`."""
    head, _, note = text.partition("\n\n")
    heading, *lines = head.split("\n")
    if heading != HEADING or not 2 <= len(lines) <= MOST_HASHES + 2:
        raise Malformed("not a proof of an entry")
    extra, index, *hashes = lines
    if not extra.startswith("extra ") or not index.startswith("index "):
        raise Malformed("not a proof of an entry")
    entry, number = _bytes(extra.removeprefix("extra ")), parse_number(index.removeprefix("index "))
    proof = Proof(entry, number, [*map(_bytes, hashes)], note)
    if any(len(value) != HASH_BYTES for value in proof.hashes):
        raise Malformed("not a proof of an entry")
    parse_note(note)
    return proof


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("not in base64") from None
