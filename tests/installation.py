"""The portal as the tests find it: set up on each database as an operator would, two organisations
with people in every role, signed in by the real pages; and put back as it was before each test.
"""

import json
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

from portal.app import create_app
from portal.audit.models import merged
from portal.auth import mail, resets
from portal.auth.factors.models import TotpDevice
from portal.auth.models import UserSession
from portal.cli.context import Factories
from portal.cli.databases import upgrade_all
from portal.cli.keeping_log import keep_logs
from portal.core import clock, logs, settings
from portal.core.db import Base
from portal.core.settings import Settings
from portal.documents.links import codes
from portal.keys import hierarchy
from portal.keys.columns import open_sealed
from portal.outbox.models import Job
from portal.outbox.service import run_due
from portal.storage import chosen as storage
from portal.storage.blobs import NOTE
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.models import GLOBAL_TABLES
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
        aside = {row["id"]: row for row in found["audit_aside"]}
        own = [row for row in found["audit_entry"] if row["tenant_id"] == self.id]
        new = sorted(own, key=lambda row: row["id"])[self.entries_at_start :]
        return [
            {
                **{name: value for name, value in row.items() if name != "told"},
                "address": aside.get(row["id"], {}).get("address"),
                "detail": merged(row["told"], aside.get(row["id"], {}).get("personal")),
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

    def __init__(
        self,
        name: str,
        chosen: Settings,
        snapshot: "Callable[[Installation], Any]",
        found: "Callable[[Installation, str], Organisation]",
    ):
        self.name = name
        self.settings = chosen
        settings.use(chosen)
        upgrade_all(chosen, Factories(self._make_app, self._make_app, lambda: None))
        self.wsgi = in_fresh_context(self.app)
        self._providers, self._blobs = hierarchy.providers(), storage.configured()
        self.organisations = {slug: found(self, slug) for slug in ("acme", "globex")}
        with self.app.app_context():
            keep_logs()
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
        made = self.organisations.items()
        self._things = {slug: (dict(one.folders), dict(one.documents)) for slug, one in made}
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
        for slug, organisation in self.organisations.items():
            organisation.entries_at_start = organisation.entries_when_made
            folders, documents = self._things[slug]
            organisation.folders, organisation.documents = dict(folders), dict(documents)
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

    @property
    def state(self) -> object:
        """Of the databases: another one whenever somebody has written."""
        return self._snapshot.state

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
        left_out = frozenset(but_columns)
        found = self.rows_of(Base.metadata.tables.keys() - GLOBAL_TABLES - {*but})
        return {name: sorted(row.text(left_out) for row in rows) for name, rows in found.items()}

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


def _raise(_job: Job, error: Exception) -> None:
    raise error


def begin_sessions_anew(organisation: Organisation) -> None:
    """As if everybody had just signed in."""
    organisation.portal.renew_sessions()
    with organisation.bound(writes=True) as session:
        session.execute(update(UserSession).values(created_at=clock.now()))
