"""Reports are made by whoever may see what they tell, and verified by their digest."""

import csv
import hashlib
import io
import json
from base64 import b64encode

from sqlalchemy import literal, update

from portal.access.models import RoleAssignment
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.core.canonical import canonical
from portal.core.ids import new_id
from portal.keys.models import SigningKey
from portal.users.models import User
from tests.conftest import on_sqlite
from tests.harness.statements import statements
from tests.keys.planting import plant_key

KEYS = ("access", "second-factors", "sign-ins", "access-reviews", "key-custody", "retention")


def table_of(browser, key: str) -> list[list[str]]:
    answer = browser.post(f"/reports/{key}/table")
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.text)))


def verify(browser, **fields):
    return browser.post("/reports/verify", fields, content_type="multipart/form-data")


def test_an_officer_makes_each_report_and_can_have_its_bytes_verified(acme) -> None:
    officer = acme.visit("officer")
    for key in KEYS:
        for form in ("page", "table"):
            answer = officer.post(f"/reports/{key}/{form}")
            assert answer.status_code == 200
            digest = hashlib.sha256(answer.data).hexdigest()
            told = acme.log()[-1]
            assert (told["action"], told["target"]) == ("report.made", f"report:{digest}")
            assert told["detail"]["statement"]["report"] == key
            assert "It is genuine" in verify(officer, digest=digest).text


@on_sqlite
def test_a_file_is_genuine_to_the_last_byte_or_not_at_all(acme) -> None:
    officer = acme.visit("officer")
    made = officer.post("/reports/access/table").data
    statement = officer.get(f"/reports/statements/{acme.log()[-1]['id']}").data
    for content in (made, statement):
        answer = verify(officer, file=(io.BytesIO(content), "report"))
        assert "It is genuine" in answer.text
        changed = content.replace(b"officer", b"admin", 1).replace(b"access", b"acc3ss", 1)
        assert changed != content
        answer = verify(officer, file=(io.BytesIO(changed), "report"))
        assert answer.status_code == 400


@on_sqlite
def test_a_report_of_another_organisation_is_not_genuine_here(acme, globex) -> None:
    theirs = globex.visit("officer").post("/reports/access/table").data
    answer = verify(acme.visit("officer"), file=(io.BytesIO(theirs), "report.csv"))
    assert answer.status_code == 400


@on_sqlite
def test_a_statement_in_the_log_that_nobody_signed_is_not_believed(acme) -> None:
    """Whoever can write to the log, and has no key."""
    officer = acme.visit("officer")
    digest = hashlib.sha256(officer.post("/reports/access/table").data).hexdigest()
    other = hashlib.sha256(b"another").hexdigest()
    real = acme.log()[-1]["detail"]
    with acme.bound() as session:
        forged = real | {"statement": real["statement"] | {"sha256": other}}
        record(SYSTEM, Action.REPORT_MADE, f"report:{other}", **forged)
        session.commit()
    assert verify(officer, digest=digest).status_code == 200
    assert verify(officer, digest=other).status_code == 400


def test_a_statement_signed_by_a_key_that_somebody_put_there_is_not_believed(acme) -> None:
    """Whoever can write every row, and has none of the organisation's keys."""
    officer = acme.visit("officer")
    officer.post("/reports/access/table")
    real, other = acme.log()[-1]["detail"], hashlib.sha256(b"another").hexdigest()
    statement = real["statement"] | {"sha256": other}
    for sealed in (SigningKey.secret_sealed, literal(b"nothing that was sealed")):
        planted = plant_key(acme, sealed)
        told = {
            "statement": statement,
            "key_id": str(planted.id),
            "signature": b64encode(planted.sign(canonical(statement))).decode(),
        }
        with acme.bound(writes=True):
            record(SYSTEM, Action.REPORT_MADE, f"report:{other}", **told)
        assert verify(officer, digest=other).status_code == 400


def test_who_has_access_to_what_names_the_role_the_place_and_the_group(acme) -> None:
    heading, *rows = table_of(acme.visit("officer"), "access")
    told = {(row[1], row[3], row[4], row[5]) for row in rows}
    slug = acme.record.slug
    assert heading[:2] == ["Person", "E-mail"]
    assert (f"admin@{slug}.example", "Admin", "The whole organisation", "") in told
    assert {mail for mail, *_ in told} >= {f"{who}@{slug}.example" for who in ("guest", "member")}
    assert any(where not in ("", "The whole organisation") for _, role, where, _ in told if role)


@on_sqlite
def test_no_cell_of_a_report_is_taken_for_a_formula_nor_for_markup(acme) -> None:
    with acme.bound() as session:
        name = "=cmd|' /C calc'!A0<script>alert(1)</script>"
        session.execute(update(User).where(User.id == acme["member"].id).values(name=name))
        session.commit()
    officer = acme.visit("officer")
    assert f"'{name}" in {row[0] for row in table_of(officer, "access")}
    assert "<script" not in officer.post("/reports/access/page").text


@on_sqlite
def test_an_auditor_makes_only_what_an_auditor_may_see(acme) -> None:
    auditor = acme.visit("auditor")
    assert auditor.post("/reports/access/table").status_code == 200
    for key in ("access-reviews", "retention"):
        assert auditor.post(f"/reports/{key}/table").status_code == 403
        assert f"/reports/{key}/" not in auditor.get("/reports").text
    assert auditor.post("/reports/payroll/table").status_code == 404


@on_sqlite
def test_sign_ins_count_what_succeeded_and_what_failed(acme) -> None:
    member = acme["member"]
    before = {row[1]: row for row in table_of(acme.visit("officer"), "sign-ins")[1:]}
    stranger = acme.visit()
    stranger.post("/auth/sign-in", {"email": member.email, "password": "not that one"})
    after = {row[1]: row for row in table_of(acme.visit("officer"), "sign-ins")[1:]}
    assert int(after[member.email][4]) == int(before[member.email][4]) + 1


@on_sqlite
def test_a_statement_says_how_openssl_verifies_it(acme) -> None:
    officer = acme.visit("officer")
    officer.post("/reports/sign-ins/table")
    entry = acme.log()[-1]
    told = json.loads(officer.get(f"/reports/statements/{entry['id']}").data)
    assert json.loads(told["signed"]) == entry["detail"]["statement"]
    assert told["sha256"] == hashlib.sha256(told["signed"].encode()).hexdigest()
    other = next(
        row["id"] for row in acme.portal.rows("audit_entry") if row["action"] != "report.made"
    )
    assert officer.get(f"/reports/statements/{other}").status_code == 404


@on_sqlite
def test_no_report_takes_more_statements_for_more_people(acme) -> None:
    officer = acme.visit("officer")

    def count(key: str) -> int:
        with statements() as sent:
            assert officer.post(f"/reports/{key}/table").status_code == 200
        return len(sent)

    count("access")  # whoever comes first is noted as having come
    few = {key: count(key) for key in KEYS}
    with acme.bound(writes=True) as session:
        for n in range(40):
            made = User(id=new_id(), email=f"p{n}@x.example", name=f"P {n}", state="active")
            session.add(made)
            session.flush()
            session.add(RoleAssignment(user_id=made.id, role="member"))
        session.commit()
    assert {key: count(key) for key in KEYS} == few
    assert max(few.values()) <= 30
