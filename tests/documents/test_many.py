"""Several folders and documents at once: all of them, or none."""

import html
import io
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID, uuid4
from zipfile import ZipFile

import pytest

from portal.core.ids import new_id
from portal.documents import copying as service
from portal.documents.contents import take_in
from portal.web.documents.routes import copying
from tests.browsing import forms_of
from tests.conftest import on_sqlite
from tests.documents.sharers import give, make_folder
from tests.harness.statements import statements
from tests.installation import Installation, Organisation


def things(organisation: Organisation, parent: str = "shared") -> tuple[str, list[str]]:
    """A folder, and in it a folder and two documents that are chosen."""
    member, inner = organisation.visit("member"), make_folder(organisation, "Inner", parent)
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
    assert "What you are moving is here now" in asked.text
    assert "Choose “" not in asked.text
    shared = acme.folders["shared"]
    kept = {"things": chosen, "folder-chosen": str(shared)}
    question = member.post("/documents/many/move", kept).text
    assert "Move 3 items" in question
    assert question.count('name="things"') == 3
    seen = len(acme.log())
    done = member.post("/documents/many/move", {"things": chosen, "folder": str(shared)})
    assert done.location == f"/documents/folders/{shared}"
    assert [e["action"] for e in acme.log()[seen:]] == [*["document.moved"] * 2, "folder.moved"]
    left = member.get(f"/documents/folders/{inner}").text
    assert not any(f'value="{thing}"' in left for thing in chosen)


def lying(portal: Installation) -> list[dict[UUID, UUID | None]]:
    """In what every document and every folder lies."""
    kinds = (("document", "folder_id"), ("folder", "parent_id"))
    return [{row["id"]: row[above] for row in portal.rows(table)} for table, above in kinds]


def test_a_move_is_taken_back_whole_once_and_by_whoever_made_it(portal, acme, globex) -> None:
    member, (inner, chosen) = acme.visit("member"), things(acme, "closed")
    before = lying(portal)
    member.post("/documents/many/move", {"things": chosen, "folder": ""})
    moved = lying(portal)
    [form] = [f for f in forms_of(member.get("/documents").text) if "undo" in f.action]
    by = {"move": str(acme.log()[-1]["request_id"])}
    give(acme, "guest", "member")
    for other in (acme.visit("guest"), globex.visit("member")):
        assert other.post(form.action, by).status_code == 404
    assert lying(portal) == moved
    seen = len(acme.log())
    assert member.post(form.action, by).location == f"/documents/folders/{inner}"
    assert lying(portal) == before
    assert [e["action"] for e in acme.log()[seen:]] == ["folder.moved", *["document.moved"] * 2]
    assert member.post(form.action, by).status_code == 409, "it lies there no more"


@on_sqlite
@pytest.mark.usefixtures("present")
def test_what_was_moved_on_or_long_ago_is_not_moved_back(portal, acme, clock) -> None:
    member, (_, chosen) = acme.visit("member"), things(acme, "closed")
    member.post("/documents/many/move", {"things": chosen, "folder": ""})
    by = {"move": str(acme.log()[-1]["request_id"])}
    one, closed = chosen[1].partition(":")[2], str(acme.folders["closed"])
    member.get("/documents")
    member.post(f"/documents/{one}/move", {"folder": closed})
    assert "Undo" in member.get(f"/documents/folders/{closed}").text
    rows = lying(portal)
    assert "moved again since" in member.post("/documents/many/undo-move", by).text
    clock.advance(minutes=40)
    member.get("/documents")
    clock.advance(minutes=21)
    assert "more than an hour ago" in member.post("/documents/many/undo-move", by).text
    to_come = {"move": "ffffffff-ffff-7fff-bfff-ffffffffffff"}
    assert member.post("/documents/many/undo-move", to_come).status_code == 404
    assert lying(portal) == rows


@on_sqlite
def test_taking_a_move_back_takes_the_right_to_share_as_the_move_itself_would(portal, acme) -> None:
    member, (_, chosen) = acme.visit("member"), things(acme)
    member.post("/documents/many/move", {"things": chosen, "folder": ""})
    rows, by = lying(portal), {"move": str(acme.log()[-1]["request_id"])}
    page = member.get("/documents").text
    assert "You can’t move it back yourself" in page
    assert not [form for form in forms_of(page) if "undo" in form.action]
    assert member.post("/documents/many/undo-move", by).status_code == 403
    assert acme.log()[-1]["action"] == "access.refused"
    assert lying(portal) == rows


@on_sqlite
def test_whether_a_move_can_be_taken_back_is_asked_at_once_for_all_of_it(acme) -> None:
    member, (_, chosen) = acme.visit("member"), things(acme, "closed")
    counts = []
    for moved in (chosen[:1], chosen[1:]):
        member.get("/documents")
        member.post("/documents/many/move", {"things": moved, "folder": ""})
        with statements() as sent:
            assert "Undo" in member.get("/documents/starred").text
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_what_is_chosen_goes_to_the_trash_after_a_question(portal, acme) -> None:
    member, (inner, chosen) = acme.visit("member"), things(acme)
    before = portal.dump()
    question = member.post("/documents/many/delete", {"things": chosen})
    assert "Move 3 items to the trash?" in question.text
    assert portal.dump() == before
    done = member.post(
        "/documents/many/delete", forms_of(question.text)[-1].fields | {"things": chosen}
    )
    assert done.location == f"/documents/folders/{inner}"
    page = member.get(done.location).text
    assert "3 items are in the trash" in page
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


def test_copies_of_what_is_chosen_are_made_each_by_itself(acme, monkeypatch) -> None:
    monkeypatch.setattr(copying, "STEP_SECONDS", 600)  # all in one step, however slow the machine
    member, (inner, chosen) = acme.visit("member"), things(acme)
    shared = acme.folders["shared"]
    path, documents = "/documents/many/copy", [one for one in chosen if "folder" not in one]
    asked = member.post(path, {"things": documents, "folder-at": f"{inner}:1"})
    assert forms_of(asked.text)[-1].action.startswith(path)
    seen = len(acme.log())
    done = member.post(path, {"things": documents, "folder": str(shared)})
    assert done.location == f"/documents/folders/{shared}"
    assert [e["action"] for e in acme.log()[seen:]] == ["document.copied"] * 2
    page = member.get(done.location).text
    assert "2 items are copied" in page
    assert "0.txt" in page
    assert "1.txt" in page
    mixed = member.post(path, {"things": chosen, "folder": inner})
    assert mixed.status_code == 200
    assert "2 of 3 items are copied" in mixed.text
    assert "A folder is not copied" in mixed.text
    assert "1 (copy).txt" in member.get(f"/documents/folders/{inner}").text


@on_sqlite
def test_copying_that_takes_long_goes_on_step_by_step_to_the_end(acme, monkeypatch) -> None:
    monkeypatch.setattr(copying, "STEP_SECONDS", 0)  # a document a step
    member, (inner, [folder, one, two]) = acme.visit("member"), things(acme)
    gone = member.upload("Gone.txt", b"x", inner).json["id"]
    sent = {"things": [folder, one, f"document:{gone}", two], "folder": inner}
    shown, kept = [], []
    while sent:
        page = member.post("/documents/many/copy", sent).text
        sent = going_on(page)
        shown += re.findall(r"\d of 4 are done", page)
        kept.append([e["action"] for e in acme.log()].count("document.copied"))
        member.post(f"/documents/{gone}/delete", {})
    assert shown == [f"{n} of 4 are done" for n in (1, 2, 3)]
    assert kept == [0, 1, 1, 2], "each is kept by itself"
    assert "2 of 4 items are copied. These are not:" in page
    assert "A folder is not copied" in page
    listed = member.get(f"/documents/folders/{inner}").text
    assert all(f"{n} (copy).txt" in listed for n in range(2))


@on_sqlite
def test_copying_that_is_sent_again_is_answered_with_what_it_made(acme, monkeypatch) -> None:
    monkeypatch.setattr(copying, "STEP_SECONDS", 0)
    member, (inner, [_, *chosen]) = acme.visit("member"), things(acme)
    sent = {"things": chosen, "folder": inner, "page": str(new_id())}
    for _ in range(2):
        assert "1 of 2 are done" in member.post("/documents/many/copy", sent).text
    assert copies(acme) == 1
    path = f"/documents/{chosen[0].partition(':')[2]}/copy"
    asked = {**forms_of(member.get(path).text)[-1].fields, "folder": inner}
    first, again = (member.post(path, asked).location for _ in range(2))
    assert first == again
    assert copies(acme) == 2
    assert member.post(path, {**asked, "folder": ""}).location != first, "to another place"
    give(acme, "guest", "member")
    assert acme.visit("guest").post(path, asked).location != first, "of somebody else"


def test_copying_that_is_sent_twice_at_once_copies_once(acme, monkeypatch) -> None:
    """Both have sealed their copy, when one of them comes to note it."""
    both = Barrier(2)

    def together(*args, **more):
        stored = take_in(*args, **more)
        both.wait(30)
        return stored

    monkeypatch.setattr(service, "take_in", together)
    _, (inner, [_, *chosen]) = acme.visit("member"), things(acme)
    sent = {"things": chosen, "folder": inner, "page": str(new_id())}

    def send(_: int) -> str | None:
        return acme.visit("member").post("/documents/many/copy", sent).location

    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(send, range(2))] == [f"/documents/folders/{inner}"] * 2
    assert copies(acme) == 2
    assert len(acme.portal.rows("document_copy")) == 2
    assert acme.portal.rows("storage_hold") == []


def copies(acme: Organisation) -> int:
    return [entry["action"] for entry in acme.log()].count("document.copied")


def going_on(page: str) -> dict[str, list[str]]:
    """What the form sends that goes on with copying; nothing where there is none."""
    form = page.partition("data-goes-on")[2].partition("</form>")[0]
    sent = defaultdict(list)
    for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form):
        sent[name].append(html.unescape(value))
    return sent


def test_what_is_chosen_comes_as_one_zip(acme) -> None:
    member, (_, [folder, *documents]) = acme.visit("member"), things(acme)
    own = folder.partition(":")[2]
    member.upload("0.txt", b"deep", own)
    deep = member.upload("0.txt", b"deeper", own).json["id"]
    seen, guest = len(acme.log()), acme.visit("guest")
    chosen = [folder, *documents, f"document:{deep}"]  # which comes with its folder anyway
    answer = guest.post("/documents/many/download", {"things": chosen})
    assert answer.content_length == len(answer.data)
    assert "Inner.zip" in answer.headers["Content-Disposition"]
    packed = ZipFile(io.BytesIO(answer.data))
    content = {name: packed.read(name) for name in packed.namelist()}
    assert content == {
        "Own/": b"", "0.txt": b"x", "1.txt": b"x", "Own/0.txt": b"deep", "Own/0 (2).txt": b"deeper",
    }  # fmt: skip
    told = [(e["action"], e["target"], e["detail"]) for e in acme.log()[seen:]]
    assert told[0] == ("folder.downloaded", folder, {"documents": 2, "size_bytes": 10})
    assert told[1] == ("selection.downloaded", "documents", {"documents": 2, "size_bytes": 2})
    assert [action for action, *_ in told[2:]] == ["document.downloaded"] * 4
    assert {target for _, target, _ in told[2:]} >= {*documents, f"document:{deep}"}


@on_sqlite
def test_what_one_may_not_read_is_in_no_zip(acme, globex) -> None:
    guest, member = acme.visit("guest"), acme.visit("member")
    plan, note = (f"document:{acme.documents[name]}" for name in ("plan", "note"))
    seen = len(acme.log())
    for who, things_, status in (
        (guest, [plan, note], 403),
        (member, [plan, f"document:{globex.documents['plan']}"], 404),
        (member, [plan, f"folder:{globex.folders['shared']}"], 404),
        (member, [], 400),
    ):
        assert who.post("/documents/many/download", {"things": things_}).status_code == status
    assert {entry["action"] for entry in acme.log()[seen:]} == {"access.refused"}
    alone = guest.post("/documents/many/download", {"things": [f"folder:{acme.folders['shared']}"]})
    assert "Shared.zip" in alone.headers["Content-Disposition"]


@pytest.mark.parametrize("act", ["move", "delete", "download", "copy"])
def test_of_what_is_gone_meanwhile_the_list_tells(acme, act) -> None:
    """Whose it is that isn't there makes no difference."""
    member, back = acme.visit("member"), "/documents"
    plan, note = acme.documents["plan"], acme.documents["note"]
    trash = member.post(f"/documents/{plan}/delete", {})
    assert trash.status_code == 302
    for gone in (plan, uuid4()):
        things = [f"document:{gone}", f"document:{note}"]
        answer = member.post(f"/documents/many/{act}", {"things": things, "back": back})
        assert (answer.status_code, answer.location) == (302, back)
        assert "not there any more" in member.get(back).text
    assert member.get(f"/documents/{note}").status_code == 200


def test_of_what_can_not_be_restored_the_trash_tells(acme) -> None:
    member, back = acme.visit("member"), "/documents/trash"
    shared, plan = acme.folders["shared"], acme.documents["plan"]
    for path in (f"/documents/{plan}/delete", f"/folders/{shared}/delete"):
        assert member.post(path, {}).status_code == 302
    answer = member.post("/documents/many/restore", {"things": [f"document:{plan}"], "back": back})
    assert (answer.status_code, answer.location) == (302, back)
    assert "Restore the folder first" in member.get(back).text


def test_what_is_chosen_in_the_trash_comes_back_together_or_not_at_all(
    portal, acme, globex
) -> None:
    member, (_, [folder, one, two]) = acme.visit("member"), things(acme)
    within = f"folder:{make_folder(acme, 'Within', UUID(folder.partition(':')[2]))}"
    for kind, thing in (named.split(":") for named in (one, within, two, folder)):
        assert member.post(f"/{kind}s/{thing}/delete", {}).status_code == 302
    page = member.get("/documents/trash").text
    assert all(f'value="{thing}"' in page for thing in (one, folder))
    path, rows = "/documents/many/restore", (portal.rows("document"), portal.rows("folder"))
    live = f"document:{acme.documents['plan']}"
    other = f"document:{globex.documents['plan']}"
    for wrong, status in ((live, 409), (other, 404)):
        assert member.post(path, {"things": [folder, one, wrong]}).status_code == status
    assert member.post(path, {"things": [within]}).status_code == 409  # its folder is there too
    assert (portal.rows("document"), portal.rows("folder")) == rows
    seen = len(acme.log())
    done = member.post(path, {"things": [one, within, two, folder]})
    assert done.location == "/documents/trash"
    assert "4 items are restored" in member.get(done.location).text
    told = [(e["action"], e["target"]) for e in acme.log()[seen:]]
    assert told[:2] == [("folder.restored", folder), ("folder.restored", within)]
    assert sorted(told[2:]) == sorted(("document.restored", thing) for thing in (one, two))


@on_sqlite
@pytest.mark.parametrize("act", ["move", "copy", "delete", "download", "star", "restore"])
def test_whoever_chose_nothing_is_led_back_to_the_list_and_told(acme, act) -> None:
    member = acme.visit("member")
    back = "/documents/trash" if act == "restore" else "/documents?sort=-size"
    assert member.post(f"/documents/many/{act}", {"back": back}).location == back
    assert "Choose something first" in member.get(back).text
    elsewhere = {"back": "https://elsewhere.example/"}
    assert member.post(f"/documents/many/{act}", elsewhere).status_code == 400


@on_sqlite
def test_several_are_starred_but_no_folder(acme) -> None:
    member, (inner, [folder, *documents]) = acme.visit("member"), things(acme)
    path, back = "/documents/many/star", f"/documents/folders/{inner}?sort=-size"
    assert member.post(path, {"things": [folder, *documents]}).status_code == 400
    assert acme.portal.rows("document_star") == []
    assert member.post(path, {"things": documents, "back": back}).location == back
    page = member.get(back).text
    assert "2 documents are starred" in page
    assert page.count('title="Unstar"') == 2
