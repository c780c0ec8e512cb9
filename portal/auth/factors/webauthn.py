"""Passkeys as WebAuthn describes them: what a browser is asked, and whether its answer is right.

The relying party is the tenant's own host and no domain above it, so a passkey of one tenant is
none on another's. The user has always to be verified: a passkey stands for two factors.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from fido2.cose import ES256, RS256, CoseKey, EdDSA
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorTransport,
    CollectedClientData,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from portal.auth.factors.models import Passkey
from portal.core.settings import active
from portal.tenancy.binding import bound
from portal.users.models import User

ALGORITHMS = (EdDSA.ALGORITHM, ES256.ALGORITHM, RS256.ALGORITHM)
MAX_ID_BYTES = 1023  # WebAuthn Level 3, 7.1, step 25
TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)

Response = TypeVar("Response", RegistrationResponse, AuthenticationResponse)
Request = tuple[dict[str, Any], dict[str, Any]]  # what to ask the browser, what to remember of it


class WrongAnswer(Exception):
    """The browser's answer is not acceptable. The text says why, for the audit log."""


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What a new passkey has told of itself."""

    id: bytes
    data: bytes
    sign_count: int
    transports: list[str]
    is_synced: bool


@dataclass(frozen=True, slots=True)
class Use:
    """What a passkey has told of itself in use."""

    sign_count: int
    is_synced: bool


def ask_for_new(host: str, user: User, known: Sequence[Passkey]) -> Request:
    """Ask for a passkey that can sign in by itself, on a device that holds none of the `known`."""
    options, state = _server(host).register_begin(
        PublicKeyCredentialUserEntity(id=user.id.bytes, name=user.email, display_name=user.name),
        credentials=[_descriptor(passkey) for passkey in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options), state


def ask_for_proof(host: str, known: Sequence[Passkey]) -> Request:
    """Ask for one of the `known` passkeys; of none, for any that the device has for this host."""
    options, state = _server(host).authenticate_begin(
        [_descriptor(passkey) for passkey in known] or None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options), state


def check_new(host: str, state: dict[str, Any], text: str) -> NewCredential:
    """The passkey that the browser has made. Raises `WrongAnswer`."""
    answer = _read(RegistrationResponse, text)
    _check_frame(answer.response.client_data)
    seen = answer.response.attestation_object.auth_data
    made = seen.credential_data
    if made is None:
        raise WrongAnswer("no credential")
    with _answering():
        _server(host).register_complete(state, answer)
    _check_key(made.public_key)
    if len(made.credential_id) > MAX_ID_BYTES:
        raise WrongAnswer("too long an id")
    return NewCredential(
        made.credential_id, bytes(made), seen.counter, _transports(text), seen.is_backed_up()
    )


def read_proof(text: str) -> AuthenticationResponse:
    """A browser's answer, not yet checked. Raises `WrongAnswer`."""
    return _read(AuthenticationResponse, text)


def check_proof(
    host: str, state: dict[str, Any], passkey: Passkey, answer: AuthenticationResponse
) -> Use:
    """Whether `passkey` has signed what it was asked to. Raises `WrongAnswer`."""
    _check_frame(answer.response.client_data)
    with _answering():
        _server(host).authenticate_complete(
            state, [AttestedCredentialData(passkey.credential)], answer
        )
    seen = answer.response.authenticator_data
    return Use(seen.counter, seen.is_backed_up())


def _server(host: str) -> Fido2Server:
    origin = active().address_of(host)
    server = Fido2Server(
        PublicKeyCredentialRpEntity(name=bound().tenant.name, id=host),
        verify_origin=lambda given: given == origin,  # scheme and port as well
    )
    server.allowed_algorithms = [
        PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=algorithm)
        for algorithm in ALGORITHMS
    ]
    return server


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        type=PublicKeyCredentialType.PUBLIC_KEY,
        id=passkey.credential_id,
        transports=[AuthenticatorTransport(name) for name in passkey.transports] or None,
    )


def _read(kind: type[Response], text: str) -> Response:
    answer: Response | None
    try:
        answer = kind.from_dict(json.loads(text))
    except Exception:  # noqa: BLE001  # there is no end of ways in which foreign CBOR can be wrong
        answer = None
    if answer is None:
        raise WrongAnswer("malformed")
    return answer


@contextmanager
def _answering() -> Iterator[None]:
    """The library refuses by ValueErrors with fixed texts."""
    try:
        yield
    except ValueError as error:
        raise WrongAnswer(str(error)[:100]) from None


def _check_frame(client_data: CollectedClientData) -> None:
    if client_data.cross_origin:
        raise WrongAnswer("in a frame of another origin")


def _check_key(key: CoseKey) -> None:
    """Refuse a key of another algorithm, and one that no signature could ever be checked with."""
    if key.ALGORITHM not in ALGORITHMS:
        raise WrongAnswer("another algorithm")
    try:
        key.verify(b"", b"")
    except InvalidSignature:
        return
    except Exception:  # noqa: BLE001  # as above: its parts are whatever the browser has sent
        raise WrongAnswer("unusable key") from None


def _transports(text: str) -> list[str]:
    """How the browser says that the passkey is reached, in words that are known."""
    named = json.loads(text)["response"].get("transports")
    return [name for name in sorted(TRANSPORTS) if isinstance(named, list) and name in named]
