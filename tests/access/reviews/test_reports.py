"""The report: signed, the same for good, and harmless in a spreadsheet."""

import base64
import csv
import hashlib
import io
import json
import re

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import update

from portal.access.decision import Grant, Member
from portal.access.permissions import COMPLIANCE_OFFICER
from portal.access.reviews.models import ResultPart, ReviewLine
from portal.access.reviews.report import verify_file
from portal.audit.actor import SYSTEM
from portal.core import clock
from portal.core.errors import Invalid
from portal.core.ids import new_id
from portal.keys.signing import rotate_signing_key
from tests.access.reviews.campaign import (
    answer,
    answer_all,
    close,
    line_about,
    lines_of,
    signed_report,
    start,
    told,
)
from tests.conftest import on_sqlite
from tests.installation import Organisation

NOT_OURS = json.dumps({"key_id": str(new_id()), "signature": "", "signed": ""})


@pytest.fixture
def review(acme):
    """A closed one about two people."""
    found = start(acme, "member", people=["auditor", "guest"], name="=Spring <b>")
    auditor, guest = (line_about(acme, found, who) for who in ("auditor", "guest"))
    assert answer(acme, auditor, "revoke", "member", comment="=HYPERLINK(1) <i>") == 302
    assert answer(acme, guest, "keep", "member", comment="Ünïcode \u2028 “yes”") == 302
    assert close(acme, found) == 302
    return found


def signed_text(organisation: Organisation, review: object) -> str:
    return organisation.visit("officer").get(f"/reviews/{review}/report/signed").text


def verify(organisation: Organisation, text: str, by: str = "officer"):
    return organisation.visit(by).post("/reviews/verify", {"text": text})


def officer_of(organisation: Organisation) -> Member:
    person = organisation["officer"]
    return Member(
        user_id=person.id,
        session_id=new_id(),
        name=person.name,
        email=person.email,
        proved_at=clock.now(),
        grants=(Grant(COMPLIANCE_OFFICER.permissions),),
    )


def test_the_signed_file_is_genuine_here_and_by_other_programs(acme, review) -> None:
    file = signed_report(acme, review)
    content = file["signed"].encode()
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    key = load_pem_public_key(file["public_key"].encode())
    key.verify(base64.b64decode(file["signature"]), content)  # raises where it is not
    assert "It is genuine" in verify(acme, signed_text(acme, review)).text
    [closed] = told(acme, "review.closed")
    assert closed["detail"]["sha256"] == file["sha256"]
    assert closed["detail"]["signature"] == file["signature"]


def test_it_tells_everything(acme, review) -> None:
    result = json.loads(signed_report(acme, review)["signed"])
    assert result["review"]["name"] == "=Spring <b>"
    assert result["review"]["closed_by"]["id"] == str(acme["officer"].id)
    auditor, guest = result["lines"]
    assert auditor["holder"] == {
        "kind": "person", "id": str(acme["auditor"].id), "name": acme["auditor"].name
    }  # fmt: skip
    assert (auditor["role"], auditor["decision"], auditor["outcome"]) == (
        "auditor", "revoke", "revoked"
    )  # fmt: skip
    assert auditor["decided_by"] == {"id": str(acme["member"].id), "name": acme["member"].name}
    assert guest["folder"]["name"] == "Shared"
    assert guest["outcome"] == "kept"


@on_sqlite
def test_any_altered_byte_is_noticed(acme, review) -> None:
    text = signed_text(acme, review).encode()
    officer = officer_of(acme)
    with acme.bound():
        verify_file(officer, text.decode())
        for at in range(len(text)):
            other = bytes([text[at] ^ 1])
            altered = (text[:at] + other + text[at + 1 :]).decode("utf-8", "replace")
            with pytest.raises(Invalid):
                verify_file(officer, altered)
        for cut in (1, len(text) // 2, len(text) - 1):
            with pytest.raises(Invalid):
                verify_file(officer, text[:cut].decode("utf-8", "replace"))


def test_what_is_no_report_is_refused(acme, globex, review) -> None:
    for wrong in ("x", "{}", "[]", "null", '{"signed": 1, "key_id": "x", "signature": "="}',
                  "[" * 5000, NOT_OURS):  # fmt: skip
        assert verify(acme, wrong).status_code == 400, wrong
    text = signed_text(acme, review)
    assert verify(globex, text).status_code == 400, "another organisation did not sign it"
    assert verify(acme, text, by="member").status_code == 403


def test_a_retired_key_still_verifies_and_the_next_one_signs(acme, review) -> None:
    text = signed_text(acme, review)
    with acme.bound(writes=True):
        rotate_signing_key(SYSTEM)
    assert "It is genuine" in verify(acme, text).text
    again = start(acme, "member", people=["guest"])
    answer_all(acme, again)
    assert close(acme, again) == 302
    assert signed_report(acme, again)["key_id"] != json.loads(text)["key_id"]


def test_it_stands_when_the_rows_are_gone_or_others(portal, acme, review) -> None:
    before = signed_text(acme, review)
    with acme.bound(writes=True) as session:
        session.execute(update(ReviewLine).values(holder_name="Somebody", outcome="kept"))
    portal.execute("DELETE FROM role_assignment WHERE role = 'guest'", acme)
    portal.execute("UPDATE user_account SET name = 'Other' WHERE email LIKE 'auditor%'", acme)
    assert signed_text(acme, review) == before


def test_a_result_that_was_altered_is_not_handed_out(acme, review) -> None:
    with acme.bound(writes=True) as session:
        line = lines_of(acme, review)[0]
        part = session.query(ResultPart).filter_by(review_id=review).one()
        sealed = bytearray(part.content_sealed)
        sealed[-1] ^= 1
        part.content_sealed = bytes(sealed)
    for form in ("", "/table", "/signed"):
        answer = acme.visit("officer").get(f"/reviews/{review}/report{form}")
        assert answer.status_code >= 500
        assert line.holder_name not in answer.text


def test_no_cell_is_a_formula(acme, review) -> None:
    answer = acme.visit("officer").get(f"/reviews/{review}/report/table")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert len(rows) == 2
    assert rows[0][head.index("Comment")] == "'=HYPERLINK(1) <i>"
    assert rows[0][head.index("Outcome")] == "Revoked"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for row in rows for cell in row)


def test_the_page_needs_nothing_else_and_runs_nothing(acme, review) -> None:
    answer = acme.visit("officer").get(f"/reviews/{review}/report")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script|\ssrc=|\shref=|<i>|<b>|url\(|@import", answer.text)
    for fact in (acme["auditor"].name, "=HYPERLINK(1) &lt;i&gt;", "Revoked", "Shared"):
        assert fact in answer.text


def test_every_reading_is_recorded(acme, review) -> None:
    for form in ("", "/table", "/signed"):
        assert acme.visit("officer").get(f"/reviews/{review}/report{form}").status_code == 200
    read = told(acme, "review.report-read")
    assert [entry["detail"]["form"] for entry in read] == ["html", "csv", "signed"]
    for who in ("admin", "member", "auditor"):
        assert acme.visit(who).get(f"/reviews/{review}/report/signed").status_code == 403


def test_an_open_review_has_no_report(acme) -> None:
    review = start(acme, "member", people=["auditor"])
    assert acme.visit("officer").get(f"/reviews/{review}/report").status_code == 404
