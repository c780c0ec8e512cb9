"""An invitation: one link, one use, one person, one tenant."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest

from portal.auth.tokens import hash_token
from tests.browsing import Visitor, forms_of
from tests.conftest import on_sqlite
from tests.installation import PASSWORD, Organisation

CHOSEN = {"password": PASSWORD, "again": PASSWORD}


def path_of(organisation: Organisation, who: str = "invited") -> str:
    return organisation[who].invitation.removeprefix(organisation.visit().base)


def invite(visitor: Visitor, email: str = "new@acme.example", **more: str) -> str:
    """Invite somebody by the page; gives the link that it shows."""
    answer = visitor.submit("/members/new", name="New Person", email=email, role="member", **more)
    assert answer.status_code == 200, answer.status_code
    return answer.text.partition('value="http')[2].partition('"')[0].partition("8000")[2]


@on_sqlite
def test_the_page_promises_a_mail_only_where_one_goes_out(portal, acme) -> None:
    form = {"name": "New Person", "email": "new@acme.example", "role": "member"}
    assert "sends no mail yet" in acme.visit("admin").post("/members/new", form).text
    portal.use(smtp_url="smtp://localhost:9")
    again = form | {"email": "other@acme.example"}
    assert "A mail with this link" in acme.visit("admin").post("/members/new", again).text


def test_the_link_leads_to_a_password_and_an_authenticator(acme) -> None:
    visitor = acme.visit()
    page = visitor.get(path_of(acme))
    assert page.status_code == 200
    assert acme["invited"].email in page.text
    answer = visitor.submit(path_of(acme), **CHOSEN)
    assert answer.location == "/auth/code"
    assert visitor.get("/auth/code").location.startswith("/auth/enrol")
    assert visitor.get("/documents").location == "/auth/enrol?next=/documents"
    [entry] = acme.log()
    assert (entry["action"], entry["actor_kind"], entry["target"]) == (
        "invitation.accepted",
        "anonymous",
        f"user:{acme['invited'].id}",
    )


@pytest.mark.parametrize("steps", ["post", "get"])
def test_a_link_works_once(acme, steps) -> None:
    acme.visit().submit(path_of(acme), **CHOSEN)
    second = acme.visit()
    answer = second.get(path_of(acme)) if steps == "get" else second.post(path_of(acme), CHOSEN)
    assert answer.status_code == 404
    assert second.cookie("session") is None
    assert acme.told()[-1] == ("invitation.refused", "refused")


def test_a_link_works_once_also_in_parallel(acme) -> None:
    """V6. Check-then-set would let most of these in."""
    visitors = [acme.visit() for _ in range(8)]
    start, path = Barrier(len(visitors)), path_of(acme)

    def accept(visitor: Visitor) -> int:
        start.wait()
        return visitor.post(path, CHOSEN).status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(accept, visitors))
    assert statuses == [302] + [404] * 7
    [row] = [
        r for r in acme.portal.rows("password_credential") if r["user_id"] == acme["invited"].id
    ]
    assert row


def test_a_link_expires_after_a_week(acme, clock) -> None:
    clock.advance(days=7, minutes=-1)
    assert acme.visit().get(path_of(acme)).status_code == 200
    clock.advance(minutes=2)
    assert acme.visit().get(path_of(acme)).status_code == 404
    assert acme.visit().post(path_of(acme), CHOSEN).status_code == 404


def test_a_new_link_ends_the_one_before(acme) -> None:
    answer = acme.visit("admin").post(f"/members/{acme['invited'].id}/invitations")
    assert answer.status_code == 200
    newer = answer.text.partition('value="http')[2].partition('"')[0].partition("8000")[2]
    assert newer != path_of(acme)
    assert acme.visit().get(path_of(acme)).status_code == 404
    assert acme.visit().submit(newer, **CHOSEN).status_code == 302


def test_nobody_is_invited_again_who_is_in(acme) -> None:
    answer = acme.visit("admin").post(f"/members/{acme['member'].id}/invitations")
    assert answer.status_code == 409


def test_a_link_is_worth_nothing_after_deactivation(acme) -> None:
    acme.visit("admin").post(f"/members/{acme['invited'].id}/deactivate")
    assert acme.visit().get(path_of(acme)).status_code == 404
    assert acme.visit().post(path_of(acme), CHOSEN).status_code == 404


def test_whoever_never_accepted_is_invited_again_after_reactivation(acme) -> None:
    for act in ("deactivate", "reactivate"):
        acme.visit("admin").post(f"/members/{acme['invited'].id}/{act}")
    assert acme.visit().get(path_of(acme)).status_code == 200


def test_a_link_is_worth_nothing_on_another_tenants_host(acme, globex) -> None:
    assert globex.visit().get(path_of(acme)).status_code == 404
    assert globex.visit().post(path_of(acme), CHOSEN).status_code == 404
    assert acme.visit().get(path_of(acme)).status_code == 200


def test_one_kind_of_token_is_none_of_another(acme) -> None:
    """V6: swap the types."""
    token = acme["member"].token
    assert acme.visit().get(f"/auth/invitations/{token}").status_code == 404
    visitor = acme.visit()
    visitor.take("session", path_of(acme).rpartition("/")[2])
    assert visitor.get("/documents").status_code == 302


def test_a_link_is_for_its_own_e_mail_whatever_is_sent_with_it(portal, acme) -> None:
    before = {row["id"]: row["email"] for row in portal.rows("user_account")}
    other = {"username": acme["admin"].email, "email": "other@acme.example"}
    more = other | {"user_id": str(acme["admin"].id), "state": "deactivated"}
    visitor = acme.visit()
    assert visitor.post(path_of(acme), CHOSEN | more).location == "/auth/code"
    assert {row["id"]: row["email"] for row in portal.rows("user_account")} == before
    form = {"email": acme["invited"].email, "password": PASSWORD}
    assert acme.visit().post("/auth/sign-in", form).status_code == 302


def test_an_invitation_that_waits_is_no_way_round_a_lost_password(acme) -> None:
    """The link of somebody who is in is spent, also where another one was sent meanwhile."""
    admin, path = acme.visit("admin"), f"/members/{acme['invited'].id}/invitations"
    links = [path_of(acme)]
    for _ in range(2):
        answer = admin.post(path).text
        links.append(answer.partition('value="http')[2].partition('"')[0].partition("8000")[2])
    assert acme.visit().submit(links[-1], **CHOSEN).status_code == 302
    other = {"password": "seventeen purple lighthouses", "again": "seventeen purple lighthouses"}
    for link in links:
        assert acme.visit().post(link, other).status_code == 404
    assert admin.post(path).status_code == 409


def test_a_weak_password_leaves_the_link_good(acme) -> None:
    answer = acme.visit().submit(path_of(acme), password="password1", again="password1")
    assert answer.status_code == 400
    assert "guessed" in answer.text
    answer = acme.visit().submit(path_of(acme), password=PASSWORD, again="another one")
    assert answer.status_code == 422
    assert acme.visit().submit(path_of(acme), **CHOSEN).status_code == 302


def test_only_a_hash_of_the_link_is_kept_and_the_admin_sees_it_once(portal, acme) -> None:
    admin = acme.visit("admin")
    token = invite(admin).rpartition("/")[2]
    assert any(bytes(row["token_hash"]) == hash_token(token) for row in portal.rows("invitation"))
    assert token not in repr(portal.dump())
    assert token not in admin.get("/members?q=new").text


def test_an_invited_person_gets_the_role_and_nothing_before(portal, acme) -> None:
    path = invite(acme.visit("admin"))
    [user] = [u for u in portal.rows("user_account") if u["email"] == "new@acme.example"]
    assert (user["state"], user["name"]) == ("invited", "New Person")
    [role] = [r for r in portal.rows("role_assignment") if r["user_id"] == user["id"]]
    assert (role["role"], role["granted_by"]) == ("member", acme["admin"].id)
    assert [entry["action"] for entry in acme.log()] == ["member.invited", "role.assigned"]
    assert acme.visit().submit(path, **CHOSEN).status_code == 302


def test_an_e_mail_is_invited_once_in_a_tenant_also_in_parallel(portal, acme, globex) -> None:
    visitors = [acme.visit("admin") for _ in range(4)]
    start = Barrier(len(visitors))

    def send(visitor: Visitor) -> int:
        form = {"name": "New", "email": "New@Acme.example", "role": "member", "folder": ""}
        start.wait()
        return visitor.post("/members/new", form).status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(send, visitors))
    assert statuses == [200, 409, 409, 409]
    assert invite(globex.visit("admin"), "new@acme.example")


@pytest.mark.parametrize(
    ("field", "value"),
    [("role", "owner"), ("role", ""), ("email", "no-address"), ("name", ""), ("folder", "x")],
)
def test_an_invitation_that_makes_no_sense_is_shown_again(portal, acme, field, value) -> None:
    form = {"name": "New", "email": "new@acme.example", "role": "member", "folder": ""}
    before = portal.dump()
    answer = acme.visit("admin").post("/members/new", form | {field: value})
    assert answer.status_code == 422
    assert forms_of(answer.text)[-1].fields["email"] == (form | {field: value})["email"]
    assert portal.dump() == before


@pytest.mark.parametrize("name", ["New\nhttp://evil.example", "A\x00B", "\u202eevil", "x" * 201])
def test_a_name_that_would_change_the_mail_is_no_name(acme, name) -> None:
    form = {"name": name, "email": "new@acme.example", "role": "member", "folder": ""}
    assert acme.visit("admin").post("/members/new", form).status_code in (400, 422)


def test_fields_that_no_form_has_do_nothing(portal, acme, globex) -> None:
    """Mass assignment (V4)."""
    more = {
        "state": "active",
        "tenant_id": str(globex.id),
        "id": str(UUID(int=1)),
        "user_id": str(acme["admin"].id),
        "granted_by": str(acme["member"].id),
        "created_at": "2000-01-01",
    }
    form = {"name": "New", "email": "new@acme.example", "role": "member", "folder": ""}
    before = len(portal.rows("user_account"))
    assert acme.visit("admin").post("/members/new", form | more).status_code == 200
    [user] = [u for u in portal.rows("user_account") if u["email"] == "new@acme.example"]
    assert (user["state"], user["tenant_id"]) == ("invited", acme.id)
    assert user["id"] != UUID(int=1)
    assert str(user["created_at"])[:4] != "2000"
    [role] = [r for r in portal.rows("role_assignment") if r["user_id"] == user["id"]]
    assert role["granted_by"] == acme["admin"].id
    assert len(portal.rows("user_account")) == before + 1
