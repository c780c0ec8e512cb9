"""How many statements a page takes: few, and none more for more rows."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import pytest
from sqlalchemy import func, select

from portal.access.approvals.models import PendingAct
from portal.access.models import (
    CustomRole,
    ExclusiveRolePair,
    Group,
    GroupMembership,
    RoleAssignment,
)
from portal.access.requests.models import AccessRequest
from portal.auth.destinations.models import LogDestination
from portal.auth.models import UserSession
from portal.core import clock as portal_clock
from portal.core.ids import new_id
from portal.documents.links.models import LinkUse, SharingLink
from portal.documents.models import Document, DocumentStar, DocumentVersion, Folder
from portal.users.models import User, UserState
from tests.audit.reading import entry, write
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.harness.statements import statements
from tests.installation import Organisation
from tests.web.access_list import ACCESS, STRANGER
from tests.web.things import browser_of, own_address

FEW, MANY = 5, 60


def count_of(visitor: Visitor, path: str) -> int:
    """The statements of one page, on connections that are open."""
    visitor.get(path)
    with statements() as sent:
        assert visitor.get(path).status_code == 200
    return len(sent)


def documents(to: Organisation, count: int, **more: object) -> None:
    creator = to["member"].id
    with to.bound(writes=True) as session:
        for n in range(count):
            made = Document(id=new_id(), name=f"Document {n}.txt", created_by=creator, **more)
            session.add(made)
            session.flush()
            session.add(
                DocumentVersion(
                    document_id=made.id, number=1, format="PF1", mode="S", size_bytes=n,
                    sealed_bytes=n, sealed_sha256=b"0" * 32, media_type="text/plain",
                    wrapped_key=b"", key_version=1, created_by=creator,
                )
            )  # fmt: skip


def starred(to: Organisation, count: int) -> None:
    """More documents, all of which the member has starred."""
    documents(to, count, folder_id=to.folders["shared"])
    member = to["member"].id
    with to.bound(writes=True) as session:
        have = set(session.scalars(select(DocumentStar.document_id)))
        for document_id in set(session.scalars(select(Document.id))) - have:
            session.add(DocumentStar(user_id=member, document_id=document_id))


def versions(to: Organisation, count: int) -> None:
    """More versions of the note, with its newest content and a note on each."""
    with to.bound(writes=True) as session:
        document = session.get(Document, (to.id, to.documents["note"]))
        of_it = DocumentVersion.document_id == document.id
        newest = session.scalars(select(DocumentVersion).where(of_it)).first()
        names = {column.name for column in newest.__table__.c} - {"id", "number", "note_sealed"}
        kept = {name: getattr(newest, name) for name in names}
        for _ in range(count):
            low = -session.scalar(select(func.count()).where(of_it))  # older than the first
            session.add(made := DocumentVersion(number=low, **kept))
            made.note = "What is new in it"
            session.flush()


def folders(to: Organisation, count: int, **more: object) -> None:
    with to.bound(writes=True) as session:
        for n in range(count):
            session.add(Folder(name=f"Folder {n}", created_by=to["member"].id, **more))


def trash(to: Organisation, count: int) -> None:
    at = portal_clock.now() - timedelta(minutes=1)
    given = {"trashed_at": at, "trashed_by": to["member"].id, "purge_at": at + timedelta(days=30)}
    documents(to, count, **given)
    folders(to, count, **given)


def members(to: Organisation, count: int) -> list[UUID]:
    added = []
    with to.bound(writes=True) as session:
        have = len(to.portal.rows("user_account"))
        for n in range(count):
            made = User(id=new_id(), email=f"{have + n}@acme.example", name=f"Person {n}",
                        state=UserState.ACTIVE)  # fmt: skip
            session.add(made)
            session.flush()
            session.add(RoleAssignment(user_id=made.id, role="member", granted_by=to["admin"].id))
            added.append(made.id)
    return added


def roles(to: Organisation, count: int) -> None:
    with to.bound(writes=True) as session:
        folder = Folder(id=new_id(), name="With guests", created_by=to["member"].id)
        session.add(folder)
        for n in range(count):
            inner = Folder(id=new_id(), name=f"{n}", created_by=to["member"].id)
            session.add(inner)
            session.flush()
            session.add(
                RoleAssignment(user_id=to["member"].id, role="guest", folder_id=inner.id,
                               granted_by=to["admin"].id)
            )  # fmt: skip


def own_roles(to: Organisation, count: int) -> None:
    """Each of them kept apart from one that was there."""
    with to.bound(writes=True) as session:
        for n in range(count):
            made = new_id()
            role = CustomRole(id=made, key=str(made), name=f"Role {made}", sentence="-")
            role.permissions = ["document:read", "audit:read" if n % 2 else "group:edit"]
            session.add(role)
            session.add(ExclusiveRolePair(first_role=str(made), second_role="member"))


def in_a_group(to: Organisation, count: int) -> None:
    """People who are members through a group."""
    with to.bound(writes=True) as session:
        group = Group(id=new_id(), name="Everybody", name_key=str(new_id()))
        session.add(group)
        session.flush()
        session.add(RoleAssignment(group_id=group.id, role="member", granted_by=to["admin"].id))
        for _ in range(count):
            made = User(id=new_id(), email=f"{new_id()}@acme.example", name="Somebody",
                        state=UserState.ACTIVE)  # fmt: skip
            session.add(made)
            session.flush()
            session.add(GroupMembership(group_id=group.id, user_id=made.id))


def archivists(to: Organisation, count: int) -> None:
    people = members(to, count)
    with to.bound(writes=True) as session:
        for user_id in people:
            session.add(RoleAssignment(user_id=user_id, role=to.roles["archivist"]))


def groups(to: Organisation, count: int) -> None:
    """Groups that the member is in, each with a role."""
    have = len(to.portal.rows("member_group"))
    with to.bound(writes=True) as session:
        for n in range(have, have + count):
            group = Group(id=new_id(), name=f"Group {n}", name_key=f"group {n}")
            session.add(group)
            session.flush()
            session.add(GroupMembership(group_id=group.id, user_id=to["member"].id))
            session.add(RoleAssignment(group_id=group.id, role="guest",
                                       folder_id=to.folders["shared"]))  # fmt: skip


def crowd(to: Organisation, count: int) -> None:
    """People in the one group that there is."""
    with to.bound(writes=True) as session:
        for _ in range(count):
            made = User(id=new_id(), email=f"{new_id()}@crowd.example", name="Somebody",
                        state=UserState.ACTIVE)  # fmt: skip
            session.add(made)
            session.flush()
            session.add(GroupMembership(group_id=to.groups["crew"], user_id=made.id,
                                        added_by=to["admin"].id))  # fmt: skip


def entries(to: Organisation, count: int) -> None:
    people = [to["member"].id, to["admin"].id, None]
    targets = [f"document:{i}" for i in to.documents.values()]
    targets += [f"group:{i}" for i in to.groups.values()]
    targets += [f"folder:{i}" for i in to.folders.values()] + [f"user:{to['guest'].id}"]
    write(
        to,
        *(entry(actor_id=people[n % 3], target=targets[n % len(targets)]) for n in range(count)),
    )


def sessions(to: Organisation, count: int) -> None:
    with to.bound(writes=True) as session:
        for _ in range(count):
            session.add(
                UserSession(user_id=to["member"].id, token_hash=new_id().bytes * 2,
                            first_factor="password", second_factor="totp", address="192.0.2.1",
                            user_agent="x")
            )  # fmt: skip


def requests(to: Organisation, count: int) -> None:
    """What people have asked for, each on a folder of its own."""
    with to.bound(writes=True) as session:
        for n in range(count):
            folder = Folder(id=new_id(), name=f"Asked {n}", created_by=to["member"].id)
            session.add(folder)
            session.flush()
            for who in ("guest", "admin"):
                session.add(
                    AccessRequest(user_id=to[who].id, permission="document:read", reason="x",
                                  target=f"folder:{folder.id}", folder_id=folder.id,
                                  expires_at=portal_clock.now() + timedelta(days=1))
                )  # fmt: skip


def acts(to: Organisation, count: int) -> None:
    """What waits for a second person, and what has ended."""
    now = portal_clock.now()
    ended = {"decision": "declined", "decided_by": to["admin"].id, "decided_at": now}
    with to.bound(writes=True) as session:
        for how in ({}, ended):
            for _ in range(count):
                user = User(id=new_id(), email=f"{new_id()}@acme.example", name="X")
                session.add(user)
                session.add(
                    PendingAct(kind="reset-factors", target=f"user:{user.id}", payload={},
                               reason="", asked_by=to["member"].id,
                               expires_at=now + timedelta(days=1), **how)
                )  # fmt: skip


def links(to: Organisation, count: int) -> None:
    """Links to a document and to a folder, and what was done by the one that is there."""
    made = to.links["plan"]
    with to.bound(writes=True) as session:
        for _ in range(count):
            for about in (
                {"document_id": to.documents["note"]},
                {"folder_id": to.folders["shared"]},
            ):
                session.add(
                    SharingLink(kind="download", secret_hash=new_id().bytes * 2, note="",
                                recipients_json="[]", created_by=to["member"].id,
                                expires_at=portal_clock.now() + timedelta(days=9), **about)
                )  # fmt: skip
            session.add(LinkUse(link_id=made, deed="viewed", who="somebody",
                                document_id=to.documents["plan"]))  # fmt: skip


def destinations(to: Organisation, count: int) -> None:
    with to.bound(writes=True) as session:
        for _ in range(count):
            made = LogDestination(id=new_id(), name=str(new_id()), kind="mail", rhythm="daily")
            made.place_text, made.secret, made.wants_alerts = "{}", "", False
            session.add(made)


Add = Callable[[Organisation, int], object]


def inside(name: str) -> Add:
    """Documents and folders in a folder."""

    def add(to: Organisation, count: int) -> None:
        documents(to, count, folder_id=to.folders[name])
        folders(to, count, parent_id=to.folders[name])

    return add


ANOTHER_POLICY = urlencode(
    {
        "mfa_for": "nobody",
        "factors": "totp",
        "grace_days": 0,
        "idle_minutes": 9,
        "absolute_hours": 9,
        "password_min_length": 9,
    }
)
ANOTHER_ROLE = urlencode(
    {"name": "Archivist", "sentence": "Reads.", "permissions": "document:upload"}
)

# Page, reader, what it gets more of, and the statements that it may take. Whoever may decide about
# what others have asked for is told on every page how much waits, by one statement.
PAGES = {
    "documents": ("/documents", "member", documents, 4),
    "folders at the top": ("/documents", "member", folders, 4),
    "a folder": ("/documents/folders/{shared}", "member", inside("shared"), 4),
    "who can open a folder": ("/folders/{shared}/access", "officer", members, 10),
    "who can open a document": ("/documents/{plan}/access", "officer", members, 11),
    "a guest's folder": ("/documents/folders/{shared}", "guest", inside("shared"), 4),
    "a guest's first page": ("/documents", "guest", inside("shared"), 3),
    "documents, older": (
        "/documents?at=2100-01-01T00:00%2B00:00&id={note}",
        "member",
        documents,
        4,
    ),
    "documents by name": ("/documents?sort=name", "member", documents, 5),
    "documents by size, further": ("/documents?sort=size&at=0&id={note}", "member", documents, 4),
    "what is starred": ("/documents/starred", "member", starred, 6),
    "what is recent": ("/documents/recent", "member", entries, 6),
    "a document": ("/documents/{note}", "member", documents, 5),
    "a document of many versions": ("/documents/{note}", "member", versions, 5),
    "a preview's page": ("/documents/{note}/view", "member", versions, 5),
    "moving a document": ("/documents/{note}/move", "member", folders, 7),
    "moving a folder": ("/folders/{shared}/move", "member", folders, 7),
    "links": ("/links", "member", links, 7),
    "everybody's links": ("/links/everybody", "officer", links, 8),
    "a link": ("/links/{link}", "member", links, 12),
    "who can open what links lead to": ("/folders/{shared}/access", "officer", links, 10),
    "the trash": ("/documents/trash", "member", trash, 5),
    "members": ("/members", "admin", members, 9),
    "members found": ("/members?q=person", "admin", members, 9),
    "a member": ("/members/{member}", "admin", members, 14),
    "a member with many roles": ("/members/{member}", "admin", roles, 15),
    "inviting": ("/members/new", "admin", folders, 5),
    "roles": ("/roles", "admin", members, 5),
    "many roles": ("/roles", "admin", own_roles, 5),
    "a role": ("/roles/member", "admin", members, 10),
    "a role through a group": ("/roles/member", "admin", in_a_group, 10),
    "a role on folders": ("/roles/guest", "admin", roles, 11),
    "roles that nobody holds together": ("/roles/exclusive", "admin", own_roles, 6),
    "retiring a role": ("/roles/{archivist}/retire", "admin", archivists, 10),
    "another shape of a role": (
        f"/roles/{{archivist}}/preview?{ANOTHER_ROLE}",
        "admin",
        archivists,
        12,
    ),
    "the policy": ("/policy", "admin", members, 6),
    "a member in many groups": ("/members/{member}", "admin", groups, 14),
    "groups": ("/groups", "admin", groups, 8),
    "a group": ("/groups/{crew}", "admin", crowd, 14),
    "adding to a group": ("/groups/{crew}/people/add", "admin", crowd, 12),
    "deleting a group": ("/groups/{crew}/delete", "admin", crowd, 10),
    "an account in many groups": ("/account", "member", groups, 10),
    "the log with groups": ("/audit?target=group", "officer", groups, 11),
    "who has which factor": ("/policy/people", "admin", members, 11),
    "who falls short": ("/policy/people?short=1", "admin", members, 10),
    "requests": ("/requests", "admin", requests, 7),
    "approvals": ("/approvals", "admin", acts, 7),
    "what another policy would do": (
        f"/policy/preview?{ANOTHER_POLICY}",
        "admin",
        members,
        15,
    ),
    "the log": ("/audit", "officer", entries, 12),
    "the log, filtered": ("/audit?target=document&outcome=success", "officer", entries, 12),
    "exports of the log": ("/audit/exports", "officer", entries, 7),
    "where the log is sent": ("/audit/destinations", "officer", destinations, 7),
    "charts of the log": ("/audit/charts", "officer", entries, 18),
    "a life in the log": ("/audit/documents/{note}", "officer", entries, 12),
    "the log of many people": ("/audit", "officer", members, 12),
    "reports": ("/reports", "officer", entries, 10),
    "what concerns oneself": ("/account/activity", "member", entries, 10),
    "what was done to many documents": ("/account/activity", "member", documents, 10),
    "the account": ("/account", "member", sessions, 10),
    "an account with many roles": ("/account", "member", roles, 10),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_few_statements_and_no_more_for_more_rows(acme, page) -> None:
    path, who, add, most = PAGES[page]
    names = {**acme.folders, **acme.documents, **acme.roles, **acme.groups}
    names["member"], names["link"] = acme["member"].id, acme.links["plan"]
    path = path.format(**names)
    add(acme, FEW)
    few = count_of(acme.visit(who), path)
    add(acme, MANY - FEW)
    many = count_of(acme.visit(who), path)
    assert many == few <= most


def test_an_entry_of_the_log_takes_no_more_for_more_people(acme) -> None:
    officer, [made] = acme.visit("officer"), write(acme, entry(actor_id=acme["member"].id))
    few = count_of(officer, f"/audit/{made}")
    members(acme, MANY)
    assert count_of(officer, f"/audit/{made}") == few <= 12


@on_sqlite
def test_no_page_at_all_takes_more_for_more_of_everything(acme) -> None:
    """Every address of the access list, so a page that is new is counted as well."""

    def counts() -> dict[str, int]:
        found = {}
        for endpoint, listed in ACCESS.items():
            who = "member" if "member" in listed.let_in else min(listed.let_in - {STRANGER})
            path, visitor = own_address(acme, endpoint, who), browser_of(acme, who)
            if endpoint == "documents.archive":  # it opens each document when its turn comes
                continue
            if listed.answers.get("GET") == 200 and (who, "GET") not in listed.also:
                found[endpoint] = count_of(visitor, path)
        return found

    everything = (documents, folders, inside("shared"), trash, members, roles, groups, entries)
    everything += (crowd, sessions, requests, acts, links)
    for add in everything:
        add(acme, FEW)
    few = counts()
    for add in everything:
        add(acme, MANY - FEW)
    assert counts() == few
    assert len(few) > 20
