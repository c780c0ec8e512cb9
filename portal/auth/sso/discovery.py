"""What a provider says of itself, and its keys: fetched, checked, and kept for some minutes."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from portal.auth.sso.cache import cached, may_refetch
from portal.auth.sso.fetch import get_json
from portal.auth.sso.refusals import Reason, Unacceptable
from portal.core.settings import active

MIN_MODULUS_CHARACTERS = 342  # 2048 bits in base64url

# Signatures by a key of the provider's own: never `none`, never a shared secret.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of a provider's description that the portal uses."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    algorithms: frozenset[str]
    names_itself: bool  # in each answer that comes back by the browser (RFC 9207)
    takes_basic: bool
    scopes: frozenset[str]


def get_metadata(issuer: str) -> Metadata:
    """A provider's description. May end the present transaction. Raises `Unacceptable`."""
    metadata: Metadata = cached("metadata", issuer, lambda: _fetch_metadata(issuer))
    return metadata


def find_key(metadata: Metadata, key_id: object) -> Key:
    """The provider's key of that id; one that is not known makes it look once more.

    Without an id there has to be a single key (OpenID Connect Core, 10.1). May end the present
    transaction. Raises `Unacceptable`.
    """

    def fetch() -> list[Key]:
        return _fetch_keys(metadata)

    found = _matching(cached("keys", metadata.issuer, fetch), key_id)
    if not found and may_refetch("keys", metadata.issuer):
        found = _matching(cached("keys", metadata.issuer, fetch), key_id)
    if len(found) != 1:
        raise Unacceptable(Reason.KEY_UNKNOWN)
    return found[0]


def is_address(text: object) -> bool:
    """Whether `text` is an address that the portal would send a browser or a request to."""
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    schemes = ("https",) if active().production else ("https", "http")
    return parts.scheme in schemes and is_whole and not parts.username and not parts.fragment


def _fetch_metadata(issuer: str) -> Metadata:
    found = get_json(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise Unacceptable(Reason.ISSUER_DIFFERS)
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    for name in needed:
        if not is_address(found.get(name)):
            raise Unacceptable(Reason.METADATA_INCOMPLETE)
    algorithms = ALGORITHMS & _texts(found, "id_token_signing_alg_values_supported")
    if not algorithms:
        raise Unacceptable(Reason.NO_ALGORITHM)
    methods = _texts(found, "token_endpoint_auth_methods_supported")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=found["authorization_endpoint"],
        token_endpoint=found["token_endpoint"],
        jwks_uri=found["jwks_uri"],
        userinfo_endpoint=_optional(found, "userinfo_endpoint"),
        end_session_endpoint=_optional(found, "end_session_endpoint"),
        algorithms=algorithms,
        names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        takes_basic=not methods or "client_secret_basic" in methods,
        scopes=_texts(found, "scopes_supported"),
    )


def _fetch_keys(metadata: Metadata) -> list[Key]:
    """The keys that can be understood: one of an unknown kind spoils none of the others."""
    listed = get_json(metadata.jwks_uri).get("keys")
    if not isinstance(listed, list):
        raise Unacceptable(Reason.NOT_JSON)
    keys = []
    for entry in listed[:100]:
        if isinstance(entry, dict) and _is_fit(entry):
            try:
                keys.append(JWKRegistry.import_key(entry))
            except (JoseError, ValueError, TypeError, KeyError):
                continue
    return keys


def _is_fit(entry: dict[str, Any]) -> bool:
    """Whether a key is one to verify signatures with: public, and not too small.

    A library looks for the primes of a private one, which takes for ever if it was made for that.
    """
    if "d" in entry:
        return False
    if entry.get("kty") == "RSA" and len(str(entry.get("n", ""))) < MIN_MODULUS_CHARACTERS:
        return False
    return entry.get("kty") != "oct" and entry.get("use") != "enc"


def _matching(keys: list[Key], key_id: object) -> list[Key]:
    return [key for key in keys if key_id is None or key.get("kid") == key_id]


def _optional(found: dict[str, Any], name: str) -> str | None:
    return found[name] if is_address(found.get(name)) else None


def _texts(found: dict[str, Any], name: str) -> frozenset[str]:
    listed = found.get(name)
    texts = listed if isinstance(listed, list) else []
    return frozenset(text for text in texts if isinstance(text, str))
