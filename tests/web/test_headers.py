"""Security headers on every answer, and cookies that are no use elsewhere. Pages and refusals of
all addresses are looked at by the sweep; here are the answers that no address gives.
"""

from io import BytesIO

import pytest

from portal.web.headers import DOWNLOAD_POLICY, HEADERS, PAGE_POLICY
from tests.browsing import Visitor
from tests.installation import PASSWORD


@pytest.fixture
def database() -> str:
    """The same on every database: it happens before anything of a tenant is read."""
    return "sqlite"


def test_the_policy_says_what_it_should() -> None:
    policy = dict(part.strip().split(" ", 1) for part in PAGE_POLICY.split(";"))
    assert policy["default-src"] == policy["object-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in PAGE_POLICY
    assert DOWNLOAD_POLICY.startswith("sandbox;")


@pytest.mark.parametrize(
    ("status", "path", "method", "options"),
    [
        (404, "/nothing/here", "GET", {}),
        (404, "/documents/no-uuid", "GET", {}),
        (405, "/roles", "DELETE", {}),
        (413, "/folders", "POST", {"data": b"x" * 300_000}),
        (413, "/folders", "POST", {"data": {"name": "a", "file": (b"body", "spilled.txt")}}),
        (400, "/documents", "GET", {"headers": {"Host": "acme.localhost:eighty"}}),
        (400, "/documents", "GET", {"headers": {"Host": "acme localhost"}}),
        (404, "/documents", "GET", {"headers": {"Host": "unknown.localhost"}}),
    ],
)
def test_errors_carry_the_headers(acme, status, path, method, options) -> None:
    answer = acme.visit("member").open(path, method, **_with_stream(options))
    assert answer.status_code == status
    assert answer.headers["Content-Security-Policy"] == PAGE_POLICY
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers


def _with_stream(options: dict) -> dict:
    data = options.get("data")
    if isinstance(data, dict):
        content, name = data["file"]
        return options | {"data": data | {"file": (BytesIO(content), name)}}
    if isinstance(data, bytes):
        return options | {"content_type": "application/x-www-form-urlencoded"}
    return options


def test_an_exception_shows_nothing_of_itself(portal, acme, monkeypatch) -> None:
    def fail() -> None:
        raise RuntimeError("secret detail")

    fail.declared = portal.app.view_functions["documents.index"].declared
    monkeypatch.setitem(portal.app.view_functions, "documents.index", fail)
    answer = acme.visit("member").get("/documents")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.headers["Content-Security-Policy"] == PAGE_POLICY


def test_static_files_may_be_kept_and_pages_may_not(acme) -> None:
    visitor = acme.visit("member")
    assert visitor.get("/documents").headers["Cache-Control"] == "no-store"
    assert visitor.get("/auth/sign-in").headers["Cache-Control"] == "no-store"
    assert "no-store" not in visitor.get("/static/portal.css").headers["Cache-Control"]


def test_scripts_that_ask_for_json_get_json(acme) -> None:
    wants = {"Accept": "application/json"}
    answer = acme.visit("member").get("/nothing", headers=wants)
    assert (answer.status_code, answer.json.keys()) == (404, {"error"})
    assert acme.visit().put("/documents/uploads", Accept="application/json").json.keys() == {
        "error"
    }


def cookies_of(visitor: Visitor, acme) -> dict[str, str]:
    answer = visitor.submit("/auth/sign-in", email=acme["member"].email, password=PASSWORD)
    assert answer.status_code == 302
    lines = answer.headers.getlist("Set-Cookie")
    return {line.partition("=")[0]: line for line in lines if "=;" not in line}


def test_cookies_on_plain_localhost_are_as_narrow_as_browsers_let_them_be(acme) -> None:
    found = cookies_of(acme.visit(), acme)
    assert found.keys() == {"session"}
    [line] = found.values()
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(line.split("; "))
    assert "Domain" not in line
    assert "Secure" not in line
    assert "Expires" not in line
    assert "Max-Age" not in line


def test_under_https_cookies_are_secure_and_tied_to_the_host(portal_with, acme) -> None:
    other = portal_with(url="https://localhost", secret_key="s" * 20 + "0123456789abcdef")
    visitor = Visitor(other.wsgi, acme.host, scheme="https")
    page = visitor.get("/auth/sign-in")
    assert page.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    [form] = page.headers.getlist("Set-Cookie")
    found = cookies_of(visitor, acme) | {form.partition("=")[0]: form}
    assert found.keys() == {"__Host-session", "__Host-form"}
    for line in found.values():
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(line.split("; "))
        assert "Domain" not in line


def test_without_https_there_is_no_hsts(acme) -> None:
    assert "Strict-Transport-Security" not in acme.visit().get("/auth/sign-in").headers


def test_a_portal_under_https_is_not_served_in_clear(portal_with, acme) -> None:
    other = portal_with(url="https://localhost", secret_key="s" * 20 + "0123456789abcdef")
    visitor = Visitor(other.wsgi, acme.host)
    assert visitor.get("/auth/sign-in").status_code == 400
    assert visitor.get("/healthz").status_code == 200  # for machines beside it
    spoofing = {"X-Forwarded-Proto": "https"}
    assert visitor.get("/auth/sign-in", headers=spoofing).status_code == 400
