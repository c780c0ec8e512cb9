"""A certificate of destruction is verified by whoever gets it, from whomever."""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.cli import portal as command
from portal.core.canonical import canonical
from portal.keys.certificates import FORMAT, NotGenuine

FACTS: dict[str, Any] = {
    "agreed": {"by": {"id": "", "kind": "user", "name": "Peter G"}},
    "asked": {"by": {"kind": "operator"}},
    "encryption_keys": [{"id": "", "version": 1}],
    "format": FORMAT,
    "organisation": {"id": "", "name": "Initech", "slug": "initech"},
    "signed_at": "2026-01-01T00:00:00+00:00",
}


def pem_of(secret: Ed25519PrivateKey) -> str:
    return (
        secret.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode("ascii")
    )


def certificate(secret: Ed25519PrivateKey, pem: str = "", **facts: Any) -> bytes:
    public = b64encode(secret.public_key().public_bytes_raw()).decode("ascii")
    key = {"id": "", "ed25519": public, "pem": pem or pem_of(secret)}
    told = {name: value for name, value in (FACTS | {"key": key} | facts).items() if value}
    signature = b64encode(secret.sign(canonical(told))).decode("ascii")
    return canonical(told | {"signature": signature})


@pytest.fixture
def shown(tmp_path: Path) -> Callable[[bytes], str]:
    """What `portal key verify-certificate` says of a file. Raises what it raises."""

    def show(content: bytes) -> str:
        (file := tmp_path / "certificate.json").write_bytes(content)
        words = ["key", "verify-certificate", str(file)]
        return CliRunner().invoke(command, words, catch_exceptions=False).output

    return show


def test_the_key_that_is_shown_is_the_one_that_signed(shown) -> None:
    """Whoever compares it with the one that they kept would else believe a forged one."""
    ours, theirs = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    assert pem_of(ours) in shown(certificate(ours))
    with pytest.raises(NotGenuine):
        shown(certificate(theirs, pem_of(ours)))


@pytest.mark.parametrize("missing", FACTS)
def test_what_lacks_something_is_no_certificate(shown, missing) -> None:
    with pytest.raises(NotGenuine):
        shown(certificate(Ed25519PrivateKey.generate(), **{missing: None}))


@pytest.mark.parametrize("content", [b"[]", b"[" * 100_000, b'"', b"{}", b"\xff"])
def test_what_is_none_is_refused(shown, content) -> None:
    with pytest.raises(NotGenuine):
        shown(content)


def test_no_name_in_it_writes_over_what_is_shown(shown) -> None:
    secret = Ed25519PrivateKey.generate()
    clean = shown(certificate(secret))
    for name in ("Initech\x1b[2J", "Initech\nsigned by the key", "Initech\u202e"):
        organisation = FACTS["organisation"] | {"name": name}
        page = shown(certificate(secret, organisation=organisation))
        assert len(page.splitlines()) == len(clean.splitlines())
        assert page.replace("\n", "").isprintable()
    assert json.loads(certificate(secret))["organisation"]["name"] in clean
