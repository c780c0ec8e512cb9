"""What closing a review does: once, in the reviewers' names, and never more than taking away."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from portal.access.models import RoleAssignment
from portal.access.permissions import EXCLUSIVE
from tests.access.reviews.campaign import (
    answer,
    answer_all,
    choices,
    close,
    deactivate,
    get,
    line_about,
    lines_of,
    outcomes,
    people_in,
    put_into_group,
    roles_of,
    start,
    told,
    work,
)
from tests.installation import Organisation


def together(*acts: Callable[[], object]) -> list[object]:
    """What each of these gives, done at the same time."""
    begin = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        begin.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def holdings(organisation: Organisation) -> set[tuple]:
    """Who holds what, in every organisation."""
    rows = organisation.portal.rows("role_assignment")
    return {(row["user_id"], row["group_id"], row["role"], row["folder_id"]) for row in rows}


def test_what_is_revoked_is_gone_and_what_is_kept_stays(acme, globex) -> None:
    review = start(acme, "member", people=["auditor", "guest"])
    before = holdings(acme)
    assert (
        answer(acme, line_about(acme, review, "auditor"), "revoke", "member", comment="Left") == 302
    )
    assert answer(acme, line_about(acme, review, "guest"), "keep", "member") == 302
    auditor = acme.visit("auditor")
    assert auditor.get("/audit").status_code == 200, "nothing is taken away before the end"
    assert close(acme, review) == 302
    assert auditor.get("/audit").status_code == 403
    assert acme.visit("guest").get("/documents").status_code == 200
    assert before - holdings(acme) == {(acme["auditor"].id, None, "auditor", None)}
    assert holdings(acme) < before
    assert outcomes(acme, review) == ["revoked", "kept"]
    assert globex.log() == []


def test_the_log_tells_who_decided_and_what_came_of_it(acme) -> None:
    review = start(acme, "member", people=["auditor"])
    line = line_about(acme, review, "auditor")
    assert answer(acme, line, "revoke", "member", comment="Left in May") == 302
    assert close(acme, review) == 302
    removed, closed = acme.log()[-2:]
    assert (removed["action"], removed["actor_id"]) == ("role.removed", acme["member"].id)
    assert removed["target"] == f"user:{acme['auditor'].id}"
    assert removed["detail"] == {
        "assignment": str(line.subject_id),
        "role": "auditor",
        "folder": None,
        "reason": "Left in May",
        "way": "review",
    }
    assert (closed["action"], closed["actor_id"]) == ("review.closed", acme["officer"].id)
    assert closed["detail"]["outcomes"] == {"revoked": 1}
    assert closed["detail"]["sha256"] == bytes(get(acme, review).result_sha256).hex()


def test_it_is_not_closed_before_all_is_answered(acme) -> None:
    review = start(acme, "member", people=["auditor", "guest"])
    assert answer(acme, lines_of(acme, review)[0], "revoke", "member") == 302
    refused = acme.visit("officer").post(f"/reviews/{review}/close")
    assert refused.status_code == 409
    assert "1 line is not answered yet" in refused.text
    assert get(acme, review).state == "open"
    assert roles_of(acme, "auditor") == {"auditor"}
    assert told(acme, "review.closed") == told(acme, "role.removed") == []


def test_the_last_admin_stays(acme) -> None:
    review = start(acme, "member", roles=["admin"])
    answer_all(acme, review, "revoke")
    assert close(acme, review) == 302
    assert sorted(outcomes(acme, review)) == ["last-admin", "revoked"]
    assert sorted([roles_of(acme, "admin"), roles_of(acme, "second_admin")], key=len) == [
        set(),
        {"admin"},
    ]


def test_what_is_gone_meanwhile_is_told_as_gone(portal, acme) -> None:
    put_into_group(acme, "guest", role="auditor")
    review = start(acme, "member", roles=["auditor"])
    answer_all(acme, review, "revoke")
    portal.execute(
        "DELETE FROM role_assignment WHERE user_id IS NOT NULL AND role = 'auditor'", acme
    )
    portal.execute("DELETE FROM group_membership", acme)
    with acme.bound(writes=True) as session:  # given anew it is another holding, not reviewed
        session.add(RoleAssignment(user_id=acme["auditor"].id, role="auditor"))
    assert close(acme, review) == 302
    gone = {line.kind: line.outcome for line in lines_of(acme, review) if line.user_id}
    assert gone == {"assignment": "gone", "membership": "gone"}
    assert roles_of(acme, "auditor") == {"auditor"}


def test_a_membership_is_ended_and_the_groups_role_is_its_own_line(acme) -> None:
    group = put_into_group(acme, "guest", "member")
    review = start(acme, "auditor", groups=[str(group)])
    for line in lines_of(acme, review):
        kept = line.user_id != acme["guest"].id
        assert (
            answer(acme, line, "keep" if kept else "revoke", "auditor", comment="Moved on") == 302
        )
    guest = acme.visit("guest")
    assert guest.get(f"/documents/{acme.documents['note']}").status_code == 200
    assert close(acme, review) == 302
    assert guest.get(f"/documents/{acme.documents['note']}").status_code == 403
    assert people_in(acme, group) == [acme["member"].id]
    [entry] = told(acme, "group.member-removed")
    assert entry["actor_id"] == acme["auditor"].id
    assert entry["detail"]["person"] == str(acme["guest"].id)
    assert (entry["detail"]["way"], entry["detail"]["reason"]) == ("review", "Moved on")


def test_a_group_loses_a_role(acme) -> None:
    group = put_into_group(acme, "guest", role="auditor")
    review = start(acme, "member", groups=[str(group)], roles=["auditor"])
    for line in lines_of(acme, review):
        assert answer(acme, line, "keep" if line.user_id else "revoke", "member") == 302
    assert close(acme, review) == 302
    assert acme.visit("guest").get("/audit").status_code == 403
    assert told(acme, "role.removed")[0]["target"] == f"group:{group}"


def test_an_officers_own_role_is_taken_by_the_reviewers_decision(acme) -> None:
    review = start(acme, "member", people=["officer"])
    assert answer(acme, line_about(acme, review, "officer"), "revoke", "member") == 302
    assert close(acme, review) == 302
    [entry] = told(acme, "role.removed")
    assert entry["actor_id"] == acme["member"].id, "nobody takes or keeps their own"
    assert acme.visit("officer").get("/audit").status_code == 403


def test_a_reviewer_who_loses_everything_has_decided_all_the_same(acme) -> None:
    review = start(acme, "member", "second_admin", people=["member", "auditor"])
    answer_all(acme, review, "revoke")
    assert close(acme, review) == 302
    assert roles_of(acme, "member") == roles_of(acme, "auditor") == set()
    assert set(outcomes(acme, review)) == {"revoked"}


def test_of_two_closings_one_counts(acme) -> None:
    review = start(acme, "member", people=["auditor", "guest"])
    answer_all(acme, review, "revoke")
    statuses = together(*[lambda: close(acme, review)] * 4)
    assert sorted(statuses) == [302, 409, 409, 409]
    assert len(told(acme, "review.closed")) == 1
    assert len(told(acme, "role.removed")) == 2


def test_an_answer_at_the_last_moment_is_carried_out_or_refused(acme) -> None:
    review = start(acme, "member", people=["auditor"])
    line = line_about(acme, review, "auditor")
    assert answer(acme, line, "keep", "member") == 302
    answered, closed = together(
        lambda: answer(acme, line, "revoke", "member"), lambda: close(acme, review)
    )
    assert closed == 302
    is_revoked = roles_of(acme, "auditor") == set()
    assert is_revoked == (answered == 302)
    line = line_about(acme, review, "auditor")
    assert (line.decision, line.outcome) == (
        ("revoke", "revoked") if is_revoked else ("keep", "kept")
    )


def test_separation_of_duties_is_untouched(acme) -> None:
    review = start(acme, "member", "second_admin")
    answer_all(acme, review, "revoke")
    before = holdings(acme)
    assert close(acme, review) == 302
    assert holdings(acme) <= before
    for who in acme.people:
        assert not any(pair <= roles_of(acme, who) for pair in EXCLUSIVE)


def test_only_who_runs_reviews_closes_or_calls_off(acme) -> None:
    review = start(acme, "member", people=["auditor"])
    answer_all(acme, review)
    for who in ("admin", "member", "auditor"):
        for act in ("close", "cancel", "stop"):
            assert acme.visit(who).post(f"/reviews/{review}/{act}").status_code == 403
    assert get(acme, review).state == "open"


def test_closing_asks_for_an_old_proof_again(acme, clock) -> None:
    review = start(acme, "member", people=["auditor"])
    answer_all(acme, review, "revoke")
    clock.advance(minutes=31)
    assert close(acme, review) == 403
    assert roles_of(acme, "auditor") == {"auditor"}


def test_what_is_called_off_changes_nothing(acme) -> None:
    review = start(acme, "member", people=["auditor"], every_days=30)
    answer_all(acme, review, "revoke")
    assert acme.visit("officer").post(f"/reviews/{review}/cancel").status_code == 302
    assert roles_of(acme, "auditor") == {"auditor"}
    assert close(acme, review) == 409
    assert acme.visit("officer").get(f"/reviews/{review}/report").status_code == 404
    assert get(acme, review).next_at is None
    assert told(acme, "review.cancelled")


# At the due date, by the worker.


def test_the_worker_revokes_what_nobody_answered_where_that_was_chosen(acme, clock) -> None:
    review = start(acme, "member", people=["auditor", "guest"], on_unanswered="revoke")
    assert answer(acme, line_about(acme, review, "guest"), "keep", "member") == 302
    clock.advance(days=14)
    work(acme)
    assert get(acme, review).state == "open", "the day is not over"
    clock.advance(days=1)
    work(acme)
    assert get(acme, review).state == "closed"
    assert outcomes(acme, review) == ["revoked", "kept"]
    assert roles_of(acme, "auditor") == set()
    [entry] = told(acme, "role.removed")
    assert (entry["actor_kind"], entry["actor_id"]) == ("system", None)
    assert entry["detail"]["reason"] == "Nobody answered by the due date."
    work(acme)
    assert len(told(acme, "review.closed")) == 1


def test_the_worker_puts_it_before_the_officers_where_that_was_chosen(portal, acme, clock) -> None:
    review = start(acme, "member", people=["auditor", "guest"])
    first, second = lines_of(acme, review)
    assert answer(acme, first, "revoke", "member") == 302
    clock.advance(days=15)
    for _ in range(2):
        work(acme)
    assert get(acme, review).state == "open"
    assert len(told(acme, "review.escalated")) == 1
    assert roles_of(acme, "auditor") == {"auditor"}
    mails = [mail for mail in acme.mails() if "waits for you" in mail["subject"]]
    assert [mail["to"] for mail in mails] == [acme["officer"].email]
    clock.go_to(portal.seeded_at)  # the sessions would have ended meanwhile
    assert close(acme, review) == 409
    assert answer(acme, second, "keep", "officer") == 302
    clock.advance(days=15)
    work(acme)
    assert get(acme, review).state == "closed"
    assert outcomes(acme, review) == ["revoked", "kept"]


def test_of_two_workers_one_closes(acme, clock) -> None:
    review = start(acme, "member", people=["auditor", "guest"], on_unanswered="revoke")
    clock.advance(days=15)
    together(*[lambda: work(acme)] * 3)
    assert len(told(acme, "review.closed")) == 1
    assert len(told(acme, "role.removed")) == 2
    assert set(outcomes(acme, review)) == {"revoked"}


def test_the_last_admin_stays_when_nobody_answers(acme, clock) -> None:
    review = start(acme, "member", roles=["admin"], on_unanswered="revoke")
    clock.advance(days=15)
    work(acme)
    assert sorted(outcomes(acme, review)) == ["last-admin", "revoked"]


# Repetition.


def followers(organisation: Organisation, review: object) -> list:
    rows = organisation.portal.rows("access_review")
    return [row["id"] for row in rows if row["follows_id"] == review]


def test_the_next_review_starts_by_itself_with_the_same_choices(acme, clock) -> None:
    review = start(
        acme, "member", "second_admin", people=["auditor"], every_days=30, on_unanswered="revoke"
    )
    answer_all(acme, review)
    assert close(acme, review) == 302
    clock.advance(days=29)
    work(acme)
    assert followers(acme, review) == []
    clock.advance(days=1)
    together(*[lambda: work(acme)] * 2)
    [following] = followers(acme, review)
    first, second = get(acme, review), get(acme, following)
    assert (second.scope, second.on_unanswered, second.every_days, second.started_by) == (
        first.scope, first.on_unanswered, 30, acme["officer"].id
    )  # fmt: skip
    longer = (second.due_at - second.started_at) - (first.due_at - first.started_at)
    assert abs(longer) < timedelta(minutes=1)
    assert [line.user_id for line in lines_of(acme, following)] == [acme["auditor"].id]
    assert told(acme, "review.started")[-1]["detail"]["follows"] == str(review)


def test_an_open_review_is_not_repeated_yet(acme, clock) -> None:
    review = start(acme, "member", people=["auditor"], every_days=15)
    clock.advance(days=16)
    work(acme)
    assert get(acme, review).state == "open"
    assert followers(acme, review) == []


@pytest.mark.parametrize("end", ["stop", "cancel"])
def test_what_was_stopped_is_not_repeated(acme, clock, end) -> None:
    review = start(acme, "member", people=["auditor"], every_days=15, on_unanswered="revoke")
    assert acme.visit("officer").post(f"/reviews/{review}/{end}").status_code == 302
    clock.advance(days=40)
    for _ in range(2):
        work(acme)
    assert followers(acme, review) == []


def test_reviewers_who_left_are_left_out_and_without_any_it_is_tried_again(acme, clock) -> None:
    review = start(acme, "member", "second_admin", people=["auditor"], every_days=15)
    answer_all(acme, review)
    assert close(acme, review) == 302
    deactivate(acme, "member")
    deactivate(acme, "second_admin")
    clock.advance(days=16)
    for _ in range(2):
        work(acme)
    assert followers(acme, review) == []
    [entry] = told(acme, "review.not-started")
    assert entry["outcome"] == "failure"
    assert "Name reviewers" in entry["detail"]["reason"]
    acme.portal.execute(
        f"UPDATE user_account SET state = 'active' WHERE email = '{acme['member'].email}'", acme
    )
    clock.advance(days=1, minutes=1)
    work(acme)
    [following] = followers(acme, review)
    assert {line.reviewer_id for line in lines_of(acme, following)} == {acme["member"].id}


# Mails.


def subjects(organisation: Organisation, who: str) -> list[str]:
    return [
        mail["subject"] for mail in organisation.mails() if mail["to"] == organisation[who].email
    ]


def test_reviewers_are_told_at_once_and_reminded_before_it_is_due(portal, acme, clock) -> None:
    portal.execute("DELETE FROM job", acme)
    review = start(acme, "member", "second_admin", people=["auditor", "guest"])
    for _ in range(2):
        work(acme)
    asked, due = "You are asked to review access", "An access review is due soon"
    assert subjects(acme, "member") == subjects(acme, "second_admin") == [asked]
    line = next(one for one in lines_of(acme, review) if one.reviewer_id == acme["member"].id)
    assert answer(acme, line, "keep", "member") == 302
    clock.advance(days=13)
    for _ in range(2):
        work(acme)
    assert due not in subjects(acme, "member"), "nothing is left to remind of"
    assert subjects(acme, "second_admin") == [due], "what was not sent in time is not sent"
    body = acme.mails()[-1]["txt"]
    assert "Spring" in body
    assert acme["auditor"].name not in body
    assert "http" not in json.dumps(body)


def test_who_has_left_gets_no_mail(portal, acme) -> None:
    portal.execute("DELETE FROM job", acme)
    assert acme.visit("officer").post("/reviews/new", choices(acme, "member", people=["auditor"]))
    deactivate(acme, "member")
    work(acme)
    assert subjects(acme, "member") == []
