"""Rules by the pages, the preview of the next run, and why something is kept."""

import csv
import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from portal.documents.retention.rules import Choices, change_rule, delete_rule
from tests.browsing import forms_of
from tests.conftest import on_sqlite
from tests.documents.retention.keeping import (
    acting,
    end_holds,
    has_content,
    hold,
    is_there,
    later,
    rule,
    told,
    trash,
    versions_of,
    work,
)
from tests.installation import Organisation

RULES = "/retention/rules"


def make(acme: Organisation, **form: object):
    """Make a rule, having seen whom it would concern; with `preview` just see that."""
    chosen = {"name": "Letters", "folder": "", "media_type": "", "keep_days": "30"} | form
    officer = acme.visit("officer")
    shown = officer.post(f"{RULES}/new", chosen | {"preview": "1"})
    if "preview" in form or shown.status_code != 200:
        return shown
    return officer.post(f"{RULES}/new", chosen | {"seen": seen_on(shown)})


def seen_on(page) -> str:
    [seen] = [form.fields["seen"] for form in forms_of(page.text) if "seen" in form.fields]
    return seen


@on_sqlite
@pytest.mark.parametrize("is_held", [False, True], ids=["not-held", "held"])
def test_when_a_rule_has_a_document_be_gone_is_told_on_its_page_and_in_the_trash(
    acme, is_held
) -> None:
    end_holds(acme)
    plan, member = acme.documents["plan"], acme.visit("member")
    assert "by a rule of your organisation" not in member.get(f"/documents/{plan}").text
    rule(acme, folder="shared", delete_days=3)
    if is_held:
        hold(acme, "user", acme["member"].id)
    [version] = versions_of(acme, plan)
    uploaded_at = datetime.fromisoformat(str(version["created_at"]))
    day = f"{uploaded_at + timedelta(days=3):%Y-%m-%d}"
    page = member.get(f"/documents/{plan}").text
    assert re.search(rf"{day}.{{,60}}, by a rule of your organisation", page, re.DOTALL)
    trash(acme, f"documents/{plan}")
    assert day in member.get("/documents/trash").text


@on_sqlite
def test_a_rule_is_tried_out_made_changed_and_deleted(acme, globex) -> None:
    officer = acme.visit("officer")
    tried = make(acme, preview="1", delete_days="40")
    assert "3, owned by 1 person" in tried.text
    assert "Nothing has changed yet." in tried.text
    assert told(acme, "retention-rule.created") == []
    assert make(acme).status_code == 302
    assert make(acme).status_code == 409, "there is one of this place and type"
    assert "Letters" in officer.get(RULES).text
    [entry] = told(acme, "retention-rule.created")
    path = f"{RULES}/{entry['target'].partition(':')[2]}"
    assert 'value="30"' in officer.get(f"{path}/edit").text
    wanted = {"name": "Post", "folder": "", "keep_days": "50"}
    shown = officer.post(f"{path}/edit", wanted)
    assert "Nothing has changed yet." in shown.text
    changed = officer.post(f"{path}/edit", wanted | {"seen": seen_on(shown)})
    assert changed.status_code == 302
    assert "Keep at least 50 days" in officer.get(RULES).text
    assert "It no longer keeps anything" in officer.get(f"{path}/delete").text
    assert officer.post(f"{path}/delete").status_code == 302
    assert "Post" not in officer.get(RULES).text
    assert globex.log() == []


@on_sqlite
@pytest.mark.parametrize("change", [{"delete_days": "400"}, {"media_type": "image/"}])
def test_a_rule_is_made_as_it_was_looked_at_or_not_at_all(acme, change) -> None:
    officer = acme.visit("officer")
    wanted = {"name": "Letters", "folder": "", "delete_days": "3650"}
    seen = seen_on(officer.post(f"{RULES}/new", wanted | {"preview": "1"}))
    other = officer.post(f"{RULES}/new", wanted | change | {"seen": seen})
    assert "Nothing has changed yet." in other.text
    assert told(acme, "retention-rule.created") == []
    assert officer.post(f"{RULES}/new", wanted | {"seen": seen}).status_code == 302


@on_sqlite
@pytest.mark.parametrize(
    "form",
    [
        {"name": " "},
        {"keep_days": ""},
        {"keep_days": "0"},
        {"keep_days": "99999"},
        {"delete_days": "20"},
        {"media_type": "letters"},
        {"folder": "nonsense"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(acme, form) -> None:
    assert make(acme, **form).status_code in (400, 404, 422)
    assert told(acme, "retention-rule.created") == []


@on_sqlite
def test_a_rule_about_anothers_folder_is_refused(acme, globex) -> None:
    answer = make(acme, folder=str(globex.folders["shared"]))
    assert answer.status_code in (404, 422)
    assert told(acme, "retention-rule.created") == []


def test_older_versions_go_and_the_newest_stays(acme, clock) -> None:
    plan, member = acme.documents["plan"], acme.visit("member")
    for content in (b"second\n", b"third\n"):
        assert member.put(f"/documents/{plan}/versions", content).status_code == 201
    first, second, third = versions_of(acme, plan)
    rule(acme, prune_days=20)
    later(acme, clock, days=19)
    work(acme)
    assert len(versions_of(acme, plan)) == 3
    later(acme, clock, days=2)
    work(acme)
    assert [version["id"] for version in versions_of(acme, plan)] == [third["id"]]
    assert [has_content(acme, v["id"]) for v in (first, second, third)] == [False, False, True]
    assert acme.visit("member").get(f"/documents/{plan}/download").data == b"third\n"
    [entry] = told(acme, "version.purged")
    assert set(entry["detail"]["versions"]) == {str(first["id"]), str(second["id"])}


def test_the_next_run_is_told_before_it_comes(acme, clock) -> None:
    plan, note = acme.documents["plan"], acme.documents["note"]
    hold(acme, "document", note)
    for document in (plan, note):
        trash(acme, f"documents/{document}")
    later(acme, clock, days=31)
    officer = acme.visit("officer")
    page = officer.get("/retention/next-run").text
    assert "Plan.txt" in page
    assert "Held for “Lighthouse”" in page
    answer = officer.get("/retention/next-run/table")
    rows = {row["document"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    assert rows[str(plan)]["outcome"] == "deleted"
    assert rows[str(note)]["outcome"] == "stays"
    work(acme)
    assert not is_there(acme, plan)
    assert is_there(acme, note)
    assert told(acme, "retention.plan-read")[0]["detail"] == {"documents": 2}


@on_sqlite
def test_an_officer_is_told_why_something_is_kept(acme) -> None:
    plan, folder = acme.documents["plan"], acme.folders["shared"]
    rule(acme, name="Ten days", folder="shared", keep_days=10)
    hold(acme, "folder", folder)
    officer = acme.visit("officer")
    page = officer.get(f"/retention/documents/{plan}").text
    assert "Held for “Lighthouse”" in page
    assert "The rule “Ten days” keeps it until" in page
    assert "So it stays until every hold on it is released." in page
    page = officer.get(f"/retention/folders/{folder}").text
    assert "Lighthouse" in page
    assert "Ten days" in page


@on_sqlite
def test_a_document_can_be_gone_before_its_time(acme) -> None:
    plan, member = acme.documents["plan"], acme.visit("member")
    trash(acme, f"documents/{plan}")
    assert "Plan.txt" in member.get(f"/documents/{plan}/purge").text
    assert member.post(f"/documents/{plan}/purge").status_code == 302
    assert "Plan.txt" not in member.get("/documents/trash").text
    assert member.post(f"/documents/{plan}/restore").status_code == 404
    work(acme)
    assert not is_there(acme, plan)


@on_sqlite
@pytest.mark.parametrize("kind", ["document", "folder"])
def test_who_deletes_for_good_is_not_told_that_nobody_can_bring_it_back(acme, kind) -> None:
    """An officer can, while a rule keeps it."""
    plan, member = acme.documents["plan"], acme.visit("member")
    path = f"documents/{plan}" if kind == "document" else f"folders/{acme.folders['shared']}"
    rule(acme, folder="shared", keep_days=90)
    trash(acme, path)
    assert member.post(f"/{path}/purge").status_code == 302
    page = member.get("/documents/trash").text
    assert "restored from the trash any more." in page
    assert "Nobody" not in page
    answer = acme.visit("officer").post(f"/retention/documents/{plan}/bring-back")
    assert answer.status_code == 302


def test_what_is_kept_and_gone_is_brought_back_to_be_handed_over(acme, clock) -> None:
    plan, folder = acme.documents["plan"], acme.folders["shared"]
    rule(acme, folder="shared", keep_days=90)
    trash(acme, f"documents/{plan}")
    trash(acme, f"folders/{folder}")
    path = f"/retention/documents/{plan}"
    assert acme.visit("officer").post(f"{path}/bring-back").status_code == 409, "it is in the trash"
    later(acme, clock, days=31)
    work(acme)
    officer, member = acme.visit("officer"), acme.visit("member")
    assert "It is gone for everybody" in officer.get(path).text
    assert member.get(f"/documents/{plan}").status_code == 404
    assert officer.post(f"{path}/bring-back").status_code == 302
    assert member.get(f"/documents/{plan}").status_code == 200
    assert officer.get(f"/documents/{plan}").status_code == 403
    assert told(acme, "document.restored")[0]["actor_id"] == acme["officer"].id


@on_sqlite
def test_what_would_be_gone_again_is_not_brought_back(acme, clock) -> None:
    plan = acme.documents["plan"]
    rule(acme, delete_days=10)
    hold(acme, "document", plan)
    later(acme, clock, days=11)
    work(acme)
    answer = acme.visit("officer").post(f"/retention/documents/{plan}/bring-back")
    assert answer.status_code == 409
    assert acme.visit("member").get(f"/documents/{plan}").status_code == 404


@on_sqlite
def test_the_trash_keeps_things_as_long_as_the_organisation_wants(acme, clock) -> None:
    admin, plan = acme.visit("admin"), acme.documents["plan"]
    families = {"families": ["text"], "version": "", "trash_days": "3"}
    assert admin.post("/policy/documents/change", families).status_code == 302
    trash(acme, f"documents/{plan}")
    later(acme, clock, days=2)
    work(acme)
    assert is_there(acme, plan)
    later(acme, clock, days=2)
    work(acme)
    assert not is_there(acme, plan)


@contextmanager
def while_another_saves(acme: Organisation, rule_id: UUID, **days: int) -> Iterator[Any]:
    """Something done to a rule in the block, while somebody waits to save it as they saw it.

    Gives what tells the answer that they get after the block.
    """
    path, officer = f"{RULES}/{rule_id}/edit", acme.visit("officer")
    wanted = {"name": "A rule", "folder": "", "media_type": ""} | days
    wanted["seen"] = seen_on(officer.post(path, wanted))
    with ThreadPoolExecutor(1) as pool, acme.bound(writes=True) as session:
        yield lambda: answer.result(timeout=10)
        session.flush()
        answer = pool.submit(officer.post, path, wanted)
        with pytest.raises(TimeoutError):
            answer.result(timeout=0.3)


def test_of_two_who_change_a_rule_at_once_the_log_tells_both(acme) -> None:
    rule_id = rule(acme, keep_days=30)
    days = {"keep_days": 40, "delete_days": None, "prune_days": None}
    choices = Choices(name="A rule", folder_id=None, media_type="", **days)
    with while_another_saves(acme, rule_id, keep_days=50) as answer:
        change_rule(acting(acme), rule_id, choices)
    assert answer().status_code == 302
    changes = [entry["detail"] for entry in told(acme, "retention-rule.changed")]
    assert [(one["before"]["keep_days"], one["keep_days"]) for one in changes] == [
        (30, 40),
        (40, 50),
    ]


def test_a_rule_that_is_deleted_at_the_same_time_is_not_changed(acme) -> None:
    rule_id = rule(acme, keep_days=30)
    with while_another_saves(acme, rule_id, keep_days=50) as answer:
        delete_rule(acting(acme), rule_id)
    assert answer().status_code == 404
    assert told(acme, "retention-rule.changed") == []
    assert len(told(acme, "retention-rule.deleted")) == 1
