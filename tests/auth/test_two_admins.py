"""Where two admins have to agree, one alone removes nobody's factors."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import delete, update

from portal.access.approvals.models import PendingAct
from portal.auth.factors.models import TotpDevice
from portal.users.models import User
from tests.access.asked import act_row, has_factor, want_two
from tests.access.asked import ask_reset as ask
from tests.access.asked import decide_act as decide
from tests.browsing import links_of
from tests.installation import Organisation

ASKED = ("act.asked", "success")
RESET = [("act.approved", "success"), ("factor.reset", "success")]


@pytest.fixture
def acme(acme) -> Organisation:
    """Two admins have to agree here, and nothing waits yet."""
    with acme.bound(writes=True) as session:
        session.execute(delete(PendingAct))
    want_two(acme, "reset-factors")
    acme.entries_before = len(acme.log())
    return acme


def told(organisation: Organisation) -> list[tuple[str, str]]:
    return organisation.told()[organisation.entries_before :]


def test_the_first_admin_removes_nothing_and_the_second_does(acme) -> None:
    member = acme.visit("member")
    act = ask(acme)
    assert has_factor(acme)
    assert member.get("/documents").status_code == 200
    assert decide(acme, act, "approve") == 302
    assert not has_factor(acme)
    assert member.get("/documents").location.startswith("/auth/sign-in")
    assert told(acme) == [ASKED, *RESET]
    entry = acme.log()[-1]
    assert entry["actor_id"] == acme["second_admin"].id
    assert entry["detail"]["asked_by"] == str(acme["admin"].id)
    assert entry["detail"]["act"] == str(act)


def test_the_other_admins_find_the_act_and_see_it_in_full(acme) -> None:
    answer = acme.visit("admin").post(
        f"/members/{acme['member'].id}/reset-factors", {"reason": "dropped into the sea"}
    )
    assert answer.status_code == 302
    [act] = [row["id"] for row in acme.portal.rows("pending_act") if row["tenant_id"] == acme.id]
    second = acme.visit("second_admin")
    address = f"/approvals/{act}"
    assert 'Requests <span class="count">' in second.get("/members").text
    waiting = second.get("/requests").text
    assert "/approvals" in links_of(waiting)
    assert 'Approvals <span class="count">1<' in waiting
    assert 'Requests <span class="count">' not in acme.visit("officer").get("/members").text
    assert address in links_of(second.get(f"/members/{acme['member'].id}").text)
    assert address in links_of(second.get("/approvals").text)
    page = second.get(address).text
    for fact in (
        acme["member"].name,
        acme["member"].email,
        acme["admin"].name,
        "Authenticator",
        "dropped into the sea",
    ):
        assert fact in page
    assert f"{address}/approve" in links_of(page)
    own = acme.visit("admin").get("/approvals").text
    assert f"{address}/withdraw" in links_of(own)
    assert f"{address}/approve" not in links_of(acme.visit("admin").get(address).text)
    assert "/approvals" not in links_of(acme.visit("officer").get("/members").text)


def test_nobody_agrees_with_themselves(acme) -> None:
    act = ask(acme)
    for how in ("approve", "decline"):
        assert decide(acme, act, how, by="admin") == 403
    assert has_factor(acme)
    assert told(acme) == [ASKED, *[("access.refused", "refused")] * 2]


def test_nobody_decides_about_their_own_factors(acme) -> None:
    act = ask(acme, "second_admin")
    for how in ("approve", "decline"):
        assert decide(acme, act, how) == 403
    assert has_factor(acme, "second_admin")


def test_only_who_asked_takes_it_back(acme) -> None:
    act = ask(acme)
    assert decide(acme, act, "withdraw") == 403
    assert decide(acme, act, "withdraw", by="admin") == 302
    assert decide(acme, act, "approve") == 409
    assert has_factor(acme)
    assert told(acme)[-1] == ("act.withdrawn", "success")


def test_what_was_declined_is_over_and_may_be_asked_for_anew(acme) -> None:
    act = ask(acme)
    assert decide(acme, act, "decline") == 302
    assert decide(acme, act, "approve") == 409
    assert has_factor(acme)
    assert told(acme) == [ASKED, ("act.declined", "success")]
    assert decide(acme, ask(acme), "approve") == 302


def test_one_reset_of_a_person_waits_at_a_time(acme) -> None:
    ask(acme)
    again = acme.visit("second_admin").post(f"/members/{acme['member'].id}/reset-factors")
    assert again.status_code == 409
    assert has_factor(acme)


def test_it_expires_after_three_days(acme) -> None:
    act = ask(acme)
    with acme.bound(writes=True) as session:
        row = session.get(PendingAct, (acme.id, act))
        assert (row.expires_at - row.asked_at).days in (2, 3)
        row.expires_at = row.asked_at
    assert decide(acme, act, "approve") == 409
    assert has_factor(acme)
    assert "Nothing is waiting" in acme.visit("second_admin").get("/approvals").text
    assert decide(acme, ask(acme), "approve") == 302
    assert told(acme) == [ASKED, ("act.expired", "success"), ASKED, *RESET]


def test_of_parallel_decisions_one_holds(acme) -> None:
    act = ask(acme)
    visitors = [acme.visit("second_admin") for _ in range(6)]
    start = Barrier(len(visitors))

    def approve(number: int) -> int:
        start.wait()
        how = "approve" if number % 2 else "decline"
        return visitors[number].post(f"/approvals/{act}/{how}").status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(approve, range(len(visitors))))
    assert statuses == [302] + [409] * 5
    declined = told(acme) == [ASKED, ("act.declined", "success")]
    assert declined or told(acme) == [ASKED, *RESET]
    assert has_factor(acme) == declined


def test_what_an_admin_asked_who_is_none_any_more_is_void(acme) -> None:
    act = ask(acme)
    with acme.bound(writes=True) as session:
        session.execute(update(User).where(User.id == acme["admin"].id).values(state="deactivated"))
    assert decide(acme, act, "approve") == 409
    assert has_factor(acme)
    assert told(acme) == [ASKED, ("act.voided", "refused")]
    assert act_row(acme, act)["decision"] == "void"
    assert decide(acme, act, "approve") == 409
    assert decide(acme, act, "decline") == 409
    assert told(acme)[2:] == []


def test_an_old_proof_is_asked_for_again(acme, clock) -> None:
    act = ask(acme)
    clock.advance(minutes=31)
    assert decide(acme, act, "approve") == 403
    assert has_factor(acme)


def test_nobody_else_sees_or_decides_anything(acme, globex) -> None:
    act = ask(acme)
    for who in ("member", "officer", "auditor"):
        assert acme.visit(who).get(f"/approvals/{act}").status_code == 403
        assert decide(acme, act, "approve", by=who) == 403
        listed = acme.visit(who).get("/approvals")  # officers agree to other acts
        assert listed.status_code == (200 if who == "officer" else 403)
        assert acme["member"].name not in listed.text.replace(acme[who].name, "")
    assert decide(globex, act, "approve", by="admin") == 404
    assert acme["member"].email not in globex.visit("admin").get("/approvals").text


def test_who_has_no_factor_needs_no_reset(acme) -> None:
    with acme.bound(writes=True) as session:
        session.execute(delete(TotpDevice).where(TotpDevice.user_id == acme["member"].id))
    answer = acme.visit("admin").post(f"/members/{acme['member'].id}/reset-factors")
    assert answer.status_code == 409
    assert [r for r in acme.portal.rows("pending_act") if r["tenant_id"] == acme.id] == []


def test_where_one_admin_is_enough_it_is_done_at_once(globex) -> None:
    answer = globex.visit("admin").post(f"/members/{globex['member'].id}/reset-factors")
    assert answer.status_code == 302
    assert not has_factor(globex)
