"""The tenant comes from the host, and from nothing else that a client can send."""

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from tests.browsing import Visitor


@pytest.fixture
def database() -> str:
    """The same on every database: it happens before anything of a tenant is read."""
    return "sqlite"


SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "host",
    [
        "initech.localhost",
        "acme.localhost.",
        "acme.localhost.evil.example",
        "evil.example",
        "127.0.0.1",
        "[::1]:8000",
        "localhost.",
        ".localhost",
    ],
)
def test_an_unknown_host_gets_a_plain_404(acme, host) -> None:
    answer = acme.visit("member").get("/documents", headers={"Host": host})
    assert (answer.status_code, answer.data) == (404, b"Not found\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "host", ["", " ", "acme.localhost:", "a b", "acme.localhost/x", "a@acme.localhost", "é", "%00"]
)
def test_a_malformed_host_binds_nobody(acme, host) -> None:
    answer = acme.visit("member").get("/documents", headers={"Host": host})
    assert answer.status_code in (400, 404)
    assert "Note.txt" not in answer.text


@pytest.mark.parametrize("host", ["ACME.localhost", "Acme.LocalHost:8000", "acme.localhost:1234"])
def test_case_and_port_of_a_host_do_not_matter(acme, host) -> None:
    assert "Note.txt" in acme.visit("member").get("/documents", headers={"Host": host}).text


@pytest.mark.parametrize(
    "host", ["xn--acme.localhost", "xn--\x80.localhost", "a" * 64, "..", "a..b"]
)
def test_a_host_that_is_no_name_binds_nobody(portal, host) -> None:
    environ = create_environ("/documents", "http://acme.localhost:8000") | {"HTTP_HOST": host}
    _, status, _ = run_wsgi_app(portal.wsgi, environ, buffered=True)
    assert status[:3] in ("400", "404")


def test_the_apex_is_found_in_any_case(portal) -> None:
    answer = portal.visit("localhost").get("/", headers={"Host": "LOCALHOST"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded", "X-Tenant"]
)
def test_forwarded_hosts_are_ignored(acme, globex, header) -> None:
    for value in (globex.host, f"host={globex.host}"):
        visitor = acme.visit()
        visitor.take("session", globex["member"].token)
        assert visitor.get("/documents", headers={header: value}).status_code == 302
        member = acme.visit("member")
        assert member.get("/documents", headers={header: value}).status_code == 200


def test_forwarded_addresses_are_ignored(acme) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    acme.visit("admin").get("/audit", headers=headers)
    assert [entry["address"] for entry in acme.log()] == ["192.0.2.7"]


def test_of_a_configured_proxy_the_last_hop_is_believed_and_no_other(portal_with, acme) -> None:
    other = portal_with(url="https://localhost", trusted_proxies=1, secret_key=SECRET)
    visitor = Visitor(other.wsgi, "inside.example")
    visitor.take("__Host-session", acme["admin"].token)
    headers = {
        "X-Forwarded-For": "6.6.6.6, 203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": acme.host,
    }
    assert visitor.get("/audit", headers=headers).status_code == 403
    assert [entry["address"] for entry in acme.log()] == ["203.0.113.9"]
    headers["X-Forwarded-Host"] = f"{acme.host}, globex.localhost"
    assert visitor.get("/audit", headers=headers).status_code == 302  # globex knows no such session


def test_an_address_that_is_none_is_refused_and_not_taken_for_nobodys(portal_with, acme) -> None:
    other = portal_with(url="https://localhost", trusted_proxies=1, secret_key=SECRET)
    visitor = Visitor(other.wsgi, acme.host)
    for claim in ("x" * 500, "unknown", "1.2.3.4:99", "1.2.3", "\0"):
        headers = {"X-Forwarded-For": claim, "X-Forwarded-Proto": "https"}
        assert visitor.get("/auth/sign-in", headers=headers).status_code == 400
    assert acme.log() == []


def test_a_link_in_a_mail_leads_to_a_stored_host(portal, acme) -> None:
    """V10: whatever port or case a request came with, the link leads to the tenant's own host."""
    admin = acme.visit("admin")
    answer = admin.post(
        f"/members/{acme['invited'].id}/invitations", headers={"Host": "ACME.localhost:666"}
    )
    assert "http://acme.localhost:8000/auth/invitations/" in answer.text
    assert ":666" not in answer.text


def test_probes_answer_under_any_host(portal) -> None:
    for host in ("10.0.0.1", "localhost", "acme.localhost", "nobody.example"):
        assert portal.visit(host).get("/healthz").json == {"status": "ok"}
        assert portal.visit(host).get("/readyz").json == {
            "status": "ready",
            "keys": {"local": "ready"},
        }
