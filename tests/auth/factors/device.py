"""A device with a passkey, made of nothing but a key: it answers right, or wrong in one way."""

import json
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256, CoseKey
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from portal.auth.policy.models import SignInPolicy
from tests.browsing import Visitor, forms_of
from tests.installation import PASSWORD, Organisation

FLAG = AuthenticatorData.FLAG
SEEN = FLAG.UP | FLAG.UV  # somebody was there, and it was the one who may use it
BLANK_AAGUID = bytes(16)


class Device:
    """One passkey. What is given beyond the options takes the place of what would be right."""

    def __init__(self, count: int = 0) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.count = count
        self.user_handle = b""
        self.cose: dict[int, Any] = ES256.from_cryptography_key(self.key.public_key())

    def make(self, options: dict[str, Any], base: str, **given: Any) -> str:
        """The answer to a question for a new passkey."""
        self.user_handle = websafe_decode(options["user"]["id"])
        data = self._seen_by(
            given.get("rp_id", options["rp"]["id"]),
            given.get("flags", SEEN) | given.get("attested", FLAG.AT),
            b"" if given.get("attested") == 0 else self._credential(given.get("algorithm")),
        )
        told = self._told(options, base, given, "webauthn.create")
        attestation = AttestationObject.create("none", data, {})
        return self._answer(clientDataJSON=told, attestationObject=attestation)

    def sign(self, options: dict[str, Any], base: str, **given: Any) -> str:
        """The answer to a question for a proof."""
        told = self._told(options, base, given, "webauthn.get")
        data = self._seen_by(given.get("rp_id", options["rpId"]), given.get("flags", SEEN))
        key = given.get("key", self.key)
        return self._answer(
            clientDataJSON=told,
            authenticatorData=data,
            signature=key.sign(data + sha256(told), ec.ECDSA(SHA256())),
            userHandle=given.get("user_handle", self.user_handle),
        )

    def _credential(self, algorithm: int | None) -> bytes:
        public_key = {**self.cose, **({3: algorithm} if algorithm else {})}
        return AttestedCredentialData.create(BLANK_AAGUID, self.id, CoseKey(public_key))

    def _seen_by(self, rp_id: str, flags: int, credential: bytes = b"") -> AuthenticatorData:
        return AuthenticatorData.create(sha256(rp_id.encode()), flags, self.count, credential)

    def _told(self, options: dict[str, Any], base: str, given: Any, kind: str) -> bytes:
        return CollectedClientData.create(
            given.get("type", kind),
            given.get("challenge", options["challenge"]),
            given.get("origin", base),
            cross_origin=given.get("cross_origin", False),
        )

    def _answer(self, **response: bytes) -> str:
        sent = {name: websafe_encode(value) for name, value in response.items() if value}
        own_id = websafe_encode(self.id)
        return json.dumps({"id": own_id, "rawId": own_id, "type": "public-key", "response": sent})


def question(visitor: Visitor, page: str, begin: str) -> dict[str, Any]:
    """What the script on `page` is told to ask the device for."""
    shown = visitor.get(page)
    assert shown.status_code == 200, (page, shown.location)
    assert begin in shown.text
    visitor.csrf_token = token_in(shown.text)
    headers = {"X-CSRFToken": visitor.csrf_token, "Accept": "application/json"}
    answer = visitor.open(begin, "POST", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json["publicKey"]


def token_in(page: str) -> str:
    """What the forms of a page carry."""
    return forms_of(page)[-1].fields["csrf_token"]


def token_on(visitor: Visitor, path: str) -> str:
    return token_in(visitor.get(path).text)


def add_passkey(visitor: Visitor, device: Device | None = None, **given: Any) -> Device:
    """Set up a passkey on the account page of somebody signed in."""
    device = device or Device()
    options = question(visitor, "/account/passkeys/new", "/account/passkeys/begin")
    made = device.make(options, visitor.base, **given)
    answer = visitor.submit("/account/passkeys/new", passkey=made, name="Laptop")
    assert answer.status_code == 302, answer.text
    return device


def to_sign_in(visitor: Visitor) -> dict[str, Any]:
    return question(visitor, "/auth/passkeys/sign-in", "/auth/passkeys/sign-in/begin")


def sign_in(visitor: Visitor, device: Device, **given: Any) -> Any:
    """Sign in by the passkey alone."""
    proof = device.sign(to_sign_in(visitor), visitor.base, **given)
    return visitor.post("/auth/passkeys/sign-in", {"passkey": proof})


def half_way(organisation: Organisation, who: str = "member") -> Visitor:
    """A browser in which somebody has given their password."""
    visitor = organisation.visit()
    visitor.submit("/auth/sign-in", email=organisation[who].email, password=PASSWORD)
    return visitor


def is_inside(visitor: Visitor) -> bool:
    return visitor.get("/account").status_code == 200


def choose(organisation: Organisation, **chosen: object) -> None:
    """Have the organisation choose a policy."""
    limits = {"idle_minutes": 60, "absolute_hours": 12, "password_min_length": 8}
    with organisation.bound(writes=True) as session:
        values = {"factors": ["passkey", "totp"], **limits, **chosen}
        session.add(SignInPolicy(id=organisation.id, **values))
