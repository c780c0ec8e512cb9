"""What pages about access tell of members, groups and folders to those who may not see them."""

from portal.access.permissions import Permission
from tests.access.asked import ask_reset, newest_act, want_two
from tests.access.groups import teams
from tests.access.own_roles import made
from tests.access.reviews.campaign import line_about, start
from tests.conftest import on_sqlite
from tests.documents import sharers
from tests.installation import Organisation

pytestmark = on_sqlite


def test_a_reviewer_is_told_no_folder_that_they_are_not_told_elsewhere(acme) -> None:
    sharers.give(acme, "auditor", "guest", "closed")
    review = start(acme, "guest", people=["auditor"], folder=str(acme.folders["closed"]))
    line = line_about(acme, review, "auditor")
    pages = (f"/reviews/{review}", f"/reviews/{review}/next", f"/reviews/lines/{line.id}")
    for path in pages:
        page = acme.visit("guest").get(path).text
        assert "in one folder" in page
        assert "Closed" not in page
    assert "the folder Closed" in acme.visit("officer").get(f"/reviews/{review}/lines").text
    sharers.give(acme, "guest", "guest", "closed")
    for path in pages:
        assert "the folder Closed" in acme.visit("guest").get(path).text


def group_editor(acme: Organisation, *more: Permission) -> str:
    role = sharers.make_role(acme, "edits", Permission.GROUP_EDIT, *more)
    sharers.give(acme, "guest", role)
    return role


def test_who_edits_groups_finds_no_members_without_the_right_to_see_them(acme) -> None:
    group_editor(acme)
    group = teams.make(acme)
    page = acme.visit("guest").get(f"/groups/{group}/people/add")
    assert page.status_code == 403
    assert acme["member"].email not in page.text


def test_the_form_of_a_group_is_for_who_may_rename_it(acme) -> None:
    group_editor(acme, Permission.MEMBER_READ)
    strong, own, plain = (teams.make(acme, name) for name in ("Strong", "Own", "Plain"))
    teams.give(acme, strong, "admin")
    teams.add(acme, own, "guest")
    guest = acme.visit("guest")
    answers = [guest.get(f"/groups/{group}/edit").status_code for group in (strong, own, plain)]
    assert answers == [403, 403, 200]


def test_an_act_tells_of_a_member_only_to_who_may_see_members(acme) -> None:
    want_two(acme, "reset-factors")
    ask_reset(acme, "member")
    made(acme, "member:reset", name="Resetter")
    sharers.give(acme, "guest", sharers.make_role(acme, "resets", Permission.MEMBER_RESET))
    page = acme.visit("guest").get(f"/approvals/{newest_act(acme)}")
    assert page.status_code == 200
    assert acme["member"].name in page.text
    assert acme["member"].email not in page.text
    assert "Authenticator" not in page.text
    assert acme["member"].email in acme.visit("second_admin").get(page.request.path).text
