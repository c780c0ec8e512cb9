"""Where two admins have to agree, one alone removes nobody's factors."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from portal.auth.factors.models import TotpDevice
from portal.auth.models import PendingReset
from portal.users.models import User
from tests.browsing import links_of
from tests.installation import Organisation
from tests.web.policy.test_policy import choose, version_of

ASKED = ("factor.reset-asked", "success")


@pytest.fixture
def acme(acme) -> Organisation:
    """Two admins have to agree here, and nothing waits yet."""
    with acme.bound(writes=True) as session:
        session.execute(delete(PendingReset))
    choose(acme, resets_need_two="y")
    acme.entries_before = len(acme.log())
    return acme


def told(organisation: Organisation) -> list[tuple[str, str]]:
    return organisation.told()[organisation.entries_before :]


def ask(organisation: Organisation, who: str = "member", by: str = "admin") -> UUID:
    answer = organisation.visit(by).post(f"/members/{organisation[who].id}/reset-factors")
    assert answer.status_code == 302, answer.text
    return max(row["id"] for row in organisation.portal.rows("pending_reset"))


def decide(organisation: Organisation, request: UUID, how: str, by: str = "second_admin") -> int:
    return organisation.visit(by).post(f"/members/resets/{request}/{how}").status_code


def has_factor(organisation: Organisation, who: str = "member") -> bool:
    rows = organisation.portal.rows("totp_device")
    return any(row["user_id"] == organisation[who].id for row in rows)


def test_the_first_admin_removes_nothing_and_the_second_does(acme) -> None:
    member = acme.visit("member")
    request = ask(acme)
    assert has_factor(acme)
    assert member.get("/documents").status_code == 200
    assert decide(acme, request, "approve") == 302
    assert not has_factor(acme)
    assert member.get("/documents").location.startswith("/auth/sign-in")
    assert told(acme) == [ASKED, ("factor.reset", "success")]
    entry = acme.log()[-1]
    assert entry["actor_id"] == acme["second_admin"].id
    assert entry["detail"]["asked_by"] == str(acme["admin"].id)


def test_the_other_admins_find_the_request_and_see_it_in_full(acme) -> None:
    request = ask(acme)
    second = acme.visit("second_admin")
    for path in ("/members", f"/members/{acme['member'].id}"):
        assert "/members/resets" in links_of(second.get(path).text)
    address = f"/members/resets/{request}/approve"
    assert address in links_of(second.get("/members/resets").text)
    page = second.get(address).text
    for fact in (acme["member"].name, acme["member"].email, acme["admin"].name, "Authenticator"):
        assert fact in page
    own = acme.visit("admin").get("/members/resets").text
    assert address not in links_of(own)
    assert f"/members/resets/{request}/withdraw" in links_of(own)
    assert "/members/resets" not in links_of(acme.visit("officer").get("/members").text)


def test_nobody_agrees_with_themselves(acme) -> None:
    request = ask(acme)
    for how in ("approve", "decline"):
        assert decide(acme, request, how, by="admin") == 403
    assert has_factor(acme)
    assert told(acme) == [ASKED, *[("access.refused", "refused")] * 2]


def test_nobody_decides_about_their_own_factors(acme) -> None:
    request = ask(acme, "second_admin")
    for how in ("approve", "decline"):
        assert decide(acme, request, how) == 403
    assert has_factor(acme, "second_admin")


def test_only_who_asked_takes_a_request_back(acme) -> None:
    request = ask(acme)
    assert decide(acme, request, "withdraw") == 403
    assert decide(acme, request, "withdraw", by="admin") == 302
    assert decide(acme, request, "approve") == 409
    assert has_factor(acme)
    assert told(acme)[-1] == ("factor.reset-withdrawn", "success")


def test_what_was_declined_is_over_and_may_be_asked_for_anew(acme) -> None:
    request = ask(acme)
    assert decide(acme, request, "decline") == 302
    assert decide(acme, request, "approve") == 409
    assert has_factor(acme)
    assert told(acme) == [ASKED, ("factor.reset-declined", "success")]
    assert decide(acme, ask(acme), "approve") == 302


def test_one_request_about_a_person_waits_at_a_time(acme) -> None:
    ask(acme)
    again = acme.visit("second_admin").post(f"/members/{acme['member'].id}/reset-factors")
    assert again.status_code == 409
    assert has_factor(acme)


def test_a_request_expires_after_three_days(portal, acme) -> None:
    request = ask(acme)
    with acme.bound(writes=True) as session:
        row = session.get(PendingReset, (acme.id, request))
        assert (row.expires_at - row.asked_at).days in (2, 3)
        row.expires_at = row.asked_at
    assert decide(acme, request, "approve") == 409
    assert has_factor(acme)
    assert "Nothing waits" in acme.visit("second_admin").get("/members/resets").text
    assert decide(acme, ask(acme), "approve") == 302


def test_of_parallel_decisions_one_holds(acme) -> None:
    request = ask(acme)
    visitors = [acme.visit("second_admin") for _ in range(6)]
    start = Barrier(len(visitors))

    def approve(number: int) -> int:
        start.wait()
        how = "approve" if number % 2 else "decline"
        return visitors[number].post(f"/members/resets/{request}/{how}").status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(approve, range(len(visitors))))
    assert statuses == [302] + [409] * 5
    assert len(told(acme)) == 2
    assert has_factor(acme) == (told(acme)[-1][0] == "factor.reset-declined")


def test_what_an_admin_asked_who_is_none_any_more_is_not_done(acme) -> None:
    request = ask(acme)
    with acme.bound(writes=True) as session:
        session.execute(update(User).where(User.id == acme["admin"].id).values(state="deactivated"))
    assert decide(acme, request, "approve") == 409
    assert has_factor(acme)
    assert decide(acme, request, "decline") == 302


def test_an_old_proof_is_asked_for_again(acme, clock) -> None:
    request = ask(acme)
    clock.advance(minutes=31)
    assert decide(acme, request, "approve") == 403
    assert has_factor(acme)


def test_nobody_else_sees_or_decides_anything(acme, globex) -> None:
    request = ask(acme)
    for who in ("member", "officer", "auditor"):
        assert acme.visit(who).get("/members/resets").status_code == 403
        assert decide(acme, request, "approve", by=who) == 403
    assert decide(globex, request, "approve", by="admin") == 404
    assert acme["member"].email not in globex.visit("admin").get("/members/resets").text


def test_who_has_no_factor_needs_no_request(acme) -> None:
    with acme.bound(writes=True) as session:
        session.execute(delete(TotpDevice).where(TotpDevice.user_id == acme["member"].id))
    answer = acme.visit("admin").post(f"/members/{acme['member'].id}/reset-factors")
    assert answer.status_code == 409
    assert acme.portal.rows("pending_reset") == [
        row for row in acme.portal.rows("pending_reset") if row["tenant_id"] != acme.id
    ]


def test_where_one_admin_is_enough_it_is_done_at_once(acme) -> None:
    choose(acme)
    acme.visit("admin").post(f"/members/{acme['member'].id}/reset-factors")
    assert not has_factor(acme)
    assert version_of(acme)
