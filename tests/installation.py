"""The portal as the tests find it: set up on each database as an operator would, two organisations
with people in every role, signed in by the real pages; and put back as it was before each test.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import pyotp
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import URL, make_url, select, update

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
from portal.app import create_app
from portal.audit.actor import OPERATOR
from portal.audit.models import AuditEntry, address_in, merged
from portal.auth import mail, resets
from portal.auth.alerts.models import Alert, AlertEntry, AlertRule
from portal.auth.destinations.kinds import Kind as DestinationKind
from portal.auth.destinations.kinds import Rhythm
from portal.auth.destinations.models import LogDestination
from portal.auth.destinations.places import WebhookPlace, written
from portal.auth.destinations.ways.webhook import new_secret
from portal.auth.factors.models import TotpDevice
from portal.auth.invitations import invite_member
from portal.auth.models import UserSession
from portal.auth.sso.models import ExternalIdentity, IdentityProvider
from portal.auth.tokens import hash_token
from portal.cli.context import Factories, writing
from portal.cli.databases import upgrade_all
from portal.cli.keeping_log import keep_logs
from portal.cli.tenants import create_tenant
from portal.core import clock, logs, settings
from portal.core.db import Base
from portal.core.ids import new_id
from portal.core.settings import Settings
from portal.documents.links import codes
from portal.documents.links.models import SharingLink
from portal.documents.retention.models import Anchor, ErasureRequest, LegalHold, RetentionRule
from portal.keys import hierarchy
from portal.keys.columns import open_sealed
from portal.outbox.models import Job
from portal.outbox.service import run_due
from portal.storage import chosen as storage
from portal.storage.blobs import NOTE
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.models import GLOBAL_TABLES
from portal.tenancy.queries import find_tenant
from portal.tenancy.session import db
from portal.web.fresh import in_fresh_context
from tests.browsing import ADDRESS, Visitor

# What the audit log is kept in.
LOG = frozenset(
    {
        "audit_aside",
        "audit_checkpoint",
        "audit_entry",
        "audit_leaf",
        "audit_node",
        "audit_pruning",
    }
)

PASSWORD = "correct horse battery staple"
EPOCH = datetime.fromtimestamp(0, UTC)
NOWHERE = "http://127.0.0.1:9"  # discard: nothing listens there
OWNER, APP_ROLE = "portal_owner", "portal"

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


@dataclass(frozen=True)
class Person:
    """Somebody of an organisation, and what they know."""

    id: UUID
    name: str
    email: str
    invitation: str = ""
    totp_secret: str = ""
    token: str = ""  # of a session that is completely signed in

    @property
    def code(self) -> str:
        """The code of their authenticator at the portal's moment."""
        return self.code_at(0)

    def code_at(self, steps: int) -> str:
        """The code of a moment so many steps of 30 s from now."""
        return str(pyotp.TOTP(self.totp_secret).at(int(clock.now().timestamp()) + 30 * steps))


@dataclass
class Organisation:
    """A tenant with its people, folders and documents."""

    portal: "Installation"
    record: TenantRecord
    people: dict[str, Person] = field(default_factory=dict)
    folders: dict[str, UUID] = field(default_factory=dict)
    documents: dict[str, UUID] = field(default_factory=dict)
    providers: dict[str, UUID] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)  # its own, by the name that tests use
    pairs: dict[str, UUID] = field(default_factory=dict)
    groups: dict[str, UUID] = field(default_factory=dict)
    links: dict[str, UUID] = field(default_factory=dict)
    kept: dict[str, UUID] = field(default_factory=dict)  # a rule, a hold, an erasure
    half_token: str = ""  # of the member, between the password and the code
    reset_link: str = ""  # by which the auditor may choose another password
    entries_when_made: int = 0
    entries_at_start: int = 0  # of the test

    def __getitem__(self, who: str) -> Person:
        return self.people[who]

    @property
    def id(self) -> UUID:
        return self.record.id

    @property
    def host(self) -> str:
        return f"{self.record.slug}.localhost"

    def visit(self, who: str | None = None, *, address: str = ADDRESS) -> Visitor:
        """A browser on this organisation's host, signed in as somebody, or as nobody."""
        return self.portal.visit(self.host, self[who].token if who else "", address=address)

    def visit_half(self) -> Visitor:
        """A browser in which the member has given the password and not the code."""
        return self.portal.visit(self.host, self.half_token)

    @contextmanager
    def bound(self, *, writes: bool = False) -> Iterator[Any]:
        """The organisation's session, past the pages. What it writes is committed."""
        with self.portal.app.app_context(), acting_for(self.record, writes=writes):
            yield db.session
            if writes:
                db.session.commit()

    def log(self) -> Sequence[Any]:
        """The audit entries since the test began, oldest first, with what is personal in them."""
        found = self.portal.rows_of(("audit_aside", "audit_entry"))
        aside = {row["id"]: row["personal"] for row in found["audit_aside"]}
        own = [row for row in found["audit_entry"] if row["tenant_id"] == self.id]
        new = sorted(own, key=lambda row: row["id"])[self.entries_at_start :]
        return [
            {
                **{name: value for name, value in row.items() if name != "told"},
                "address": address_in(aside.get(row["id"])),
                "detail": merged(row["told"], aside.get(row["id"])),
            }
            for row in new
        ]

    def mails(self) -> list[dict[str, str]]:
        """The mails that wait in the outbox, oldest first."""
        with self.bound() as session:
            kinds = (mail.KIND, mail.NOTICE_KIND)
            waiting = select(Job).where(Job.kind.in_(kinds), Job.done_at.is_(None))
            return [
                json.loads(open_sealed("job", "payload", job.id, job.payload))
                for job in session.scalars(waiting.order_by(Job.id))
            ]

    def work(self) -> None:
        """Do what the worker does about links and codes that were asked for. No mail goes out."""
        with self.bound(writes=True):
            run_due({resets.KIND: resets.answer, codes.KIND: codes.answer}, _raise)

    def told(self) -> list[tuple[str, str]]:
        """What the log tells since the test began: (action, outcome), oldest first."""
        return [(row["action"], row["outcome"]) for row in self.log()]


class Installation:
    """The portal on one database."""

    def __init__(self, name: str, chosen: Settings, snapshot: "Callable[[Installation], Any]"):
        self.name = name
        self.settings = chosen
        settings.use(chosen)
        upgrade_all(chosen, Factories(self._make_app, lambda: None))
        self.wsgi = in_fresh_context(self.app)
        self._providers, self._blobs = hierarchy.providers(), storage.configured()
        self.organisations = {slug: self._organisation(slug) for slug in ("acme", "globex")}
        with self.app.app_context():
            keep_logs(is_signing=True)
        self._snapshot = snapshot(self)
        # One-time codes change every 30 s: each test begins when one has just done so.
        step = timedelta(seconds=30)
        self.seeded_at = clock.now() + step - (clock.now() - EPOCH) % step
        for organisation in self.organisations.values():
            with organisation.bound(writes=True) as session:
                session.execute(update(TotpDevice).values(last_step=0))
                session.execute(update(UserSession).values(last_seen_at=self.seeded_at))
        self._snapshot.take()
        for organisation in self.organisations.values():
            organisation.entries_at_start = organisation.entries_when_made = len(organisation.log())
        self._kept_blobs = {path: path.read_bytes() for path in self._files()}

    @property
    def app_url(self) -> URL:
        """The main database as the portal's own role sees it."""
        return make_url(self.settings.database_url)

    def activate(self) -> None:
        """Make this installation the one of the process."""
        settings.use(self.settings)
        logs.configure(self.settings)
        hierarchy.configure(self._providers)
        storage.configure(self._blobs)

    def use(self, **given: Any) -> None:
        """Give the process other settings, which the next test finds put back."""
        settings.use(replace(self.settings, **given))

    def reset(self) -> None:
        """Put back what tests have changed."""
        self._snapshot.restore()
        for organisation in self.organisations.values():
            organisation.entries_at_start = organisation.entries_when_made
        there = set(self._files())
        for path in there - self._kept_blobs.keys():
            path.unlink()
        notes = {path for path in self._kept_blobs if path.name == NOTE}
        for path in (self._kept_blobs.keys() - there) | notes:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._kept_blobs[path])

    def restore_databases(self) -> None:
        """Put back what the databases held when the portal was made, and nothing else."""
        self._snapshot.restore()

    @property
    def touched(self) -> frozenset[str]:
        """The tables that may have been written to since the last reset."""
        return frozenset(self._snapshot.touched)

    def renew_sessions(self) -> None:
        """Everybody who is signed in has just done so."""
        now = clock.now()
        for organisation in self.organisations.values():
            with organisation.bound(writes=True) as session:
                anew = {"created_at": now, "proved_at": now, "last_seen_at": now}
                session.execute(update(UserSession).values(anew))

    def visit(self, host: str, token: str = "", *, address: str = ADDRESS) -> Visitor:
        """A browser on `host`. It has seen a form, so it can send one."""
        visitor = Visitor(self.wsgi, host, address=address)
        cookie, visitor.csrf_token = self._form_secret
        visitor.take("form", cookie)
        if token:
            visitor.take("session", token)
        return visitor

    def with_settings(self, **given: Any) -> "Installation":
        """The same installation, as another process with other settings would run it."""
        other = copy(self)
        other.settings = replace(self.settings, **given)
        other._make_app()
        other.wsgi = in_fresh_context(other.app)
        return other

    def close(self) -> None:
        """Close what is open."""
        self._snapshot.close()
        self.close_engines()

    def close_engines(self) -> None:
        """End the application's connections."""
        with self.app.app_context():
            for engine in db.engines.values():
                engine.dispose()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every tenant's rows of a table, read past all walls."""
        return self._snapshot.rows(table)

    def rows_of(self, tables: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        """The rows of some tables, to look at. Where nobody has written meanwhile they are kept."""
        return self._snapshot.rows_of(tables)

    def dump(
        self, *, but: Collection[str] = (), but_columns: Collection[str] = ()
    ) -> dict[str, list[str]]:
        """All rows of all tenants' tables, but for some tables and columns."""
        return {
            name: sorted(
                repr({key: value for key, value in row.items() if key not in but_columns})
                for row in rows
            )
            for name, rows in self.rows_of(
                Base.metadata.tables.keys() - GLOBAL_TABLES - {*but}
            ).items()
        }

    def execute(self, statement: str, organisation: Organisation | None = None) -> None:
        """Run SQL past all walls."""
        self._snapshot.execute(statement, organisation)

    def ask(self, statement: str, organisation: Organisation) -> list[tuple[Any, ...]]:
        """The rows of a query of an organisation's database, past all walls."""
        return self._snapshot.ask(statement, organisation)

    def execute_everywhere(self, statement: str) -> None:
        """Run SQL on every tenant's rows."""
        for organisation in self.organisations.values():
            self._snapshot.execute(statement, organisation)

    def blob_path(self, row: dict[str, Any]) -> Path:
        """The file of a document version."""
        name = str(row["id"])
        return self.settings.instance / "blobs" / str(row["tenant_id"]) / name[-2] / name[-1] / name

    @cached_property
    def _form_secret(self) -> tuple[str, str]:
        """A signed cookie and the token that goes with it, as a page with a form hands them out."""
        secret = "5f" * 20
        serializer = SecureCookieSessionInterface().get_signing_serializer(self.app)
        token = URLSafeTimedSerializer(self.app.secret_key, salt="wtf-csrf-token").dumps(secret)
        return serializer.dumps({"csrf_token": secret}), token

    def _files(self) -> list[Path]:
        return [p for p in (self.settings.instance / "blobs").rglob("*") if p.is_file()]

    def _make_app(self) -> Flask:
        self.app = create_app(self.settings)
        return self.app

    def _organisation(self, slug: str) -> Organisation:
        with self.app.app_context():
            create_tenant(slug, slug.title())
            made = Organisation(self, find_tenant(slug))
        for who, role in PEOPLE.items():
            if role != "guest":
                made.people[who] = self._person(made, who, role, None)
        member = made.visit("member")
        for name in ("shared", "closed"):
            address = member.post("/folders", {"name": name.title()}).location
            made.folders[name] = UUID(address.rpartition("/")[2])
        for name, (folder, file_name, content) in CONTENTS.items():
            sent = member.upload(file_name, content, made.folders[folder] if folder else "")
            made.documents[name] = UUID(sent.json["id"])
        made.people["guest"] = self._person(made, "guest", "guest", made.folders["shared"])
        self._deactivate(made)
        self._ask_for_reset(made)
        self._ask_for_access(made)
        self._enter_provider(made)
        self._raise_alert(made)
        self._make_roles(made)
        self._make_group(made)
        self._review(made)
        self._export(made)
        self._share(made)
        self._keep(made)
        self._enter_destination(made)
        half = made.visit()
        half.submit("/auth/sign-in", email=made["member"].email, password=PASSWORD)
        made.half_token = half.cookie("session") or ""
        with self.app.app_context(), writing(made.record):
            made.reset_link = resets.make_reset_link(OPERATOR, made["auditor"].id)
        return made

    def _person(self, to: Organisation, who: str, role: str, folder_id: UUID | None) -> Person:
        name = f"{who.replace('_', ' ').title()} {to.record.name}"
        email = f"{who}@{to.record.slug}.example"
        with self.app.app_context(), writing(to.record):
            invited = invite_member(OPERATOR, email, name, role, folder_id, host=to.host)
            person = Person(invited.user.id, name, email, invited.link)
        return person if who == "invited" else self._signed_in(to, person)

    def _signed_in(self, to: Organisation, person: Person) -> Person:
        """Accept and enrol by the pages, as the person would."""
        visitor = self.visit(to.host)
        link = person.invitation.removeprefix(visitor.base)
        visitor.submit(link, password=PASSWORD, again=PASSWORD)
        page = visitor.get("/auth/enrol").text
        [secret] = re.findall(
            r"[A-Z2-7]{32}", re.sub(r"(?<=[A-Z2-7]{4}) (?=[A-Z2-7]{4})", "", page)
        )
        person = replace(person, totp_secret=secret)
        visitor.submit("/auth/enrol", code=person.code)
        return replace(person, token=visitor.cookie("session") or "")

    def _ask_for_reset(self, organisation: Organisation) -> None:
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

    def _ask_for_access(self, organisation: Organisation) -> None:
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

    def _share(self, organisation: Organisation) -> None:
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

    def _review(self, organisation: Organisation) -> None:
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

    def _export(self, organisation: Organisation) -> None:
        """The officer has had a part of the log got ready."""
        form = {"form": "jsonl", "reason": "for the auditor", "action": "role.assigned"}
        made = organisation.visit("officer").post("/audit/exports", form)
        assert made.status_code == 302, made.text

    def _keep(self, organisation: Organisation) -> None:
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
            rule = RetentionRule(
                id=new_id(), name="Drawings", media_type="image/vnd.dwg", keep_days=30
            )
            organisation.kept |= {"rule": rule.id, "hold": hold.id, "erasure": request.id}
            session.add_all([hold, request, rule])
            session.flush()
            on = {"kind": "user", "thing_id": organisation["invited"].id}
            session.add(Anchor(hold_id=hold.id, is_carried=False, **on))

    def _enter_destination(self, organisation: Organisation) -> None:
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

    def _raise_alert(self, organisation: Organisation) -> None:
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

    def _enter_provider(self, organisation: Organisation) -> None:
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

    def _make_roles(self, organisation: Organisation) -> None:
        """A role of its own that nobody holds, and one more pair that nobody holds together."""
        key = str(new_id())
        pair = ExclusiveRolePair(id=new_id(), first_role=key, second_role="auditor")
        organisation.roles["archivist"], organisation.pairs["own"] = key, pair.id
        role = CustomRole(key=key, name="Archivist", sentence="Keeps what is old.")
        role.permissions = ["document:delete", "document:read", "member:read"]
        with organisation.bound(writes=True) as session:
            session.add_all([role, pair])

    def _make_group(self, organisation: Organisation) -> None:
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

    def _deactivate(self, organisation: Organisation) -> None:
        admin = organisation.visit("admin")
        answer = admin.post(f"/members/{organisation['deactivated'].id}/deactivate")
        assert answer.status_code == 302, answer.status_code


def _raise(_job: Job, error: Exception) -> None:
    raise error


def begin_sessions_anew(organisation: Organisation) -> None:
    """As if everybody had just signed in."""
    organisation.portal.renew_sessions()
    with organisation.bound(writes=True) as session:
        session.execute(update(UserSession).values(created_at=clock.now()))
