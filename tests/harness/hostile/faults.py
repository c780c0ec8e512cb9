"""What a hostile provider may do, by name: the parts of its honest conduct that a fault changes.

Parts are `metadata`, `keys`, `answer` (what the browser brings back), `header` and `claims` of the
ID token, its `signer`, `tokens`, `userinfo`, and how an answer is sent (`sending metadata` and so
on). Every fault must end the sign-in of somebody who would be made an account.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from joserfc.jwk import OctKey

from tests.harness.hostile import sending
from tests.harness.hostile.tokens import sign, sign_by_hmac, signing_key, unsigned

if TYPE_CHECKING:
    from tests.harness.hostile.provider import Hostile

Change = Callable[["Hostile", Any], Any]
Fault = dict[str, Change]

ELSEWHERE = "https://elsewhere.example"
SHARED = "a secret that is published for all to see"
ALGORITHMS = "id_token_signing_alg_values_supported"


def given(**values: Any) -> Change:
    """Say this instead."""
    return lambda own, honest: honest | values


def without(name: str) -> Change:
    """Leave this out."""
    return lambda own, honest: {key: value for key, value in honest.items() if key != name}


def instead(other: Any) -> Change:
    """Say or do something else altogether."""
    return lambda own, honest: other


def listing(algorithm: str) -> Change:
    """Offer this algorithm besides."""
    return lambda own, honest: honest | {ALGORITHMS: [*honest[ALGORITHMS], algorithm]}


def besides(name: str, value: str = "") -> Change:
    """Say this a second time, with another value or the same."""
    return lambda own, honest: [*honest.items(), (name, value or honest[name])]


def before(name: str, value: str) -> Change:
    """Say another thing first."""
    return lambda own, honest: [(name, value), *honest.items()]


def shifted(name: str, seconds: int) -> Change:
    """Move a time."""
    return lambda own, honest: honest | {name: honest[name] + seconds}


def by_public_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Sign with the public key as if it were a shared secret."""
    return sign_by_hmac(header, claims, signing_key("good").as_pem(private=False))


def _by_shared_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return sign_by_hmac(header | {"kid": "shared"}, claims, SHARED.encode())


def _publish_shared_key(_own: "Hostile", honest: Any) -> Any:
    shared = OctKey.import_key(SHARED, {"kid": "shared"})
    return {"keys": [*honest["keys"], shared.as_dict()]}


def _many_keys(count: int) -> Change:
    """Publish the key under that many names."""

    def publish(_own: "Hostile", honest: Any) -> Any:
        [key] = honest["keys"]
        return {"keys": [key | {"kid": f"key {number}"} for number in range(count)]}

    return publish


def _publish_private_key(_own: "Hostile", honest: Any) -> Any:
    """As if it were a private one without its primes, which a library would look for."""
    [key], number = honest["keys"], "_" * 2730 + "8"
    return {"keys": [key | {"n": number, "d": number}]}


def _leading(header: str) -> Change:
    """Say in the token itself where its key is."""
    return lambda own, honest: honest | {header: f"{own.issuer}/planted", "kid": "planted"}


def _bringing_a_key(_own: "Hostile", honest: Any) -> Any:
    return honest | {"jwk": signing_key("planted").as_dict(private=False), "kid": "planted"}


by_planted_key = partial(sign, key="planted")

ANSWERS: dict[str, Fault] = {
    "the answer has no issuer": {"answer": without("iss")},
    "the answer has an empty issuer": {"answer": given(iss="")},
    "the answer has a foreign issuer": {"answer": given(iss=ELSEWHERE)},
    "the answer's issuer ends in a slash": {"answer": lambda own, a: a | {"iss": f"{own.issuer}/"}},
    "the answer has no state": {"answer": without("state")},
    "the answer has a foreign state": {"answer": given(state="of somebody else")},
    "the answer has an empty state": {"answer": given(state="")},
    "the answer has no code": {"answer": without("code")},
    "the answer has a made-up code": {"answer": given(code="made up")},
    "the answer is an error": {"answer": lambda own, a: without("code")(own, a) | {"error": "no"}},
    "the answer is a code and an error": {"answer": given(error="server_error")},
    "the answer is huge": {"answer": given(code="x" * 20_000)},
    "the answer has two codes": {"answer": besides("code", "made up")},
    "the answer has a made-up code first": {"answer": before("code", "made up")},
    "the answer has its code twice": {"answer": besides("code")},
    "the answer has two states": {"answer": besides("state", "of somebody else")},
    "the answer has its state twice": {"answer": besides("state")},
    "the answer has two issuers": {"answer": besides("iss", ELSEWHERE)},
    "the answer has a foreign issuer first": {"answer": before("iss", ELSEWHERE)},
    "the answer has its issuer twice": {"answer": besides("iss")},
}
SIGNATURES: dict[str, Fault] = {
    "unsigned": {"signer": instead(unsigned)},
    "unsigned, as listed": {"signer": instead(unsigned), "metadata": listing("none")},
    "HS256 by the public key": {"signer": instead(by_public_key)},
    "HS256 by the public key, as listed": {
        "signer": instead(by_public_key),
        "metadata": listing("HS256"),
    },
    "HS256 by a published key": {
        "signer": instead(_by_shared_key),
        "keys": _publish_shared_key,
        "metadata": listing("HS256"),
    },
    "a foreign key of the same name": {"signer": instead(by_planted_key)},
    "a key that the header brings": {"signer": instead(by_planted_key), "header": _bringing_a_key},
    "a key that the header leads to": {
        "signer": instead(by_planted_key),
        "header": _leading("jku"),
    },
    "a certificate that the header leads to": {
        "signer": instead(by_planted_key),
        "header": _leading("x5u"),
    },
    "none of a thousand keys": {
        "signer": instead(by_planted_key),
        "header": without("kid"),
        "keys": _many_keys(1000),
    },
    "any of two hundred keys": {"header": without("kid"), "keys": _many_keys(200)},
    "no key published": {"keys": instead({"keys": []})},
    "a private key that is long to look at": {"keys": _publish_private_key},
    "a key for encryption": {
        "keys": lambda own, k: {"keys": [key | {"use": "enc"} for key in k["keys"]]},
    },
    "a critical header": {"header": given(crit=["exp"])},
}
CLAIMS: dict[str, Fault] = {
    "a logout token": {
        "header": given(typ="logout+jwt"),
        "claims": given(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
    },
    "the type of a logout token": {"header": given(typ="logout+jwt")},
    "the type of an access token": {"header": given(typ="at+jwt")},
    "no issuer": {"claims": without("iss")},
    "a foreign issuer": {"claims": given(iss=ELSEWHERE)},
    "an issuer that ends in a slash": {"claims": lambda own, c: c | {"iss": f"{own.issuer}/"}},
    "a list of issuers": {"claims": lambda own, c: c | {"iss": [own.issuer, ELSEWHERE]}},
    "no audience": {"claims": without("aud")},
    "an empty audience": {"claims": given(aud="")},
    "an empty list as audience": {"claims": given(aud=[])},
    "a foreign audience": {"claims": given(aud="other")},
    "a foreign audience, authorized for us": {"claims": given(aud="other", azp="portal")},
    "a foreign list as audience, authorized for us": {"claims": given(aud=["other"], azp="portal")},
    "us among others": {"claims": given(aud=["portal", "other"])},
    "us among others, authorized for one": {
        "claims": given(aud=["portal", "other"], azp="other"),
    },
    "us, authorized for another": {"claims": given(azp="other")},
    "no nonce": {"claims": without("nonce")},
    "an empty nonce": {"claims": given(nonce="")},
    "the nonce of an earlier sign-in": {"claims": lambda own, c: c | {"nonce": own.nonces[0]}},
    "another nonce": {"claims": given(nonce="another")},
    "expired": {"claims": shifted("exp", -400)},
    "expired a minute ago": {"claims": shifted("exp", -360)},
    "never expires": {"claims": without("exp")},
    "expires at a word": {"claims": given(exp="tomorrow")},
    "expires at infinity": {"claims": given(exp=math.inf)},
    "expires at no number": {"claims": given(exp=math.nan)},
    "issued in the future": {"claims": shifted("iat", 600)},
    "not valid before the future": {
        "claims": lambda own, c: c | {"nbf": c["iat"] + 600},
    },
    "never issued": {"claims": without("iat")},
    "issued at no number": {"claims": given(iat=math.nan)},
    "not valid before no number": {"claims": given(nbf=math.nan)},
    "issued long ago": {"claims": shifted("iat", -100_000)},
    "no subject": {"claims": without("sub")},
    "an empty subject": {"claims": given(sub="")},
    "a number as subject": {"claims": given(sub=7)},
    "a list as subject": {"claims": given(sub=["mia-there"])},
    "a very long subject": {"claims": given(sub="m" * 300)},
    "a NUL in the subject": {"claims": given(sub="mia\0there")},
    "an unverified e-mail": {"claims": given(email_verified=False)},
    "an e-mail of unknown standing": {"claims": without("email_verified")},
    "an e-mail verified by a word": {"claims": given(email_verified="false")},
    "no e-mail": {"claims": without("email"), "userinfo": without("email")},
    "an e-mail that is verified for another": {
        "claims": lambda own, c: without("groups")(own, without("email_verified")(own, c)),
        "userinfo": given(email="other@acme.example"),
    },
    "userinfo of somebody else": {"claims": without("email"), "userinfo": given(sub="other")},
    "a list as e-mail": {"claims": given(email=["mia@acme.example"])},
    "an e-mail without a domain": {"claims": given(email="mia")},
    "an e-mail of another domain": {"claims": given(email="mia@evil.example")},
    "an e-mail of a subdomain": {"claims": given(email="mia@evil.acme.example")},
    "an e-mail that ends alike": {"claims": given(email="mia@evilacme.example")},
    "an e-mail with two domains": {"claims": given(email="mia@evil.example@acme.example")},
    "a NUL in the e-mail": {"claims": given(email="mia\0@acme.example")},
}
TOKENS: dict[str, Fault] = {
    "no ID token": {"tokens": without("id_token")},
    "an empty ID token": {"tokens": given(id_token="")},
    "a number as ID token": {"tokens": given(id_token=7)},
    "a list as ID token": {"tokens": given(id_token=[])},
    "an object as ID token": {"tokens": given(id_token={})},
    "an ID token of dots": {"tokens": given(id_token="..")},
    "an error and an ID token": {"tokens": given(error="invalid_grant")},
    "keys that are no list": {"keys": instead({"keys": "none"})},
    "keys that are no keys": {"keys": instead({"keys": [{}, 7, None]})},
}
METADATA: dict[str, Fault] = {
    "metadata of another issuer": {"metadata": given(issuer=ELSEWHERE)},
    "metadata whose issuer ends in a slash": {
        "metadata": lambda own, m: m | {"issuer": f"{own.issuer}/"},
    },
    "metadata of no issuer": {"metadata": without("issuer")},
    "no usable algorithm": {"metadata": given(**{ALGORITHMS: ["none", "HS256"]})},
    "algorithms that are no list": {"metadata": given(**{ALGORITHMS: 7})},
    "no token endpoint": {"metadata": without("token_endpoint")},
    "no authorization endpoint": {"metadata": without("authorization_endpoint")},
    "no keys' address": {"metadata": without("jwks_uri")},
    "a script to go to": {"metadata": given(authorization_endpoint="javascript:alert(1)")},
    "a number to go to": {"metadata": given(authorization_endpoint=7)},
    "tokens in a file": {"metadata": given(token_endpoint="file:///etc/passwd")},
    "keys in a file": {"metadata": given(jwks_uri="file:///etc/passwd")},
}
FORGERIES = ANSWERS | SIGNATURES | CLAIMS | TOKENS | METADATA


def _sent(ways: dict[str, sending.Send]) -> dict[str, Fault]:
    return {
        f"{what}: {name}": {f"sending {what}": instead(way)}
        for what in ("metadata", "keys", "tokens")
        for name, way in ways.items()
    }


MISSENT = _sent(sending.WRONG)
# These show only where somebody had to be asked anew.
STALE: dict[str, Fault] = {
    "signed in long ago": {"claims": shifted("auth_time", -3600)},
    "signed in at no time": {"claims": without("auth_time")},
    "signed in at a word": {"claims": given(auth_time="now")},
    "signed in at a number as a word": {"claims": given(auth_time="9" * 10)},
    "signed in at a truth": {"claims": given(auth_time=True)},
    "signed in at no number": {"claims": given(auth_time=math.nan)},
    "signed in at infinity": {"claims": given(auth_time=math.inf)},
    "signed in at minus infinity": {"claims": given(auth_time=-math.inf)},
    "signed in in an hour": {"claims": shifted("auth_time", 3600)},
    "signed in at the end of time": {"claims": given(auth_time=10**400)},
}
COSTLY = _sent(sending.COSTLY)
LATE: Fault = {f"sending {what}": instead(sending.late) for what in ("tokens", "keys", "userinfo")}
SLOW = _sent(sending.SLOW) | {"everything comes late": LATE}
FAULTS = FORGERIES | MISSENT | COSTLY | SLOW
