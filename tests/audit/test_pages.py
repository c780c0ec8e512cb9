"""The pages of the log: what they show, to whom, and what they make of odd questions."""

import re
from html import unescape
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.audit.actions import Action
from portal.audit.actor import OPERATOR, SYSTEM
from portal.audit.searching import PAGE_SIZE
from portal.audit.service import record
from tests.audit.reading import ask, entry, listed, write

REQUEST = UUID("0198a000-1111-7000-8000-00000000abcd")


def text_of(page: str) -> str:
    """What a reader sees, without tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page)))


def test_the_list_names_people_and_things_as_they_are_called_today(acme) -> None:
    member = acme.visit("member")
    note = acme.documents["note"]
    member.post(f"/documents/{note}/rename", {"name": "Called otherwise.txt"})
    member.post(f"/folders/{acme.folders['shared']}/rename", {"name": "Called anew"})
    page = text_of(acme.visit("officer").get("/audit").text)
    assert "A document was renamed document.renamed Called otherwise.txt Member Acme" in page
    assert "A folder was renamed folder.renamed Called anew Member Acme" in page
    assert "Note.txt" not in page


def test_an_entry_shows_all_that_was_recorded(acme) -> None:
    values = {
        "actor_id": acme["member"].id,
        "target": f"document:{acme.documents['note']}",
        "outcome": "failure",
        "address": "2001:db8::77",
        "request_id": REQUEST,
        "detail": {"folder": str(acme.folders["shared"]), "came_from": None, "size_bytes": 7781,
                   "filters": {"outcome": "refused"}, "is_odd": True},
    }  # fmt: skip
    [made] = write(acme, entry(action="document.moved", **values))
    page = acme.visit("officer").get(f"/audit/{made}")
    assert page.status_code == 200
    text = text_of(page.text)
    for shown in (
        "A document was moved to another folder", "document.moved", "Member Acme", "Note.txt",
        values["target"], "Failure", "2026-03-03T12:00:00+00:00", "2001:db8::77", str(REQUEST),
        str(made), "Folder Shared", "Came from All documents", "Size bytes 7781",
        "Outcome refused", "Is odd Yes",
    ):  # fmt: skip
        assert shown in text, shown
    assert f'href="/audit?person={acme["member"].id}"' in page.text
    [row] = acme.log()[1:]
    assert (row["action"], row["target"]) == ("audit.read", f"audit:{made}")


@pytest.mark.parametrize(
    ("actor", "shown"), [(OPERATOR, "The operator"), (SYSTEM, "The portal itself")]
)
def test_who_is_no_person_is_called_what_it_is(acme, actor, shown) -> None:
    with acme.bound(writes=True):
        record(actor, Action.MAIL_SENT, "job:1")
    [row] = acme.log()
    officer = acme.visit("officer")
    for path in ("/audit", f"/audit/{row['id']}"):
        assert shown in text_of(officer.get(path).text)
    assert "Address None: it did not come over the network" in text_of(
        officer.get(f"/audit/{row['id']}").text
    )


def test_what_people_wrote_is_shown_as_they_wrote_it(acme) -> None:
    reason = "<script>alert('x')</script> & <b>more</b>"
    form = {"role": "auditor", "folder": "", "reason": reason}
    acme.visit("admin").post(f"/members/{acme['member'].id}/roles", form)
    page = acme.visit("officer").get(f"/audit/{acme.log()[-1]['id']}").text
    assert "<script>alert" not in page
    assert "<b>more" not in page
    assert reason in unescape(page)


def test_entries_outlive_what_they_tell_of(portal, acme) -> None:
    gone = [
        entry(actor_id=uuid4(), target=f"{kind}:{uuid4()}")
        for kind in ("document", "folder", "user", "session", "job", "audit", "page", "thing")
    ] + [entry(target=name, action="no.longer-known") for name in ("user:unknown", "odd", "a:b:c")]
    ids = write(acme, *gone)
    officer = acme.visit("officer")
    for made in ids:
        assert officer.get(f"/audit/{made}").status_code == 200
    assert set(ids) <= set(ask(officer))


def test_an_admin_is_refused_and_that_is_in_the_log(acme) -> None:
    admin, entry_id = acme.visit("admin"), acme.portal.rows("audit_entry")[0]["id"]
    for path in ("/audit", "/audit?action=access.refused", f"/audit/{entry_id}"):
        answer = admin.get(path)
        assert answer.status_code == 403
        assert listed(answer.text) == []
    assert "Audit log" not in admin.get("/members").text
    found = acme.visit("officer").get(f"/audit?action=access.refused&person={acme['admin'].id}")
    assert set(listed(found.text)) == {row["id"] for row in acme.log()[:3]}
    assert len(listed(found.text)) == 3
    assert "access.refused · audit:read" in text_of(found.text)


@pytest.mark.parametrize("who", ["member", "guest", "admin", "second_admin"])
def test_without_the_permission_nobody_reads(acme, who) -> None:
    entry_id = acme.portal.rows("audit_entry")[0]["id"]
    visitor = acme.visit(who)
    for path in ("/audit", f"/audit/{entry_id}", f"/audit/{uuid4()}"):
        assert visitor.get(path).status_code == 403
    assert [(row["action"], row["actor_id"], row["detail"]) for row in acme.log()] == [
        ("access.refused", acme[who].id, {"permission": "audit:read"})
    ] * 3


def test_another_tenants_entry_is_like_an_unknown_one(acme, globex) -> None:
    rows = acme.portal.rows("audit_entry")
    foreign = next(row["id"] for row in rows if row["tenant_id"] == globex.id)
    officer, unknown = acme.visit("officer"), uuid4()
    answers = [officer.get(f"/audit/{i}") for i in (foreign, unknown)]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].data == answers[1].data
    assert acme.log() == [], "nothing was given away, so there is nothing to tell"
    assert globex.visit("officer").get(f"/audit/{foreign}").status_code == 200


WRONG = [
    {"since": "yesterday"},
    {"until": "2026-13-01T00:00"},
    {"since": "2026-03-03"},
    {"outcome": "maybe"},
    {"action": "document.eaten"},
    {"target": "x" * 81},
    {"since": "yesterday", "outcome": "success"},
]


@pytest.mark.parametrize("query", WRONG)
def test_a_filter_that_is_not_understood_finds_nothing_and_says_so(acme, query) -> None:
    """It must not be left out either: more would be shown than was asked for."""
    answer = acme.visit("officer").get("/audit", query_string=query)
    assert answer.status_code == 422
    assert listed(answer.text) == []
    assert "field-error" in answer.text
    assert acme.log() == [], "nothing was read"


@pytest.mark.parametrize("name", ["person", "before", "after"])
def test_an_id_that_is_none_is_left_out(acme, name) -> None:
    for value in ("x", "0198", "{}", "null", "-1", "%00"):
        answer = acme.visit("officer").get(f"/audit?{name}={value}")
        assert answer.status_code == 200
        assert len(listed(answer.text)) == min(PAGE_SIZE, acme.entries_at_start)


names = st.sampled_from(
    ["person", "action", "target", "outcome", "since", "until", "readings", "before", "after", "x"]
)
values = (
    st.text(max_size=90)
    | st.uuids().map(str)
    | st.datetimes().map(lambda at: at.isoformat(timespec="minutes"))
    | st.sampled_from([*Action, "success", "", "y", "document", "user:unknown", "9999-12-31T23:59"])
)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(names, values), max_size=5))
def test_whatever_is_asked_is_answered_and_what_is_shown_is_recorded(acme, query) -> None:
    before = len(acme.log())
    answer = acme.visit("officer").get("/audit", query_string=query)
    recorded = len(acme.log()) - before
    assert answer.status_code in (200, 400, 422), query
    assert recorded == (answer.status_code == 200)
    if answer.status_code != 200:
        assert listed(answer.text) == []
