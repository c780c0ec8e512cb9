"""How the organisations of the tests come about: people in every role, signed in by the real pages,
and one of most things that there can be.
"""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.models import (
    CustomRole,
    ExclusiveRolePair,
    Group,
    GroupMembership,
    RoleAssignment,
)
from portal.access.requests.models import AccessRequest
from portal.access.reviews.models import Reviewer, ReviewLine
from portal.alerts.models import Alert, AlertEntry, AlertRule
from portal.audit.actor import OPERATOR
from portal.audit.models import AuditEntry
from portal.auth import resets
from portal.auth.invitations import invite_member
from portal.auth.sso.models import ExternalIdentity, IdentityProvider
from portal.auth.tokens import hash_token
from portal.cli.context import writing
from portal.cli.tenants import create_tenant
from portal.core import clock
from portal.core.ids import new_id
from portal.destinations.kinds import Kind as DestinationKind
from portal.destinations.kinds import Rhythm
from portal.destinations.models import LogDestination
from portal.destinations.places import WebhookPlace, written
from portal.destinations.ways.webhook import new_secret
from portal.documents.links.models import SharingLink
from portal.documents.retention.models import Anchor, ErasureRequest, LegalHold, RetentionRule
from portal.tenancy.queries import find_tenant
from tests.installation import NOWHERE, PASSWORD, Installation, Organisation, Person

# Who there is in each organisation: by the name that tests use, the role they hold.
PEOPLE = {
    "admin": "admin",
    "second_admin": "admin",
    "member": "member",
    "officer": "compliance-officer",
    "auditor": "auditor",
    "guest": "guest",  # on the folder "Shared"
    "deactivated": "member",
    "invited": "member",
}
SIGNED_IN = tuple(who for who in PEOPLE if who not in ("deactivated", "invited"))

# What people have asked for, and where: one request of each waits for an answer.
ASKED_FOR = {
    "member": ("audit:read", None),
    "guest": ("document:read", "closed"),
    "auditor": ("document:upload", None),
    "officer": ("document:read", "shared"),
    "admin": ("document:read", None),
}

# What the member has uploaded in each organisation: by the name that tests use.
CONTENTS = {
    "note": (None, "Note.txt", b"At the top, where members read.\n"),
    "plan": ("shared", "Plan.txt", b"In the folder that the guest sees.\n"),
    "canary": ("closed", "Kanarienvogel.txt", b"Xq7 sings in a cage that no guest ever sees.\n"),
}


def found_organisation(portal: Installation, slug: str) -> Organisation:
    """Make a tenant with people in every role, and with one of most things that there can be."""
    with portal.app.app_context():
        create_tenant(slug, slug.title())
        made = Organisation(portal, find_tenant(slug))
    for who, role in PEOPLE.items():
        if role != "guest":
            made.people[who] = _person(made, who, role, None)
    member = made.visit("member")
    for name in ("shared", "closed"):
        address = member.post("/folders", {"name": name.title()}).location
        made.folders[name] = UUID(address.rpartition("/")[2])
    for name, (folder, file_name, content) in CONTENTS.items():
        sent = member.upload(file_name, content, made.folders[folder] if folder else "")
        made.documents[name] = UUID(sent.json["id"])
    made.people["guest"] = _person(made, "guest", "guest", made.folders["shared"])
    _deactivate(made)
    _ask_for_reset(made)
    _ask_for_access(made)
    _enter_provider(made)
    _raise_alert(made)
    _make_roles(made)
    _make_group(made)
    _review(made)
    _export(made)
    _share(made)
    _keep(made)
    _enter_destination(made)
    half = made.visit()
    half.submit("/auth/sign-in", email=made["member"].email, password=PASSWORD)
    made.half_token = half.cookie("session") or ""
    with portal.app.app_context(), writing(made.record):
        made.reset_link = resets.make_reset_link(OPERATOR, made["auditor"].id)
    return made


def _person(to: Organisation, who: str, role: str, folder_id: UUID | None) -> Person:
    name = f"{who.replace('_', ' ').title()} {to.record.name}"
    email = f"{who}@{to.record.slug}.example"
    with to.portal.app.app_context(), writing(to.record):
        invited = invite_member(OPERATOR, email, name, role, folder_id, host=to.host)
        person = Person(invited.user.id, name, email, invited.link)
    return person if who == "invited" else _signed_in(to, person)


def _signed_in(to: Organisation, person: Person) -> Person:
    """Accept and enrol by the pages, as the person would."""
    visitor = to.portal.visit(to.host)
    link = person.invitation.removeprefix(visitor.base)
    visitor.submit(link, password=PASSWORD, again=PASSWORD)
    page = visitor.get("/auth/enrol").text
    [secret] = re.findall(r"[A-Z2-7]{32}", re.sub(r"(?<=[A-Z2-7]{4}) (?=[A-Z2-7]{4})", "", page))
    person = replace(person, totp_secret=secret)
    visitor.submit("/auth/enrol", code=person.code)
    return replace(person, token=visitor.cookie("session") or "")


def _ask_for_reset(organisation: Organisation) -> None:
    """The second admin has asked to remove the auditor's factors, and another has to agree."""
    asked_by, user_id = organisation["second_admin"].id, organisation["auditor"].id
    with organisation.bound(writes=True) as session:
        session.add(
            PendingAct(
                kind=Kind.RESET_FACTORS,
                target=f"user:{user_id}",
                payload={},
                reason="lost the telephone",
                asked_by=asked_by,
                expires_at=clock.now() + timedelta(days=3),
            )
        )


def _ask_for_access(organisation: Organisation) -> None:
    with organisation.bound(writes=True) as session:
        for who, (permission, folder) in ASKED_FOR.items():
            folder_id = organisation.folders[folder] if folder else None
            session.add(
                AccessRequest(
                    user_id=organisation[who].id,
                    permission=permission,
                    target=f"folder:{folder_id}" if folder_id else "organisation",
                    folder_id=folder_id,
                    reason="for the audit",
                    expires_at=clock.now() + timedelta(days=14),
                )
            )


def _share(organisation: Organisation) -> None:
    """The member has made a link to a document, and nobody has opened it."""
    with organisation.bound(writes=True) as session:
        link = SharingLink(
            id=new_id(),
            kind="download",
            document_id=organisation.documents["plan"],
            secret_hash=hash_token(f"secret of {organisation.record.slug}"),
            note="",
            recipients_json="[]",
            created_by=organisation["member"].id,
            expires_at=clock.now() + timedelta(days=7),
        )
        session.add(link)
        organisation.links["plan"] = link.id


def _review(organisation: Organisation) -> None:
    """The officer has had the guest's role reviewed, and the member is to review the auditor's.
    All mails about it are said to be sent.
    """
    officer, member = organisation.visit("officer"), organisation.visit("member")
    due = f"{clock.now() + timedelta(days=200):%Y-%m-%d}"
    for who in ("guest", "auditor"):
        chosen = {"people": organisation[who].email, "reviewers": organisation["member"].email}
        form = {"name": f"About the {who}", "due_on": due, "on_unanswered": "escalate"}
        begun = officer.post("/reviews/new", form | chosen)
        assert begun.status_code == 302, begun.text
        if who == "guest":
            with organisation.bound() as session:
                [line] = session.scalars(select(ReviewLine)).all()
            kept = member.post(f"/reviews/lines/{line.id}/answer", {"decision": "keep"})
            assert kept.status_code == 302, kept.text
            assert officer.post(f"{begun.location}/close").status_code == 302
    with organisation.bound(writes=True) as session:
        session.execute(update(Reviewer).values(told_at=clock.now(), reminded_at=clock.now()))


def _export(organisation: Organisation) -> None:
    """The officer has had a part of the log got ready."""
    form = {"form": "jsonl", "reason": "for the auditor", "action": "role.assigned"}
    made = organisation.visit("officer").post("/audit/exports", form)
    assert made.status_code == 302, made.text


def _keep(organisation: Organisation) -> None:
    """A rule about nothing that is there, a hold on somebody who has nothing, and a request to
    erase who can't sign in.
    """
    with organisation.bound(writes=True) as session:
        hold = LegalHold(id=new_id(), matter="Old case", reason="a letter", release_reason="")
        request = ErasureRequest(
            id=new_id(),
            user_id=organisation["deactivated"].id,
            wants_documents=True,
            wants_account=True,
            reason="by letter",
            answer="",
            asked_by=organisation["admin"].id,
        )
        rule = RetentionRule(id=new_id(), name="Drawings", media_type="image/vnd.dwg", keep_days=30)
        organisation.kept |= {"rule": rule.id, "hold": hold.id, "erasure": request.id}
        session.add_all([hold, request, rule])
        session.flush()
        on = {"kind": "user", "thing_id": organisation["invited"].id}
        session.add(Anchor(hold_id=hold.id, is_carried=False, **on))


def _enter_destination(organisation: Organisation) -> None:
    """A webhook that nobody answers, to which nothing is sent."""
    place = WebhookPlace(address=f"{NOWHERE}/log")
    with organisation.bound(writes=True) as session:
        session.add(
            LogDestination(
                id=new_id(),
                name="Nowhere",
                kind=DestinationKind.WEBHOOK,
                place_text=written(place),
                secret=new_secret(),
                rhythm=Rhythm.DAILY,
                entry_form="ocsf",
                wants_alerts=True,
            )
        )


def _raise_alert(organisation: Organisation) -> None:
    """An alert of what somebody did, and a rule that nothing meets."""
    did = {"who": "anybody", "severity": "", "outcome": "", "target": "", "about": "all"}
    rule = AlertRule(
        id=new_id(), name="Moves", kind="match", actions=["contents.moved"], weight="notice",
        gives_power=False, threshold=1, window_minutes=0, is_mailed=False, is_on=True, **did,
    )  # fmt: skip
    with organisation.bound(writes=True) as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).first()
        alert = Alert(
            id=new_id(), rule_id=rule.id, rule_name="Moves", says="Moves.", weight="notice",
            subject="", is_of_address=False, raised_by=entry.id, last_entry_id=entry.id,
            entry_count=1, first_at=entry.at, last_at=entry.at,
        )  # fmt: skip
        session.add_all([rule, alert])
        session.flush()
        session.add(AlertEntry(alert_id=alert.id, entry_id=entry.id))
    organisation.kept |= {"alert": alert.id, "alert rule": rule.id}


def _enter_provider(organisation: Organisation) -> None:
    """A provider that nobody can reach, and that is not offered; everybody is known to it."""
    with organisation.bound(writes=True) as session:
        provider = IdentityProvider(
            id=new_id(), name="Nowhere", issuer=NOWHERE, client_id="portal", client_secret="-"
        )
        session.add(provider)
        session.flush()
        organisation.providers["nowhere"] = provider.id
        for who in SIGNED_IN:
            session.add(
                ExternalIdentity(
                    user_id=organisation[who].id,
                    provider_id=provider.id,
                    issuer=NOWHERE,
                    subject=who,
                )
            )


def _make_roles(organisation: Organisation) -> None:
    """A role of its own that nobody holds, and one more pair that nobody holds together."""
    key = str(new_id())
    pair = ExclusiveRolePair(id=new_id(), first_role=key, second_role="auditor")
    organisation.roles["archivist"], organisation.pairs["own"] = key, pair.id
    role = CustomRole(key=key, name="Archivist", sentence="Keeps what is old.")
    role.permissions = ["document:delete", "document:read", "member:read"]
    with organisation.bound(writes=True) as session:
        session.add_all([role, pair])


def _make_group(organisation: Organisation) -> None:
    """A group with a role on a folder, and in it somebody who can't sign in."""
    with organisation.bound(writes=True) as session:
        group = Group(id=new_id(), name="Crew", name_key="crew")
        session.add(group)
        session.flush()
        organisation.groups["crew"] = group.id
        session.add(GroupMembership(group_id=group.id, user_id=organisation["deactivated"].id))
        session.add(
            RoleAssignment(
                group_id=group.id, role="guest", folder_id=organisation.folders["shared"]
            )
        )


def _deactivate(organisation: Organisation) -> None:
    admin = organisation.visit("admin")
    answer = admin.post(f"/members/{organisation['deactivated'].id}/deactivate")
    assert answer.status_code == 302, answer.status_code
