"""A client of an OpenID provider, as far as the tests of our providers need one."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import KeySet

VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@dataclass
class RelyingParty:
    """A client registered as `portal`, and somebody in a browser before it."""

    issuer: str
    secret: str
    back: str = "http://acme.localhost:8000/back"

    @cached_property
    def metadata(self) -> dict[str, Any]:
        return self._get(f"{self.issuer}/.well-known/openid-configuration")

    @property
    def keys(self) -> KeySet:
        return KeySet.import_key_set(self._get(self.metadata["jwks_uri"]))

    def address(self, **asked: str) -> str:
        """Where the browser is sent."""
        usual = {
            "client_id": "portal",
            "redirect_uri": self.back,
            "response_type": "code",
            "scope": "openid email profile",
            "state": "state",
            "nonce": "nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return f"{self.metadata['authorization_endpoint']}?{urlencode(usual | asked)}"

    def parameters(self, address: str) -> dict[str, str]:
        """What came back."""
        assert address.startswith(f"{self.back}?")
        return dict(parse_qsl(urlsplit(address).query))

    def redeem(self, code: str, **given: str) -> requests.Response:
        """Ask for the tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": VERIFIER,
        }
        endpoint = self.metadata["token_endpoint"]
        return requests.post(endpoint, form | given, auth=("portal", self.secret), timeout=5)

    def decode(self, token: str) -> jwt.Token:
        """A token whose signature is right."""
        return jwt.decode(token, self.keys)

    def _get(self, address: str) -> Any:
        return requests.get(address, timeout=5).json()
