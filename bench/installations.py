"""Portals to measure: tenants of one size, whose documents are listed by one member."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import insert, make_url, text

from bench.yardsticks.contents import DOCUMENTS, FOLDERS, PEOPLE, TENANTS
from portal.access.models import RoleAssignment
from portal.app import create_app
from portal.audit.actor import Actor, ActorKind
from portal.auth.assurance import First, Second
from portal.auth.sessions import open_session
from portal.cli.context import writing
from portal.cli.tenants import create_tenant
from portal.core import clock
from portal.core.ids import new_id
from portal.core.settings import Settings
from portal.core.settings import use as use_settings
from portal.documents.models import Document, DocumentVersion, Folder
from portal.keys import hierarchy
from portal.keys.chosen import providers_of
from portal.keys.columns import seal
from portal.storage import chosen as storage
from portal.tenancy import migrations
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.guard import tenant_table_names
from portal.tenancy.placement import system_engine
from portal.tenancy.session import db
from portal.users.models import User, UserState
from portal.users.queries import find_user_by_email
from tests.harness.postgres import PostgresServer

OWNER, ROLE = "bench_owner", "bench_app"


@dataclass(frozen=True, slots=True)
class Installation:
    """A filled portal. `host` is the first tenant's, `token` a session of its first member."""

    settings: Settings
    app: Flask
    tenant: TenantRecord
    host: str
    token: str

    @property
    def environment(self) -> dict[str, str]:
        """What a server of this installation is started with."""
        return {
            "PORTAL_INSTANCE": str(self.settings.instance),
            "PORTAL_URL": self.settings.url,
            "PORTAL_DATABASE_URL": self.settings.database_url,
            "PORTAL_OWNER_DATABASE_URL": self.settings.owner_database_url,
        }

    def use(self) -> None:
        """Make it the one that this process works for: its settings, keys and blobs."""
        use_settings(self.settings)
        hierarchy.configure(providers_of(self.settings))
        storage.configure(storage.open_stores(self.settings))

    @contextmanager
    def acting(self, *, writes: bool = False) -> Iterator[None]:
        """Bind the first tenant, in this process."""
        self.use()
        with self.app.app_context(), acting_for(self.tenant, writes=writes):
            yield


def on_sqlite(folder: Path, *, is_clear: bool = False) -> Installation:
    """An installation in files. `is_clear`: the names of things are left unencrypted."""
    return _make(folder, f"sqlite:///{folder / 'control.db'}", "", is_clear=is_clear)


def on_postgres(
    folder: Path, postgres: PostgresServer, database: str, *, is_clear: bool = False
) -> Installation:
    """An installation in a database of that name. `is_clear`: also without row-level security."""
    owner_url = postgres.create_database(database, owner=OWNER)
    made = _make(folder, postgres.url(database, ROLE), owner_url, is_clear=is_clear)
    if is_clear:
        take_down_wall(owner_url)
    return made


def take_down_wall(owner_url: str) -> None:
    """Drop row-level security from all tables of a database."""
    owner = system_engine(owner_url)
    with owner.begin() as connection:
        for name in tenant_table_names():
            connection.execute(text(f"DROP POLICY tenant_wall ON {name}"))
            connection.execute(text(f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY"))
            connection.execute(text(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY"))
    owner.dispose()


def create_roles(postgres: PostgresServer) -> None:
    """The owner of the databases, and the role that the portal connects as."""
    for name in (OWNER, ROLE):
        postgres.create_role(name)


def _make(folder: Path, url: str, owner_url: str, *, is_clear: bool) -> Installation:
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        instance=folder,
        url="http://localhost",
        database_url=url,
        owner_database_url=owner_url or url,
        secret_key="",
    )
    migrations.upgrade_main(settings.owner_database_url, make_url(url).username or "")
    app = create_app(settings)
    with app.app_context():
        made = [create_tenant(slug, name)[0] for slug, name in TENANTS]
        for tenant in made:
            with writing(tenant):
                _fill(is_clear=is_clear)
        with writing(made[0]):
            token = _sign_in()
    return Installation(settings, app, made[0], f"{made[0].slug}.localhost", token)


def _fill(*, is_clear: bool) -> None:
    """The bound tenant's people, folders and documents: all at the top but one, in a folder."""

    def sealed(model: Any, row_id: UUID, name: str) -> bytes:
        return name.encode() if is_clear else seal(model.__tablename__, "name_sealed", row_id, name)

    people = [
        {"id": new_id(), "email": email, "name": name, "state": UserState.ACTIVE}
        for email, name in PEOPLE
    ]
    folders = [
        {"id": (i := new_id()), "name_sealed": sealed(Folder, i, name), "created_by": i}
        for name in FOLDERS
    ]
    documents, versions = [], []
    at = clock.now()
    for number, (name, media_type, size_bytes) in enumerate(DOCUMENTS):
        document_id, owner_id = new_id(), people[number % len(people)]["id"]
        documents.append(
            {
                "id": document_id,
                "folder_id": folders[1]["id"] if number == len(DOCUMENTS) - 1 else None,
                "name_sealed": sealed(Document, document_id, name),
                "created_by": owner_id,
                "updated_at": at - timedelta(hours=number),
            }
        )
        versions.append(
            {
                "document_id": document_id,
                "number": 1,
                "format": "PF1",
                "mode": "S",
                "size_bytes": size_bytes,
                "sealed_bytes": size_bytes,
                "sealed_sha256": bytes(32),
                "media_type": media_type,
                "wrapped_key": bytes(104),
                "key_version": 1,
                "created_by": owner_id,
            }
        )
    roles = [{"user_id": person["id"], "role": "member"} for person in people]
    for model, rows in (
        (User, people),
        (RoleAssignment, roles),
        (Folder, folders),
        (Document, documents),
        (DocumentVersion, versions),
    ):
        db.session.execute(insert(model), rows)


def _sign_in() -> str:
    user = find_user_by_email(PEOPLE[0][0])
    if user is None:
        raise LookupError(PEOPLE[0][0])
    visitor = Actor(kind=ActorKind.ANONYMOUS, address="127.0.0.1", request_id=new_id())
    return open_session(visitor, user, First.PASSWORD, "bench", Second.TOTP)
