"""A tenant's own signature: as RFC 8032 says, with a key that nobody else has."""

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from portal.access.reviews.models import AccessReview
from portal.audit.actor import OPERATOR
from portal.core.ids import new_id
from portal.keys.columns import seal
from portal.keys.models import SIGNING_SECRET, SigningKey
from portal.keys.providers import KeyDamaged
from portal.keys.signing import (
    Signature,
    get_signing_key,
    is_genuine,
    pem_of,
    rotate_signing_key,
    sign,
)

# RFC 8032, section 7.1: secret key, public key, message, signature.
VECTORS = {
    "TEST 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "TEST 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "TEST 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
}


@pytest.fixture
def bare(portal, acme):
    """The organisation before it ever signed anything."""
    with acme.bound(writes=True) as session:
        session.execute(delete(AccessReview))
        session.execute(delete(SigningKey))
    return acme


@pytest.mark.parametrize("name", VECTORS)
def test_it_signs_as_the_standard_says(bare, name) -> None:
    secret, public, message, expected = map(bytes.fromhex, VECTORS[name])
    with bare.bound(writes=True) as session:
        key = SigningKey(id=new_id(), public_key=public)
        key.secret_sealed = seal(*SIGNING_SECRET, key.id, secret)
        session.add(key)
        session.flush()
        signature = sign(message)
        assert signature == Signature(key.id, expected)
        assert is_genuine(message, signature)
        assert not is_genuine(message + b"\0", signature)


def test_the_first_key_is_made_by_the_way_and_serves_from_then_on(bare) -> None:
    with bare.bound(writes=True) as session:
        first, second = sign(b"one"), sign(b"two")
        assert first.key_id == second.key_id
        assert len(session.scalars(select(SigningKey)).all()) == 1
    assert [row["action"] for row in bare.log()] == ["signing-key.made"]


def test_a_message_has_one_signature_and_another_none(acme) -> None:
    with acme.bound(writes=True):
        signature = sign(b"what was said")
        assert not is_genuine(b"what was meant", signature)
        for at in (0, 31, 32, 63):
            value = bytearray(signature.value)
            value[at] ^= 1
            assert not is_genuine(b"what was said", Signature(signature.key_id, bytes(value)))
        assert not is_genuine(b"what was said", Signature(new_id(), signature.value))
        assert not is_genuine(b"what was said", Signature(signature.key_id, b""))


def test_another_organisation_neither_signs_nor_verifies_with_it(acme, globex) -> None:
    with acme.bound(writes=True):
        signature = sign(b"ours")
    with globex.bound(writes=True):
        assert not is_genuine(b"ours", signature)
        assert sign(b"ours").key_id != signature.key_id


def test_after_a_rotation_the_new_key_signs_and_the_old_one_verifies(acme) -> None:
    with acme.bound(writes=True):
        before = sign(b"before")
        made = rotate_signing_key(OPERATOR)
        after = sign(b"after")
        assert after.key_id == made.id != before.key_id
        assert get_signing_key(before.key_id).retired_at is not None
        assert is_genuine(b"before", before)
        assert is_genuine(b"after", after)
        assert "BEGIN PUBLIC KEY" in pem_of(made.public_key)
    assert acme.log()[-1]["actor_kind"] == "operator"


def test_there_is_one_live_key(acme) -> None:
    with acme.bound() as session:
        session.add(SigningKey(public_key=b"\0" * 32, secret_sealed=b""))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def test_the_secret_part_is_sealed_for_its_row(portal, acme) -> None:
    with acme.bound(writes=True) as session:
        live = session.scalars(select(SigningKey)).one()
        made = rotate_signing_key(OPERATOR)
        made.secret_sealed = live.secret_sealed
        session.flush()
        with pytest.raises(KeyDamaged):
            sign(b"with a key from another row")
        session.rollback()
