from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from joserfc import jwt
from playwright.sync_api import Browser, Page

from tests.harness.oidc import SECRET, OidcProvider, client, oidc_provider
from tests.harness.relying_party import RelyingParty

MIA = {
    "email": "mia@acme.example",
    "email_verified": True,
    "name": "Mia",
    "groups": ["staff"],
    "acr": "gold",
    "amr": ["pwd", "otp"],
}


def party_of(provider: OidcProvider) -> RelyingParty:
    return RelyingParty(provider.issuer, SECRET)


BACK = RelyingParty("", "").back


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with oidc_provider(client("portal", BACK), accounts={"mia": dict(MIA)}) as provider:
        yield provider


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context:
        yield context.new_page()


def come_back(provider: OidcProvider, account: str = "mia", **asked: str) -> dict[str, str]:
    """Sign in; gives the parameters of the way back."""
    party = party_of(provider)
    return party.parameters(provider.sign_in(party.address(**asked), account))


def sign_in(provider: OidcProvider, account: str = "mia") -> jwt.Token:
    """The ID token of a sign-in."""
    party = party_of(provider)
    answer = party.redeem(come_back(provider, account)["code"])
    assert answer.status_code == 200, answer.text
    return party.decode(answer.json()["id_token"])


def test_somebody_signs_in(provider: OidcProvider) -> None:
    back = come_back(provider)
    assert (back["state"], back["iss"]) == ("state", provider.issuer)
    claims = sign_in(provider).claims
    assert claims["iss"] == party_of(provider).metadata["issuer"] == provider.issuer
    assert (claims["aud"], claims["sub"], claims["nonce"]) == ("portal", "mia", "nonce")
    assert {name: claims[name] for name in MIA} == MIA
    assert claims["auth_time"]


def test_who_has_no_account_comes_back_with_an_error(provider: OidcProvider) -> None:
    assert come_back(provider, "nobody")["error"] == "access_denied"


def test_a_browser_that_is_signed_in_is_not_asked_again(provider: OidcProvider) -> None:
    browser, party = requests.Session(), party_of(provider)
    provider.sign_in(party.address(), "mia", browser)
    back = party.parameters(provider.sign_in(party.address(), "nobody", browser))
    assert party.decode(party.redeem(back["code"]).json()["id_token"]).claims["sub"] == "mia"


def test_another_address_of_return_is_refused(provider: OidcProvider) -> None:
    with pytest.raises(AssertionError, match="redirect_uri"):
        come_back(provider, redirect_uri="http://globex.localhost:8000/back")


def test_the_secret_the_verifier_and_a_fresh_code_are_needed(provider: OidcProvider) -> None:
    party = party_of(provider)
    code = come_back(provider)["code"]
    assert party.redeem(code, code_verifier="w" * 43).json()["error"] == "invalid_grant"
    code = come_back(provider)["code"]
    assert party.redeem(code).status_code == 200
    assert party.redeem(code).json()["error"] == "invalid_grant"
    party.secret = "guessed"
    assert party.redeem(code).json()["error"] == "invalid_client"


def test_who_sends_no_challenge_is_refused_unless_that_is_allowed(provider: OidcProvider) -> None:
    bare = {"code_challenge": "", "code_challenge_method": ""}
    assert come_back(provider, **bare)["error"] == "invalid_request"
    with oidc_provider(client("portal", BACK), accounts={"mia": MIA}, pkce_required=False) as lax:
        assert "code" in come_back(lax, **bare)


def test_an_account_changes_while_it_runs(provider: OidcProvider) -> None:
    provider.change_account("zoe", groups=["guests"])
    assert sign_in(provider, "zoe").claims["groups"] == ["guests"]
    provider.change_account("zoe", groups=["staff"], email="zoe@acme.example")
    claims = sign_in(provider, "zoe").claims
    assert (claims["groups"], claims["email"]) == (["staff"], "zoe@acme.example")


def test_keys_change_while_it_runs(provider: OidcProvider) -> None:
    def published() -> set[str]:
        return {key.kid for key in party_of(provider).keys}

    first = published()
    assert sign_in(provider).header["kid"] in first
    provider.rotate_keys(keep_old=True)
    assert first < published()
    assert sign_in(provider).header["kid"] not in first
    provider.rotate_keys()
    assert not published() & first
    sign_in(provider)


def test_it_comes_back_on_the_same_port() -> None:
    with oidc_provider(host="localhost") as provider:
        issuer = provider.issuer
        assert issuer.startswith("http://localhost:")
    with pytest.raises(requests.ConnectionError):
        requests.get(issuer, timeout=5)
    with oidc_provider(host="localhost", port=urlsplit(issuer).port) as provider:
        assert party_of(provider).metadata["issuer"] == issuer


def test_what_it_can_not_do_is_told() -> None:
    with pytest.raises(RuntimeError, match="redirect_uris"), oidc_provider(client("portal", "no")):
        pass


class Site(BaseHTTPRequestHandler):
    """What a browser comes back to, and logout tokens are sent to."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.taken.append((self.headers["Host"], *sent["logout_token"]))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[HTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        server.taken, server.status = [], 200
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("status", [200, 400])
def test_whoever_signs_out_there_is_signed_out_everywhere(
    provider: OidcProvider, site: HTTPServer, page: Page, status: int
) -> None:
    host = f"acme.localhost:{site.server_port}"
    party = RelyingParty(provider.issuer, SECRET, back=f"http://{host}/back")
    after = f"http://{host}/after"
    more = {
        "backchannel_logout_uri": f"http://{host}/logout",
        "post_logout_redirect_uris": [after],
    }
    provider.register(client("portal", party.back, **more))
    site.status = status

    page.goto(party.address())
    page.get_by_label("Account").fill("mia")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{party.back}?**")
    id_token = party.redeem(party.parameters(page.url)["code"]).json()["id_token"]
    leaving = {"id_token_hint": id_token, "post_logout_redirect_uri": after, "state": "s"}
    page.goto(f"{party.metadata['end_session_endpoint']}?{urlencode(leaving)}")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{after}?state=s")

    [(seen, logout_token)] = site.taken
    assert seen == host
    token = party.decode(logout_token)
    assert token.header["typ"] == "logout+jwt"
    assert (token.claims["iss"], token.claims["sub"]) == (provider.issuer, "mia")
    assert token.claims["sid"] == party.decode(id_token).claims["sid"]
    [*_, (told, fault)] = provider.deliveries()
    assert (told, "400" in fault) == ("portal", status == 400)
