"""What a review is about, who gets which line, and when it does not start."""

import re
from collections import Counter

import pytest

from portal.access.models import RoleAssignment
from tests.access.reviews.campaign import (
    choices,
    deactivate,
    line_about,
    lines_of,
    put_into_group,
    start,
    told,
)
from tests.conftest import on_sqlite
from tests.documents import sharers
from tests.installation import Organisation
from tests.web.things import without_log


def begin(organisation: Organisation, *reviewers: str, by: str = "officer", **more: object):
    return organisation.visit(by).post("/reviews/new", choices(organisation, *reviewers, **more))


def reviews_of(organisation: Organisation) -> int:
    rows = organisation.portal.rows("access_review")
    return sum(row["tenant_id"] == organisation.id for row in rows)


def test_everything_that_anybody_holds_becomes_a_line(portal, acme) -> None:
    group = put_into_group(acme, "guest", "auditor")
    review = start(acme, "member", "second_admin")
    held, inside = (
        [row for row in portal.rows(table) if row["tenant_id"] == acme.id]
        for table in ("role_assignment", "group_membership")
    )
    lines = lines_of(acme, review)
    assert Counter(line.kind for line in lines) == {
        "assignment": len(held),
        "membership": len(inside),
    }
    of_group = [line for line in lines if line.group_id == group]
    assert {line.holder_name for line in of_group} == {
        "Finance", acme["guest"].name, acme["auditor"].name
    }  # fmt: skip
    assert all(line.role_names == ["Member"] for line in of_group)
    [entry] = told(acme, "review.started")
    assert entry["detail"]["lines"] == len(lines)
    assert entry["target"] == f"review:{review}"


def test_a_line_keeps_what_it_tells_of(portal, acme) -> None:
    admin = acme.visit("admin")
    form = {"role": "auditor", "folder": "", "reason": "The audit of the year"}
    assert admin.post(f"/members/{acme['guest'].id}/roles", form).status_code == 302
    review = start(acme, "member", people=["guest"])
    portal.execute("DELETE FROM role_assignment WHERE role IN ('guest', 'auditor')", acme)
    page = acme.visit("member").get(f"/reviews/{review}").text
    for fact in (acme["guest"].name, "Guest in the folder Shared", "The audit of the year",
                 f"by {acme['admin'].name}"):  # fmt: skip
        assert fact in page


def test_it_can_be_limited_to_roles_folders_people_and_groups(acme) -> None:
    put_into_group(acme, "guest")

    def holders(**more: object) -> set[str]:
        return {line.holder_name for line in lines_of(acme, start(acme, "member", **more))}

    assert holders(roles=["auditor"]) == {acme["auditor"].name}
    in_folder = {acme["guest"].name, "Crew", acme["deactivated"].name}
    assert holders(folder=acme.folders["shared"]) == in_folder
    assert holders(people=["officer"]) == {acme["officer"].name}
    group = lines_of(acme, start(acme, "member", people=["guest"]))
    assert [line.kind for line in group] == ["assignment", "membership"]
    refused = begin(acme, "member", folder=acme.folders["closed"])
    assert refused.status_code == 400
    assert "Nobody holds anything" in refused.text


def test_a_folder_means_all_beneath_it(acme) -> None:
    member = acme.visit("member")
    inner = member.post("/folders", {"name": "Inner", "parent": acme.folders["closed"]})
    form = {"role": "guest", "folder": inner.location.rpartition("/")[2], "reason": ""}
    granted = acme.visit("admin").post(f"/members/{acme['auditor'].id}/roles", form)
    assert granted.status_code == 302
    review = start(acme, "member", folder=acme.folders["closed"])
    assert [line.holder_name for line in lines_of(acme, review)] == [acme["auditor"].name]
    assert "in the folder Inner" in acme.visit("member").get(f"/reviews/{review}").text


def test_a_chosen_group_brings_its_roles_and_its_people(acme) -> None:
    group = put_into_group(acme, "guest", "auditor")
    lines = lines_of(acme, start(acme, "member", groups=[str(group)]))
    assert Counter(line.kind for line in lines) == {"assignment": 1, "membership": 2}


def test_lines_are_dealt_out_evenly_and_nobody_gets_their_own(acme) -> None:
    group = put_into_group(acme, "member", "guest")
    lines = lines_of(acme, start(acme, "member", "auditor", "second_admin"))
    given = Counter(line.reviewer_id for line in lines)
    assert max(given.values()) - min(given.values()) <= 2
    for line in lines:
        assert line.user_id != line.reviewer_id
        assert not (line.group_id == group and line.reviewer_id == acme["member"].id)


@pytest.mark.parametrize("way", ["directly", "through a group"])
def test_what_concerns_every_reviewer_keeps_a_review_from_starting(acme, way) -> None:
    if way == "through a group":
        put_into_group(acme, "member", "guest")
    refused = begin(acme, "member", people=["member" if way == "directly" else "guest"])
    assert refused.status_code == 409
    assert "Every reviewer is concerned" in refused.text
    assert reviews_of(acme) == 2
    assert begin(acme, "member", "second_admin", people=["member"]).status_code == 302


def test_the_preview_tells_all_and_changes_nothing(portal, acme) -> None:
    before, log = without_log(portal), acme.log()
    page = begin(acme, "member", "second_admin", people=["auditor", "guest"], preview="1")
    assert page.status_code == 200
    assert re.search(r"<dt>Lines</dt>\s*<dd>2</dd>", page.text)
    assert f"{acme['auditor'].name}, {acme['guest'].name}" in page.text
    assert f"{acme['member'].name}: 1 line" in page.text
    assert without_log(portal) == before
    assert acme.log() == log


def test_only_active_members_review(acme) -> None:
    assert begin(acme, "deactivated").status_code == 400
    assert begin(acme, "invited").status_code == 400
    unknown = begin(acme, "member", reviewers="nobody@acme.example")
    assert unknown.status_code == 422
    assert "No member has this e-mail: nobody@acme.example" in unknown.text
    assert begin(acme).status_code == 422
    assert reviews_of(acme) == 2


def test_another_organisations_people_and_things_are_nobodys(acme, globex) -> None:
    theirs = globex["member"].email
    assert begin(acme, "member", reviewers=theirs).status_code == 422
    assert begin(acme, "member", folder=globex.folders["shared"]).status_code == 422
    group = put_into_group(globex, "guest")
    assert begin(acme, "member", groups=[str(group)]).status_code == 422
    assert reviews_of(acme) == 2


def test_only_who_runs_reviews_starts_one(acme) -> None:
    for who in ("admin", "member", "guest", "auditor"):
        assert begin(acme, "member", by=who).status_code == 403
    assert reviews_of(acme) == 2


def test_an_old_proof_is_asked_for_again(acme, clock) -> None:
    clock.advance(minutes=31)
    assert begin(acme, "member").status_code == 403
    assert reviews_of(acme) == 2


def test_a_role_that_has_ended_is_none(portal, acme) -> None:
    portal.execute(
        "UPDATE role_assignment SET expires_at = '2020-01-01' WHERE role = 'auditor'", acme
    )
    assert begin(acme, "member", roles=["auditor"]).status_code == 400


@on_sqlite
def test_the_day_and_the_repetition_have_limits(acme) -> None:
    def status(**more: object) -> int:
        return begin(acme, "member", people=["auditor"], **more).status_code

    for days in (-1, 400):
        assert status(days=days) == 422
    assert status(every_days=5) == 400, "before it is due"
    assert status(every_days=99999) == 400
    assert status(every_days=30) == 302


def test_it_reaches_reviewers_who_hold_nothing(portal, acme) -> None:
    portal.execute("DELETE FROM role_assignment WHERE role = 'guest'", acme)
    review = start(acme, "guest", people=["auditor"])
    guest = acme.visit("guest")
    assert "Spring" in guest.get("/reviews").text
    assert guest.get(f"/reviews/{review}").status_code == 200
    assert "waits for your answer" in guest.get("/account").text
    assert line_about(acme, review, "auditor").reviewer_id == acme["guest"].id


def test_who_was_deactivated_before_is_not_among_the_reviewers(acme) -> None:
    deactivate(acme, "member")
    assert begin(acme, "member", "auditor").status_code == 400


def test_nobody_reviews_what_they_gave(acme) -> None:
    """Not by being dealt it, and not where it is all there is to deal."""
    sharers.give(acme, "guest", "auditor")
    with acme.bound(writes=True) as session:
        session.query(RoleAssignment).filter_by(user_id=acme["guest"].id, role="auditor").update(
            {"granted_by": acme["admin"].id}
        )
    form = choices(acme, "admin", people=["guest"], roles=["auditor"])
    refused = acme.visit("officer").post("/reviews/new", form)
    assert refused.status_code == 409
    assert "or gave" in refused.text
    review = start(acme, "admin", "member", people=["guest"], roles=["auditor"])
    assert line_about(acme, review, "guest").reviewer_id == acme["member"].id
