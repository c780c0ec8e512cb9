"""The portal as a client of a provider: the request it sends people with, and the code's exchange.

Authorization code with PKCE (RFC 7636), as OpenID Connect Core 3.1 tells it.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import requests
from authlib.integrations.requests_client import OAuth2Session, OAuthError

from portal.auth.sso.discovery import Metadata
from portal.auth.sso.fetch import get_json, prepare
from portal.auth.sso.outages import asking
from portal.auth.sso.refusals import Reason, Unacceptable

SCOPES = ("openid", "email", "profile")
VERIFIED = frozenset({"email_verified", "xms_edov"})  # said of the e-mail that stands beside it


@dataclass(frozen=True, slots=True)
class Registration:
    """How the portal is registered at a provider, apart from any row: it outlives transactions."""

    provider_id: UUID
    name: str
    issuer: str
    client_id: str
    client_secret: str
    groups_claim: str


@dataclass(frozen=True, slots=True)
class Secrets:
    """What ties an answer to its request: to the browser, to the token, and to this client."""

    state: str
    nonce: str
    verifier: str


def authorization_address(
    registration: Registration,
    metadata: Metadata,
    secrets: Secrets,
    redirect_uri: str,
    **more: str,
) -> str:
    """Where to send the browser."""
    with _session(registration, metadata, redirect_uri) as session:
        address, _ = session.create_authorization_url(
            metadata.authorization_endpoint,
            state=secrets.state,
            nonce=secrets.nonce,
            code_verifier=secrets.verifier,
            scope=_scope(registration, metadata),
            **more,
        )
    return address


def exchange_code(
    registration: Registration, metadata: Metadata, secrets: Secrets, redirect_uri: str, code: str
) -> Mapping[str, Any]:
    """The provider's tokens for a code. Ends the present transaction. Raises `Unacceptable`.

    What goes wrong once there is a connection is no outage: strangers choose what is sent as code.
    """
    with _session(registration, metadata, redirect_uri) as session:
        prepare(session)
        try:
            with asking(registration.issuer):
                tokens = session.fetch_token(
                    metadata.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=secrets.verifier,
                )
        except (requests.ConnectionError, requests.Timeout):
            raise Unacceptable(Reason.UNREACHABLE) from None
        except (OAuthError, requests.RequestException, ValueError, TypeError, RecursionError):
            raise Unacceptable(Reason.CODE_REFUSED) from None
    if not isinstance(tokens.get("id_token"), str):
        raise Unacceptable(Reason.NO_ID_TOKEN)
    return tokens


def add_userinfo(
    registration: Registration,
    metadata: Metadata,
    claims: dict[str, Any],
    tokens: Mapping[str, Any],
) -> dict[str, Any]:
    """The claims, with what the provider keeps for a question of its own.

    Some leave e-mail and groups out of the ID token. What stands in it is never replaced.
    """
    wanted = {"email", registration.groups_claim} - {""}
    access_token = tokens.get("access_token")
    if wanted <= claims.keys() or not metadata.userinfo_endpoint:
        return claims
    if not isinstance(access_token, str) or not access_token.isascii():
        return claims
    found = get_json(metadata.userinfo_endpoint, bearer=access_token)
    if found.get("sub") != claims["sub"]:  # OpenID Connect Core, 5.3.2
        raise Unacceptable(Reason.USERINFO_SUBJECT)
    if found.get("email") != claims.get("email", found.get("email")):
        found = {name: value for name, value in found.items() if name not in VERIFIED}
    return found | claims


def _session(registration: Registration, metadata: Metadata, redirect_uri: str) -> OAuth2Session:
    return OAuth2Session(
        registration.client_id,
        registration.client_secret,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method=_basic if metadata.takes_basic else "client_secret_post",
    )


def _basic(client: Any, _method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, Any]:
    """Client id and secret are form-encoded first (RFC 6749, 2.3.1); Authlib leaves that out."""
    pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
    headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return uri, headers, body


def _scope(registration: Registration, metadata: Metadata) -> str:
    asks_groups = registration.groups_claim and "groups" in metadata.scopes
    return " ".join((*SCOPES, *(("groups",) if asks_groups else ())))
