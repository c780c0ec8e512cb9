"""What is held about a person, for that person: all of theirs, no secrets, nothing of others."""

import io
import json
from uuid import UUID
from zipfile import ZipFile

from sqlalchemy import delete, update

from portal.access.models import RoleAssignment
from portal.core import clock as portal_clock
from portal.documents.models import Document
from portal.reports.person.sections import SECTIONS
from tests.conftest import on_sqlite


def fetched(browser, path: str = "/reports/own/file", **form) -> ZipFile:
    answer = browser.post(path, form)
    assert answer.status_code == 200, answer.text
    return ZipFile(io.BytesIO(answer.data))


def data_in(archive: ZipFile) -> dict:
    return json.loads(archive.read("data.json"))


def test_a_person_fetches_all_that_is_held_about_them_and_the_log_tells_of_it(acme) -> None:
    member = acme["member"]
    archive = fetched(acme.visit("member"))
    told = data_in(archive)
    assert list(told) == [section.key for section in SECTIONS]
    assert told["account"][0]["email"] == member.email
    assert told["sessions"]
    assert told["sessions"][0]["user_agent"] is not None
    mine = [row for row in acme.portal.rows("document") if row["created_by"] == member.id]
    assert {one["id"] for one in told["documents"]} <= {str(row["id"]) for row in mine}
    assert told["documents"][0]["name"]
    assert told["documents"][0]["name"] in archive.read("your-data.html").decode()
    last = acme.log()[-1]
    assert (last["action"], last["target"]) == ("person.exported", f"user:{member.id}")


@on_sqlite
def test_no_secret_is_in_it(acme) -> None:
    member = acme["member"]
    archive = fetched(acme.visit("member"))
    text = archive.read("data.json").decode() + archive.read("your-data.html").decode()
    assert "argon2" not in text
    assert member.token not in text
    for table in ("password_credential", "totp_device", "recovery_code", "user_session"):
        for row in acme.portal.rows(table):
            for value in row.values():
                if isinstance(value, bytes) and len(value) > 8:
                    assert value.hex() not in text
                    assert repr(value) not in text


@on_sqlite
def test_what_is_gone_from_every_page_is_not_told_though_a_hold_keeps_it(acme) -> None:
    browser = acme.visit("member")
    kept = data_in(fetched(browser))["documents"][0]
    with acme.bound(writes=True) as session:
        gone = update(Document).where(Document.id == UUID(kept["id"]))
        session.execute(gone.values(trashed_at=portal_clock.now(), purge_at=portal_clock.now()))
        session.commit()
    told = data_in(fetched(browser))
    assert kept["id"] not in {one["id"] for one in told["documents"]}
    assert kept["id"] not in {one["document_id"] for one in told["versions"]}


@on_sqlite
def test_what_one_may_not_read_any_more_has_no_name_in_ones_own_data(acme) -> None:
    browser = acme.visit("member")
    before = data_in(fetched(browser))["documents"]
    assert any(one["name"] for one in before)
    with acme.bound(writes=True) as session:
        session.execute(delete(RoleAssignment).where(RoleAssignment.user_id == acme["member"].id))
        session.commit()
    after = data_in(fetched(browser))["documents"]
    assert len(after) == len(before)
    assert not any(one["name"] for one in after)


@on_sqlite
def test_an_officer_fetches_it_for_whoever_asked_and_says_so(acme) -> None:
    officer, member = acme.visit("officer"), acme["member"]
    path = f"/reports/people/{member.id}"
    assert officer.post(path, {"reason": ""}).status_code == 422
    told = data_in(fetched(officer, path, reason="by letter of 3 March"))
    assert told["account"][0]["email"] == member.email
    last = acme.log()[-1]
    assert last["detail"] == {"reason": "by letter of 3 March"}
    assert acme.visit("admin").post(path, {"reason": "curious"}).status_code == 403


@on_sqlite
def test_nothing_of_another_person_or_organisation_is_in_it(acme, globex) -> None:
    other = globex["member"]
    text = fetched(acme.visit("member")).read("data.json").decode()
    assert other.email not in text
    assert acme["guest"].email not in text
    assert (
        acme.visit("officer").post(f"/reports/people/{other.id}", {"reason": "x"}).status_code
        == 404
    )


@on_sqlite
def test_an_old_proof_is_not_enough(acme, clock) -> None:
    browser = acme.visit("member")
    clock.advance(minutes=16)
    answer = browser.post("/reports/own/file")
    assert answer.status_code == 403
    assert answer.content_type.startswith("text/html")
