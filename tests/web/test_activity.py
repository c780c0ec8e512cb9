"""The page on which everybody finds what they did, and what others did to them."""

import html
import re
from uuid import UUID

from sqlalchemy import delete

from portal.access.models import RoleAssignment
from portal.audit.actions import Action
from portal.audit.activity import OWN, PAGE_SIZE, TO_DOCUMENTS, TO_PEOPLE, list_activity_entries
from portal.audit.actor import Actor, ActorKind
from portal.audit.service import record
from portal.core.ids import new_id
from portal.documents.activity import FOLLOWED
from tests.browsing import Visitor, links_of
from tests.conftest import on_sqlite
from tests.documents.sharers import make_folder
from tests.harness.statements import statements
from tests.installation import Organisation

PAGE = "/account/activity"
ABOUT_SOMEBODY = ("access.explained", "act.", "audit.", "erasure.", "hold.", "retention", "review.")


def told(visitor: Visitor, path: str = PAGE) -> list[str]:
    """The rows of the page as texts, without their times."""
    page = visitor.get(path)
    assert page.status_code == 200
    rows = re.findall(r"<tr>.*?</tr>", page.text, re.DOTALL)[1:]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)[1:4] for row in rows]
    return [" | ".join(_text(cell) for cell in row) for row in cells]


def _text(cell: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", cell)).split())


def by_others(acme: Organisation) -> list[str]:
    return told(acme.visit("member"), f"{PAGE}?by=others")


def write(to: Organisation, who: UUID, action: Action, target: str, count: int = 1) -> None:
    with to.bound(writes=True):
        for _ in range(count):
            record(Actor(kind=ActorKind.USER, user_id=who), action, target)


def test_who_made_a_document_is_told_who_touched_it_and_who_touched_it_what_they_did(acme) -> None:
    guest, plan = acme.visit("guest"), acme.documents["plan"]
    before = by_others(acme)
    guest.get(f"/documents/{plan}/download")
    assert by_others(acme) == [
        f"A document was downloaded | Plan.txt | {acme['guest'].name}",
        *before,
    ]
    assert f'href="/documents/{plan}"' in acme.visit("member").get(PAGE).text
    assert told(guest, f"{PAGE}?by=me")[0] == "A document was downloaded | Plan.txt | You"
    assert told(guest)[0] == told(guest, f"{PAGE}?by=me")[0]
    for others in ("auditor", "officer", "admin"):
        assert not [row for row in told(acme.visit(others)) if "Plan.txt" in row]


def test_what_was_done_to_somebody_is_told_to_them_alone(acme, globex) -> None:
    admin, guest = acme["admin"], acme["guest"]
    write(acme, admin.id, Action.ROLE_ASSIGNED, f"user:{guest.id}")
    write(globex, globex["admin"].id, Action.ROLE_REMOVED, f"user:{globex['guest'].id}")
    rows = told(acme.visit("guest"), f"{PAGE}?by=others")
    assert rows[0] == f"A role was assigned | Your account | {admin.name}"
    assert "A role was removed" not in "".join(rows)
    assert rows[0] not in told(acme.visit("member"))


@on_sqlite
def test_an_action_that_is_not_listed_is_told_to_nobody(acme) -> None:
    """Whoever it is about, whatever it is: what officers look into is not among what is listed."""
    listed = OWN | TO_PEOPLE | TO_DOCUMENTS
    assert not [action for action in listed if action.startswith(ABOUT_SOMEBODY)]
    member, officer = acme["member"].id, acme["officer"].id
    before = told(acme.visit("member"))
    for target, to_others in ((f"user:{member}", TO_PEOPLE), ("document", TO_DOCUMENTS)):
        about = f"document:{acme.documents['plan']}" if target == "document" else target
        for action in Action:
            if action not in to_others:
                write(acme, officer, action, about)
            if action not in OWN:
                write(acme, member, action, about)
    assert told(acme.visit("member")) == before


def test_a_document_is_followed_as_long_as_it_may_be_read(acme, clock) -> None:
    """In the trash too; moved out of reach no more, nor once its time in the trash is over."""
    guest_id, inner = acme["guest"].id, make_folder(acme, "Inner", "shared")
    own = acme.visit("member").upload("Own.txt", b"x", inner).json["id"]
    write(acme, guest_id, Action.DOCUMENT_DOWNLOADED, f"document:{own}")
    row = f"A document was downloaded | Own.txt | {acme['guest'].name}"
    assert row in by_others(acme)
    write(acme, guest_id, Action.DOCUMENT_DELETED, f"document:{own}")
    acme.visit("member").post(f"/documents/{own}/delete")
    trashed = f"A document was moved to the trash | Own.txt (in the trash) | {acme['guest'].name}"
    assert trashed in by_others(acme)
    clock.advance(days=31)
    acme.portal.renew_sessions()
    assert not [row for row in by_others(acme) if "A document was" in row]
    assert not [row for row in told(acme.visit("member")) if "Own.txt" in row]


@on_sqlite
def test_whoever_may_not_read_their_document_any_more_is_not_told_who_does(acme) -> None:
    acme.visit("guest").get(f"/documents/{acme.documents['plan']}/download")
    assert [row for row in by_others(acme) if "A document was downloaded" in row]
    with acme.bound(writes=True) as session:
        session.execute(delete(RoleAssignment).where(RoleAssignment.user_id == acme["member"].id))
    assert not [row for row in by_others(acme) if "A document was downloaded" in row]


@on_sqlite
def test_what_may_not_be_read_any_more_has_no_name_in_ones_own_past(acme) -> None:
    guest, plan = acme.visit("guest"), acme.documents["plan"]
    guest.get(f"/documents/{plan}/download")
    acme.visit("member").post(f"/documents/{plan}/move", {"folder": ""})
    page = guest.get(PAGE).text
    assert "A document was downloaded" in page
    assert "Plan.txt" not in page
    assert f"/documents/{plan}" not in page


@on_sqlite
def test_a_link_of_somebody_else_and_what_strangers_get_by_it_are_told(acme) -> None:
    link, plan = acme.links["plan"], acme.documents["plan"]
    stranger = Actor(kind=ActorKind.LINK, link_id=link)
    admin = Actor(kind=ActorKind.USER, user_id=acme["admin"].id)
    with acme.bound(writes=True):
        record(admin, Action.LINK_REVOKED, f"link:{link}", about=f"document:{plan}")
        record(stranger, Action.DOCUMENT_DOWNLOADED, f"document:{plan}")
        record(stranger, Action.LINK_OPENED, f"link:{link}", about=f"document:{plan}")
    opened, downloaded, revoked = by_others(acme)[:3]
    assert opened == "A sharing link was opened | Plan.txt | Whoever has a sharing link"
    assert downloaded == "A document was downloaded | Plan.txt | Whoever has a sharing link"
    assert revoked == f"A sharing link was revoked | Plan.txt | {acme['admin'].name}"


@on_sqlite
def test_each_part_is_looked_up_by_its_index(acme) -> None:
    """Else a page for one person would go through what everybody did."""
    things = [f"document:{new_id()}" for _ in range(FOLLOWED)]
    with acme.bound() as session, statements() as sent:
        list_activity_entries(acme["member"].id, things, before=new_id())
        connection = session.connection().connection.dbapi_connection
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sent[-1]}", Anything())]
    looked_up = [step for step in plan if "audit_entry" in step]
    assert len(looked_up) == 3, plan
    assert all("actor_id=?" in step or "target=?" in step for step in looked_up), looked_up


class Anything(dict[str, None]):
    """A value for whatever a statement asks."""

    def __missing__(self, _name: str) -> None:
        return None


def test_pages_miss_and_repeat_nothing(acme) -> None:
    member, targets = acme["member"].id, [f"document:{i}" for i in acme.documents.values()]
    before = len(told(acme.visit("member")))
    for n in range(2 * PAGE_SIZE):
        who = member if n % 3 else acme["guest"].id
        write(acme, who, Action.DOCUMENT_DOWNLOADED, targets[n % len(targets)])
    path, seen = PAGE, []
    while path:
        page = acme.visit("member").get(path).text
        seen += re.findall(r'<time[^>]*datetime="([^"]*)"', page)
        path = next((html.unescape(a) for a in links_of(page) if "before=" in a), "")
    assert len(told(acme.visit("member"))) == PAGE_SIZE
    assert len(seen) == before + 2 * PAGE_SIZE
    assert seen == sorted(seen, reverse=True)
