"""Who answers which line, until when."""

import pytest

from portal.access.models import Group, GroupMembership
from tests.access.reviews.campaign import (
    answer,
    answer_all,
    close,
    deactivate,
    line_about,
    lines_of,
    people_in,
    put_into_group,
    start,
    told,
    work,
)
from tests.web.things import without_log


def test_an_answer_counts_until_another_one_is_given(acme) -> None:
    review = start(acme, "member", people=["auditor"])
    line = line_about(acme, review, "auditor")
    assert answer(acme, line, "revoke", "member", comment="Has left") == 302
    assert answer(acme, line, "keep", "member", comment="Stays after all") == 302
    line = line_about(acme, review, "auditor")
    assert (line.decision, line.comment) == ("keep", "Stays after all")
    page = acme.visit("officer").get(f"/reviews/lines/{line.id}").text
    assert page.index("Has left") < page.index("Stays after all", page.index("What was answered"))
    decided = told(acme, "review.line-decided")
    assert [entry["detail"]["decision"] for entry in decided] == ["revoke", "keep"]
    assert {entry["actor_id"] for entry in decided} == {acme["member"].id}


def test_nobody_answers_what_was_given_to_another(portal, acme, globex) -> None:
    review = start(acme, "member", people=["auditor"])
    line = line_about(acme, review, "auditor")
    before = without_log(portal)
    for who in ("admin", "officer", "guest", "auditor"):
        assert answer(acme, line, "revoke", who) == 403
    assert answer(globex, line, "revoke", "member") == 404
    assert without_log(portal) == before
    assert acme.told()[-1] == ("access.refused", "refused")


def test_who_is_neither_officer_nor_reviewer_sees_nothing(acme) -> None:
    review = start(acme, "member", "second_admin", people=["auditor", "guest"])
    mine, other = lines_of(acme, review)
    if mine.reviewer_id != acme["member"].id:
        mine, other = other, mine
    for who in ("admin", "auditor", "guest"):
        visitor = acme.visit(who)
        for path in ("", "/next", "/lines", "/close", "/cancel", "/report", "/report/signed"):
            assert visitor.get(f"/reviews/{review}{path}").status_code == 403, (who, path)
        assert visitor.get(f"/reviews/lines/{mine.id}").status_code == 403
        assert "Spring" not in visitor.get("/reviews").text
    member = acme.visit("member")
    assert member.get(f"/reviews/lines/{mine.id}").status_code == 200
    assert member.get(f"/reviews/lines/{other.id}").status_code == 403
    page = member.get(f"/reviews/{review}").text
    assert mine.holder_name in page
    assert other.holder_name not in page
    assert acme["second_admin"].name not in page, "how far others are is not told to reviewers"
    assert member.get(f"/reviews/{review}/lines").status_code == 403


def test_one_line_follows_the_other(acme) -> None:
    review = start(acme, "member", people=["auditor", "guest", "officer"])
    member = acme.visit("member")
    for line in lines_of(acme, review):
        page = member.get(f"/reviews/{review}/next")
        assert line.holder_name in page.text
        went = member.post(f"/reviews/lines/{line.id}/answer?walk=1", {"decision": "keep"})
        assert went.location.startswith(f"/reviews/{review}/next?after={line.number}")
    assert member.get(f"/reviews/{review}/next").location == f"/reviews/{review}"
    assert "3 of 3" in member.get(f"/reviews/{review}").text
    assert "All answered" in member.get("/reviews").text


def test_a_skipped_line_comes_again_at_the_end(acme) -> None:
    review = start(acme, "member", people=["auditor", "guest"])
    first, second = lines_of(acme, review)
    member = acme.visit("member")
    assert second.holder_name in member.get(f"/reviews/{review}/next?after={first.number}").text
    assert first.holder_name in member.get(f"/reviews/{review}/next?after={second.number}").text


@pytest.mark.parametrize(
    "after", ["99999999999999999999", "-99999999999999999999", "9" * 5000, "x"]
)
def test_after_no_such_line_comes_the_first(acme, after) -> None:
    review = start(acme, "member", people=["auditor", "guest"])
    first, _ = lines_of(acme, review)
    page = acme.visit("member").get(f"/reviews/{review}/next?after={after}")
    assert first.holder_name in page.text


def test_an_answer_that_is_none_is_refused(acme) -> None:
    line = line_about(acme, start(acme, "member", people=["auditor"]), "auditor")
    for wrong in ("", "grant", "KEEP"):
        assert answer(acme, line, wrong, "member") == 422
    assert answer(acme, line, "keep", "member", comment="x" * 501) == 422
    assert told(acme, "review.line-decided") == []


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_after_the_end_nothing_changes(portal, acme, end) -> None:
    review = start(acme, "member", people=["auditor"])
    answer_all(acme, review)
    assert acme.visit("officer").post(f"/reviews/{review}/{end}").status_code == 302
    before = without_log(portal)
    line = line_about(acme, review, "auditor")
    assert answer(acme, line, "revoke", "member") == 409
    assert without_log(portal) == before


def test_whoever_comes_to_hold_it_meanwhile_does_not_review_it(acme) -> None:
    group = put_into_group(acme, "guest")
    review = start(acme, "member", people=["guest"], roles=["member"])
    line = line_about(acme, review, "guest")
    with acme.bound(writes=True) as session:
        session.add(GroupMembership(group_id=group, user_id=acme["member"].id))
    assert answer(acme, line, "keep", "member") == 403
    assert line_about(acme, review, "guest").decision is None


def test_what_a_provider_feeds_is_shown_and_not_answered(acme) -> None:
    put_into_group(acme, "guest", is_fed=True)
    review = start(acme, "member", people=["guest"], roles=["member"])
    line = line_about(acme, review, "guest")
    assert "An identity provider says so" in acme.visit("member").get(f"/reviews/{review}").text
    assert answer(acme, line, "revoke", "member") == 409
    assert close(acme, review) == 302, "there is nothing else to answer"
    assert line_about(acme, review, "guest").outcome == "fed"
    assert acme.visit("guest").get("/reviews").status_code == 200


def test_a_group_that_a_provider_feeds_by_now_is_left_to_it(acme) -> None:
    group = put_into_group(acme, "guest")
    review = start(acme, "member", people=["guest"], roles=["member"])
    answer_all(acme, review, "revoke")
    with acme.bound(writes=True) as session:
        found = session.get(Group, (acme.id, group))
        found.provider_id, found.claim = acme.providers["nowhere"], "finance"
    assert close(acme, review) == 302
    assert line_about(acme, review, "guest").outcome == "fed"
    assert people_in(acme, group) == [acme["guest"].id]


def test_a_deactivated_reviewers_lines_go_to_the_officers(acme) -> None:
    review = start(acme, "member", people=["auditor"])
    line = line_about(acme, review, "auditor")
    officer = acme.visit("officer")
    assert "waits for an officer" not in officer.get(f"/reviews/{review}").text
    deactivate(acme, "member")
    assert "One line waits for an officer" in officer.get(f"/reviews/{review}").text
    assert answer(acme, line, "keep", "officer") == 302
    assert answer(acme, line, "keep", "second_admin") == 403
    assert close(acme, review) == 302


def test_an_officer_decides_nothing_about_themselves_and_hands_it_over(acme) -> None:
    review = start(acme, "member", people=["officer"])
    line = line_about(acme, review, "officer")
    deactivate(acme, "member")
    assert answer(acme, line, "keep", "officer") == 403
    officer, path = acme.visit("officer"), f"/reviews/lines/{line.id}"
    assert "about a role of your own" in officer.get(path).text
    for wrong in (acme["officer"].email, acme["deactivated"].email, "nobody@acme.example"):
        assert officer.post(f"{path}/hand-over", {"email": wrong}).status_code == 400
    given = officer.post(f"{path}/hand-over", {"email": acme["auditor"].email})
    assert given.status_code == 302
    assert answer(acme, line, "revoke", "auditor") == 302
    assert told(acme, "review.line-handed-over")[0]["detail"]["line"] == str(line.id)


def test_a_line_whose_reviewer_can_answer_is_not_handed_over(acme) -> None:
    line = line_about(acme, start(acme, "member", people=["auditor"]), "auditor")
    form = {"email": acme["guest"].email}
    assert (
        acme.visit("officer").post(f"/reviews/lines/{line.id}/hand-over", form).status_code == 409
    )
    assert acme.visit("member").post(f"/reviews/lines/{line.id}/hand-over", form).status_code == 403


def test_what_was_due_and_not_answered_is_the_officers(portal, acme, clock) -> None:
    review = start(acme, "member", people=["auditor", "guest"])
    answered, missed = lines_of(acme, review)
    assert answer(acme, answered, "keep", "member") == 302
    clock.advance(days=15)
    work(acme)
    clock.go_to(portal.seeded_at)  # the sessions would have ended meanwhile
    assert answer(acme, missed, "keep", "member") == 403
    assert answer(acme, answered, "revoke", "member") == 302, "this one was answered in time"
    assert "An officer decides now" in acme.visit("member").get(f"/reviews/{review}").text
    assert answer(acme, missed, "keep", "officer") == 302


def test_who_was_handed_a_line_and_does_not_answer_does_not_hold_it_for_good(
    portal, acme, clock
) -> None:
    review = start(acme, "member", people=["officer"])
    line = line_about(acme, review, "officer")
    clock.advance(days=15)
    work(acme)
    clock.go_to(portal.seeded_at)  # the sessions would have ended meanwhile
    officer, path = acme.visit("officer"), f"/reviews/lines/{line.id}/hand-over"
    for who in ("auditor", "second_admin"):
        assert officer.post(path, {"email": acme[who].email}).status_code == 302
    assert answer(acme, line, "keep", "auditor") == 403
    assert answer(acme, line, "keep", "second_admin") == 302
    assert close(acme, review) == 302
