"""A folder is chosen down the tree, a level at a time, and what was filled in comes back."""

import re
from uuid import UUID

import pytest

from portal.access.permissions import Permission
from portal.documents.choosing import PAGE_SIZE
from portal.documents.models import Folder
from tests.browsing import Visitor, forms_of
from tests.conftest import on_sqlite
from tests.documents import sharers
from tests.harness.statements import statements
from tests.installation import Organisation

pytestmark = on_sqlite

BUTTON = re.compile(
    r'<button[^>]* name="(folder-\w+|at)" value="([^"]*)"[^>]*>\s*(.*?)\s*</button>'
)
FILLED = {"role": "guest", "reason": "To look at plans", "until": "2999-01-01"}


def buttons_of(page: str) -> dict[str, tuple[str, str]]:
    """What the buttons of a level send, by what they say."""
    return {text: (name, value) for name, value, text in BUTTON.findall(page)}


def press(visitor: Visitor, page: str, text: str, form: int = -1) -> str:
    """Press a button of a page: its form goes with it."""
    sent = forms_of(page)[form]
    name, value = buttons_of(page)[text]
    answer = visitor.open(sent.action.partition("#")[0], "POST", data={**sent.fields, name: value})
    assert answer.status_code == 200
    return answer.text


def assign_form(acme: Organisation) -> str:
    return f"/members/{acme['officer'].id}/roles"


def start(acme: Organisation) -> tuple[Visitor, str]:
    """An admin who has filled in a form and asks for the tree."""
    admin = acme.visit("admin")
    asked = {**FILLED, "folder": "", "folder-at": ""}
    return admin, admin.post(assign_form(acme), asked).text


def test_a_role_is_given_on_a_folder_deep_in_the_tree(portal, acme) -> None:
    deep = sharers.make_folder(acme, "Deep", sharers.make_folder(acme, "Inner", "shared"))
    before = portal.dump()
    admin, page = start(acme)
    for name in ("Shared", "Inner", "Deep", "Choose “Deep”"):
        page = press(admin, page, name, form=-1)
    assert portal.dump() == before
    form = forms_of(page)[-1]
    assert form.fields == form.fields | FILLED | {"folder": str(deep)}
    assert "Shared / Inner / Deep" in page
    assert admin.open(form.action, "POST", data=form.fields).status_code == 302
    assert acme.log()[-1]["detail"]["folder"] == str(deep)


def test_one_goes_up_again_and_back_to_the_whole_organisation(acme) -> None:
    sharers.make_folder(acme, "Inner", "shared")
    admin, page = start(acme)
    page = press(admin, press(admin, page, "Shared"), "Inner")
    assert "There are no folders in here." in page
    page = press(admin, press(admin, page, "Shared"), "Choose “Shared”")
    assert forms_of(page)[-1].fields["folder"] == str(acme.folders["shared"])
    page = press(admin, page, "The whole organisation")
    assert forms_of(page)[-1].fields["folder"] == ""


def test_what_was_chosen_stays_where_one_comes_back_without_choosing(acme) -> None:
    admin, closed = acme.visit("admin"), str(acme.folders["closed"])
    asked = {**FILLED, "folder": closed, "folder-at": f"{acme.folders['shared']}:1"}
    page = admin.post(assign_form(acme), asked).text
    assert forms_of(press(admin, page, "Back without choosing"))[-1].fields["folder"] == closed


@pytest.mark.parametrize("path", ["/members/new", "/reviews/new"])
def test_other_forms_ask_the_same_way(portal, acme, path) -> None:
    visitor = acme.visit("officer" if "reviews" in path else "admin")
    before = portal.dump()
    page = visitor.post(path, {"name": "Filled in", "folder-at": ""}).text
    page = press(visitor, press(visitor, page, "Closed"), "Choose “Closed”")
    fields = forms_of(page)[-1].fields
    assert (fields["name"], fields["folder"]) == ("Filled in", str(acme.folders["closed"]))
    assert portal.dump() == before


def test_a_level_is_paged_and_in_order(acme) -> None:
    with acme.bound(writes=True) as session:
        for n in range(PAGE_SIZE + 5):
            session.add(Folder(name=f"F{n:03}", created_by=acme["member"].id))
    admin, page = start(acme)
    names = [name for name in buttons_of(page) if name.startswith("F")]
    assert names == sorted(names)
    assert "F054" not in page
    page = press(admin, page, "On")
    assert "F054" in page
    assert "F001" not in page
    assert "F001" in press(admin, page, "Back")


@pytest.mark.parametrize("count", [1, 40])
def test_a_level_takes_one_statement_however_many_folders_there_are(acme, count) -> None:
    with acme.bound(writes=True) as session:
        for n in range(count):
            session.add(
                Folder(name=f"{n}", parent_id=acme.folders["shared"], created_by=acme["member"].id)
            )
    admin, asked = acme.visit("admin"), {"folder-at": f"{acme.folders['shared']}:1"}
    admin.post(assign_form(acme), asked)
    with statements() as seen:
        admin.post(assign_form(acme), asked)
    assert len([sent for sent in seen if "folder" in sent and "name_sealed" in sent]) == 1


def test_nothing_is_shown_or_chosen_that_is_not_there_for_one(acme, globex) -> None:
    admin = acme.visit("admin")
    acme.visit("member").post(f"/folders/{acme.folders['closed']}/delete")
    for gone in (acme.folders["closed"], globex.folders["shared"], "x"):
        assert admin.post(assign_form(acme), {"folder-at": f"{gone}:1"}).status_code == 404
        assert admin.post(assign_form(acme), {**FILLED, "folder": str(gone)}).status_code == 422
    _, page = start(acme)
    assert "Closed" not in page


def test_who_holds_it_on_some_folders_finds_just_these(acme) -> None:
    """The folders around them are not named, nor can what is moved be put there."""
    inner = sharers.make_folder(acme, "Inner", "closed")
    for folder in (inner, acme.folders["shared"]):
        sharers.give(acme, "guest", "folder-owner", folder)
    guest = acme.visit("guest")
    made = UUID(guest.post("/folders", {"name": "Own", "parent": str(inner)}).location[-36:])
    page = guest.get(f"/folders/{made}/move", query_string={"at": ""}).text
    assert set(buttons_of(page)) == {"Inner", "Shared"}
    assert "Closed" not in page
    at_closed = guest.get(f"/folders/{made}/move", query_string={"at": str(acme.folders["closed"])})
    assert at_closed.status_code == 403


def test_a_question_about_access_takes_a_folder_from_the_tree(acme) -> None:
    officer, shared = acme.visit("officer"), acme.folders["shared"]
    asked = {"email": "member@acme.example", "target": "", "folder-at": f"{shared}:1"}
    page = officer.get("/explain", query_string=asked)
    name, value = buttons_of(page.text)["Choose “Shared”"]
    before = len(acme.log())
    page = officer.get("/explain", query_string={**forms_of(page.text)[-1].fields, name: value})
    fields = forms_of(page.text)[-1].fields
    assert fields["target"] == f"folder:{shared}"
    assert fields["email"] == "member@acme.example"
    assert len(acme.log()) == before


def test_names_are_told_to_nobody_who_is_not_told_them_elsewhere(acme) -> None:
    looks = sharers.make_role(acme, "looks", Permission.MEMBER_READ, Permission.ACCESS_READ)
    sharers.give(acme, "guest", looks)
    page = acme.visit("guest").get("/explain", query_string={"folder-at": ""}).text
    assert "Shared" in page  # where the guest reads
    assert "Closed" not in page
