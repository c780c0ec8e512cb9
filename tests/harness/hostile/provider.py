"""An OpenID provider in bad faith: as good as any, but for the one fault that a test chooses."""

import hashlib
import json
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import requests

from portal.core import clock
from tests.harness.hostile.faults import Fault
from tests.harness.hostile.sending import Send, send
from tests.harness.hostile.tokens import public_keys, sign

CLIENT_ID, SECRET = "portal", "kept between a client and its provider"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFE_SECONDS = 300


@dataclass
class Hostile:
    """A running provider. It takes every visitor for the person whom `claims` describe."""

    issuer: str
    claims: dict[str, Any]
    fault: Fault = field(default_factory=dict)
    granted: dict[str, dict[str, str]] = field(default_factory=dict)  # what was asked, by code
    nonces: list[str] = field(default_factory=list)
    is_at_fault: bool = False  # it has come to what the fault is about
    sent_bytes: int = 0
    is_closing: Event = field(default_factory=Event)

    def bend(self, what: str, honest: Any) -> Any:
        """What an honest provider would say, or what the fault makes of it."""
        if what not in self.fault:
            return honest
        self.is_at_fault = True
        return self.fault[what](self, honest)

    def sign_in(self, address: str, _account: str = "") -> str:
        """Go there as a browser does; gives the address that leads back to the client."""
        answer = requests.get(address, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def logout_token(
        self, *, header: dict[str, Any] | None = None, key: str = "good", **changes: Any
    ) -> str:
        """A back-channel logout token for everybody of this subject; None leaves a claim out."""
        good = {"typ": "logout+jwt", "alg": "RS256", "kid": "good"}
        return sign(good | (header or {}), self.logout_claims(**changes), key)

    def logout_claims(self, **changes: Any) -> dict[str, Any]:
        """What such a token says."""
        now = int(clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(),
            "sub": self.claims["sub"],
            "events": {LOGOUT_EVENT: {}},
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def metadata(self) -> dict[str, Any]:
        """What the provider tells of itself."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/leave",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "email", "profile"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes back to."""
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe()
        self.granted[code] = asked
        self.nonces.append(asked.get("nonce", ""))
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(self.bend('answer', answer))}"

    def redeem(self, given: dict[str, str], authorization: str) -> dict[str, Any]:
        """The answer to a code."""
        # One at fault gives its answer also to whoever was sent away to ask again.
        asked = self.granted[given["code"]] if self.fault else self.granted.pop(given["code"])
        assert given["grant_type"] == "authorization_code"
        assert given["redirect_uri"] == asked["redirect_uri"]
        assert _client(given, authorization) == (CLIENT_ID, SECRET)
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        assert asked["code_challenge"] == urlsafe_b64encode(digest).decode().rstrip("=")
        assert asked["code_challenge_method"] == "S256"
        return {
            "access_token": secrets.token_urlsafe(),
            "token_type": "Bearer",
            "expires_in": LIFE_SECONDS,
            "id_token": self.id_token(asked),
        }

    def id_token(self, asked: dict[str, str]) -> str:
        """The ID token for an authorization request."""
        now = int(clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + LIFE_SECONDS,
            "auth_time": now - 5,
            "nonce": asked.get("nonce"),
            "sid": "a session there",
            **self.claims,
        }
        header = self.bend("header", {"alg": "RS256", "kid": "good"})
        claims = self.bend("claims", claims)
        signer = self.bend("signer", sign)
        token: str = signer(header, claims)
        return token


def _client(given: dict[str, str], authorization: str) -> tuple[str, str]:
    """Who redeems a code, by either of the two common ways (RFC 6749, 2.3.1)."""
    if not authorization:
        return given["client_id"], given["client_secret"]
    name, _, secret = b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
    return unquote(name.replace("+", " ")), unquote(secret.replace("+", " "))


class Endpoints(BaseHTTPRequestHandler):
    """The provider's addresses."""

    server: "Server"

    @property
    def own(self) -> Hostile:
        """Who answers."""
        return self.server.provider

    def do_GET(self) -> None:
        """Metadata, keys, and where the browser is sent to."""
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        if address.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.own.authorize(query))
            self.end_headers()
        elif address.path == "/userinfo":
            self._say("userinfo", self.own.claims)
        elif address.path.endswith("/.well-known/openid-configuration"):
            self._say("metadata", self.own.metadata())
        elif address.path.endswith("/keys"):
            self._say("keys", public_keys("good"))
        elif address.path == "/planted":
            self._say("planted keys", public_keys("planted"))
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """Tokens."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = dict(parse_qsl(body, keep_blank_values=True))
        try:
            tokens = self.own.redeem(given, self.headers.get("Authorization", ""))
        except (AssertionError, KeyError):
            self.send_error(400)
        else:
            self._say("tokens", tokens)

    def _say(self, what: str, honest: dict[str, Any]) -> None:
        way: Send = self.own.bend(f"sending {what}", send)
        if self.path.startswith("/right/"):
            way = send
        way(self, json.dumps(self.own.bend(what, honest)).encode())

    def write(self, piece: bytes) -> None:
        """Send a piece, and count it."""
        self.wfile.write(piece)
        self.own.sent_bytes += len(piece)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Listens for one provider."""

    provider: Hostile

    def handle_error(self, *_: object) -> None:
        """Whoever has had enough of us hangs up."""


@contextmanager
def hostile_provider(fault: Fault | None = None, **claims: Any) -> Iterator[Hostile]:
    """A provider with this fault for the block; without one it is a good provider."""
    person = {
        "sub": "mia-there",
        "email": "mia@acme.example",
        "email_verified": True,
        "name": "Mia",
        "groups": ["staff"],
        "acr": "gold",
        "amr": ["pwd", "otp"],
    }
    with Server(("127.0.0.1", 0), Endpoints) as server:
        provider = Hostile(f"http://127.0.0.1:{server.server_port}", person | claims, fault or {})
        server.provider = provider
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield provider
        finally:
            provider.is_closing.set()
            server.shutdown()
