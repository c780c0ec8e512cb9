"""What comes from no page of ours changes nothing, and odd input is no error of ours; on PostgreSQL
it is tried by `test_form_fuzz`.
"""

from uuid import uuid4

import pytest

from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.installation import PASSWORD
from tests.web.access_list import ACCESS, BY_PROGRAMS, SAFE, STRANGER
from tests.web.things import browser_of, own_address, without_log

CHANGING = sorted(
    (endpoint, method)
    for endpoint, entry in ACCESS.items()
    for method in entry.answers
    if method not in SAFE and endpoint not in BY_PROGRAMS
)


@on_sqlite
@pytest.mark.parametrize(("endpoint", "method"), CHANGING)
def test_without_its_token_a_form_changes_nothing(portal, acme, endpoint, method) -> None:
    let_in = ACCESS[endpoint].let_in - {STRANGER}
    who = min(let_in, key=lambda who: (who != "half", who))
    before, entries = without_log(portal), 0
    for sent in ({}, {"csrf_token": ""}, {"csrf_token": "forged"}):
        visitor = browser_of(acme, who)
        headers = {"X-CSRFToken": sent.get("csrf_token", "")}
        answer = visitor.open(own_address(acme, endpoint, who), method, data=sent, headers=headers)
        if ACCESS[endpoint].also.get((who, method)) == 302:
            assert answer.status_code == 302  # sent on before anything is looked at
            continue
        assert answer.status_code == 400
        entries += 1
        assert acme.told() == [("access.refused", "refused")] * entries
    assert without_log(portal) == before


@on_sqlite
def test_a_token_of_one_browser_is_none_in_another(acme) -> None:
    one, other = acme.visit("member"), acme.visit("member")
    other.client.delete_cookie("form", domain=acme.host)
    page = other.get("/documents")
    assert page.status_code == 200
    one_token, one.csrf_token = one.csrf_token, "5f" * 20
    assert one.post("/folders", {"name": "New"}).status_code == 400
    other.csrf_token = one_token
    assert other.post("/folders", {"name": "New"}).status_code == 400


@on_sqlite
def test_signing_in_needs_a_token_too(acme) -> None:
    """Signing somebody into the attacker's account is an attack as well."""
    stranger = acme.visit()
    stranger.csrf_token = ""
    data = {"email": acme["member"].email, "password": PASSWORD}
    answer = stranger.post("/auth/sign-in", data)
    assert answer.status_code == 400
    assert stranger.cookie("session") is None


@on_sqlite
def test_json_and_plain_text_do_not_pass_for_a_form(portal, acme) -> None:
    before = without_log(portal)
    for content_type in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        answer = acme.visit("member").open(
            "/folders", "POST", data=b'{"name": "New"}', content_type=content_type
        )
        assert answer.status_code == 400
    assert without_log(portal) == before


@on_sqlite
@pytest.mark.parametrize(
    "body", ["[]", "7", "null", '{"name": ["New"]}', '{"name": "\\ud800"}', "{"]
)
def test_json_fills_no_form(portal, acme, body) -> None:
    """V25. Not even with the token of a page of ours."""
    before, member = without_log(portal), acme.visit("member")
    answer = member.open(
        "/folders",
        "POST",
        data=body,
        content_type="application/json",
        headers={"X-CSRFToken": member.csrf_token},
    )
    assert answer.status_code == 422
    assert without_log(portal) == before


ODD = ("\0", "a\0b", "\ud800", "x" * 5000, "9" * 400, "%", "'", "\u202e", "[]", "{}", "-1", "1e9")
QUERIES = {
    "/documents": ("at", "id"),
    "/documents/trash": ("at", "id"),
    "/members": ("q", "page"),
    "/audit": ("person", "action", "target", "outcome", "since", "until", "before", "after"),
    "/audit/charts": ("group", "address", "text", "last", "since", "until"),
    "/audit/live": ("group", "address", "text", "last"),
    "/auth/sign-in": ("next",),
    "/sso/callback": ("code", "state", "iss", "error"),
    "/sso/signed-out": ("state",),
}
TIMES = ("at", "before", "since", "until")
DATES = (
    "2026-01-01",
    "2026-01-01T00:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00",
    "9999-12-31T23:59",
)
WHO = {
    "/documents": "member",
    "/documents/trash": "member",
    "/members": "admin",
    "/audit": "officer",
    "/audit/charts": "officer",
    "/audit/live": "officer",
}


@on_sqlite
@pytest.mark.parametrize("path", QUERIES)
def test_odd_queries_are_no_error_of_ours(acme, path) -> None:
    """V25: wrong types and null bytes give an answer, not a 500."""
    visitor = acme.visit(WHO.get(path))
    faults = []
    for name in QUERIES[path]:
        for value in (*ODD, str(uuid4()), *(DATES if name in TIMES else ())):
            query = {name: value.encode("utf-8", "surrogatepass")}
            if path.startswith("/documents"):
                query = {"at": "2026-01-01T00:00:00+00:00", "id": str(uuid4())} | query
            status = visitor.get(path, query_string=query).status_code
            if status >= 500:
                faults.append((name, value[:20], status))
    assert faults == []


PROVIDER = {
    "name": "Login", "issuer": "https://login.example.com", "client_id": "portal",
    "client_secret": "s", "allowed_domains": "acme.example", "default_role": "member",
    "groups_claim": "groups", "group_roles": "staff = Member", "trusts_mfa": "y",
}  # fmt: skip


@on_sqlite
@pytest.mark.parametrize("value", [*ODD, *DATES])
def test_odd_fields_are_no_error_of_ours(acme, value) -> None:
    member, admin, stranger = acme.visit("member"), acme.visit("admin"), acme.visit()
    note = acme.documents["note"]
    sent = value.encode("utf-8", "surrogatepass")
    answers = [
        stranger.post("/auth/sign-in", {"email": sent, "password": sent, "next": sent}),
        acme.visit_half().post("/auth/code", {"code": sent, "next": sent}),
        member.post("/folders", {"name": sent, "parent": sent}),
        member.post("/folders", {"name": sent}),
        member.post(f"/documents/{note}/rename", {"name": sent}),
        member.post(f"/documents/{note}/move", {"folder": sent}),
        member.post("/account/password", {"present": sent, "new": sent, "again": sent}),
        stranger.post("/sso/begin", {"provider": sent, "next": sent, "invitation": sent}),
        stranger.post("/sso/break-glass", {"email": sent, "code": sent}),
        stranger.post("/sso/backchannel-logout", {"logout_token": sent}),
        member.post("/sso/link", {"provider": sent}),
        member.post("/sso/step-up", {"proof_provider": sent, "proof_address": sent, "x": sent}),
        admin.post("/sso/new", dict.fromkeys(PROVIDER, sent)),
        *(admin.post("/sso/new", PROVIDER | {name: sent}) for name in PROVIDER),
        admin.post("/members/new", {"name": sent, "email": sent, "role": sent, "folder": sent}),
        admin.post("/members/new", {"name": sent, "email": "a@b.example", "role": "member"}),
        admin.post(
            f"/members/{acme['member'].id}/roles", {"role": "auditor", "reason": sent, "folder": ""}
        ),
    ]
    assert [a.status_code for a in answers if a.status_code >= 500] == []


@on_sqlite
def test_odd_addresses_are_no_error_of_ours(acme) -> None:
    visitor = acme.visit("member")
    for path in (
        "/auth/invitations/%00", "/auth/invitations/%ff", "/auth/invitations/" + "x" * 3000,
        "/static/../../etc/passwd", "/static/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2fetc",
        "/static/%00", "/documents/%00", "/documents/{}", "/%2f/evil.example",
    ):  # fmt: skip
        answer = visitor.get(path)
        assert answer.status_code in (404, 308), path
        assert "evil.example" not in (answer.location or ""), path


@on_sqlite
@pytest.mark.parametrize("value", ["\0", "x" * 5000, "é", "=", ";", '"', "a b"])
def test_odd_cookies_are_nobodys(acme, value) -> None:
    for name in ("session", "form", "remember_token"):
        visitor = acme.visit()
        answer = visitor.get(
            "/documents", headers={"Cookie": f"{name}={value}".encode().decode("latin-1")}
        )
        assert answer.status_code == 302


@on_sqlite
def test_a_cookie_from_a_sibling_host_can_not_sign_somebody_out(acme) -> None:
    """A tenant's host may set cookies for the parent domain, named as Flask-Login's own."""
    visitor = acme.visit("member")
    visitor.take("remember_token", "1|planted")
    assert visitor.get("/documents").status_code == 200


def test_under_https_forms_still_work_with_the_referrer_that_our_policy_leaves(
    portal_with, acme
) -> None:
    other = portal_with(url="https://localhost", secret_key="0123456789abcdef" * 2)
    visitor = Visitor(other.wsgi, acme.host, scheme="https")
    path = "/auth/sign-in"
    assert visitor.submit(path, email=acme["member"].email, password=PASSWORD).status_code == 302
    visitor.submit("/auth/code", code=acme["member"].code)
    assert visitor.get("/documents").status_code == 200


def test_a_part_without_a_name_is_no_form(acme) -> None:
    """Werkzeug keeps it under None, on which every form and the step-up would fail."""
    body = b'--X\r\nContent-Disposition: form-data; name="\n"\r\n\r\n\r\n--X--\r\n'
    for path in ("/auth/sign-in", "/auth/step-up", "/members/new"):
        answer = acme.visit("admin").open(
            path, "POST", data=body, content_type="multipart/form-data; boundary=X"
        )
        assert answer.status_code == 400, path
