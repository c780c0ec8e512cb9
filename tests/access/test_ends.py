"""Roles for a while: given with an end, moved, announced once, ended, and swept away at last."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import update

from portal.access.approvals.service import SecondPersonNeeded
from portal.access.history.queries import replay_access
from portal.access.locking import lock_access
from portal.access.models import CustomRole
from portal.access.permissions import Permission
from portal.auth.ending_roles import announce_ends
from portal.cli import working
from portal.core import clock as portal_clock
from tests.access.asked import want_two
from tests.access.waiting import locks_waited_for, wait_until
from tests.browsing import Visitor
from tests.conftest import on_postgresql
from tests.documents.sharers import give, held_by, make_group, make_role
from tests.installation import Organisation


def day(days: int) -> str:
    return f"{portal_clock.now() + timedelta(days=days):%Y-%m-%d}"


def end_of(days: int) -> str:
    return f"{day(days)}T23:59:59.999999+00:00"


def assign(visitor: Visitor, acme: Organisation, who: str, role: str, until: str) -> object:
    form = {"role": role, "folder": "", "reason": "for a while", "until": until}
    return visitor.post(f"/members/{acme[who].id}/roles", form)


def move(visitor: Visitor, acme: Organisation, who: str, made: UUID, until: str) -> object:
    form = {"until": until, "reason": "needed longer"}
    return visitor.post(f"/members/{acme[who].id}/roles/{made}/end", form)


def sweep(acme: Organisation) -> None:
    with acme.portal.app.app_context():
        working.visit(acme.record, sweeping=True)


def endings(acme: Organisation) -> list[dict[str, str]]:
    return [mail for mail in acme.mails() if mail["subject"].endswith("ends soon")]


def test_a_role_is_given_until_the_end_of_a_day(acme, clock) -> None:
    assert assign(acme.visit("admin"), acme, "member", "auditor", day(0)).status_code == 302
    assert acme.log()[-1]["detail"]["expires_at"] == end_of(0)
    page = acme.visit("officer").get(f"/members/{acme['member'].id}").text
    assert f"{day(0)} 23:59 UTC" in page
    assert "By hand, Admin Acme" in page
    assert "Ends soon" in page
    assert "Ends soon" in acme.visit("member").get("/account").text
    member = acme.visit("member")
    assert member.get("/members").status_code == 200
    clock.go_to(datetime.fromisoformat(end_of(0)))
    acme.portal.execute(f"UPDATE user_session SET last_seen_at = '{clock.now():%F %T}',"
                        f" created_at = '{clock.now():%F %T}'", acme)  # fmt: skip
    assert member.get("/members").status_code == 403
    assert "Ended" in member.get("/account").text


@pytest.mark.parametrize("until", ["2000-01-01", "2026-02-30", "tomorrow"])
def test_an_end_that_is_past_or_no_day_is_refused(acme, until) -> None:
    before = acme.portal.rows("role_assignment")
    assert assign(acme.visit("admin"), acme, "member", "auditor", until).status_code == 422
    [held] = held_by(acme, "auditor")
    assert move(acme.visit("admin"), acme, "auditor", held["id"], until).status_code == 422
    assert acme.portal.rows("role_assignment") == before


def test_a_role_held_through_a_group_is_shown_with_the_group(acme) -> None:
    give(acme, make_group(acme, "Finance", "member"), "auditor", group=True)
    for who, path in (("officer", f"/members/{acme['member'].id}"), ("member", "/account")):
        assert "through the group Finance" in acme.visit(who).get(path).text


def test_an_end_is_moved_and_the_log_tells_from_where_to_where(acme) -> None:
    admin, made = acme.visit("admin"), give(acme, "member", "auditor")
    assert move(admin, acme, "member", made, day(2)).status_code == 302
    assert move(admin, acme, "member", made, day(9)).status_code == 302
    assert move(admin, acme, "member", made, "").status_code == 302
    assert move(admin, acme, "member", made, "").status_code == 409
    told = [entry for entry in acme.log() if entry["action"] == "role.end-changed"]
    assert [(one["detail"]["before"], one["detail"]["expires_at"]) for one in told] == [
        (None, end_of(2)), (end_of(2), end_of(9)), (end_of(9), None),
    ]  # fmt: skip
    for one in told:
        detail = {name: one["detail"][name] for name in ("assignment", "role", "folder", "way")}
        assert detail == {"assignment": str(made), "role": "auditor", "folder": None, "way": "page"}
        assert one["target"] == f"user:{acme['member'].id}"
        assert one["detail"]["reason"] == "needed longer"


def test_a_past_time_is_replayed_with_the_end_of_then(acme, clock) -> None:
    admin = acme.visit("admin")
    assert assign(admin, acme, "member", "auditor", day(1)).status_code == 302
    first = portal_clock.now()
    clock.advance(seconds=1)
    [made] = [row["id"] for row in held_by(acme, "member") if row["role"] == "auditor"]
    assert move(admin, acme, "member", made, day(5)).status_code == 302
    for at, end in ((first, end_of(1)), (portal_clock.now(), end_of(5))):
        with acme.bound():
            [ends_at] = [
                given.expires_at.isoformat()
                for given in replay_access(at).given.values()
                if given.assignment_id == made
            ]
        assert ends_at == end


def test_who_may_not_give_a_role_may_not_move_its_end(acme, globex) -> None:
    made = give(acme, "member", "auditor")
    [own] = held_by(acme, "admin")
    for who in ("officer", "auditor", "member"):
        assert move(acme.visit(who), acme, "member", made, day(3)).status_code == 403
    admin = acme.visit("admin")
    assert move(admin, acme, "admin", own["id"], day(3)).status_code == 403
    assert move(admin, acme, "officer", made, day(3)).status_code == 404, "it is the member's"
    foreign = give(globex, "member", "auditor")
    assert move(admin, acme, "member", foreign, day(3)).status_code == 404
    assert move(admin, globex, "member", foreign, day(3)).status_code == 404
    assert all(row["expires_at"] is None for row in held_by(acme, "member"))


def test_the_last_lasting_admin_gets_no_end(acme) -> None:
    admin, second = acme.visit("admin"), acme.visit("second_admin")
    [of_first], [of_second] = held_by(acme, "admin"), held_by(acme, "second_admin")
    assert move(admin, acme, "second_admin", of_second["id"], day(3)).status_code == 302
    assert move(second, acme, "admin", of_first["id"], day(3)).status_code == 409
    assert move(admin, acme, "second_admin", of_second["id"], "").status_code == 302


def test_what_is_exclusive_by_now_is_held_no_longer_but_may_be_shorter(acme) -> None:
    made = give(acme, "officer", "auditor", expires_at=portal_clock.now() + timedelta(days=5))
    acme.portal.execute("UPDATE role_assignment SET role = 'admin' WHERE role = 'auditor'"
                        " AND expires_at IS NOT NULL", acme)  # fmt: skip
    admin = acme.visit("admin")
    assert move(admin, acme, "officer", made, day(9)).status_code == 409
    assert move(admin, acme, "officer", made, day(2)).status_code == 302


def test_where_two_are_wanted_one_makes_no_admin_for_longer(acme) -> None:
    made = give(acme, "member", "admin", expires_at=portal_clock.now() + timedelta(days=5))
    want_two(acme, "grant-admin")
    admin = acme.visit("admin")
    for until in (day(9), ""):
        answer = move(admin, acme, "member", made, until)
        assert answer.status_code == SecondPersonNeeded.status
    assert move(admin, acme, "member", made, day(2)).status_code == 302


def test_a_claimed_role_has_no_end_to_move(portal, acme) -> None:
    made = give(acme, "member", "auditor")
    portal.execute("UPDATE role_assignment SET is_from_claim = true WHERE role = 'auditor'", acme)
    assert move(acme.visit("admin"), acme, "member", made, day(3)).status_code == 409


def test_an_end_is_moved_once_of_two_at_once(acme) -> None:
    made, start = give(acme, "member", "auditor"), Barrier(2)
    visitors = [acme.visit("admin"), acme.visit("second_admin")]

    def one(visitor: Visitor, until: str) -> int:
        start.wait()
        return move(visitor, acme, "member", made, until).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(one, visitors, [day(3), day(4)]))
    told = [entry for entry in acme.log() if entry["action"] == "role.end-changed"]
    assert len(told) == statuses.count(302) >= 1
    assert set(statuses) <= {302, 409}


# Notice


def test_holders_and_the_granter_are_told_a_week_before_and_once(acme, clock) -> None:
    assert assign(acme.visit("admin"), acme, "member", "auditor", day(20)).status_code == 302
    sweep(acme)
    assert not endings(acme)
    clock.advance(days=14)
    sweep(acme)
    sweep(acme)
    holder, granter = endings(acme)
    assert (holder["to"], holder["subject"]) == (acme["member"].email, "A role of yours ends soon")
    assert (granter["to"], granter["subject"]) == (
        acme["admin"].email, "A role that you gave ends soon",
    )  # fmt: skip
    for sent in (holder, granter):
        assert "Auditor" in sent["txt"]
        assert "23:59 UTC" in sent["txt"]
    assert acme["member"].name in granter["txt"]


def test_a_groups_people_are_told_and_nobody_who_can_not_come_in(acme, clock) -> None:
    group = make_group(acme, "Finance", "member", "officer", "deactivated", "invited")
    give(acme, group, "guest", "shared", group=True,
         expires_at=portal_clock.now() + timedelta(days=3))  # fmt: skip
    waiting = len(acme.mails())
    sweep(acme)
    sent = acme.mails()[waiting:]
    assert {mail["to"] for mail in sent} == {acme["member"].email, acme["officer"].email}
    assert all("Finance" in mail["txt"] and "on one folder" in mail["txt"] for mail in sent)
    assert not any("Shared" in mail["txt"] + mail["html"] for mail in sent)


def test_two_workers_tell_it_once(acme) -> None:
    give(acme, "member", "auditor", expires_at=portal_clock.now() + timedelta(days=3))
    start, waiting = Barrier(2), len(acme.mails())

    def work(_: int) -> None:
        start.wait()
        with acme.bound(writes=True):
            announce_ends()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert len(acme.mails()) == waiting + 1


def test_a_moved_end_is_announced_anew(acme, clock) -> None:
    made = give(acme, "member", "auditor", expires_at=portal_clock.now() + timedelta(days=3))
    sweep(acme)
    waiting = len(acme.mails())
    assert move(acme.visit("admin"), acme, "member", made, day(5)).status_code == 302
    sweep(acme)
    told = {mail["to"] for mail in acme.mails()[waiting:]}
    assert told == {acme["member"].email, acme["admin"].email}, "who has it last longer gives it"


def test_what_ended_is_swept_a_month_later_and_no_sooner(acme, globex, clock) -> None:
    ended = give(acme, "member", "auditor", expires_at=portal_clock.now() + timedelta(days=1))
    others = give(globex, "member", "auditor", expires_at=portal_clock.now() + timedelta(days=1))
    lasting = len(held_by(acme, "officer"))
    clock.advance(days=30)
    sweep(acme)
    assert ended in {row["id"] for row in held_by(acme, "member")}
    clock.advance(days=2)
    told = len(acme.log())
    sweep(acme)
    assert ended not in {row["id"] for row in held_by(acme, "member")}
    assert others in {row["id"] for row in held_by(globex, "member")}
    assert len(held_by(acme, "officer")) == lasting
    assert "role.removed" not in [entry["action"] for entry in acme.log()[told:]]


# For no longer than it is held


def for_a_while(acme: Organisation) -> Visitor:
    """Somebody who is an admin until the day after tomorrow."""
    give(acme, "member", "admin", expires_at=portal_clock.now() + timedelta(days=2))
    return acme.visit("member")


def test_an_admin_for_a_while_makes_none_for_longer(acme) -> None:
    temporary = for_a_while(acme)
    for until in ("", day(3)):
        answer = assign(temporary, acme, "guest", "admin", until)
        assert answer.status_code == 400
        assert "You hold this yourself until" in answer.text
    assert assign(temporary, acme, "guest", "admin", day(1)).status_code == 302
    made = next(row["id"] for row in held_by(acme, "guest") if row["role"] == "admin")
    for until in ("", day(3)):
        assert move(temporary, acme, "guest", made, until).status_code == 400
    assert move(acme.visit("admin"), acme, "guest", made, "").status_code == 302
    assert move(temporary, acme, "guest", made, day(5)).status_code == 302, "that is shorter"


def test_an_admin_for_a_while_lets_nobody_into_a_group_that_manages(acme) -> None:
    temporary, group = for_a_while(acme), make_group(acme, "Board")
    give(acme, group, "admin", group=True)
    form = {"people": [str(acme["guest"].id)]}
    assert temporary.post(f"/groups/{group}/people/add", form).status_code == 400


def test_an_admin_for_a_while_gives_other_work_for_good(acme) -> None:
    assert assign(for_a_while(acme), acme, "guest", "member", "").status_code == 302


# Under the lock


@on_postgresql
@pytest.mark.parametrize("what", ["end", "remove"])
def test_what_the_role_has_come_to_allow_meanwhile_counts(portal, acme, what) -> None:
    """Whoever waits is asked about the role as of then."""
    give(acme, "auditor", make_role(acme, "assigner", Permission.ROLE_ASSIGN))
    role = make_role(acme, "helper", Permission.DOCUMENT_READ)
    made = give(acme, "guest", role, expires_at=portal_clock.now() + timedelta(days=2))
    visitor, form = acme.visit("auditor"), {"until": day(9), "reason": ""}
    path = f"/members/{acme['guest'].id}/roles/{made}/{what}"
    with ThreadPoolExecutor(1) as pool:
        with acme.bound(writes=True) as session:
            lock_access()
            trying = pool.submit(visitor.post, path, form)
            wait_until(lambda: locks_waited_for(portal) == 1)
            wider = update(CustomRole).where(CustomRole.key == role)
            session.execute(wider.values(permissions=["sso:edit"]))
        assert trying.result().status_code == 403
