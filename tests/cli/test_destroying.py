"""`portal key destroy`: the end of an organisation, from which no backup brings it back."""

import io
import json
import shutil
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import func, select

from portal.access.decision import Member
from portal.access.models import RoleAssignment
from portal.audit.actor import OPERATOR
from portal.auth.assurance import First, Second
from portal.auth.closing.service import agree_with_operator
from portal.auth.live_sessions import find_session
from portal.auth.sessions import open_session
from portal.core.db import Base
from portal.documents.downloads import open_download
from portal.documents.retention.models import Anchor, AnchorKind, LegalHold
from portal.documents.uploads import upload_document
from portal.keys.providers import KeyUnavailable
from portal.tenancy.binding import acting_for
from portal.tenancy.models import GLOBAL_TABLES
from portal.tenancy.placement import system_engine
from portal.tenancy.queries import get_tenant
from portal.tenancy.session import db
from portal.users.models import UserState
from portal.users.queries import find_user_by_email
from tests.cli.operators import Operator
from tests.conftest import on_sqlite

EMAIL = "peter@initech.example"


@contextmanager
def acting(operator: Operator, slug: str):
    """As somebody of the organisation who holds all that is needed here."""
    with operator.inside() as app, app.app_context(), acting_for(get_tenant(slug), writes=True):
        user = find_user_by_email(EMAIL)
        token = open_session(OPERATOR, user, First.PASSWORD, "tests", Second.TOTP)
        db.session.commit()
        yield find_session(token, OPERATOR).member
        db.session.commit()


def make(operator: Operator, slug: str, placement: str) -> object:
    """An organisation with a person and a document; gives the document's id."""
    who = ("--admin", EMAIL, "Peter G")
    operator.do("tenant", "create", slug, slug.title(), "--placement", placement, *who)
    with operator.inside() as app, app.app_context(), acting_for(get_tenant(slug), writes=True):
        user = find_user_by_email(EMAIL)
        user.state = UserState.ACTIVE
        db.session.add(RoleAssignment(user_id=user.id, role="member"))
        db.session.commit()
    with acting(operator, slug) as peter:
        body = io.BytesIO(b"TPS report")
        return upload_document(peter, None, "TPS.txt", body, announced_bytes=10).id


def content_of(member: Member, document_id: object) -> bytes:
    with closing(open_download(member, document_id)) as download:
        return b"".join(download.read(0, 10))


def agree(operator: Operator, slug: str, clock) -> None:
    """The operator asks, somebody agrees, and the time goes by."""
    operator.do("tenant", "close", slug, "--reason", "not paid")
    with acting(operator, slug) as peter:
        agree_with_operator(peter)
    assert "can be taken back until" in operator.refused("key", "destroy", slug)
    clock.advance(days=15)


def destroy(operator: Operator, slug: str):
    return operator("key", "destroy", slug, "--confirm", slug)


def rows_of(operator: Operator, tenant_id) -> int:
    """How many rows there are of a tenant in the main database, past all walls."""
    engine = system_engine(operator.settings.owner_database_url)
    tables = [t.name for t in Base.metadata.sorted_tables if t.name not in GLOBAL_TABLES]
    with engine.connect() as connection:
        connection.execute(select(func.set_config("app.tenant_id", str(tenant_id), False)))
        count = sum(
            connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
            for name in tables
        )
    engine.dispose()
    return count


@pytest.mark.parametrize(
    ("database", "placement"),
    [("sqlite", "database"), ("postgresql", "pooled"), ("postgresql", "database")],
    indirect=["database"],
)
def test_keys_rows_and_contents_go_and_a_certificate_stays(
    operator: Operator, placement, clock, tmp_path
) -> None:
    kept = make(operator, "umbrella", placement)
    make(operator, "initech", placement)
    assert "Nobody has agreed" in operator.refused("key", "destroy", "initech")
    agree(operator, "initech", clock)
    assert "closing" in operator.do("tenant", "list").lines[0]
    said = operator.refused("key", "destroy", "initech", "--confirm", "umbrella")
    assert said == "This is another name. Nothing was destroyed."
    with acting(operator, "initech"):
        tenant_id = get_tenant("initech").id
    operator.do("key", "destroy", "initech", "--confirm", "initech")

    assert str(tenant_id) not in (operator.instance / "keys.json").read_text()
    assert not (operator.instance / "blobs" / str(tenant_id)).exists()
    assert not [file for file in operator.tenant_files if str(tenant_id) in file.name]
    if placement == "pooled":
        assert rows_of(operator, tenant_id) == 0
    with operator.visiting("initech.localhost") as visitor:
        assert visitor.get("/auth/sign-in").status_code == 410
    assert "destroyed" in operator.do("tenant", "list").lines[0]
    assert "never reused" in operator.refused("tenant", "create", "initech", "Initech")
    assert "is destroyed. Its certificate" in operator.refused("key", "destroy", "initech")
    for command in (("db", "upgrade"), ("db", "check"), ("worker", "--once"), ("key", "rewrap")):
        operator.do(*command)
    with acting(operator, "umbrella") as peter:
        assert content_of(peter, kept) == b"TPS report"

    check_certificate(operator, tenant_id, tmp_path)


def check_certificate(operator: Operator, tenant_id, folder: Path) -> None:
    file = operator.instance / "certificates" / "initech.json"
    told = json.loads(file.read_text())
    assert told["organisation"] == {"id": str(tenant_id), "name": "Initech", "slug": "initech"}
    assert told["asked"]["by"] == {"kind": "operator"}
    assert told["agreed"]["by"]["name"] == "Peter G"
    assert (told["counts"]["documents"], told["counts"]["blobs"]) == (1, 1)
    assert [key["version"] for key in told["encryption_keys"]] == [1]
    said = operator.do("key", "verify-certificate", str(file))
    assert said.lines[0] == "genuine: Initech (initech)"
    altered = folder / "altered.json"
    altered.write_text(file.read_text().replace("Peter G", "Peter H"))
    assert "not a certificate" in operator.refused("key", "verify-certificate", str(altered))
    altered.write_text("{}")
    assert "not a certificate" in operator.refused("key", "verify-certificate", str(altered))


@on_sqlite
def test_a_backup_that_is_brought_back_beside_the_present_key_file_is_unreadable(
    operator: Operator, clock, tmp_path
) -> None:
    document_id = make(operator, "initech", "database")
    agree(operator, "initech", clock)
    backup = tmp_path / "backup"
    shutil.copytree(operator.instance, backup, ignore=shutil.ignore_patterns("keys.json*"))
    with acting(operator, "initech") as peter:
        assert content_of(peter, document_id) == b"TPS report"
    operator.do("key", "destroy", "initech", "--confirm", "initech")
    shutil.copytree(backup, operator.instance, dirs_exist_ok=True)

    assert operator.do("tenant", "list").out.startswith("initech")
    with (
        operator.inside() as app,
        app.app_context(),
        acting_for(get_tenant("initech")),
        pytest.raises(KeyUnavailable),
    ):
        open_download(peter, document_id)
    assert operator("db", "check").status == 1


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_what_is_held_is_not_destroyed_and_the_closing_is_taken_back(
    operator: Operator, clock
) -> None:
    """However the hold came to be there. The organisation's people can do nothing by then."""
    kept = make(operator, "initech", "database")
    agree(operator, "initech", clock)
    with acting(operator, "initech"):
        hold = LegalHold(matter="m", reason="r", release_reason="", placed_by=None)
        db.session.add(hold)
        db.session.flush()
        db.session.add(
            Anchor(hold_id=hold.id, kind=AnchorKind.DOCUMENT, thing_id=kept, is_carried=False)
        )
    said = operator.refused("key", "destroy", "initech", "--confirm", "initech")
    assert said == "A legal hold is in force in initech. Nothing was destroyed."
    assert "closing" in operator.do("tenant", "list").out
    operator.do("tenant", "close", "initech", "--take-back")
    assert "active" in operator.do("tenant", "list").out
    said = operator.refused("tenant", "close", "initech", "--take-back")
    assert said.startswith("This has been decided")
    assert "Nobody has agreed" in operator.refused("key", "destroy", "initech")
    with acting(operator, "initech") as peter:
        assert content_of(peter, kept) == b"TPS report"


@on_sqlite
def test_a_destruction_that_has_begun_is_not_taken_back(
    operator: Operator, clock, monkeypatch
) -> None:
    make(operator, "initech", "database")
    agree(operator, "initech", clock)
    with monkeypatch.context() as power:
        cut(power, "portal.cli.destroying", "certify", 1)
        assert destroy(operator, "initech").status == 1
    assert "initech is closing" in operator.refused("tenant", "close", "initech", "--take-back")
    assert destroy(operator, "initech").status == 0


CUTS = [
    ("portal.cli.destroying", "record", 1),
    ("portal.tenancy.service", "change_state", 1),
    ("portal.cli.destroying", "certify", 1),
    ("portal.cli.destroying", "_write", 1),
    ("portal.keys.local.LocalKeys", "destroy", 1),
    ("portal.tenancy.service", "sweep_tenant", 1),
    ("portal.storage.local.store.LocalBlobs", "delete_tenant", 1),
    ("pathlib.Path", "rename", 1),
    ("portal.tenancy.service", "change_state", 1),
]


@on_sqlite
def test_a_destruction_that_is_cut_off_anywhere_is_gone_on_with(
    operator: Operator, clock, monkeypatch
) -> None:
    """By the same command, and with the certificate of before."""
    make(operator, "initech", "database")
    agree(operator, "initech", clock)
    for owner, name, nth in CUTS:
        with monkeypatch.context() as power:
            cut(power, owner, name, nth)
            assert destroy(operator, "initech").err.endswith("portal: the power failed\n"), name
    assert destroy(operator, "initech").status == 0
    file = operator.instance / "certificates" / "initech.json"
    operator.do("key", "verify-certificate", str(file))
    assert not list(file.parent.glob("*.pending"))


def cut(power: pytest.MonkeyPatch, path: str, name: str, nth: int) -> None:
    """Have the power fail at the nth call of something, before it is done."""
    module, _, attribute = path.rpartition(".")
    is_class = attribute[0].isupper()
    owner = getattr(import_module(module), attribute) if is_class else import_module(path)
    real, calls = getattr(owner, name), []

    def fail(*args: object, **more: object) -> object:
        calls.append(args)
        if len(calls) == nth:
            raise OSError("the power failed")
        return real(*args, **more)

    power.setattr(owner, name, fail)
