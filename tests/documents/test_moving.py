"""Moving is sharing: nobody holds more, or lets others in, by moving what they can't share."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import delete

from portal.access.models import RoleAssignment
from portal.access.people import find_actor
from portal.access.permissions import Permission
from portal.core import clock
from portal.documents.folders import move_folder
from portal.documents.moving import WouldShare
from portal.documents.service import move_document
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.documents import sharers
from tests.documents.links.sharing import make as link
from tests.documents.retention.keeping import rule
from tests.installation import Organisation

MARK = "they will be able to see it"


def make(acme: Organisation, name: str) -> UUID:
    """A folder at the top, where nobody was let in."""
    made = acme.visit("member").post("/folders", {"name": name, "parent": ""})
    return UUID(made.location.rpartition("/")[2])


def move(acme: Organisation, who: str, thing: str, to: object = "") -> int:
    return acme.visit(who).post(f"/{thing}/move", {"folder": str(to)}).status_code


def page(acme: Organisation, who: str, thing: str, at: object) -> str:
    """What somebody sees who has come to a folder on the way to another place."""
    shown = acme.visit(who).get(f"/{thing}/move", query_string={"at": str(at)})
    assert shown.status_code == 200
    return shown.text


def is_offered(acme: Organisation, who: str, thing: str, at: object) -> bool:
    return "Move to “" in page(acme, who, thing, at)


def of(acme: Organisation, name: str) -> str:
    """The address of a folder or a document by the name that tests use."""
    if name in acme.folders:
        return f"folders/{acme.folders[name]}"
    return f"documents/{acme.documents[name]}"


@pytest.mark.parametrize("thing", ["closed", "canary"])
def test_nobody_comes_to_share_by_moving_into_a_folder_of_their_own(acme, thing) -> None:
    own = make(acme, "Mine")
    sharers.give(acme, "member", "folder-owner", own)
    assert move(acme, "member", of(acme, thing), own) == 403
    assert not is_offered(acme, "member", of(acme, thing), own)


@pytest.mark.parametrize("through_group", [False, True])
def test_nobody_comes_to_read_by_moving_to_where_they_read(acme, through_group) -> None:
    mover = sharers.make_role(
        acme, "mover", Permission.FOLDER_EDIT, Permission.DOCUMENT_EDIT,
        Permission.FOLDER_CREATE, Permission.DOCUMENT_UPLOAD,
    )  # fmt: skip
    own = make(acme, "Mine")
    sharers.give(acme, "officer", mover)
    assert move(acme, "officer", of(acme, "canary"), own) == 302
    assert move(acme, "officer", of(acme, "canary"), acme.folders["closed"]) == 302
    if through_group:
        sharers.give(acme, sharers.make_group(acme, "Readers", "officer"), "guest", own, group=True)
    else:
        sharers.give(acme, "officer", "guest", own)
    for thing in ("closed", "canary"):
        assert move(acme, "officer", of(acme, thing), own) == 403
    assert acme.visit("officer").get(f"/{of(acme, 'canary')}").status_code == 403


@on_sqlite
def test_nobody_comes_to_read_by_moving_to_where_a_link_leads(acme) -> None:
    mover = sharers.make_role(
        acme, "mover", Permission.FOLDER_EDIT, Permission.DOCUMENT_EDIT,
        Permission.FOLDER_CREATE, Permission.DOCUMENT_UPLOAD,
    )  # fmt: skip
    own = make(acme, "Mine")
    link(acme, f"/links/folders/{own}/new")
    sharers.give(acme, "officer", mover)
    for thing in ("canary", "closed"):
        assert move(acme, "officer", of(acme, thing), own) == 403
        assert move(acme, "member", of(acme, thing), own) == 302, "who may make such a link"


@pytest.mark.parametrize("thing", ["closed", "canary"])
def test_what_is_moved_among_guests_wants_the_right_to_share(acme, thing) -> None:
    assert not is_offered(acme, "member", of(acme, thing), acme.folders["shared"])
    assert move(acme, "member", of(acme, thing), acme.folders["shared"]) == 403
    assert acme.visit("guest").get(f"/{of(acme, 'canary')}").status_code == 403
    sharers.give(acme, "member", "folder-owner", "closed")
    assert is_offered(acme, "member", of(acme, thing), acme.folders["shared"])
    assert move(acme, "member", of(acme, thing), acme.folders["shared"]) == 302
    assert acme.visit("guest").get(f"/{of(acme, 'canary')}").status_code == 200


def test_who_assigns_roles_may_move_among_guests(acme) -> None:
    sharers.give(acme, "admin", "member")
    assert move(acme, "admin", of(acme, "canary"), acme.folders["shared"]) == 302


def test_nobody_moves_to_where_others_hold_more_than_they_could_give(acme) -> None:
    sharers.give(acme, "officer", "folder-owner", "shared")
    thin = sharers.make_role(
        acme, "thin", Permission.FOLDER_SHARE, Permission.FOLDER_EDIT, Permission.FOLDER_CREATE
    )
    sharers.give(acme, "auditor", thin)
    assert move(acme, "auditor", of(acme, "closed"), acme.folders["shared"]) == 403


def test_moving_within_one_shared_tree_and_among_folders_of_nobody_stays_free(acme) -> None:
    inner = sharers.make_folder(acme, "Inner", "shared")
    deep = sharers.make_folder(acme, "Deep", inner)
    other = make(acme, "Other")
    assert move(acme, "member", of(acme, "plan"), deep) == 302
    assert move(acme, "member", of(acme, "plan"), acme.folders["shared"]) == 302
    assert move(acme, "member", f"folders/{deep}", acme.folders["shared"]) == 302
    assert move(acme, "member", of(acme, "canary"), other) == 302
    assert move(acme, "member", of(acme, "shared"), other) == 302
    assert MARK not in page(acme, "member", of(acme, "plan"), deep)


@pytest.mark.parametrize("gone", ["ended", "retired", "taken back"])
def test_who_is_in_no_more_is_no_obstacle(acme, gone) -> None:
    with acme.bound(writes=True) as session:
        there = RoleAssignment.folder_id == acme.folders["shared"]
        session.execute(delete(RoleAssignment).where(there))
    if gone == "ended":
        ended = clock.now() - timedelta(days=1)
        sharers.give(acme, "guest", "guest", "shared", expires_at=ended)
    elif gone == "retired":
        sharers.give(acme, "guest", "of-another-time", "shared")
    assert move(acme, "member", of(acme, "canary"), acme.folders["shared"]) == 302


def test_the_service_refuses_it_too_and_the_log_tells_what_was_lacking(acme) -> None:
    with acme.bound(writes=True) as session:
        member = find_actor(acme["member"].id)
        with pytest.raises(WouldShare) as folder:
            move_folder(member, acme.folders["closed"], acme.folders["shared"])
        with pytest.raises(WouldShare) as document:
            move_document(member, acme.documents["canary"], acme.folders["shared"])
        session.rollback()
    assert folder.value.target == f"folder:{acme.folders['closed']}"
    assert document.value.target == f"document:{acme.documents['canary']}"
    assert document.value.permission == Permission.FOLDER_SHARE


@on_sqlite
@pytest.mark.parametrize("days", [{"delete_days": 1}, {"prune_days": 1}])
@pytest.mark.parametrize("thing", ["canary", "closed"])
def test_nobody_has_deleted_by_moving_what_they_may_not_delete(acme, thing, days) -> None:
    """Into a folder where a rule deletes, or out of one where another says something else."""
    mover = sharers.make_role(
        acme, "mover", Permission.FOLDER_EDIT, Permission.DOCUMENT_EDIT,
        Permission.FOLDER_CREATE, Permission.DOCUMENT_UPLOAD, Permission.DOCUMENT_READ,
    )  # fmt: skip
    sharers.give(acme, "officer", mover)
    for name in ("Short", "Long"):
        acme.folders[name] = make(acme, name)
    rule(acme, "Short", folder="Short", **days)
    short = acme.folders["Short"]
    assert move(acme, "officer", of(acme, thing), short) == 403
    assert acme.told()[-1] == ("access.refused", "refused")
    assert acme.log()[-1]["detail"]["permission"] == Permission.DOCUMENT_DELETE
    assert not is_offered(acme, "officer", of(acme, thing), short)
    assert "A rule would delete it" in page(acme, "officer", of(acme, thing), short)
    assert move(acme, "officer", of(acme, thing), acme.folders["Long"]) == 302
    rule(acme, "Long", folder="Long", **dict.fromkeys(days, 30))
    assert move(acme, "officer", of(acme, thing)) == 302, "where none deletes"
    assert move(acme, "member", of(acme, thing), acme.folders["Long"]) == 302, "who may delete it"
    rule(acme, "All", **dict.fromkeys(days, 2))
    assert move(acme, "officer", of(acme, thing)) == 403
    assert "A rule deletes" in page(acme, "member", of(acme, thing), short)
    above = make(acme, "Above")
    assert move(acme, "officer", of(acme, "Short"), above) == 302, "its rule comes along"
    assert move(acme, "member", of(acme, thing), short) == 302


def test_the_page_says_who_would_come_to_see_it(acme) -> None:
    sharers.give(acme, "member", "folder-owner", "closed")
    assert MARK in page(acme, "member", of(acme, "canary"), acme.folders["shared"])
    assert MARK not in page(acme, "member", of(acme, "canary"), acme.folders["closed"])
    assert MARK not in page(acme, "member", of(acme, "canary"), "")


@pytest.mark.parametrize("shared", ["what is moved", "where it goes"])
def test_a_move_and_a_share_at_once_end_as_one_after_the_other(acme, shared) -> None:
    there, start = make(acme, "There"), Barrier(2)
    folder = acme.folders["closed"] if shared == "what is moved" else there
    mover, sharer = acme.visit("member"), acme.visit("admin")
    guest = {"whom": acme["guest"].email, "role": "guest", "reason": "at once"}

    def send(visitor: Visitor, path: str, form: dict[str, str]) -> int:
        start.wait()
        return visitor.post(path, form).status_code

    with ThreadPoolExecutor(2) as pool:
        shares = pool.submit(send, sharer, f"/folders/{folder}/shares", guest)
        moves = pool.submit(send, mover, f"/{of(acme, 'closed')}/move", {"folder": str(there)})
    assert shares.result() == 302
    assert moves.result() in ((302,) if shared == "what is moved" else (302, 403))
    [row] = [row for row in acme.portal.rows("folder") if row["id"] == acme.folders["closed"]]
    assert (row["parent_id"] == there) == (moves.result() == 302)
    reads = acme.visit("guest").get(f"/{of(acme, 'canary')}").status_code == 200
    assert reads == (shared == "what is moved" or moves.result() == 302)
    assert mover.get(f"/{of(acme, 'canary')}").status_code == 200


@on_sqlite
def test_the_page_of_several_says_it_before_they_are_moved(acme) -> None:
    shared, own = acme.folders["shared"], make(acme, "Mine")
    things = [f"document:{acme.documents['canary']}", f"folder:{acme.folders['closed']}"]

    def page_of_several(to: object) -> str:
        sent = {"things": things, "folder-chosen": str(to)}
        return acme.visit("member").post("/documents/many/move", sent).text

    assert "see some of it" not in page_of_several(own)
    refused = page_of_several(shared)
    assert "would share some of it with others" in refused
    assert ">Move</button>" not in refused
    sent = {"things": things, "folder": str(shared)}
    assert acme.visit("member").post("/documents/many/move", sent).status_code == 403
    sharers.give(acme, "member", "folder-owner", "closed")
    told = page_of_several(shared)
    assert "they will be able to see some of it" in told
    assert ">Move</button>" in told
    assert acme.visit("member").post("/documents/many/move", sent).status_code == 302
