"""Every address x every method x everybody, against the one access list."""

import re
from collections.abc import Iterable, Iterator
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from portal.web.access import Declared, Door, declared
from portal.web.headers import FRAMED_POLICY, HEADERS
from tests.browsing import Visitor
from tests.installation import Installation, Organisation
from tests.web.access_list import ACCESS, HALF, MEMBERS, METHODS, SAFE, STRANGER, expected
from tests.web.things import address, browser_of, own_address, things_of, without_log

CALLERS = (STRANGER, HALF, *sorted(MEMBERS))
WITH_IDS = sorted(
    e for e, entry in ACCESS.items() if any(p.endswith(("_id", "_key")) for p in entry.about)
)
STATIC = ("static", "bootstrap.static")
PROBES = ("home.healthz", "home.readyz")

every_endpoint = pytest.mark.parametrize("endpoint", sorted(ACCESS))
# What the lifecycle decides before any statement of a view is the same on every database.
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def own_methods(endpoint: str) -> list[str]:
    """The methods that an endpoint answers by a view of its own."""
    return sorted(ACCESS[endpoint].answers)


def few_methods(endpoint: str) -> list[str]:
    """These, and one that it doesn't take."""
    return sorted({*ACCESS[endpoint].answers, "PROPFIND"})


def each_after(
    portal: Installation, statement: str, endpoints: Iterable[str] = ACCESS
) -> Iterator[str]:
    """Addresses, each as if acme's rows had just been changed by the statement and by nothing else:
    where a request has written something, all is put back before the next.
    """
    prepared = None
    for endpoint in sorted(endpoints):
        if portal.state != prepared:
            portal.reset()
            portal.execute(statement, portal.organisations["acme"])
            prepared = portal.state
        yield endpoint


def somebody_let_in(endpoint: str) -> str:
    """Whom only what is wrong with their session keeps out."""
    return min(ACCESS[endpoint].let_in & MEMBERS, default="member")


def knock(visitor: Visitor, path: str, method: str) -> TestResponse:
    """Ask with the token that every form carries: what is tried here is the door behind it."""
    answer = visitor.open(
        path,
        method,
        data={"csrf_token": visitor.csrf_token} if method == "POST" else None,
        headers={"X-CSRFToken": visitor.csrf_token},
    )
    check_headers(answer)
    return answer


def check_headers(answer: TestResponse) -> None:
    policy = answer.headers["Content-Security-Policy"]
    is_framed = policy == FRAMED_POLICY
    framing = {"X-Frame-Options": "SAMEORIGIN"} if is_framed else {}
    for name, value in (HEADERS | framing).items():
        assert answer.headers.get(name) == value, name
    assert "default-src 'none'" in policy
    assert ("frame-ancestors 'self'" if is_framed else "frame-ancestors 'none'") in policy
    assert "unsafe" not in policy


def is_as_expected(answer: TestResponse, endpoint: str, who: str, method: str) -> bool:
    status, location = expected(endpoint, who, method)
    return answer.status_code == status and (answer.location or "").startswith(location)


def test_the_list_holds_every_address_and_no_dead_one(installation_on) -> None:
    rules = list(installation_on("sqlite").app.url_map.iter_rules())
    assert {rule.endpoint for rule in rules} == ACCESS.keys()
    assert len(rules) == len(ACCESS), "an endpoint has two addresses: the sweep sees only one"
    for rule in rules:
        assert rule.arguments == ACCESS[rule.endpoint].about.keys(), rule
        assert rule.methods == ACCESS[rule.endpoint].methods, rule


Knock = tuple[str, str]  # who, and by which method


def those_let_in_and_one_who_is_not(endpoint: str) -> list[str]:
    """Members before whom an address differs: the refusal is the same for all others."""
    let_in = ACCESS[endpoint].let_in
    return sorted(let_in & MEMBERS) + sorted(MEMBERS - let_in)[:1]


def knocks(endpoint: str, *, all_of_them: bool) -> tuple[list[Knock], list[Knock]]:
    """Knocks at an address: those that must change nothing, and those that may."""
    entry = ACCESS[endpoint]
    callers = CALLERS if all_of_them else (STRANGER, *those_let_in_and_one_who_is_not(endpoint))
    methods = entry.methods if all_of_them else entry.answers
    offered = [(who, method) for who in callers for method in METHODS if method in methods]
    acts = [(who, method) for who, method in offered if who in entry.let_in and method not in SAFE]
    not_taken = [("admin", method) for method in METHODS if all_of_them]
    return [knock for knock in dict.fromkeys(offered + not_taken) if knock not in acts], acts


@every_endpoint
def test_everybody_gets_what_the_list_says(portal, acme, endpoint) -> None:
    faults, before = [], without_log(portal)
    harmless, acts = knocks(endpoint, all_of_them=portal.name == "sqlite")

    def ask(who: str, method: str) -> None:
        answer = knock(browser_of(acme, who), own_address(acme, endpoint, who), method)
        if not is_as_expected(answer, endpoint, who, method):
            faults.append(f"{method} as {who}: {answer.status_code} {answer.location or ''}")

    for who, method in harmless:
        ask(who, method)
    assert without_log(portal) == before, "somebody was refused, and something has changed"
    for who, method in acts:
        ask(who, method)
        portal.reset()
    assert faults == []


@on_sqlite
def test_another_tenants_cookie_is_a_strangers(portal, acme, globex) -> None:
    for endpoint in each_after(portal, "SELECT 1"):
        path = own_address(acme, endpoint)
        for who in ("admin", "member"):
            for method in own_methods(endpoint):
                visitor = acme.visit()
                visitor.take("session", globex[who].token)
                answer = knock(visitor, path, method)
                assert is_as_expected(answer, endpoint, STRANGER, method), (endpoint, who, method)


def same(page: bytes, values: dict[str, object]) -> str:
    """A page without what differs each time: form tokens, and what was asked for."""
    text = re.sub(r'(csrf[_-]token" (?:value|content)=")[^"]*', r"\1", page.decode("latin-1"))
    for value in values.values():
        text = text.replace(str(value), "ID")
    return text


@pytest.mark.parametrize("endpoint", WITH_IDS)
def test_another_tenants_ids_look_like_unknown_ones(acme, globex, endpoint) -> None:
    entry = ACCESS[endpoint]
    for who in those_let_in_and_one_who_is_not(endpoint):
        foreign = things_of(globex, endpoint, who)
        unknown = {name: uuid4() for name in foreign}
        for method in own_methods(endpoint):
            of_foreign, of_unknown = (
                knock(acme.visit(who), address(acme, endpoint, values), method)
                for values in (foreign, unknown)
            )
            assert of_foreign.status_code == of_unknown.status_code
            assert dict(of_foreign.headers) == dict(of_unknown.headers)
            assert same(of_foreign.data, foreign) == same(of_unknown.data, unknown)
            is_in = who in entry.let_in
            assert of_foreign.status_code == (404 if is_in else 403), (who, method)


@pytest.mark.parametrize("endpoint", [e for e in WITH_IDS if len(ACCESS[e].about) > 1])
def test_one_foreign_id_among_own_ones_is_enough_to_find_nothing(
    portal, acme, globex, endpoint
) -> None:
    """V1: an id of somebody else's never binds to something of one's own."""
    who = "admin" if "admin" in ACCESS[endpoint].let_in else "member"
    own, foreign = (things_of(o, endpoint, who) for o in (acme, globex))
    before = without_log(portal)
    for parameter in own:
        path = address(acme, endpoint, own | {parameter: foreign[parameter]})
        for method in sorted(ACCESS[endpoint].answers):
            answer = knock(acme.visit(who), path, method)
            assert answer.status_code == 404, (parameter, method)
    assert without_log(portal) == before


@on_sqlite
def test_a_suspended_organisation_lets_nobody_in(portal, acme, globex) -> None:
    portal.execute("UPDATE tenant SET state = 'suspended' WHERE slug = 'acme'")
    before = without_log(portal)
    for endpoint in sorted(ACCESS):
        for who in (STRANGER, HALF, "admin"):
            path = own_address(acme, endpoint, who)
            for method in few_methods(endpoint):
                answer = knock(browser_of(acme, who), path, method)
                if endpoint in (*STATIC, *PROBES) and method in SAFE:
                    assert answer.status_code == 200
                else:
                    assert answer.status_code == 403, (endpoint, who, method)
                    assert "suspended" in answer.text or method == "HEAD"
    assert without_log(portal) == before
    assert globex.visit("member").get("/documents").status_code == 200


@on_sqlite
@pytest.mark.parametrize("state", ["deactivated", "invited"])
def test_whoever_is_not_an_active_member_is_a_stranger(acme, state) -> None:
    """V5, V9. The sessions' rows are left alive on purpose: the person's state alone decides."""
    for who in sorted(MEMBERS):
        statement = f"UPDATE user_account SET state = '{state}' WHERE email = '{acme[who].email}'"
        is_a_stranger_after(acme, who, statement)


def is_a_stranger_after(organisation: Organisation, who: str, statement: str) -> None:
    """Somebody is let in nowhere, if the statement has changed what it says."""
    own = [endpoint for endpoint in ACCESS if somebody_let_in(endpoint) == who]
    for endpoint in each_after(organisation.portal, statement, own):
        path = own_address(organisation, endpoint, who)
        for method in own_methods(endpoint):
            answer = knock(organisation.visit(who), path, method)
            assert is_as_expected(answer, endpoint, STRANGER, method), (endpoint, who, method)


@on_sqlite
@pytest.mark.parametrize("host", ["localhost", "initech.localhost"])
def test_where_no_tenant_is_there_is_nothing_of_one(portal, acme, host) -> None:
    before = without_log(portal)
    for endpoint in sorted(ACCESS):
        path = own_address(acme, endpoint)
        for method in few_methods(endpoint):
            answer = knock(portal.visit(host, acme["admin"].token), path, method)
            is_open = endpoint in PROBES or (
                host == "localhost" and endpoint in ("home.index", *STATIC)
            )
            if is_open and method in SAFE:
                assert answer.status_code == 200
            elif host == "localhost":
                assert answer.status_code in (404, 405), (endpoint, method)
            else:
                assert (answer.status_code, answer.data) in ((404, b"Not found\n"), (404, b""))
                assert "Set-Cookie" not in answer.headers
    assert without_log(portal) == before


# What a session has proved, and whether it still stands.

GONE = {
    "revoked": "ended_at = '2026-01-01 00:00:00'",
    "idle": "last_seen_at = '2026-01-01 00:00:00'",
    "expired": "created_at = '2026-01-01 00:00:00'",
}
REPAIRS = "sso:edit"  # what a session may do that was opened by breaking the glass


def declaration_of(portal: Installation, endpoint: str) -> Declared:
    found = declared(portal.app.view_functions[endpoint])
    assert found is not None
    return found


@on_sqlite
@pytest.mark.parametrize("end", GONE)
def test_a_session_that_is_over_is_a_strangers(acme, end) -> None:
    for who in sorted(MEMBERS):
        is_a_stranger_after(acme, who, f"UPDATE user_session SET {GONE[end]}")


@on_sqlite
def test_a_password_alone_is_half_the_way(portal, acme) -> None:
    """Whoever holds which role: the second factor is asked for at every door."""
    statement = "UPDATE user_session SET second_factor = NULL"
    for endpoint in each_after(portal, statement):
        for who in ("admin", "member", "officer"):
            path = own_address(acme, endpoint, who)
            for method in own_methods(endpoint):
                answer = knock(acme.visit(who), path, method)
                assert is_as_expected(answer, endpoint, HALF, method), (endpoint, who, method)


@on_sqlite
def test_an_old_proof_is_asked_for_again_where_the_table_says_so(portal, acme) -> None:
    portal.execute("UPDATE user_session SET proved_at = '2026-01-01 00:00:00'", acme)
    before = without_log(portal)
    for endpoint, entry in sorted(ACCESS.items()):
        wants = declaration_of(portal, endpoint).fresh is not None
        for who in sorted(entry.let_in & MEMBERS) if wants else ():
            path = own_address(acme, endpoint, who)
            for method in own_methods(endpoint):
                answer = knock(acme.visit(who), path, method)
                if method in SAFE:
                    assert answer.status_code == 302, (endpoint, who)
                    assert answer.location.startswith("/auth/step-up?next=")
                else:
                    assert answer.status_code == 403, (endpoint, who)
                    assert "Confirm that it is you" in answer.text
    assert without_log(portal) == before


@on_sqlite
def test_behind_broken_glass_there_is_single_sign_on_and_nothing_else(portal, acme) -> None:
    portal.execute(
        "UPDATE user_session SET first_factor = 'break-glass', second_factor = NULL", acme
    )
    before = without_log(portal)
    for endpoint in sorted(ACCESS):
        declaration = declaration_of(portal, endpoint)
        is_open = declaration.door not in (Door.SIGNED_IN, Door.HALF_SIGNED_IN)
        if is_open or declaration.repairs or declaration.permission == REPAIRS:
            continue
        path = own_address(acme, endpoint, "admin")
        for method in own_methods(endpoint):
            answer = knock(acme.visit("admin"), path, method)
            if declaration.door == Door.HALF_SIGNED_IN:  # it owes nothing, and is sent on
                assert answer.status_code == 302, (endpoint, method)
            else:
                assert answer.status_code == 403, (endpoint, method)
    assert without_log(portal) == before


@on_sqlite
def test_a_broken_glass_is_mended_after_half_an_hour(portal, acme, clock) -> None:
    portal.execute("UPDATE user_session SET first_factor = 'break-glass'", acme)
    admin = acme.visit("admin")
    assert admin.get("/members").status_code == 403
    clock.advance(minutes=29)
    assert admin.get("/members").status_code == 403
    clock.advance(minutes=2)
    assert admin.get("/members").status_code == 302
