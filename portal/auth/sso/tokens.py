"""Tokens that a provider signs: the signature first, then every claim by itself.

OpenID Connect Core 3.1.3.7 and Back-Channel Logout 2.6; what Authlib leaves open is closed here.
"""

import hmac
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from portal.auth.sso.discovery import Metadata, find_key
from portal.auth.sso.refusals import Reason, Unacceptable

LEEWAY_SECONDS = 30
MAX_AGE_SECONDS = 600 + LEEWAY_SECONDS  # whatever a token says itself: it is used where it is made
MAX_BYTES = 64 * 1024
MAX_SUBJECT = 255  # OpenID Connect Core, 2
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

# A token brings no key of its own, nor extensions that we would have to understand.
FORBIDDEN_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64"})

# RFC 8176: what was known or was a part of the person, and what they had with them.
_KNOWN = frozenset({"pwd", "pin", "kba", "fpt", "face", "iris", "retina", "vbm"})
_HELD = frozenset({"otp", "hwk", "swk", "sc", "sms", "tel", "pop"})
# Phishing-resistant (OpenID Connect EAP ACR Values), and what PAPE called multi-factor.
_MULTI_FACTOR_CONTEXTS = frozenset(
    {"phr", "phrh", "http://schemas.openid.net/pape/policies/2007/06/multi-factor"}
)

Claims = Mapping[str, Any]
Tell = Callable[[str], None]


def untold(_step: str) -> None:
    """For checks whose steps nobody looks at."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token has to say."""

    issuer: str
    client_id: str
    nonce: str
    signed_in_since: datetime | None = None  # where the provider had to ask anew


def read_token(text: str, metadata: Metadata, types: Collection[str | None]) -> dict[str, Any]:
    """The claims of a token whose header and signature are right. Raises `Unacceptable`."""
    if len(text) > MAX_BYTES:
        raise Unacceptable(Reason.TOO_LARGE)
    registry = jws.JWSRegistry(algorithms=sorted(metadata.algorithms), strict_check_header=False)
    header = _header_of(text, registry)
    _check_header(header, metadata, types)
    key = find_key(metadata, header.get("kid"))
    try:
        return jwt.decode(text, key, registry=registry).claims
    except (JoseError, ValueError, TypeError, RecursionError):
        raise Unacceptable(Reason.SIGNATURE) from None


def check_id_token(claims: Claims, expected: Expected, now: datetime, tell: Tell = untold) -> None:
    """Raises `Unacceptable` unless the token says that somebody was signed in for us, just now.

    Each check that went well is told.
    """
    check_common(claims, expected.issuer, expected.client_id, now, tell)
    if not is_subject(claims.get("sub")):
        raise Unacceptable(Reason.NO_SUBJECT)
    tell("“sub” names the person: " + claims["sub"] + ".")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode("utf-8", "replace"), expected.nonce.encode()
    ):
        raise Unacceptable(Reason.NONCE_DIFFERS)
    tell("“nonce” is that of this request.")
    if expected.signed_in_since is not None:
        _check_asked_anew(claims, expected.signed_in_since, now)


def check_logout_token(claims: Claims, issuer: str, client_id: str, now: datetime) -> None:
    """Raises `Unacceptable` unless the token tells us to end sessions, now."""
    check_common(claims, issuer, client_id, now)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise Unacceptable(Reason.EVENT_MISSING)
    if "nonce" in claims:
        raise Unacceptable(Reason.HAS_NONCE)
    named = [claims[name] for name in ("sub", "sid") if name in claims]
    if not named or not all(map(is_subject, named)):
        raise Unacceptable(Reason.NO_SUBJECT)
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise Unacceptable(Reason.TOKEN_MALFORMED)


def check_common(
    claims: Claims, issuer: str, client_id: str, now: datetime, tell: Tell = untold
) -> None:
    """Raises `Unacceptable` unless the token is `issuer`'s, for us alone, and of this time."""
    if claims.get("iss") != issuer:
        raise Unacceptable(Reason.WRONG_ISSUER)
    tell("“iss” is the issuer that was entered.")
    if not _is_for(claims, client_id):
        raise Unacceptable(Reason.WRONG_AUDIENCE)
    tell("“aud” is our client id.")
    at = now.timestamp()
    if not _number(claims, "exp") or not claims["exp"] + LEEWAY_SECONDS > at:
        raise Unacceptable(Reason.EXPIRED)
    if _number(claims, "iat") and not claims["iat"] + MAX_AGE_SECONDS > at:
        raise Unacceptable(Reason.EXPIRED)
    is_dated = _number(claims, "iat") and (_number(claims, "nbf") or "nbf" not in claims)
    if not is_dated or not max(claims["iat"], claims.get("nbf", 0)) <= at + LEEWAY_SECONDS:
        raise Unacceptable(Reason.FROM_FUTURE)
    tell("“iat” and “exp” fit the present time.")


def is_multi_factor(claims: Claims) -> bool:
    """Whether the provider says that it saw more than one factor.

    One method alone is not more than one, however good: `hwk` may be a key that nobody unlocked.
    """
    listed = claims.get("amr")
    methods = {m for m in listed if isinstance(m, str)} if isinstance(listed, list) else set()
    context = claims.get("acr")
    return (
        "mfa" in methods
        or bool(methods & _KNOWN and methods & _HELD)
        or (isinstance(context, str) and context in _MULTI_FACTOR_CONTEXTS)
    )


def is_subject(value: object) -> bool:
    """Whether `value` can name a person, or a session of theirs."""
    return isinstance(value, str) and 0 < len(value) <= MAX_SUBJECT and value.isprintable()


def _header_of(text: str, registry: jws.JWSRegistry) -> dict[str, Any]:
    """The header of a token, of which nothing was verified yet."""
    try:
        return dict(jws.extract_compact(text.encode(), registry=registry).headers())
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        raise Unacceptable(Reason.TOKEN_MALFORMED) from None


def _check_header(
    header: dict[str, Any], metadata: Metadata, types: Collection[str | None]
) -> None:
    if FORBIDDEN_HEADERS & header.keys():
        raise Unacceptable(Reason.TOKEN_HEADER)
    kind = header.get("typ")
    if (kind.lower() if isinstance(kind, str) else kind) not in types:
        raise Unacceptable(Reason.TOKEN_TYPE)
    if not isinstance(header.get("alg"), str) or header["alg"] not in metadata.algorithms:
        raise Unacceptable(Reason.TOKEN_ALGORITHM)


def _check_asked_anew(claims: Claims, since: datetime, now: datetime) -> None:
    """Raises `Unacceptable` unless the person was asked who they are after `since`."""
    if not _number(claims, "auth_time"):
        raise Unacceptable(Reason.NOT_FRESH)
    if claims["auth_time"] < since.timestamp() - LEEWAY_SECONDS:
        raise Unacceptable(Reason.NOT_FRESH)
    if claims["auth_time"] > now.timestamp() + LEEWAY_SECONDS:
        raise Unacceptable(Reason.FROM_FUTURE)


def _is_for(claims: Claims, client_id: str) -> bool:
    """Whether we are among the audience; with others in it, the token must be issued to us."""
    audience = claims.get("aud")
    listed = [audience] if isinstance(audience, str) else audience
    if not isinstance(listed, list) or client_id not in listed:
        return False
    party = claims.get("azp", client_id if len(listed) == 1 else None)
    return bool(party == client_id)


def _number(claims: Claims, name: str) -> bool:
    """Whether a claim is a number; JSON as Python reads it has also NaN and infinities."""
    value = claims.get(name)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)
