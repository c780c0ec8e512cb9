"""`portal tenant` and `portal user`."""

import re
import stat

import pytest
from sqlalchemy import make_url

from tests.access.asked import ask_reset, decide_act, want_two
from tests.cli.conftest import one_line
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import LOG, PASSWORD


def test_an_organisation_is_made_and_its_admin_comes_in(portal, run) -> None:
    said = run(
        "tenant", "create", "initech", "Initech", "--admin", "peter@initech.example", "Peter G"
    )
    assert (said.status, said.err) == (0, "")
    assert re.search(r"created initech \([0-9a-f-]{36}\), (pooled|database)\n", said.out)
    [link] = re.findall(r"http://initech\.localhost:8000(/auth/invitations/\S+)", said.out)
    portal.activate()
    visitor = portal.visit("initech.localhost")
    assert visitor.submit(link, password=PASSWORD, again=PASSWORD).location == "/auth/code"
    [tenant] = [r for r in portal.rows("tenant") if r["slug"] == "initech"]
    assert tenant["placement"] == ("database" if portal.name == "sqlite" else "pooled")
    if portal.name == "postgresql":
        entries = [r for r in portal.rows("audit_entry") if r["tenant_id"] == tenant["id"]]
        by_operator = {e["action"] for e in entries if e["actor_kind"] == "operator"}
        assert by_operator == {"tenant.created", "member.invited", "role.assigned"}


@on_sqlite
def test_its_file_is_nobody_elses(portal, run) -> None:
    run("tenant", "create", "initech", "Initech")
    [tenant] = [r for r in portal.rows("tenant") if r["slug"] == "initech"]
    path = portal.settings.instance / "tenants" / f"{tenant['id']}.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((portal.settings.instance / "keys.json").stat().st_mode) == 0o600


@on_postgresql
def test_an_organisation_gets_a_database_of_its_own(portal, postgresql, run) -> None:
    said = run("tenant", "create", "initech", "Initech", "--placement", "database",
               "--admin", "peter@initech.example", "Peter G")  # fmt: skip
    assert (said.status, said.err) == (0, "")
    [tenant] = [r for r in portal.rows("tenant") if r["slug"] == "initech"]
    name = f"{make_url(portal.settings.database_url).database}_{tenant['id'].hex}"
    try:
        assert not any(r["tenant_id"] == tenant["id"] for r in portal.rows("user_account"))
        assert run("db", "check").out.splitlines()[:2] == [
            "main database: in order",
            "initech: in order",
        ]
        link = said.out.rpartition("8000")[2].strip()
        visitor = portal.visit("initech.localhost")
        portal.activate()
        assert visitor.submit(link, password=PASSWORD, again=PASSWORD).location == "/auth/code"
    finally:
        portal.close_engines()
        postgresql.drop_database(name)


@on_sqlite
def test_on_sqlite_nobody_is_pooled(run) -> None:
    said = run("tenant", "create", "initech", "Initech", "--placement", "pooled")
    assert said.status == 1
    assert "file of its own" in one_line(said)


@on_sqlite
@pytest.mark.parametrize(
    ("slug", "name", "more"),
    [
        ("acme", "Acme again", []),
        ("admin", "Reserved", []),
        ("x", "Short", []),
        ("Upper", "Upper", []),
        ("a_b", "Underscore", []),
        ("1st", "Digit", []),
        ("../x", "Path", []),
        ("initech", "", []),
        ("initech", "x" * 201, []),
        ("initech", "Initech", ["--host", "acme.localhost"]),
        ("initech", "Initech", ["--host", "no host"]),
        ("initech", "Initech", ["--host", "Upper.example"]),
        ("initech", "Initech", ["--admin", "no-address", "Peter"]),
    ],
)
def test_an_organisation_that_can_not_be_is_not_made(portal, run, slug, name, more) -> None:
    before = portal.rows("tenant"), portal.dump()
    said = run("tenant", "create", slug, name, *more)
    assert said.status == 1, said
    one_line(said)
    assert (portal.rows("tenant"), portal.dump()) == before


def test_a_making_that_was_cut_off_leaves_nothing_reachable(portal, run, monkeypatch) -> None:
    def fail(*args: object, **more: object) -> None:
        raise OSError("pulled the plug")

    monkeypatch.setattr("portal.cli.tenants.create_tenant_key", fail)
    said = run("tenant", "create", "initech", "Initech")
    assert said.status == 1
    assert [r["slug"] for r in portal.rows("tenant") if r["slug"] == "initech"] == []
    monkeypatch.undo()


def test_the_list_shows_state_and_host(run) -> None:
    said = run("tenant", "list")
    assert [line.split()[:4] for line in said.out.splitlines()] == [
        ["acme", "active", said.out.split()[2], "acme.localhost"],
        ["globex", "active", said.out.split()[2], "globex.localhost"],
    ]


def test_suspending_and_resuming_hold_from_the_next_request_on(portal, acme, globex, run) -> None:
    member = acme.visit("member")
    said = run("tenant", "suspend", "acme")
    assert (said.status, said.out) == (0, "acme is suspended\n")
    portal.activate()
    assert member.get("/documents").status_code == 403
    assert globex.visit("member").get("/documents").status_code == 200
    assert "suspended" in run("tenant", "list").out
    assert run("tenant", "suspend", "acme").status == 1
    assert run("tenant", "resume", "acme").out == "acme is active\n"
    portal.activate()
    assert member.get("/documents").status_code == 200
    assert acme.told() == [("tenant.suspended", "success"), ("tenant.resumed", "success")]
    assert {entry["actor_kind"] for entry in acme.log()} == {"operator"}
    assert run("tenant", "resume", "acme").status == 1


@pytest.mark.parametrize("words", [("tenant", "suspend"), ("tenant", "resume")])
def test_an_organisation_that_is_not_there_is_no_crash(run, words) -> None:
    said = run(*words, "initech")
    assert said.status == 1
    assert one_line(said) == "portal: There is no tenant 'initech'."


def test_a_person_is_invited_from_the_command_line(portal, acme, run) -> None:
    said = run("user", "invite", "new@acme.example", "New", "--tenant", "acme", "--role", "auditor")
    assert said.status == 0
    portal.activate()
    assert acme.visit().get(said.out.strip().removeprefix(acme.visit().base)).status_code == 200
    assert [entry["action"] for entry in acme.log()[:2]] == ["member.invited", "role.assigned"]


def test_a_role_of_the_organisations_own_is_given_by_key_or_name(portal, acme, run) -> None:
    for n, text in enumerate((acme.roles["archivist"], "ARCHIVIST", "Compliance officer")):
        said = run("user", "invite", f"{n}@acme.example", "N", "--tenant", "acme", "--role", text)
        assert said.status == 0, said.err
    portal.activate()
    given = [e["detail"]["role"] for e in acme.log() if e["action"] == "role.assigned"]
    assert given == [acme.roles["archivist"], acme.roles["archivist"], "compliance-officer"]


@pytest.mark.parametrize("role", ["owner", "guest", ""])
def test_a_role_that_is_not_there_or_for_folders_alone_is_refused(portal, acme, run, role) -> None:
    said = run("user", "invite", "a@acme.example", "A", "--tenant", "acme", "--role", role)
    assert said.status == 1
    assert "The roles: Admin, Member, Compliance officer, Auditor, Archivist." in one_line(said)
    portal.activate()
    assert acme.log() == []


@pytest.mark.parametrize(
    "words",
    [
        ("new@acme.example", "New", "--tenant", "initech"),
        ("member@acme.example", "Again", "--tenant", "acme"),
        ("new@acme.example", "New", "--tenant", "acme", "--role", "guest"),
        ("no-address", "New", "--tenant", "acme"),
        ("new@acme.example", "New\nBcc: x", "--tenant", "acme"),
    ],
)
def test_the_rules_hold_by_this_door_too(portal, run, words) -> None:
    """V16: the same invariants by every way in."""
    before = {t: r for t, r in portal.dump().items() if t not in LOG}
    said = run("user", "invite", *words)
    assert said.status in (1, 2), said
    assert "Traceback" not in said.err
    assert {t: r for t, r in portal.dump().items() if t not in LOG} == before


def test_an_operator_asks_no_second_admin_and_is_told_so(portal, acme, run) -> None:
    want_two(acme, "reset-factors")
    act = ask_reset(acme)
    assert acme.visit("member").get("/documents").status_code == 200
    said = run("user", "reset-mfa", "member@acme.example", "--tenant", "acme")
    assert (said.status, "no second admin was asked" in said.out) == (0, True)
    portal.activate()
    assert acme.visit("member").get("/documents").status_code == 302
    assert acme.told()[-2:] == [("act.expired", "success"), ("factor.reset", "success")]
    assert decide_act(acme, act, "approve") == 409, "it is over with the factors"


def test_a_lost_authenticator_is_removed(portal, acme, run) -> None:
    said = run("user", "reset-mfa", "member@acme.example", "--tenant", "acme")
    assert said.status == 0
    portal.activate()
    assert acme.visit("member").get("/documents").status_code == 302
    assert acme.told() == [("factor.reset", "success")]
    assert run("user", "reset-mfa", "member@acme.example", "--tenant", "acme").status == 1
    assert run("user", "reset-mfa", "nobody@acme.example", "--tenant", "acme").status == 1


def test_an_organisation_whose_single_sign_on_is_gone_gets_in_again(portal, acme, run) -> None:
    assert run("tenant", "release-sso", "acme").status == 1
    portal.execute("UPDATE identity_provider SET state = 'offered'", acme)
    assert acme.visit("admin").post("/sso/enforce").status_code == 200
    form = {"email": acme["member"].email, "password": PASSWORD}
    assert acme.visit().post("/auth/sign-in", form).status_code == 403
    released = run("tenant", "release-sso", "acme")
    assert (released.status, released.out) == (0, "acme may sign in by password again\n")
    assert acme.visit().post("/auth/sign-in", form).status_code == 302
    assert ("sso.released", "success") in acme.told()
