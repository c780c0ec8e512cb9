"""Signing out together with the provider, in either direction.

OpenID Connect RP-Initiated Logout and Back-Channel Logout.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.access.decision import Member
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.auth.sessions import end_sessions
from portal.auth.sso.client import Registration
from portal.auth.sso.deadline import within
from portal.auth.sso.discovery import get_metadata
from portal.auth.sso.fetch import ALTOGETHER_SECONDS
from portal.auth.sso.models import IdentityProvider, ProviderState, SeenLogoutToken, SsoSession
from portal.auth.sso.queries import find_provider, registration_of
from portal.auth.sso.refusals import Reason, Unacceptable
from portal.auth.sso.tokens import LEEWAY_SECONDS, check_logout_token, read_token
from portal.core import clock
from portal.core.errors import Invalid
from portal.tenancy.session import db

LOGOUT_TOKEN_TYPES = (None, "jwt", "logout+jwt")
LAST_SECOND = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


class LogoutRefused(RecordedRefusal):
    """A logout token that ends nothing."""

    action = Action.SSO_LOGOUT_REFUSED

    def __init__(self, reason: Reason, provider_id: UUID) -> None:
        super().__init__(f"provider:{provider_id}", reason.explanation, reason=reason.value)


def logout_address(member: Member, redirect_uri: str, state: str) -> str | None:
    """Where to send the browser to sign out at the provider as well; None if there is no need.

    Ends the present transaction. A provider that can't be asked is left alone.
    """
    remembered = db.session.scalars(
        select(SsoSession).where(SsoSession.session_id == member.session_id)
    ).one_or_none()
    if remembered is None:
        return None
    id_token, registration = remembered.id_token, _registration_of(remembered.provider_id)
    try:
        endpoint = get_metadata(registration.issuer).end_session_endpoint
    except Unacceptable:
        return None
    if endpoint is None:
        return None
    query = urlencode(
        {
            "id_token_hint": id_token,
            "client_id": registration.client_id,
            "post_logout_redirect_uri": redirect_uri,
            "state": state,
        }
    )
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def end_by_provider(origin: Actor, logout_token: str) -> int:
    """End the sessions that a logout token names, once; gives the number of those that were live.

    Raises `LogoutRefused`; or `Invalid`, unrecorded, for what names no provider of the tenant's:
    strangers can make up any number.
    """
    provider = _find_sender(logout_token)
    if provider is None:
        raise Invalid(Reason.WRONG_ISSUER.explanation)
    registration = registration_of(provider)
    try:
        claims = _read(logout_token, registration)
        _use(registration, claims)
    except Unacceptable as error:
        raise LogoutRefused(error.reason, registration.provider_id) from None
    ended = end_sessions(_named_by(registration.provider_id, claims))
    record(origin, Action.SSO_SIGNED_OUT, f"provider:{registration.provider_id}", ended=ended)
    return ended


def _registration_of(provider_id: UUID) -> Registration:
    return registration_of(find_provider(provider_id))


def _find_sender(logout_token: str) -> IdentityProvider | None:
    """The provider whom the token says it is from; its signature is still to be checked."""
    try:
        payload = logout_token.split(".")[1]
        issuer = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iss"]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return None
    if not isinstance(issuer, str) or "\0" in issuer or not issuer.isascii():
        return None
    return db.session.scalars(
        select(IdentityProvider).where(
            IdentityProvider.issuer == issuer, IdentityProvider.state != ProviderState.DRAFT
        )
    ).one_or_none()


@within(ALTOGETHER_SECONDS)
def _read(logout_token: str, registration: Registration) -> Mapping[str, Any]:
    metadata = get_metadata(registration.issuer)
    claims = read_token(logout_token, metadata, LOGOUT_TOKEN_TYPES)
    check_logout_token(claims, registration.issuer, registration.client_id, clock.now())
    return claims


def _use(registration: Registration, claims: Mapping[str, Any]) -> None:
    """Two that come at the same time meet in the database's constraint."""
    name = f"{registration.issuer}\0{claims['jti']}".encode("utf-8", "replace")
    until = min(claims["exp"] + LEEWAY_SECONDS, LAST_SECOND)
    db.session.add(
        SeenLogoutToken(
            token_hash=hashlib.sha256(name).digest(), expires_at=datetime.fromtimestamp(until, UTC)
        )
    )
    try:
        db.session.flush()
    except IntegrityError:
        raise Unacceptable(Reason.REPLAYED) from None


def _named_by(provider_id: UUID, claims: Mapping[str, Any]) -> list[UUID]:
    """The sessions of the person, or the one session of theirs, that the token names."""
    named = select(SsoSession.session_id).where(SsoSession.provider_id == provider_id)
    if "sub" in claims:
        named = named.where(SsoSession.subject == claims["sub"])
    if "sid" in claims:
        named = named.where(SsoSession.provider_session == claims["sid"])
    return list(db.session.scalars(named))
