"""Signed notes, against the example that Go's own implementation has in its documentation."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.audit.tlog.notes import (
    Checkpoint,
    Malformed,
    Note,
    VerifierKey,
    parse_key,
    parse_note,
    sign_checkpoint,
)

GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SIGNED = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_SIGNATURE = (
    "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM="
)
ORIGIN = "acme.localhost/audit/0198a000-0000-7000-8000-000000000000"
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey(ORIGIN, SECRET.public_key().public_bytes_raw())
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(32))


def signed() -> str:
    return sign_checkpoint(CHECKPOINT, KEY.public_key, SECRET.sign)


class GoNote(Checkpoint):
    """A signed text that is no checkpoint."""

    text = GO_SIGNED


def test_the_example_of_go_verifies_by_its_key_and_by_no_other() -> None:
    name, _, encoded = GO_SIGNATURE.partition(" ")
    line = parse_note(f"{CHECKPOINT.text}\n— {name} {encoded}\n").signatures[0]
    note = Note(GoNote("", 0, b""), [line])
    assert note.is_signed_by(parse_key(GO_KEY))
    assert str(parse_key(GO_KEY)) == GO_KEY
    assert not note.is_signed_by(KEY)
    assert not Note(CHECKPOINT, [line]).is_signed_by(parse_key(GO_KEY))


def test_what_is_signed_is_read_back() -> None:
    note = parse_note(signed())
    assert note.checkpoint == CHECKPOINT
    assert note.is_signed_by(parse_key(str(KEY)))
    assert signed().startswith(f"{ORIGIN}\n7\n{'A' * 43}=\n\n— {ORIGIN} ")


@pytest.mark.parametrize(
    ("old", "new"), [("\n7\n", "\n8\n"), ("AAAA=", "AAAE="), ("acme.localhost/audit", "acme/audit")]
)
def test_a_checkpoint_that_was_altered_is_not_signed(old, new) -> None:
    altered = signed().replace(old, new)
    assert altered != signed()
    assert not parse_note(altered).is_signed_by(KEY)


@pytest.mark.parametrize(
    "text",
    ["", "a\n1\nx\n", signed().replace("\n7\n", f"\n{'9' * 5000}\n"),
     signed().replace("\n7\n", "\n07\n"), signed().replace("\n7\n", "\n-7\n"),
     signed().replace("—", "-"), signed()[:-1], signed().replace("\n\n", "\nmore\n\n"),
     signed() + "x" * 10_001, signed().replace(ORIGIN, f"{ORIGIN}\x1b[2J"),
     signed().replace(ORIGIN, f"{ORIGIN}\x9b2J")],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text) -> None:
    with pytest.raises(Malformed):
        parse_note(text)


@pytest.mark.parametrize(
    "text",
    ["", "a+b", GO_KEY.replace("c74f", "c74e"), GO_KEY.replace("Peter", "Pe ter"),
     str(VerifierKey("a\x1b[2J", KEY.public_key))],
)  # fmt: skip
def test_what_is_no_key_is_refused(text) -> None:
    with pytest.raises(Malformed):
        parse_key(text)
