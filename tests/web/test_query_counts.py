"""How many statements a page takes, and that it does not grow with what is on it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.reviews.models import AccessReview, ReviewAnswer, Reviewer, ReviewLine
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.auth.factors.models import Passkey, TotpDevice
from portal.auth.models import UserSession
from portal.core import clock
from portal.core.ids import new_id
from portal.documents.links.models import LinkUse, SharingLink
from portal.documents.models import Document, DocumentVersion, Folder
from portal.documents.retention.models import Anchor, ErasureRequest, LegalHold, RetentionRule
from portal.users.models import User
from tests.conftest import on_sqlite
from tests.harness.statements import statements
from tests.installation import Organisation
from tests.web.access_list import ACCESS, STRANGER
from tests.web.things import browser_of, own_address

PAGES = sorted(
    endpoint
    for endpoint, entry in ACCESS.items()
    if entry.answers.get("GET", 404) < 400
    and endpoint not in ("static", "bootstrap.static", "sso.callback")
    and endpoint not in ("documents.archive", "documents.download")  # these stream
)


def grow(organisation: Organisation, count: int) -> None:
    """More of everything that any list shows."""
    with organisation.bound(writes=True) as session:
        note = session.scalars(select(Document).where(Document.folder_id.is_(None))).first()
        version = session.scalars(
            select(DocumentVersion).where(DocumentVersion.document_id == note.id)
        ).one()
        member = organisation["member"].id
        copied = {
            column.name: getattr(version, column.name)
            for column in DocumentVersion.__table__.columns
            if column.name not in ("tenant_id", "id", "document_id")
        }
        for folder_id in (None, organisation.folders["shared"]):
            for n in range(count):
                document = Document(
                    id=new_id(), folder_id=folder_id, name=f"doc {n}", created_by=member
                )
                trashed = Document(
                    id=new_id(), folder_id=folder_id, name=f"old {n}", created_by=member
                )
                trashed.trashed_at, trashed.trashed_by = clock.now() - timedelta(days=n), member
                trashed.purge_at = clock.now() + timedelta(days=9)
                gone = Document(
                    id=new_id(), folder_id=folder_id, name=f"gone {n}", created_by=member
                )
                gone.trashed_at = gone.purge_at = clock.now() - timedelta(days=1)
                session.add_all([document, trashed, gone])
                session.add(Folder(parent_id=folder_id, name=f"folder {n}", created_by=member))
                session.flush()
                session.add(DocumentVersion(document_id=document.id, **copied))
                session.add(DocumentVersion(document_id=gone.id, **copied))
                _grow_retention(session, gone, organisation)
        for n in range(count):
            session.add(TotpDevice(user_id=member, name=f"phone {n}", secret_sealed=b"x"))
            passkey = Passkey(user_id=member, name=f"key {n}", host=organisation.host)
            passkey.credential_id, passkey.credential = new_id().bytes, b"x"
            session.add(passkey)
            user = User(id=new_id(), email=f"u{n}@acme.example", name=f"U {n}", state="active")
            session.add(user)
            session.flush()
            session.add(RoleAssignment(user_id=user.id, role="auditor", granted_by=user.id))
            group = Group(id=new_id(), name=f"group {n}", name_key=f"group {n}")
            session.add(group)
            session.flush()
            session.add(RoleAssignment(group_id=group.id, role="member", granted_by=user.id))
            session.add(GroupMembership(group_id=group.id, user_id=member, added_by=user.id))
            crew = organisation.groups["crew"]
            session.add(GroupMembership(group_id=crew, user_id=user.id, added_by=user.id))
            for _ in range(2):
                signed_in = UserSession(user_id=member, token_hash=new_id().bytes, user_agent="x")
                signed_in.first_factor, signed_in.address = "password", "192.0.2.1"
                session.add(signed_in)
            _grow_links(session, organisation, note.id)
            _grow_reviews(session, n, user.id, organisation["member"].id)
            record(SYSTEM, Action.DOCUMENT_MOVED, f"document:{new_id()}", n=n)


def _grow_retention(session: Any, document: Document, organisation: Organisation) -> None:
    """A hold on the document and its folder, as the one that is there; a rule; a request."""
    of_document = LegalHold(id=new_id(), matter="a", reason="b", release_reason="")
    request = ErasureRequest(
        id=new_id(), user_id=organisation["member"].id, wants_documents=True, wants_account=True,
        reason="a", answer="b", state="refused",
    )  # fmt: skip
    rule = RetentionRule(
        id=new_id(), name="a", media_type=f"text/{document.id}", keep_days=9, delete_days=9
    )
    rule.folder_id = organisation.folders["shared"]
    session.add_all([of_document, request, rule])
    session.flush()
    for hold_id in (of_document.id, organisation.kept["hold"]):
        for kind, thing_id in (("document", document.id), ("folder", document.folder_id)):
            if thing_id is not None:
                session.add(Anchor(hold_id=hold_id, kind=kind, thing_id=thing_id, is_carried=False))


def _grow_links(session: Any, organisation: Organisation, document_id: UUID) -> None:
    """More links, and more that was done by the one that is there."""
    for about in ({"document_id": document_id}, {"folder_id": organisation.folders["shared"]}):
        session.add(
            SharingLink(
                kind="download", secret_hash=new_id().bytes * 2, note="", recipients_json="[]",
                created_by=organisation["member"].id, expires_at=clock.now() + timedelta(days=9),
                **about,
            )
        )  # fmt: skip
    made = organisation.links["plan"]
    session.add(LinkUse(link_id=made, deed="viewed", who="somebody", document_id=document_id))


def _grow_reviews(session: Any, number: int, holder: UUID, reviewer: UUID) -> None:
    """Another review; a line with an answer in each that is there, and a reviewer of it."""
    review = AccessReview(
        id=new_id(), name=f"review {number}", scope={}, on_unanswered="revoke", due_at=clock.now()
    )
    session.add(review)
    session.flush()
    for found in session.scalars(select(AccessReview)).all():
        session.add(Reviewer(review_id=found.id, user_id=holder))
        line = ReviewLine(
            id=new_id(), review_id=found.id, number=1000 + number, kind="assignment",
            subject_id=new_id(), user_id=holder, holder_name=f"U {number}", role="guest",
            role_names=["Guest"], held_since=clock.now(), reviewer_id=reviewer,
        )  # fmt: skip
        session.add(line)
        session.flush()
    for line in session.scalars(select(ReviewLine).where(ReviewLine.role == "auditor")).all():
        session.add(ReviewAnswer(line_id=line.id, decision="keep", answered_by=holder))


def count_for(organisation: Organisation, endpoint: str) -> int:
    who = min(ACCESS[endpoint].let_in - {STRANGER}, key=lambda name: (name != "member", name))
    visitor, path = browser_of(organisation, who), own_address(organisation, endpoint, who)
    visitor.get(path)  # keys are unlocked and statements compiled by now
    with statements() as seen:
        assert visitor.get(path).status_code < 400
    return len(seen)


@on_sqlite
def test_a_page_takes_as_many_statements_however_much_is_on_it(portal, acme) -> None:
    grow(acme, 5)
    few = {endpoint: count_for(acme, endpoint) for endpoint in PAGES}
    portal.reset()
    grow(acme, 60)
    many = {endpoint: count_for(acme, endpoint) for endpoint in PAGES}
    assert {page: (few[page], many[page]) for page in PAGES if many[page] > few[page]} == {}
    # The most takes a download of the log, whose entry gets its number before it begins.
    assert max(many.values()) <= 18, many
    # The tenant, the session, the folders, the documents.
    assert many["documents.index"] <= 4
    assert many["documents.folder"] <= 4
