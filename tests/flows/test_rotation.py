"""A tenant's key rotates: everything is sealed anew, nothing is lost, and the old key goes."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from sqlalchemy import LargeBinary

import portal as portal_package
from portal.audit.actor import OPERATOR
from portal.cli.rewrapping import finish_rotation
from portal.core.db import Base
from portal.keys import cells, hierarchy, rewrapping, rotation
from portal.keys.columns import FORMAT, seal
from portal.keys.providers import KeyDamaged
from portal.keys.queries import list_tenant_keys
from portal.keys.rotation import KEPT_FOR, rotate_key
from portal.tenancy.models import GLOBAL_TABLES
from tests.cli.operators import Operator
from tests.conftest import on_postgresql, on_sqlite
from tests.documents.resuming import Sender
from tests.founding import CONTENTS
from tests.installation import Installation, Organisation, begin_sessions_anew
from tests.serving import command, environment

# Columns of bytes that no key of a tenant seals, and what they hold.
NOT_SEALED = {
    "access_review.result_sha256": "a digest of what is sealed in parts",
    "access_review.signature": "a signature",
    "attempt_count.subject_hash": "a digest",
    "audit_aside.salt": "a salt",
    "audit_checkpoint.root": "a digest",
    "audit_entry.commitment": "a digest",
    "audit_entry.leaf_hash": "a digest",
    "audit_leaf.hash": "a digest",
    "audit_node.hash": "a digest",
    "break_glass_code.code_hash": "a digest",
    "break_glass_code.salt": "a salt",
    "ceremony.token_hash": "a digest",
    "document_version.sealed_sha256": "a digest of the content as it is sealed",
    "invitation.token_hash": "a digest",
    "known_checkpoint.root": "a digest",
    "link_visit.token_hash": "a digest",
    "passkey.credential": "a public key",
    "passkey.credential_id": "what the key's holder is asked by",
    "password_reset.token_hash": "a digest",
    "recovery_code.code_hash": "a digest",
    "recovery_code.salt": "a salt",
    "seen_logout_token.token_hash": "a digest",
    "sharing_link.secret_hash": "a digest",
    "signing_key.public_key": "a public key",
    "tenant_key.wrapped_seed": "wrapped by the provider",
    "user_session.token_hash": "a digest",
}


def test_every_column_of_bytes_is_rewrapped_or_known_to_hold_nothing_sealed() -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.c
        if isinstance(column.type, LargeBinary)
    }
    rewrapped = {kind.name for kind in rewrapping.kinds()}
    assert rewrapped.isdisjoint(NOT_SEALED)
    assert columns == rewrapped | NOT_SEALED.keys()


def test_what_is_sealed_under_a_key_is_sealed_in_two_modules_alone() -> None:
    """Both of them are what rewrapping goes through."""
    top = Path(portal_package.__file__).parent
    users = {
        str(path.relative_to(top))
        for path in top.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and node.attr in ("current_key", "key_of"))
        or (isinstance(node, ast.ImportFrom) and {"current_key", "key_of"} & names_in(node))
    }
    sealing = {"keys/columns.py", "keys/data_keys.py", "keys/rewrapping.py"}
    asking = {"cli/databases.py", "cli/tenants.py", "cli/providing.py"}  # whether there is one
    assert users == sealing | asking


def names_in(node: ast.ImportFrom) -> set[str]:
    return {alias.name for alias in node.names}


@on_sqlite
def test_nothing_is_sealed_for_a_cell_that_no_rewrapping_would_find(acme) -> None:
    with acme.bound(), pytest.raises(cells.UndeclaredCell):
        seal("document", "description_sealed", acme.id, "text")


def rotate(organisation: Organisation) -> None:
    with organisation.bound(writes=True):
        rotate_key(OPERATOR)


def rewrap(organisation: Organisation):
    with organisation.bound(writes=True):
        return finish_rotation()


def versions_of(organisation: Organisation) -> list[int]:
    with organisation.bound():
        return [key.version for key in list_tenant_keys()]


def sealed_values(organisation: Organisation) -> Iterator[tuple[str, bytes]]:
    """Everything in the rows that looks sealed, found without the list of what is."""
    for name, table in Base.metadata.tables.items():
        if name in GLOBAL_TABLES:
            continue
        for row in organisation.portal.rows(name):
            for column in table.c:
                if isinstance(column.type, LargeBinary) and row["tenant_id"] == organisation.id:
                    value = bytes(row[column.name] or b"")
                    if value[:4] == bytes([FORMAT, 0, 0, 0]):
                        yield f"{name}.{column.name}", value


def check_that_all_is_there(organisation: Organisation) -> None:
    """Names, contents, second factors, mails and signatures, by keys that are unlocked anew."""
    hierarchy.purge()
    member = organisation.visit("member")
    for name, (_, file_name, content) in CONTENTS.items():
        answer = member.get(f"/documents/{organisation.documents[name]}/download")
        assert (answer.status_code, answer.data) == (200, content)
        assert file_name in member.get(f"/documents/{organisation.documents[name]}").text
    assert organisation.mails()
    officer = organisation.visit("officer")
    [review] = [
        row["id"]
        for row in organisation.portal.rows("access_review")
        if row["tenant_id"] == organisation.id and row["state"] == "closed"
    ]
    assert officer.get(f"/reviews/{review}").status_code == 200


def test_after_a_rotation_nothing_is_left_under_the_old_key_which_goes(acme, globex, clock) -> None:
    foreign = dict(sealed_values(globex))
    before = sorted(name for name, value in sealed_values(acme) if value[4] == 1)
    assert len(set(before)) >= 6
    rotate(acme)
    done = rewrap(acme)
    assert done.damaged == set()
    assert done.renewed == len(before) + len(CONTENTS)
    assert sorted(name for name, value in sealed_values(acme) if value[4] == 2) == before
    assert not [name for name, value in sealed_values(acme) if value[4] == 1]
    wrapped = [r for r in acme.portal.rows("document_version") if r["tenant_id"] == acme.id]
    assert {row["key_version"] for row in wrapped} == {2}
    check_that_all_is_there(acme)

    assert versions_of(acme) == [2, 1], "another process may still seal under it"
    clock.advance(seconds=KEPT_FOR.total_seconds() + 1)
    rewrap(acme)
    assert versions_of(acme) == [2]
    check_that_all_is_there(acme)
    assert acme.told() == [
        ("key.rotated", "success"),
        ("key.rewrapped", "success"),
        *[("document.downloaded", "success")] * 3,
        ("key.version-destroyed", "success"),
        *[("document.downloaded", "success")] * 3,
    ]
    assert dict(sealed_values(globex)) == foreign
    assert versions_of(globex) == [1]


def test_what_a_process_seals_that_still_holds_the_old_key_is_seen_in_time(
    portal: Installation, acme, clock
) -> None:
    with acme.bound():
        hierarchy.current_key()  # it is kept for minutes, as in any process
    done = command(environment(portal.settings), "key", "rotate", "acme")
    assert done.returncode == 0, done.stderr
    assert versions_of(acme) == [2, 1]
    clock.advance(seconds=KEPT_FOR.total_seconds() + 1)
    sent = acme.visit("member").upload("Late.txt", b"late")
    rows = {str(row["id"]): row for row in portal.rows("document")}
    assert bytes(rows[sent.json["id"]]["name_sealed"])[4] == 1

    assert rewrap(acme).renewed == 2
    assert versions_of(acme) == [2, 1], "it was used, a moment ago"
    hierarchy.purge()
    clock.advance(seconds=KEPT_FOR.total_seconds() + 1)
    rewrap(acme)
    assert versions_of(acme) == [2]
    hierarchy.purge()
    answer = acme.visit("member").get(f"/documents/{sent.json['id']}/download")
    assert answer.data == b"late"


class Slow:
    """A body before whose first byte a rotation begins and ends, elsewhere."""

    def __init__(self, organisation: Organisation, clock: Any, content: bytes) -> None:
        self.organisation, self.clock = organisation, clock
        self.content, self.left = content, content

    def read(self, size: int = -1) -> bytes:
        if self.left is self.content:
            other = Thread(target=rotate_to_the_end, args=(self.organisation, self.clock))
            other.start()
            other.join()
        piece, self.left = self.left[:size], self.left[size:]
        return piece


def test_a_content_that_arrives_for_longer_than_its_seed_is_kept_is_not_lost(acme, clock) -> None:
    content = b"It takes hours to send all of this."

    body = Slow(acme, clock, content)
    sent = acme.visit("member").put(
        "/documents/uploads", body, X_File_Name="Slow.txt", Content_Length=str(len(content))
    )
    assert sent.status_code == 201
    assert versions_of(acme) == [2]
    hierarchy.purge()
    assert acme.visit("member").get(f"/documents/{sent.json['id']}/download").data == content


@on_sqlite
def test_the_end_of_an_upload_that_arrives_for_longer_than_that_is_not_lost(acme, clock) -> None:
    content, sender = b"It takes hours to send the rest of this.", Sender(acme)
    sender.begin(len(content), filename="Slow.txt")
    assert sender.send(0, content[:5]).status_code == 204
    rest = Slow(acme, clock, content[5:])
    assert sender.send(5, rest, Content_Length=str(len(content) - 5)).status_code == 204
    assert versions_of(acme) == [2]
    begin_sessions_anew(acme)
    assert sender.content() == content


@on_sqlite
def test_an_upload_that_is_resumed_after_a_rotation_is_not_lost(acme, clock) -> None:
    sender = Sender(acme)
    sender.begin(10)
    assert sender.send(0, b"Half a").status_code == 204
    rotate_to_the_end(acme, clock)
    begin_sessions_anew(acme)
    assert versions_of(acme) == [2]
    assert sender.send(6, b"year").status_code == 204
    assert sender.content() == b"Half ayear"


def rotate_to_the_end(organisation: Organisation, clock: Any) -> None:
    rotate(organisation)
    for _ in range(2):
        rewrap(organisation)
        clock.advance(seconds=KEPT_FOR.total_seconds() + 1)
    rewrap(organisation)


@on_postgresql
def test_a_seed_stays_while_a_transaction_is_open_that_may_know_it(
    portal, acme, clock, monkeypatch
) -> None:
    monkeypatch.setattr(rotation, "OLDEST_TRANSACTION", timedelta(0))
    url = portal.app_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as other:
        other.execute("SELECT 1")
        rotate_to_the_end(acme, clock)
        assert versions_of(acme) == [2, 1]
        other.rollback()
        rewrap(acme)
    assert versions_of(acme) == [2]


@on_sqlite
def test_a_value_that_does_not_open_is_told_and_keeps_its_key(portal, acme, clock) -> None:
    shorter = "UPDATE totp_device SET secret_sealed = substr(secret_sealed, 1, 40)"
    portal.execute(shorter, acme)
    rotate(acme)
    done = rewrap(acme)
    assert done.damaged
    assert all(place.startswith("totp_device.secret_sealed ") for place in done.damaged)
    for _ in range(2):
        clock.advance(seconds=KEPT_FOR.total_seconds() + 1)
        rewrap(acme)
    assert versions_of(acme) == [2, 1]
    with acme.bound():
        assert hierarchy.key_of(1)
    with acme.bound(), pytest.raises(KeyDamaged):
        hierarchy.key_of(3)


def test_the_worker_rotates_a_key_that_is_old_enough_and_finishes_what_was_begun(
    portal, acme, globex, clock
) -> None:
    operator = Operator(portal.settings)
    officer = globex.visit("officer")
    assert officer.post("/keys/rotation", {"days": ""}).status_code == 302
    operator.do("worker", "--once")
    assert (versions_of(acme), versions_of(globex)) == ([1], [1])
    clock.advance(days=366)
    operator.do("worker", "--once")
    assert (versions_of(acme), versions_of(globex)) == ([2, 1], [1])
    assert not [name for name, value in sealed_values(acme) if value[4] == 1]
    clock.advance(seconds=KEPT_FOR.total_seconds() + 1)
    operator.do("worker", "--once")
    assert versions_of(acme) == [2]
    told = {(e["action"], e["actor_kind"]) for e in acme.log() if e["action"].startswith("key.")}
    assert told == {
        ("key.rotated", "system"),
        ("key.rewrapped", "system"),
        ("key.version-destroyed", "system"),
    }


@on_sqlite
def test_a_tenant_rotates_no_less_often_than_the_installation_says(portal, acme) -> None:
    officer = acme.visit("officer")
    for days, status in (("29", 400), ("4000", 400), ("30", 302), ("3650", 302), ("", 302)):
        assert officer.post("/keys/rotation", {"days": days}).status_code == status, days
    assert "does not rotate by itself" in officer.get("/keys").text
    portal.use(key_rotation_days=90)
    assert "rotates by itself every 90 days" in officer.get("/keys").text
    for days, status in (("91", 400), ("", 400), ("60", 302)):
        assert officer.post("/keys/rotation", {"days": days}).status_code == status, days
    portal.use(key_rotation_days=10)
    assert "rotates by itself every 10 days" in officer.get("/keys").text


@on_sqlite
def test_an_officer_sees_how_old_each_key_is_and_what_needs_it(acme, clock) -> None:
    clock.advance(days=3)
    begin_sessions_anew(acme)
    officer = acme.visit("officer")
    assert "3 days ago" in officer.get("/keys").text
    assert officer.post("/keys/rotate").status_code == 302
    page = officer.get("/keys").text
    assert "In use" in page
    assert "Until nothing needs it" in page
    assert "Version 2 of the encryption key was made" in page
    assert officer.post("/keys/signing/rotate").status_code == 302
    [live] = [r for r in acme.portal.rows("signing_key")
              if r["tenant_id"] == acme.id and not r["retired_at"]]  # fmt: skip
    assert str(live["id"]) in officer.get("/keys").text
    assert "Earlier ones" in officer.get("/keys").text
    check_that_all_is_there(acme)


@on_sqlite
def test_nobody_makes_keys_faster_than_they_can_be_done_with(acme) -> None:
    officer = acme.visit("officer")
    answers = [officer.post("/keys/rotate").status_code for _ in range(rotation.MOST_SEEDS)]
    assert answers == [302] * (rotation.MOST_SEEDS - 1) + [409]


@on_sqlite
def test_the_command_tells_what_it_did_and_what_is_kept(portal, acme, clock) -> None:
    operator = Operator(portal.settings)
    said = operator.do("key", "rotate", "acme")
    assert said.lines[0] == "acme: version 2 seals from now on"
    assert said.lines[-1].endswith("sealed anew, kept: 1")
    clock.advance(seconds=KEPT_FOR.total_seconds() + 1)
    assert operator.do("key", "rewrap").lines[-1].startswith("globex: 0 sealed anew")
    assert versions_of(acme) == [2]
