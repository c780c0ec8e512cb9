"""What is gone and held answers like what is gone and destroyed, whoever asks, also in the middle
of a run; and what is done to a document is done to it as it is by then.
"""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import delete

from portal.access.permissions import Permission
from portal.documents import folders, purging, stars
from portal.documents.retention.models import RetentionRule
from portal.documents.service import move_document
from tests.access.waiting import locks_waited_for, wait_until
from tests.browsing import Visitor
from tests.conftest import on_postgresql, on_sqlite
from tests.documents.links.sharing import FORM
from tests.documents.retention.keeping import (
    acting,
    end_holds,
    hold,
    is_there,
    later,
    rule,
    trash,
    versions_of,
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


@held_or_not
def test_an_older_version_that_a_rule_destroys_is_on_no_page(acme, clock, is_held) -> None:
    plan, first = versions_that_a_rule_prunes(acme, clock, is_held=is_held)
    assert len(versions_of(acme, plan)) == 1 + is_held
    member, path = acme.visit("member"), f"/documents/{plan}"
    assert str(first) not in member.get(path).text
    for answer in (
        member.get(f"{path}/download?version={first}"),
        member.get(f"{path}/view?version={first}"),
        member.get(f"{path}/compare?version={first}"),
        member.post(f"{path}/versions/{first}/restore"),
        member.post(f"{path}/versions/{first}/note", {"note": "x"}),
    ):
        assert answer.status_code == 404
    assert "Version 1" not in member.get(f"/links{path}/new").text
    in_use = [r["held_bytes"] for r in acme.portal.rows("storage_use") if r["id"] == acme.id]
    newest = [version["size_bytes"] for version in versions_of(acme, plan)][-1]
    others = [acme.documents["note"], acme.documents["canary"]]
    rest = [v["size_bytes"] for document in others for v in versions_of(acme, document)]
    assert in_use == [newest + sum(rest)]


@pytest.mark.parametrize("has_rule", [True, False], ids=["rule", "no-rule-any-more"])
def test_it_is_destroyed_once_it_is_not_held(acme, clock, has_rule) -> None:
    plan, first = versions_that_a_rule_prunes(acme, clock, is_held=True)
    if not has_rule:
        end_rules(acme)
    end_holds(acme)
    work(acme)
    assert first not in {version["id"] for version in versions_of(acme, plan)}
    assert len(versions_of(acme, plan)) == 1


@on_sqlite
def test_an_officer_brings_an_older_version_back_that_no_rule_wants_gone(acme, clock) -> None:
    plan, first = versions_that_a_rule_prunes(acme, clock, is_held=True)
    officer, path = acme.visit("officer"), f"/retention/documents/{plan}"
    assert "are on no page any more" in officer.get(path).text
    assert officer.post(f"{path}/bring-back").status_code == 409
    assert str(first) not in acme.visit("member").get(f"/documents/{plan}").text
    end_rules(acme)
    assert officer.post(f"{path}/bring-back").status_code == 302
    assert str(first) in acme.visit("member").get(f"/documents/{plan}").text
    assert officer.post(f"{path}/bring-back").status_code == 409


def versions_that_a_rule_prunes(acme: Organisation, clock, *, is_held: bool) -> tuple[UUID, UUID]:
    """A document, and the first of its two versions; a run has been when a rule wanted it gone."""
    end_holds(acme)
    plan = acme.documents["plan"]
    assert acme.visit("member").put(f"/documents/{plan}/versions", b"newer\n").status_code == 201
    [first, _] = versions_of(acme, plan)
    rule(acme, folder="shared", prune_days=1)
    if is_held:
        hold(acme, "user", acme["member"].id)
    later(acme, clock, days=2)
    work(acme)
    work(acme)  # once more, by when room is counted anew
    return plan, first["id"]


def end_rules(acme: Organisation) -> None:
    with acme.bound(writes=True) as session:
        session.execute(delete(RetentionRule))


# In the middle of a run

Act = Callable[[Visitor, UUID], object]


def upload_version(member: Visitor, plan: UUID):
    return member.put(f"/documents/{plan}/versions", b"newer\n")


def share(member: Visitor, plan: UUID):
    return member.post(f"/links/documents/{plan}/new", FORM)


def post(path: str, **form: str) -> Act:
    return lambda member, plan: member.post(f"/documents/{plan}/{path}", form)


@on_postgresql
@held_or_not
@pytest.mark.parametrize(
    "act",
    [
        upload_version,
        share,
        post("star"),
        post("delete"),
        post("rename", name="New.txt"),
        post("move", folder=""),
    ],
    ids=["version", "share", "star", "delete", "rename", "move"],
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
