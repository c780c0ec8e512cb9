"""More of everything that lists show, to tell what a page takes for few from what for many."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

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
from portal.access.reviews.models import AccessReview, ReviewAnswer, Reviewer, ReviewLine
from portal.auth.factors.models import Passkey, TotpDevice
from portal.auth.models import UserSession
from portal.core import clock as portal_clock
from portal.core.ids import new_id
from portal.destinations.models import LogDestination
from portal.documents.links.models import LinkUse, SharingLink
from portal.documents.models import Document, DocumentStar, DocumentVersion, Folder
from portal.documents.retention.models import Anchor, ErasureRequest, LegalHold, RetentionRule
from portal.users.models import User, UserState
from tests.audit.reading import entry, write
from tests.installation import Organisation


def documents(to: Organisation, count: int, **more: object) -> list[UUID]:
    creator, added = to["member"].id, []
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
            added.append(made.id)
    return added


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
    documents(to, count, folder_id=to.folders["shared"], **given)
    folders(to, count, parent_id=to.folders["shared"], **given)


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


def factors(to: Organisation, count: int) -> None:
    member = to["member"].id
    with to.bound(writes=True) as session:
        for n in range(count):
            session.add(TotpDevice(user_id=member, name=f"phone {n}", secret_sealed=b"x"))
            made = Passkey(user_id=member, name=f"key {n}", host=to.host)
            made.credential_id, made.credential = new_id().bytes, b"x"
            session.add(made)


def retained(to: Organisation, count: int) -> None:
    """Documents that are due, each under a hold, in a folder with a rule; and requests to erase."""
    at = portal_clock.now() - timedelta(days=1)
    shared = to.folders["shared"]
    due = documents(to, count, folder_id=shared, trashed_at=at, purge_at=at)
    with to.bound(writes=True) as session:
        for document_id in due:
            hold = LegalHold(id=new_id(), matter="a", reason="b", release_reason="")
            rule = RetentionRule(id=new_id(), name="a", media_type=f"text/{document_id}",
                                 keep_days=9, delete_days=9, folder_id=shared)  # fmt: skip
            asked = ErasureRequest(id=new_id(), user_id=to["member"].id, wants_documents=True,
                                   wants_account=True, reason="a", answer="b",
                                   state="refused")  # fmt: skip
            session.add_all([hold, rule, asked])
            session.flush()
            for hold_id in (hold.id, to.kept["hold"]):
                for kind, thing_id in (("document", document_id), ("folder", shared)):
                    session.add(
                        Anchor(hold_id=hold_id, kind=kind, thing_id=thing_id, is_carried=False)
                    )


def reviews(to: Organisation, count: int) -> None:
    """More of them, and in the one that is there more lines, answers and reviewers."""
    member, holders = to["member"].id, members(to, count)
    with to.bound(writes=True) as session:
        there = session.scalars(select(AccessReview)).all()
        for holder in holders:
            made = AccessReview(id=new_id(), name="Again", scope={}, on_unanswered="revoke",
                                due_at=portal_clock.now())  # fmt: skip
            session.add(made)
            session.flush()
            for review in (*there, made):
                session.add(Reviewer(review_id=review.id, user_id=holder))
                line = ReviewLine(id=new_id(), review_id=review.id, number=holder.int % 2**31,
                                  kind="assignment", subject_id=new_id(), user_id=holder,
                                  holder_name="Somebody", role="guest", role_names=["Guest"],
                                  held_since=portal_clock.now(), reviewer_id=member)  # fmt: skip
                session.add(line)
                session.flush()
                session.add(ReviewAnswer(line_id=line.id, decision="keep", answered_by=holder))


Add = Callable[[Organisation, int], object]


def inside(name: str) -> Add:
    """Documents and folders in a folder."""

    def add(to: Organisation, count: int) -> None:
        documents(to, count, folder_id=to.folders[name])
        folders(to, count, parent_id=to.folders[name])

    return add


EVERYTHING: tuple[Add, ...] = (
    *(documents, folders, inside("shared"), trash, retained, starred, versions),
    *(members, factors, sessions, roles, own_roles, groups, crowd),
    *(requests, acts, reviews, links, destinations, entries),
)
