"""Folder owners let others in, within what they hold there, and out again."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from werkzeug.test import TestResponse

from portal.access.permissions import BUILT_IN, ORGANISATION_WIDE, Permission
from portal.core import clock as portal_clock
from tests.access.own_roles import made
from tests.browsing import Visitor, links_of
from tests.documents.sharers import give, held_by, make_folder, make_group, make_role
from tests.web.things import without_log

OWNER = "guest"  # who becomes the owner of "shared" here


def share(visitor: Visitor, folder: UUID, whom: str, role: str, **more: str) -> TestResponse:
    form = {"whom": whom, "role": role, "until": "", "reason": ""} | more
    return visitor.post(f"/folders/{folder}/shares", form)


def take(visitor: Visitor, folder: UUID, assignment: UUID) -> TestResponse:
    return visitor.post(f"/folders/{folder}/shares/{assignment}/remove", {"reason": ""})


@pytest.fixture
def shared(acme) -> UUID:
    give(acme, OWNER, "folder-owner", "shared")
    return acme.folders["shared"]


@pytest.fixture
def owner(acme, shared) -> Visitor:
    return acme.visit(OWNER)


def test_an_owner_lets_a_person_in_who_can_read_at_once(acme, owner, shared) -> None:
    officer = acme.visit("officer")
    assert officer.get(f"/documents/folders/{shared}").status_code == 403
    until = f"{portal_clock.now() + timedelta(days=3):%Y-%m-%d}"
    email = f" {acme['officer'].email.upper()} "
    answer = share(owner, shared, email, "guest", until=until, reason="audit of 2026")
    assert answer.location == f"/folders/{shared}/access"
    assert officer.get(f"/documents/folders/{shared}").status_code == 200
    entry = acme.log()[-1]
    assert (entry["action"], entry["actor_id"]) == ("role.assigned", acme[OWNER].id)
    assert entry["target"] == f"user:{acme['officer'].id}"
    made = entry["detail"].pop("assignment")
    assert entry["detail"] == {
        "role": "guest",
        "folder": str(shared),
        "reason": "audit of 2026",
        "way": "share",
        "expires_at": f"{until}T23:59:59.999999+00:00",
    }
    page = owner.get(f"/folders/{shared}/access").text
    assert acme["officer"].name in page
    assert f"{until} 23:59 UTC" in page
    assert take(owner, shared, UUID(made)).status_code == 302
    assert officer.get(f"/documents/folders/{shared}").status_code == 403
    entry = acme.log()[-2]  # then the officer was refused
    assert (entry["action"], entry["detail"]["way"]) == ("role.removed", "share")


def test_an_owner_lets_a_group_in_by_its_name(acme, owner, shared) -> None:
    group = make_group(acme, "Größe", "officer")
    assert share(owner, shared, "GRÖSSE", "guest").status_code == 302
    assert [row["role"] for row in held_by(acme, group)] == ["guest"]
    assert acme.visit("officer").get(f"/documents/folders/{shared}").status_code == 200


PARTS = {
    "all that an owner has": BUILT_IN["folder-owner"].permissions,
    "reading and sharing": {Permission.DOCUMENT_READ, Permission.FOLDER_SHARE},
    "sharing alone": {Permission.FOLDER_SHARE},
    "reading, uploading and sharing": {
        Permission.ACCESS_READ,
        Permission.DOCUMENT_READ,
        Permission.DOCUMENT_UPLOAD,
        Permission.FOLDER_SHARE,
    },
    "everything but sharing": set(Permission) - {Permission.FOLDER_SHARE} - ORGANISATION_WIDE,
}
OWN_ROLES = {
    "uploader": {Permission.DOCUMENT_READ, Permission.DOCUMENT_UPLOAD},
    "watcher": {Permission.DOCUMENT_READ, Permission.AUDIT_READ},
    "clerk": {Permission.DOCUMENT_READ, Permission.MEMBER_READ},
}


@pytest.mark.parametrize("held", PARTS)
def test_nobody_gives_more_than_they_hold_on_the_folder(acme, held) -> None:
    """V4: every role against what the sharer holds. Management is given on no folder at all."""
    holds = PARTS[held]
    give(acme, "officer", make_role(acme, "part", *holds), "closed")
    for key, permissions in OWN_ROLES.items():
        make_role(acme, key, *permissions)
    roles = {key: role.permissions for key, role in BUILT_IN.items()} | OWN_ROLES
    officer = acme.visit("officer")  # holds the log and more, but in the whole organisation
    everywhere = BUILT_IN["compliance-officer"].permissions
    for key, permissions in roles.items():
        answer = share(officer, acme.folders["closed"], acme["second_admin"].email, key)
        may = Permission.FOLDER_SHARE in holds
        may = may and permissions <= {*holds, *everywhere} and not permissions & ORGANISATION_WIDE
        status = 302 if may else 422 if Permission.FOLDER_SHARE in holds else 403
        assert answer.status_code == status, (key, answer.status_code)
    given = {row["role"] for row in held_by(acme, "second_admin")} - {"admin"}
    assert Permission.FOLDER_SHARE in holds or not given


def test_an_admin_gives_any_work_on_any_folder_without_holding_it(acme) -> None:
    admin, closed = acme.visit("admin"), acme.folders["closed"]
    assert share(admin, closed, acme["officer"].email, "folder-owner").status_code == 302
    assert share(admin, closed, acme["officer"].email, "admin").status_code == 422
    assert share(admin, closed, acme["admin"].email, "guest").status_code == 403


def test_nobody_shares_with_themselves_nor_with_a_group_they_are_in(acme, owner, shared) -> None:
    make_group(acme, "Mine", OWNER)
    before = acme.portal.rows("role_assignment")
    assert share(owner, shared, acme[OWNER].email, "member").status_code == 403
    assert share(owner, shared, "Mine", "member").status_code == 403
    assert acme.portal.rows("role_assignment") == before
    assert acme.told() == [("access.refused", "refused")] * 2


def test_an_owner_is_one_on_this_folder_and_beneath_it(acme, owner, shared) -> None:
    beneath = make_folder(acme, "Beneath", shared)
    email = acme["officer"].email
    assert share(owner, beneath, email, "guest").status_code == 302
    assert share(owner, acme.folders["closed"], email, "guest").status_code == 403
    give(acme, "auditor", "folder-owner", beneath)
    auditor = acme.visit("auditor")
    assert share(auditor, shared, email, "guest").status_code == 403
    assert share(auditor, beneath, acme["second_admin"].email, "guest").status_code == 302


def test_what_comes_from_above_or_everywhere_is_not_an_owners_to_take(acme, owner, shared) -> None:
    beneath = make_folder(acme, "Beneath", shared)
    give(acme, "auditor", "folder-owner", beneath)
    above, here = give(acme, "officer", "guest", "shared"), give(acme, "officer", "guest", beneath)
    [everywhere] = [row["id"] for row in held_by(acme, "member")]
    auditor = acme.visit("auditor")
    for folder in (shared, beneath):
        assert take(auditor, folder, above).status_code == (403 if folder == shared else 404)
        assert take(auditor, folder, everywhere).status_code == (403 if folder == shared else 404)
    assert take(owner, shared, everywhere).status_code == 404
    assert take(owner, shared, here).status_code == 404, "only at the folder that it was given on"
    assert take(auditor, beneath, here).status_code == 302
    assert take(owner, shared, above).status_code == 302


def test_an_owner_takes_no_role_that_they_could_not_give(acme, shared) -> None:
    """Nor a role of their own."""
    give(acme, "officer", make_role(acme, "part", *PARTS["reading and sharing"]), "shared")
    [own] = [row["id"] for row in held_by(acme, "officer") if row["role"] == "part"]
    officer = acme.visit("officer")
    [owners] = [row["id"] for row in held_by(acme, OWNER) if row["role"] == "folder-owner"]
    [guests] = [row["id"] for row in held_by(acme, OWNER) if row["role"] == "guest"]
    assert take(officer, shared, owners).status_code == 403
    assert take(officer, shared, own).status_code == 403
    assert take(officer, shared, guests).status_code == 302


def test_another_tenants_ids_are_not_found_and_change_nothing(acme, globex, owner, shared) -> None:
    """V1."""
    foreign = give(globex, "officer", "guest", "shared")
    foreign_group = make_group(globex, "Theirs", "officer")
    before = without_log(acme.portal)
    strange = globex.folders["shared"]
    for admin in (acme.visit("admin"), owner):
        email = acme["officer"].email
        for folder in (strange, uuid4(), acme.documents["note"]):
            assert admin.get(f"/folders/{folder}/access").status_code == 404
            assert share(admin, folder, email, "guest").status_code == 404
            assert take(admin, folder, foreign).status_code == 404
        assert take(admin, shared, foreign).status_code == 404
        for whom in (globex["officer"].email, "Theirs", str(foreign_group),
                     str(globex["officer"].id)):  # fmt: skip
            assert share(admin, shared, whom, "guest").status_code == 400
        for document in (globex.documents["plan"], uuid4()):
            assert admin.get(f"/documents/{document}/access").status_code == 404
    assert without_log(acme.portal) == before


def test_nobody_to_share_with_is_recorded_and_does_not_tell_why(acme, owner, shared) -> None:
    """V13: unknown, deactivated and a stranger's name of a group look the same."""
    answers = [
        share(owner, shared, whom, "guest")
        for whom in ("nobody@acme.example", acme["deactivated"].email, "No such group", "@", "x")
    ]
    assert {answer.status_code for answer in answers} == {400}
    errors = {re.search(r'id="form-error">(.*?)</div>', a.text)[1] for a in answers}
    assert len(errors) == 1
    assert acme.told() == [("access.refused", "refused")] * 5
    assert all("nobody@" not in str(entry) for entry in acme.log())
    outsider = acme.visit("member")
    assert share(outsider, shared, acme["officer"].email, "guest").status_code == 403
    assert share(outsider, shared, "nobody@acme.example", "guest").status_code == 403


def test_an_end_in_the_past_is_refused(acme, owner, shared) -> None:
    today = portal_clock.now()
    email = acme["officer"].email
    for until in (f"{today - timedelta(days=1):%Y-%m-%d}", "2000-02-30", "soon", "0000-00-00"):
        answer = share(owner, shared, email, "guest", until=until)
        assert answer.status_code == 422, until
    assert len(held_by(acme, "officer")) == 1
    assert share(owner, shared, email, "guest", until=f"{today:%Y-%m-%d}").status_code == 302


def test_what_has_ended_gives_nothing_and_can_be_given_again(acme, owner, shared, clock) -> None:
    email, until = acme["officer"].email, f"{portal_clock.now():%Y-%m-%d}"
    assert share(owner, shared, email, "guest", until=until).status_code == 302
    assert share(owner, shared, email, "guest").status_code == 409
    clock.advance(days=1)
    acme.portal.execute(f"UPDATE user_session SET last_seen_at = '{clock.now():%F %T}',"
                        f" created_at = '{clock.now():%F %T}', proved_at = '{clock.now():%F %T}'",
                        acme)  # fmt: skip
    assert acme.visit("officer").get(f"/documents/folders/{shared}").status_code == 403
    assert acme["officer"].name not in owner.get(f"/folders/{shared}/access").text
    assert share(owner, shared, email, "guest").status_code == 302
    assert acme.visit("officer").get(f"/documents/folders/{shared}").status_code == 200
    assert [row["role"] for row in held_by(acme, "officer")].count("guest") == 1


def test_the_end_of_a_share_is_moved_by_who_could_share(acme, owner, shared) -> None:
    made = give(acme, "officer", "guest", "shared")
    path = f"/folders/{shared}/shares/{made}/end"
    until = f"{portal_clock.now() + timedelta(days=9):%Y-%m-%d}"
    assert owner.submit(path, until=until).status_code == 302
    entry = acme.log()[-1]
    assert entry["action"] == "role.end-changed"
    assert (entry["detail"]["before"], entry["detail"]["way"]) == (None, "share")
    assert acme.visit("member").post(path, {"until": ""}).status_code == 403
    [own] = [row["id"] for row in held_by(acme, OWNER) if row["role"] == "folder-owner"]
    own_path = f"/folders/{shared}/shares/{own}/end"
    assert owner.post(own_path, {"until": until}).status_code == 403


def test_sharing_asks_for_a_fresh_proof(acme, owner, shared, clock) -> None:
    clock.advance(minutes=31)
    answer = share(owner, shared, acme["officer"].email, "guest")
    assert answer.status_code == 403
    assert "Confirm" in answer.text or "confirm" in answer.text
    assert len(held_by(acme, "officer")) == 1


@pytest.mark.parametrize("who", [OWNER, "member", "officer", "auditor", "admin"])
def test_no_button_of_the_page_is_dead(acme, owner, shared, who) -> None:
    give(acme, "officer", "guest", "shared")
    give(acme, make_group(acme, "Staff", "auditor", OWNER), "member", "shared", group=True)
    visitor = acme.visit(who)
    pages = [f"/folders/{shared}/access"]
    if who != "admin":
        pages.append(f"/documents/{acme.documents['plan']}/access")
    for page in pages:
        answer = visitor.get(page)
        assert answer.status_code == 200
        for link in links_of(answer.text):
            if link.startswith("/") and not link.endswith(("/shares", "/sign-out")):
                assert visitor.get(link).status_code in (200, 302), (who, page, link)
        has_form = f'action="/folders/{shared}/shares"' in answer.text
        assert has_form == (who in (OWNER, "admin") and page.startswith("/folders"))


def test_who_may_not_share_sees_no_way_to(acme, owner, shared) -> None:
    for who in ("member", "officer", "auditor"):
        assert "/shares" not in acme.visit(who).get(f"/folders/{shared}/access").text, who


def test_the_tab_is_shown_to_whom_it_is_open(acme, shared) -> None:
    for who, path in (
        ("member", f"/documents/folders/{shared}"),
        ("member", f"/documents/{acme.documents['plan']}"),
        ("auditor", f"/documents/{acme.documents['plan']}"),
    ):
        assert "/access" in acme.visit(who).get(path).text
    acme.portal.execute("DELETE FROM role_assignment WHERE role = 'folder-owner'", acme)
    guest = acme.visit("guest")
    assert "/access" not in guest.get(f"/documents/folders/{shared}").text
    assert guest.get(f"/folders/{shared}/access").status_code == 403


def test_folders_above_keep_their_names(acme, shared) -> None:
    beneath = make_folder(acme, "Beneath", shared)
    give(acme, "officer", "guest", "shared")
    acme.portal.execute("DELETE FROM role_assignment WHERE role = 'folder-owner'", acme)
    acme.portal.execute("DELETE FROM role_assignment WHERE role = 'guest'", acme)
    give(acme, "second_admin", "guest", "shared")
    give(acme, OWNER, "folder-owner", beneath)
    page = acme.visit(OWNER).get(f"/folders/{beneath}/access").text
    assert acme["second_admin"].name in page
    assert "given on a folder above" in page
    assert ">Shared<" not in page
    assert acme["second_admin"].email not in page, "e-mails are for who may see the members"
    assert ">Shared<" in acme.visit("member").get(f"/folders/{beneath}/access").text


# For no longer than it is held


def end(visitor: Visitor, folder: UUID, assignment: UUID, until: str) -> int:
    path = f"/folders/{folder}/shares/{assignment}/end"
    return visitor.post(path, {"until": until, "reason": ""}).status_code


def test_two_whose_roles_end_do_not_prolong_each_other(acme) -> None:
    folder, soon = acme.folders["shared"], portal_clock.now() + timedelta(days=2)
    one = give(acme, "officer", "folder-owner", "shared", expires_at=soon)
    two = give(acme, "auditor", "folder-owner", "shared", expires_at=soon)
    later = f"{soon + timedelta(days=2):%Y-%m-%d}"
    for until in ("", later):
        assert end(acme.visit("officer"), folder, two, until) == 400
        assert end(acme.visit("auditor"), folder, one, until) == 400
    assert end(acme.visit("officer"), folder, two, f"{portal_clock.now():%Y-%m-%d}") == 302
    assert end(acme.visit("admin"), folder, one, "") == 302


def test_an_owner_for_a_while_shares_for_no_longer(acme) -> None:
    folder, soon = acme.folders["shared"], portal_clock.now() + timedelta(days=2)
    give(acme, "officer", "folder-owner", "shared", expires_at=soon)
    officer, whom = acme.visit("officer"), acme["member"].email
    answer = share(officer, folder, whom, "folder-owner")
    assert answer.status_code == 400
    assert f"until {soon:%Y-%m-%d %H:%M} UTC" in answer.text
    assert share(officer, folder, whom, "guest").status_code == 400
    tomorrow = f"{portal_clock.now() + timedelta(days=1):%Y-%m-%d}"
    assert share(officer, folder, whom, "folder-owner", until=tomorrow).status_code == 302


def test_what_is_held_for_good_besides_is_shared_for_good(acme) -> None:
    folder, soon = acme.folders["shared"], portal_clock.now() + timedelta(days=2)
    give(acme, "auditor", "folder-owner", "shared", expires_at=soon)  # reads everywhere
    auditor, whom = acme.visit("auditor"), acme["member"].email
    assert share(auditor, folder, whom, "guest").status_code == 302
    assert share(auditor, folder, whom, "folder-owner").status_code == 400


def test_an_owner_for_a_while_shortens_what_others_were_given_for_good(acme) -> None:
    folder, soon = acme.folders["shared"], portal_clock.now() + timedelta(days=2)
    give(acme, "officer", "folder-owner", "shared", expires_at=soon)
    given = give(acme, "member", "guest", "shared")
    later = f"{soon + timedelta(days=20):%Y-%m-%d}"
    assert end(acme.visit("officer"), folder, given, later) == 302
    assert end(acme.visit("officer"), folder, given, "") == 400


# Separation of duties


def test_a_refusal_tells_an_owner_nothing_of_what_others_hold(acme, owner, shared) -> None:
    key = made(acme, "session:end", name="Secretproject")
    group = make_group(acme, "Layoffs", "officer")
    give(acme, group, key, group=True)
    admin = acme.visit("admin")
    assert admin.post("/roles/exclusive/add", {"first": "guest", "second": key}).status_code == 302
    answer = share(owner, shared, acme["officer"].email, "guest")
    assert answer.status_code == 409
    assert "Ask an admin" in answer.text
    for trace in ("Layoffs", "Secretproject", acme["officer"].name):
        assert trace not in answer.text
    told = acme.log()[-1]["detail"]
    assert (told["person"], told["group"]) == (str(acme["officer"].id), str(group))
    answer = share(admin, shared, acme["officer"].email, "guest")
    for fact in ("Layoffs", "Secretproject", acme["officer"].name):
        assert fact in answer.text
