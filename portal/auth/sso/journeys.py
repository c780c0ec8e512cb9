"""To a provider and back: the request a browser takes along, and what is made of the answer.

What has to be remembered meanwhile lies in a ceremony; its token is in the browser's cookie, so an
answer that another browser was sent with finds nothing.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from portal.access.decision import Member
from portal.audit.actor import Actor
from portal.auth import ceremonies
from portal.auth.ceremonies import Kind, StaleCeremony
from portal.auth.sso import cache, outages
from portal.auth.sso.client import (
    Registration,
    Secrets,
    add_userinfo,
    authorization_address,
    exchange_code,
)
from portal.auth.sso.deadline import within
from portal.auth.sso.discovery import Metadata, get_metadata
from portal.auth.sso.fetch import ALTOGETHER_SECONDS
from portal.auth.sso.models import ProviderState
from portal.auth.sso.queries import find_provider, registration_of
from portal.auth.sso.refusals import Reason, SsoRefused, Unacceptable
from portal.auth.sso.tokens import Expected, check_id_token, read_token
from portal.core import clock
from portal.core.errors import NotFound

ID_TOKEN_TYPES = (None, "jwt")


class Purpose(StrEnum):
    """What somebody was sent to a provider for."""

    SIGN_IN = "sign-in"
    INVITATION = "invitation"
    LINK = "link"
    STEP_UP = "step-up"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """What is remembered until somebody comes back. `carried` is the purpose's own."""

    purpose: Purpose
    provider_id: str
    issuer: str
    redirect_uri: str
    state: str
    nonce: str
    verifier: str
    begun_at: float
    then: str = ""
    carried: dict[str, Any] = field(default_factory=dict)

    @property
    def secrets(self) -> Secrets:
        """What ties the answer to the request."""
        return Secrets(self.state, self.nonce, self.verifier)


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send a browser, and the token that its cookie has to hold meanwhile."""

    address: str
    token: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a provider said of somebody, checked."""

    registration: Registration
    claims: Mapping[str, Any]
    id_token: str

    @property
    def subject(self) -> str:
        """Who it is, to this provider."""
        return str(self.claims["sub"])


def depart(
    actor: Actor,
    registration: Registration,
    purpose: Purpose,
    *,
    redirect_uri: str,
    then: str | None = None,
    carried: dict[str, Any] | None = None,
    **asked: str,
) -> Departure:
    """Begin a journey to a provider. Ends the present transaction. Raises `SsoRefused`.

    A test asks the provider itself, whatever is remembered of it.
    """
    if purpose == Purpose.TEST:
        cache.forget(registration.issuer)
    try:
        metadata = get_metadata(registration.issuer)
    except Unacceptable as error:
        raise SsoRefused(error.reason, registration.provider_id) from None
    journey = Journey(
        purpose=purpose,
        provider_id=str(registration.provider_id),
        issuer=registration.issuer,
        redirect_uri=redirect_uri,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        begun_at=clock.now().timestamp(),
        then=then or "",
        carried=carried or {},
    )
    address = authorization_address(registration, metadata, journey.secrets, redirect_uri, **asked)
    return Departure(address, ceremonies.begin(Kind.SSO, asdict(journey), _session_of(actor)))


def take_up(actor: Actor, token: str | None) -> Journey:
    """The journey from which a browser comes back, once. Raises `SsoRefused`."""
    try:
        remembered = ceremonies.finish(Kind.SSO, token, _session_of(actor))
    except StaleCeremony:
        raise SsoRefused(Reason.STALE, None) from None
    return Journey(**remembered | {"purpose": Purpose(remembered["purpose"])})


@within(ALTOGETHER_SECONDS)
def arrive(journey: Journey, answer: Sequence[tuple[str, str]], steps: list[str]) -> Vouched:
    """What the provider says of whoever comes back with `answer`; each step that went well is told.

    `answer` holds the parameters as they came. Ends the present transaction. Raises `SsoRefused`.
    """
    provider_id = UUID(journey.provider_id)
    if journey.purpose == Purpose.TEST:
        outages.forget(journey.issuer)
    try:
        registration = _registration_for(journey)
        metadata = get_metadata(registration.issuer)
        steps.append(f"The provider’s description was read; it calls itself {metadata.issuer}.")
        steps.append(f"Accepted signatures: {', '.join(sorted(metadata.algorithms))}.")
        code = _code_in(_each_once(answer), journey, metadata)
        steps.append("The answer belongs to this browser’s request.")
        tokens = exchange_code(registration, metadata, journey.secrets, journey.redirect_uri, code)
        steps.append("The provider took the code and gave an ID token.")
        claims = read_token(tokens["id_token"], metadata, ID_TOKEN_TYPES)
        steps.append("The token is signed with a key that the provider publishes.")
        expected = _expected_of(journey, registration)
        check_id_token(claims, expected, clock.now(), steps.append)
        return Vouched(
            registration, add_userinfo(registration, metadata, claims, tokens), tokens["id_token"]
        )
    except Unacceptable as error:
        raise SsoRefused(error.reason, provider_id, purpose=journey.purpose.value) from None


def _session_of(actor: Actor) -> UUID | None:
    return actor.session_id if isinstance(actor, Member) else None


def _registration_for(journey: Journey) -> Registration:
    """The provider as it is now, unless that is another than the one that was asked."""
    try:
        provider = find_provider(UUID(journey.provider_id))
    except NotFound:
        raise Unacceptable(Reason.PROVIDER_CHANGED) from None
    is_open = provider.state == ProviderState.OFFERED or journey.purpose == Purpose.TEST
    if provider.issuer != journey.issuer or not is_open:
        raise Unacceptable(Reason.PROVIDER_CHANGED)
    return registration_of(provider)


def _each_once(answer: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The parameters by name. None may come twice, or one could be checked and another used
    (RFC 6749, 3.1).
    """
    named = dict(answer)
    if len(named) < len(answer):
        raise Unacceptable(Reason.REPEATED)
    return named


def _code_in(answer: Mapping[str, str], journey: Journey, metadata: Metadata) -> str:
    """The code of an answer that is ours, and the asked provider's (RFC 9207)."""
    state = answer.get("state", "").encode("utf-8", "replace")
    if not hmac.compare_digest(state, journey.state.encode()):
        raise Unacceptable(Reason.STATE_DIFFERS)
    named = answer.get("iss")
    if named != metadata.issuer and (named is not None or metadata.names_itself):
        raise Unacceptable(Reason.RESPONSE_ISSUER)
    if "error" in answer or not answer.get("code"):
        raise Unacceptable(Reason.PROVIDER_REFUSED)
    return answer["code"]


def _expected_of(journey: Journey, registration: Registration) -> Expected:
    begun = datetime.fromtimestamp(journey.begun_at, UTC)
    return Expected(
        issuer=registration.issuer,
        client_id=registration.client_id,
        nonce=journey.nonce,
        signed_in_since=begun if journey.purpose == Purpose.STEP_UP else None,
    )
