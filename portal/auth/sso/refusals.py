"""Why a sign-in by a provider is refused: a short code for the log, an explanation for people."""

from enum import StrEnum
from uuid import UUID

from portal.audit.actions import Action, Outcome
from portal.audit.service import RecordedRefusal


class Reason(StrEnum):
    """What went wrong, in words that help whoever set the provider up."""

    def __new__(cls, value: str, explanation: str) -> "Reason":
        member = str.__new__(cls, value)
        member._value_ = value
        member.explanation = explanation
        return member

    explanation: str

    # Reaching the provider.
    UNREACHABLE = "unreachable", "The provider did not answer, or too slowly."
    FORBIDDEN_ADDRESS = "forbidden-address", "The provider's address leads into a private network."
    REDIRECTED = "redirected", "The provider answered with a redirect where there may be none."
    TOO_LARGE = "too-large", "The provider's answer is too large."
    NOT_JSON = "not-json", "The provider's answer is not what OpenID Connect says it should be."
    PLAIN_HTTP = "plain-http", "The provider names an address that is not https://."
    BUSY = "busy", "Too many people wait for their providers just now. Please try again."
    # Its description of itself.
    ISSUER_DIFFERS = (
        "issuer-differs",
        (
            "The provider calls itself by another issuer than the one that was entered. The two "
            "have to be equal to the letter, a final slash included."
        ),
    )
    METADATA_INCOMPLETE = "metadata-incomplete", "The provider's description lacks an address."
    NO_ALGORITHM = (
        "no-algorithm",
        "The provider offers no signature that is accepted here. RS256 is the usual one.",
    )
    # Coming back from it.
    STALE = (
        "stale",
        (
            "This took too long, was begun in another window or browser, or is finished already. "
            "Please start again."
        ),
    )
    STATE_DIFFERS = (
        "state-differs",
        "The answer does not belong to this browser's request. Please start again.",
    )
    REPEATED = "repeated", "The answer says something twice (RFC 6749, 3.1)."
    RESPONSE_ISSUER = (
        "response-issuer",
        "The answer does not name the provider it was asked of (RFC 9207).",
    )
    PROVIDER_REFUSED = (
        "provider-refused",
        "The provider refused: the person gave up, or may not use this application.",
    )
    PROVIDER_CHANGED = (
        "provider-changed",
        "The provider's settings have changed meanwhile, or it is not offered any more.",
    )
    CODE_REFUSED = (
        "code-refused",
        (
            "The provider did not take the code. Client id, client secret or the redirect address "
            "may be wrong."
        ),
    )
    NO_ID_TOKEN = "no-id-token", "The provider's answer holds no ID token."
    # The ID token.
    TOKEN_MALFORMED = "token-malformed", "The token can't be read."
    TOKEN_HEADER = "token-header", "The token's header names a key or an extension of its own."
    TOKEN_TYPE = "token-type", "The token is of another type."
    TOKEN_ALGORITHM = "token-algorithm", "The token is signed in a way that is not accepted."
    KEY_UNKNOWN = "key-unknown", "The token is signed with a key that the provider doesn't publish."
    SIGNATURE = "signature", "The token's signature is wrong."
    WRONG_ISSUER = "wrong-issuer", "The token is from another issuer."
    WRONG_AUDIENCE = "wrong-audience", "The token is meant for another application."
    NO_SUBJECT = "no-subject", "The token does not say whom it is about."
    EXPIRED = "expired", "The token has expired. Are the clocks right?"
    FROM_FUTURE = "from-future", "The token is from the future. Are the clocks right?"
    NONCE_DIFFERS = "nonce-differs", "The token answers another request."
    NOT_FRESH = "not-fresh", "The provider did not ask anew who it is."
    USERINFO_SUBJECT = "userinfo-subject", "The provider's answers speak of two different people."
    # The person.
    UNKNOWN_PERSON = (
        "unknown-person",
        "Nobody here is linked to this account of the provider. Ask an admin to invite you.",
    )
    NOT_LINKED = (
        "not-linked",
        (
            "There is a member with this e-mail already. Sign in as before, and link the provider "
            "on your account page; or ask an admin for an invitation."
        ),
    )
    EMAIL_UNVERIFIED = (
        "email-unverified",
        "The provider does not say that it has verified the e-mail, so no account is made.",
    )
    EMAIL_DOMAIN = "email-domain", "Accounts are not made for this e-mail's domain."
    DEACTIVATED = "deactivated", "This account can't sign in."
    LINKED_ELSEWHERE = (
        "linked-elsewhere",
        "This account of the provider is linked to somebody else here.",
    )
    OTHER_PERSON = "other-person", "The provider vouched for somebody else."
    OWN_FACTOR = "own-factor", "You have a second factor here. Confirm with that who you are."
    # Logout tokens.
    EVENT_MISSING = "event-missing", "The logout token lacks its event."
    HAS_NONCE = "has-nonce", "A logout token has no nonce."
    REPLAYED = "replayed", "The logout token was used before."


class Unacceptable(Exception):
    """A provider's answer is refused for `reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class SsoRefused(RecordedRefusal):
    """Nobody is signed in by this answer of a provider."""

    action = Action.SIGN_IN_FAILED
    outcome = Outcome.FAILURE

    def __init__(self, reason: Reason, provider_id: UUID | None, **detail: str) -> None:
        target = f"provider:{provider_id or 'unknown'}"
        super().__init__(target, reason.explanation, step="sso", reason=reason.value, **detail)
        self.reason = reason
