"""Several folders and documents at once: all of them, or none."""

import pytest

from tests.browsing import forms_of
from tests.conftest import on_sqlite
from tests.documents.sharers import make_folder
from tests.installation import Organisation


def things(organisation: Organisation) -> tuple[str, list[str]]:
    """A folder, and in it a folder and two documents that are chosen."""
    member, inner = organisation.visit("member"), make_folder(organisation, "Inner", "shared")
    own = make_folder(organisation, "Own", inner)
    made = [member.upload(f"{n}.txt", b"x", inner).json["id"] for n in range(2)]
    return str(inner), [f"folder:{own}", *(f"document:{one}" for one in made)]


def test_what_is_chosen_in_a_list_is_moved_together(acme) -> None:
    member, (inner, chosen) = acme.visit("member"), things(acme)
    page = member.get(f"/documents/folders/{inner}").text
    assert all(f'value="{thing}"' in page for thing in chosen)
    asked = member.post("/documents/many/move", {"things": chosen, "folder-at": f"{inner}:1"})
    form = forms_of(asked.text)[-1]
    assert form.action.startswith("/documents/many/move")
    assert asked.text.count('name="things"') == 3
    shared = acme.folders["shared"]
    kept = {"things": chosen, "folder-chosen": str(shared)}
    question = member.post("/documents/many/move", kept).text
    assert "Move 3 things" in question
    assert question.count('name="things"') == 3
    seen = len(acme.log())
    done = member.post("/documents/many/move", {"things": chosen, "folder": str(shared)})
    assert done.location == f"/documents/folders/{shared}"
    assert [e["action"] for e in acme.log()[seen:]] == [*["document.moved"] * 2, "folder.moved"]
    assert "Own" not in member.get(f"/documents/folders/{inner}").text


def test_what_is_chosen_goes_to_the_trash_after_a_question(portal, acme) -> None:
    member, (inner, chosen) = acme.visit("member"), things(acme)
    before = portal.dump()
    question = member.post("/documents/many/delete", {"things": chosen})
    assert "Move 3 things to the trash?" in question.text
    assert portal.dump() == before
    done = member.post(
        "/documents/many/delete", forms_of(question.text)[-1].fields | {"things": chosen}
    )
    assert done.location == f"/documents/folders/{inner}"
    page = member.get(done.location).text
    assert "3 things are in the trash" in page
    assert "Open the trash" in page


@on_sqlite
@pytest.mark.parametrize("act", ["move", "delete"])
def test_what_refuses_one_refuses_all(portal, acme, globex, act) -> None:
    member, (_, chosen) = acme.visit("member"), things(acme)
    own, to = chosen[0].partition(":")[2], chosen[0].partition(":")[2]
    rows = portal.rows("document"), portal.rows("folder")
    wrong = {"is_meant": "1", "folder": to if act == "move" else ""}  # a folder into itself
    path = f"/documents/many/{act}"
    other = f"document:{globex.documents['plan']}"
    assert member.post(path, {**wrong, "things": [*chosen, other]}).status_code == 404
    if act == "move":
        assert member.post(path, {**wrong, "things": chosen}).status_code == 400
    assert acme.visit("guest").post(path, {**wrong, "things": chosen}).status_code == 403
    assert member.post(path, wrong).status_code == 400
    assert member.post(path, {**wrong, "things": ["x"]}).status_code == 400
    assert (
        member.post(path, {**wrong, "things": [f"folder:{own}"] * 2 + ["folder:x"]}).status_code
        == 400
    )
    assert (portal.rows("document"), portal.rows("folder")) == rows
