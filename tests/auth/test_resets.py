"""A forgotten password: one link, one use, one person, and nothing to learn by asking for one."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event
from sqlalchemy.engine import Engine

from portal.auth import resets
from portal.auth.assurance import Factor
from portal.auth.policy.models import SignInPolicy
from portal.auth.tokens import hash_token
from portal.cli import working
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.installation import PASSWORD, Organisation

NEW = "seventeen purple lighthouses"
CHOSEN = {"password": NEW, "again": NEW}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def no_old_mail(portal) -> None:
    """The invitations of the set-up wait in the outbox; they are not what is looked at here."""
    portal.execute_everywhere("DELETE FROM job")


def ask(organisation: Organisation, email: str, **more: str) -> str:
    """Ask for a link; gives the text of the answer."""
    answer = organisation.visit(**more).post("/auth/forgot", {"email": email})
    assert answer.status_code == 200, answer.status_code
    return answer.text


def links(organisation: Organisation) -> list[str]:
    """The addresses of the links that were mailed, oldest first, once the worker has been there."""
    organisation.work()
    texts = [
        mail["txt"] for mail in organisation.mails() if mail["subject"] == "Choose a new password"
    ]
    return [re.findall(r"https?://\S+/auth/resets/\S+", text)[0] for text in texts]


def path_for(organisation: Organisation, who: str = "member") -> str:
    """The path of a new link for somebody."""
    ask(organisation, organisation[who].email)
    return links(organisation)[-1].partition("8000")[2]


def sign_in(organisation: Organisation, who: str, password: str) -> Visitor:
    visitor = organisation.visit()
    visitor.submit("/auth/sign-in", email=organisation[who].email, password=password)
    return visitor


def only_sso(organisation: Organisation) -> None:
    with organisation.bound(writes=True) as session:
        session.add(
            SignInPolicy(
                id=organisation.id, factors=[*Factor], idle_minutes=60, absolute_hours=12,
                password_min_length=8, is_sso_only=True,
            )
        )  # fmt: skip


def forget_password_of(organisation: Organisation, who: str) -> None:
    """Make them somebody who only ever came by single sign-on."""
    person = organisation[who].id
    for row in organisation.portal.rows("password_credential"):
        if row["user_id"] == person:
            written = row["id"].hex if organisation.portal.name == "sqlite" else row["id"]
            organisation.portal.execute(
                f"DELETE FROM password_credential WHERE id = '{written}'", organisation
            )


def test_the_link_leads_to_another_password_and_to_no_session(acme) -> None:
    inside, visitor = acme.visit("member"), acme.visit()
    path = path_for(acme)
    assert acme["member"].email in visitor.get(path).text
    answer = visitor.submit(path, **CHOSEN)
    assert answer.location == "/auth/sign-in"
    assert visitor.cookie("session") is None
    assert inside.get("/documents").status_code == 302, "all sessions end"
    assert sign_in(acme, "member", PASSWORD).cookie("session") is None
    signed_in = sign_in(acme, "member", NEW)
    assert signed_in.get("/documents").location.startswith("/auth/code"), "the factor is still owed"
    assert signed_in.submit("/auth/code", code=acme["member"].code).location == "/"
    assert acme.told()[:3] == [
        ("password.reset-asked", "success"),
        ("password.reset-made", "success"),
        ("password.reset", "success"),
    ]


def unlike(organisation: Organisation) -> dict[str, str]:
    """E-mails of those who get no link."""
    forget_password_of(organisation, "guest")
    return {
        "unknown": "nobody@acme.example",
        "invited": organisation["invited"].email,
        "deactivated": organisation["deactivated"].email,
        "by single sign-on": organisation["guest"].email,
    }


@contextmanager
def statements():
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_whoever_asks_gets_one_answer_after_one_piece_of_work(acme) -> None:
    emails = {"member": acme["member"].email, **unlike(acme)}
    ask(acme, "the-first@acme.example")  # opens connections
    seen = {}
    for kind, email in emails.items():
        with statements() as sent:
            text = ask(acme, email).replace(email, "E-MAIL")
        text = re.sub(r'(name="csrf_token" value=")[^"]*', r"\1", text)
        seen[kind] = (text, tuple(sent))
    assert len(set(seen.values())) == 1, [kind for kind in seen if seen[kind] != seen["member"]]
    assert acme.told() == [("password.reset-asked", "success")] * 6
    assert {entry["target"] for entry in acme.log()} == {"user:unknown"}


def test_only_who_signs_in_by_password_is_written_to(acme, globex) -> None:
    for email in unlike(acme).values():
        ask(acme, email)
    ask(acme, globex["member"].email)
    assert links(acme) == links(globex) == []
    ask(acme, acme["member"].email.upper())
    assert len(links(acme)) == 1
    [mail] = acme.mails()
    assert mail["to"] == acme["member"].email
    assert "192.0.2.7" in mail["txt"]


def test_where_nobody_signs_in_by_password_no_link_is_made_or_works(acme) -> None:
    path = path_for(acme)
    only_sso(acme)
    assert acme.visit().get(path).status_code == 404
    assert acme.visit().post(path, CHOSEN).status_code == 404
    ask(acme, acme["admin"].email)
    assert len(links(acme)) == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_works_once(acme, method) -> None:
    path = path_for(acme)
    acme.visit().submit(path, **CHOSEN)
    answer = getattr(acme.visit(), method)(path)
    assert answer.status_code == 404
    assert acme.told()[-1] == ("password.reset-refused", "refused")


def test_a_link_works_once_also_in_parallel(acme) -> None:
    visitors, path = [acme.visit() for _ in range(8)], path_for(acme)
    start = Barrier(len(visitors))

    def choose(number: int) -> int:
        words = {"password": f"{NEW} {number}", "again": f"{NEW} {number}"}
        start.wait()
        return visitors[number].post(path, words).status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = list(pool.map(choose, range(len(visitors))))
    assert sorted(statuses) == [302] + [404] * 7
    [winner] = [number for number, status in enumerate(statuses) if status == 302]
    assert sign_in(acme, "member", f"{NEW} {winner}").cookie("session")


@on_sqlite
def test_a_sign_in_under_way_with_the_old_password_opens_nothing(acme, monkeypatch) -> None:
    """Whoever stole it could else have a session that no change of it has ended."""
    path, verify = path_for(acme), PasswordHasher.verify
    thief, stolen = acme.visit(), {"email": acme["member"].email, "password": PASSWORD}

    def reset_meanwhile(self, *given) -> bool:
        monkeypatch.setattr(PasswordHasher, "verify", verify)
        with ThreadPoolExecutor(1) as owner:
            assert owner.submit(acme.visit().post, path, CHOSEN).result().status_code == 302
        return verify(self, *given)

    monkeypatch.setattr(PasswordHasher, "verify", reset_meanwhile)
    assert thief.post("/auth/sign-in", stolen).status_code == 401
    assert thief.cookie("session") is None


def test_a_link_expires_after_half_an_hour(acme, clock) -> None:
    path = path_for(acme)
    clock.advance(minutes=29)
    assert acme.visit().get(path).status_code == 200
    clock.advance(minutes=1)
    assert acme.visit().get(path).status_code == 404
    assert acme.visit().post(path, CHOSEN).status_code == 404


def test_a_request_that_waited_too_long_is_let_go(acme, clock) -> None:
    """By then it is answered to nobody's wish any more."""
    ask(acme, acme["member"].email)
    clock.advance(minutes=30)
    assert links(acme) == []


def by_another_link(acme: Organisation) -> None:
    path_for(acme)


def by_a_change(acme: Organisation) -> None:
    form = {"present": PASSWORD, "new": NEW, "again": NEW}
    assert acme.visit("member").post("/account/password", form).status_code == 302


def by_deactivation(acme: Organisation) -> None:
    path = f"/members/{acme['member'].id}"
    for act in ("deactivate", "reactivate"):
        assert acme.visit("admin").post(f"{path}/{act}").status_code == 302


@pytest.mark.parametrize("end", [by_another_link, by_a_change, by_deactivation])
def test_a_link_ends(acme, end) -> None:
    path = path_for(acme)
    assert acme.visit().get(path).status_code == 200
    end(acme)
    assert acme.visit().get(path).status_code == 404
    assert acme.visit().post(path, CHOSEN).status_code == 404


def test_a_link_is_worth_nothing_on_another_tenants_host(acme, globex) -> None:
    path = path_for(acme)
    assert globex.visit().get(path).status_code == 404
    assert globex.visit().post(path, CHOSEN).status_code == 404
    assert acme.visit().get(path).status_code == 200


def test_one_kind_of_token_is_none_of_another(acme) -> None:
    """V6: swap the types, of people who could use each."""
    reset = path_for(acme).rpartition("/")[2]
    invitation = acme["invited"].invitation.rpartition("/")[2]
    for path in (
        f"/auth/invitations/{reset}",
        f"/auth/resets/{invitation}",
        f"/auth/resets/{acme['member'].token}",
        f"/auth/resets/{acme.half_token}",
    ):
        assert acme.visit().get(path).status_code == 404
        assert acme.visit().post(path, CHOSEN).status_code == 404
    visitor = acme.visit()
    visitor.take("session", reset)
    assert visitor.get("/documents").location.startswith("/auth/sign-in")
    assert acme.visit().get(f"/auth/resets/{reset}").status_code == 200


@pytest.mark.parametrize("host", ["acme.localhost:666", "docs.elsewhere.example"])
def test_the_link_leads_to_the_host_that_is_kept_whatever_the_request_says(
    portal, acme, host
) -> None:
    owner = acme.id.hex if portal.name == "sqlite" else acme.id
    portal.execute(
        "INSERT INTO tenant_host (host, tenant_id, verified_at) VALUES"
        f" ('docs.elsewhere.example', '{owner}', '2999-01-01 00:00:00')"
    )
    try:
        answer = portal.visit(host.partition(":")[0]).post(
            "/auth/forgot",
            {"email": acme["member"].email},
            base_url=f"http://{host}",
            headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
        )
        assert answer.status_code == 200
        [link] = links(acme)
    finally:
        portal.execute("DELETE FROM tenant_host WHERE host = 'docs.elsewhere.example'")
    assert link.startswith("http://acme.localhost:8000/auth/resets/")


def test_a_weak_password_leaves_the_link_good(acme) -> None:
    path = path_for(acme)
    for weak, status in ((("password1", "password1"), 400), ((NEW, "another one"), 422)):
        answer = acme.visit().submit(path, password=weak[0], again=weak[1])
        assert answer.status_code == status
    assert acme.visit().submit(path, **CHOSEN).status_code == 302


def test_nobody_is_flooded_with_mail_and_the_last_link_stays_good(acme, clock) -> None:
    for email in (acme["member"].email, "nobody@acme.example"):
        statuses = [
            acme.visit(address=f"198.51.100.{n}").post("/auth/forgot", {"email": email}).status_code
            for n in range(7)
        ]
        assert statuses == [200] * 5 + [429] * 2
    sent = links(acme)
    assert len(sent) == 5
    assert acme.visit().get(sent[-1].partition("8000")[2]).status_code == 200
    clock.advance(minutes=15)
    ask(acme, acme["member"].email)


def test_one_address_does_not_ask_for_ever(acme) -> None:
    form = [{"email": f"person{n}@acme.example"} for n in range(31)]
    statuses = [acme.visit().post("/auth/forgot", fields).status_code for fields in form]
    assert statuses == [200] * 30 + [429]
    assert acme.visit(address="198.51.100.1").post("/auth/forgot", form[0]).status_code == 200


def test_only_a_hash_of_the_link_is_kept(portal, acme) -> None:
    token = path_for(acme).rpartition("/")[2]
    assert any(bytes(r["token_hash"]) == hash_token(token) for r in portal.rows("password_reset"))
    assert token not in repr(portal.dump())
    assert acme["member"].email not in repr(portal.rows("job"))


def test_the_person_is_told_by_mail(acme) -> None:
    path = path_for(acme)
    acme.visit(address="198.51.100.9").post(path, CHOSEN, headers={"User-Agent": FIREFOX})
    told = acme.mails()[-1]
    assert (told["to"], told["subject"]) == (acme["member"].email, "Your password was changed")
    assert "198.51.100.9" in told["txt"]
    assert "Firefox on Linux" in told["txt"]
    assert NEW not in told["txt"] + told["html"]


@on_sqlite
def test_without_a_mail_server_the_page_says_so(portal, acme) -> None:
    assert "sends no mail" in acme.visit().get("/auth/forgot").text
    portal.use(smtp_url="smtp://localhost")
    page = acme.visit().get("/auth/forgot").text
    assert "sends no mail" not in page
    assert 'name="email"' in page
    assert "/auth/forgot" in acme.visit().get("/auth/sign-in").text


@pytest.mark.parametrize("smtp_url", ["", "smtp://127.0.0.1:9"])
def test_what_is_asked_for_where_no_mail_goes_out_is_let_go(portal, acme, smtp_url) -> None:
    """It would pile up otherwise, for whoever likes to fill a database."""
    ask(acme, acme["member"].email)
    ask(acme, "nobody@acme.example")
    portal.use(smtp_url=smtp_url)
    with portal.app.app_context():
        working.go_round(sweeping=False)
    asked = [row for row in portal.rows("job") if row["kind"] == resets.KIND]
    assert [bool(row["done_at"]) for row in asked] == [True, True]
    assert {bytes(row["payload"]) for row in asked} == {b""}
    assert len(acme.mails()) == bool(smtp_url)


@pytest.mark.parametrize("email", ["", "no-address", "a\x00@b.example", "x" * 300 + "@b.example"])
def test_what_is_no_e_mail_is_asked_for_again(portal, acme, email) -> None:
    before = portal.dump()
    assert acme.visit().post("/auth/forgot", {"email": email}).status_code == 422
    assert portal.dump() == before
