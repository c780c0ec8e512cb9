"""Signed tokens, right ones and forged ones."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import KeySet, RSAKey


@cache
def signing_key(name: str) -> RSAKey:
    """The key of this name, the same for the run: making one takes a while."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


def public_keys(*names: str) -> dict[str, Any]:
    """A key set as it is published."""
    keys: dict[str, Any] = KeySet([signing_key(name) for name in names]).as_dict(private=False)
    return keys


# By hand, for libraries refuse to say some of what is to be said here.


def sign(header: dict[str, Any], claims: dict[str, Any], key: str = "good") -> str:
    """A token with this header and these claims, whatever they are."""
    signed = f"{_encoded(header)}.{_encoded(claims)}"
    by = signing_key(key).private_key
    return f"{signed}.{_base64(by.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def sign_by_hmac(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token with a shared secret."""
    signed = f"{_encoded(header | {'alg': 'HS256'})}.{_encoded(claims)}"
    return f"{signed}.{_base64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token with `alg: none` (RFC 7519, 6)."""
    return f"{_encoded(header | {'alg': 'none'})}.{_encoded(claims)}."


def _encoded(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part).encode())


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
