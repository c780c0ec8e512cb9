"""What is gone and held answers like what is gone and destroyed, whoever asks, also in the middle
of a run; and what is done to a document is done to it as it is by then.
"""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from portal.access.permissions import Permission
from portal.documents import folders, purging, stars
from portal.documents.service import move_document
from tests.access.waiting import locks_waited_for, wait_until
from tests.browsing import Visitor
from tests.conftest import on_postgresql, on_sqlite
from tests.documents.retention.keeping import (
    acting,
    end_holds,
    hold,
    is_there,
    later,
    rule,
    trash,
    work,
)
from tests.documents.sharers import give, make_folder, make_role
from tests.installation import Organisation

held_or_not = pytest.mark.parametrize("is_held", [False, True], ids=["destroyed", "held"])


def be_gone(acme: Organisation, clock, thing: str, *, is_held: bool) -> None:
    """Its time in the trash is over, and a run has been."""
    end_holds(acme)
    if is_held:
        hold(acme, "user", acme["member"].id)
    trash(acme, thing)
    later(acme, clock, days=31)
    work(acme)


@held_or_not
@pytest.mark.parametrize("kind", ["documents", "folders"])
def test_who_may_delete_elsewhere_finds_nothing_there(acme, clock, is_held, kind) -> None:
    thing = acme.documents["plan"] if kind == "documents" else acme.folders["shared"]
    give(acme, "guest", "folder-owner", "closed")
    be_gone(acme, clock, f"{kind}/{thing}", is_held=is_held)
    assert is_there(acme, acme.documents["plan"]) == is_held
    path = f"/{kind}/{thing}"
    for who in ("guest", "member", "admin"):
        visitor = acme.visit(who)
        answers = [visitor.post(f"{path}/{act}") for act in ("restore", "purge")]
        answers.append(visitor.get(f"{path}/purge"))
        assert {answer.status_code for answer in answers} == {403 if who == "admin" else 404}


@held_or_not
def test_a_copying_that_is_sent_again_makes_another_copy(acme, clock, is_held) -> None:
    path = f"/documents/{acme.documents['plan']}/copy"
    page = re.search(r'name="page" value="([^"]+)"', acme.visit("member").get(path).text)[1]
    sent = {"page": page, "folder": ""}
    made = acme.visit("member").post(path, sent).location
    copy = UUID(made.rpartition("/")[2])
    be_gone(acme, clock, f"documents/{copy}", is_held=is_held)
    assert is_there(acme, copy) == is_held
    again = acme.visit("member").post(path, sent)
    assert again.status_code == 302
    assert again.location != made


@on_sqlite
def test_a_copying_that_is_sent_again_leads_to_nothing_in_the_trash(acme) -> None:
    path = f"/documents/{acme.documents['plan']}/copy"
    member = acme.visit("member")
    page = re.search(r'name="page" value="([^"]+)"', member.get(path).text)[1]
    made = member.post(path, {"page": page, "folder": ""}).location
    assert member.post(path, {"page": page, "folder": ""}).location == made
    trash(acme, made.removeprefix("/"))
    again = member.post(path, {"page": page, "folder": ""})
    assert (again.status_code, "the copy was deleted" in again.text) == (409, True)


@held_or_not
def test_a_folder_is_deleted_as_if_nothing_gone_were_in_it(acme, clock, is_held) -> None:
    tidier = make_role(acme, "tidier", Permission.FOLDER_DELETE, Permission.DOCUMENT_READ)
    give(acme, "auditor", tidier)
    folder, member = make_folder(acme, "Inner", "shared"), acme.visit("member")
    inside = member.upload("In it.txt", b"x", folder).json["id"]
    assert acme.visit("auditor").post(f"/folders/{folder}/delete").status_code == 403
    be_gone(acme, clock, f"documents/{inside}", is_held=is_held)
    assert is_there(acme, UUID(inside)) == is_held
    assert acme.visit("auditor").post(f"/folders/{folder}/delete").status_code == 302


@held_or_not
def test_the_star_of_what_is_gone_makes_room_for_another(acme, clock, monkeypatch, is_held) -> None:
    monkeypatch.setattr(stars, "MAX_STARS", 1)
    plan, note = acme.documents["plan"], acme.documents["note"]
    member = acme.visit("member")
    assert member.post(f"/documents/{plan}/star").status_code == 302
    assert member.post(f"/documents/{note}/star").status_code == 409
    be_gone(acme, clock, f"documents/{plan}", is_held=is_held)
    assert acme.visit("member").post(f"/documents/{note}/star").status_code == 302


@held_or_not
def test_a_folder_that_is_gone_is_no_depth(acme, clock, monkeypatch, is_held) -> None:
    monkeypatch.setattr(folders, "MAX_DEPTH", 3)
    outer = make_folder(acme, "Outer", "shared")
    moved = make_folder(acme, "Moved", "shared")
    inner = make_folder(acme, "Inner", moved)
    acme.visit("member").upload("In it.txt", b"x", inner)
    to = {"folder": str(outer)}
    assert acme.visit("member").post(f"/folders/{moved}/move", to).status_code == 400
    be_gone(acme, clock, f"folders/{inner}", is_held=is_held)
    assert acme.visit("member").post(f"/folders/{moved}/move", to).status_code == 302


# In the middle of a run

Act = Callable[[Visitor, UUID], object]


def upload_version(member: Visitor, plan: UUID):
    return member.put(f"/documents/{plan}/versions", b"newer\n")


def post(path: str, **form: str) -> Act:
    return lambda member, plan: member.post(f"/documents/{plan}/{path}", form)


@on_postgresql
@held_or_not
@pytest.mark.parametrize(
    "act",
    [upload_version, post("delete"), post("rename", name="New.txt"), post("move", folder="")],
    ids=["version", "delete", "rename", "move"],
)
def test_who_waits_for_a_run_finds_gone_what_it_has_taken(portal, acme, clock, is_held, act):
    end_holds(acme)
    plan = acme.documents["plan"]
    rule(acme, delete_days=1)
    if is_held:
        hold(acme, "user", acme["member"].id)
    later(acme, clock, days=2)
    assert while_open(portal, acme, run_over(plan), act, plan).status_code == 404
    member = acme.visit("member")
    assert member.get(f"/documents/{plan}").status_code == 404
    assert member.post(f"/documents/{plan}/restore").status_code == 404
    assert is_there(acme, plan) == is_held


@on_postgresql
@held_or_not
def test_who_deletes_for_good_what_a_run_is_taking_finds_it_gone(portal, acme, clock, is_held):
    end_holds(acme)
    plan = acme.documents["plan"]
    rule(acme, delete_days=1)
    if is_held:
        hold(acme, "user", acme["member"].id)
    trash(acme, f"documents/{plan}")
    later(acme, clock, days=2)
    assert while_open(portal, acme, run_over(plan), post("purge"), plan).status_code == 404


@on_postgresql
def test_a_document_that_was_moved_meanwhile_leaves_a_held_folder_with_its_hold(
    portal, acme, clock
) -> None:
    end_holds(acme)
    held, other = make_folder(acme, "Held", "shared"), make_folder(acme, "Other", "shared")
    plan = acme.documents["plan"]
    hold(acme, "folder", held)

    def move_into() -> None:
        move_document(acting(acme, "member"), plan, held)

    answer = while_open(portal, acme, move_into, post("move", folder=str(other)), plan)
    assert answer.status_code == 302
    [*_, last] = [entry for entry in acme.log() if entry["action"] == "document.moved"]
    assert last["detail"]["came_from"] == str(held)
    trash(acme, f"documents/{plan}")
    later(acme, clock, days=31)
    work(acme)
    assert is_there(acme, plan)


def run_over(document_id: UUID) -> Callable[[], object]:
    return lambda: purging.purge_documents([document_id])


def while_open(portal, acme: Organisation, first: Callable[[], object], act: Act, plan: UUID):
    """What a member is answered who does `act` before the transaction of `first` ends."""
    with ThreadPoolExecutor(1) as pool:
        with acme.bound(writes=True) as session:
            first()
            session.flush()
            answer = pool.submit(act, acme.visit("member"), plan)
            wait_until(lambda: locks_waited_for(portal) == 1)
        return answer.result(timeout=20)
