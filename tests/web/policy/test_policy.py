"""The page of the policy: what it tells, what it refuses, and what holds from the next click on."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from portal.access.decision import Grant, Member
from portal.access.permissions import MANAGEMENT
from portal.auth.assurance import StepUpNeeded
from portal.auth.factors.models import Passkey, RecoveryCode, TotpDevice
from portal.auth.models import UserSession
from portal.auth.policy.models import SignInPolicy
from portal.auth.policy.queries import get_policy
from portal.auth.policy.service import change_policy
from portal.core import clock as portal_clock
from portal.core.ids import new_id
from portal.users.models import User
from tests.browsing import Visitor, forms_of
from tests.conftest import on_sqlite
from tests.installation import PASSWORD, Organisation

PRESENT = {
    "mfa_for": "everybody",
    "mfa_roles": [],
    "factors": ["totp", "passkey"],
    "grace_days": "0",
    "idle_minutes": "60",
    "absolute_hours": "12",
    "password_min_length": "8",
    "password_max_age_days": "",
}


def version_of(organisation: Organisation) -> str:
    page = organisation.visit("admin").get("/policy").text
    return next(f for f in forms_of(page) if f.action == "/policy/preview").fields["version"]


def save(organisation: Organisation, **changed: Any) -> Any:
    form = PRESENT | changed | {"version": version_of(organisation)}
    return organisation.visit("admin").post("/policy/change", form)


def choose(organisation: Organisation, **changed: Any) -> None:
    answer = save(organisation, **changed)
    assert answer.status_code == 302, answer.text


def without_factor(organisation: Organisation, who: str) -> Visitor:
    """A session on a password alone, of somebody who has nothing else."""
    person = organisation[who].id
    with organisation.bound(writes=True) as session:
        for model in (TotpDevice, Passkey, RecoveryCode):
            session.execute(delete(model).where(model.user_id == person))
        session.execute(
            update(UserSession).where(UserSession.user_id == person).values(second_factor=None)
        )
    return organisation.visit(who)


def joined(organisation: Organisation, who: str, **ago: float) -> None:
    with organisation.bound(writes=True) as session:
        at = portal_clock.now() - timedelta(**ago)
        session.execute(update(User).where(User.id == organisation[who].id).values(created_at=at))


# Seen and saved


def test_an_admin_sees_what_it_would_do_and_then_saves(acme) -> None:
    admin = acme.visit("admin")
    [form] = [f for f in forms_of(admin.get("/policy").text) if f.action == "/policy/preview"]
    assert form.method == "get"
    asked = form.fields | PRESENT | {"idle_minutes": "30", "mfa_for": "nobody"}
    preview = admin.get("/policy/preview", query_string=asked)
    assert "60 minutes" in preview.text
    assert "30 minutes" in preview.text
    assert "Your own session goes on." in preview.text
    assert acme.told() == []
    form = forms_of(preview.text)[-1]
    assert form.action == "/policy/change"
    answer = admin.post("/policy/change", form.fields | {"factors": ["totp", "passkey"]})
    assert answer.location == "/policy"
    [entry] = acme.log()
    assert (entry["action"], entry["target"], entry["actor_id"]) == (
        "policy.changed",
        "policy",
        acme["admin"].id,
    )
    assert entry["detail"] == {
        "before": {"mfa_for": "everybody", "idle_minutes": 60},
        "after": {"mfa_for": "nobody", "idle_minutes": 30},
        "ended_sessions": 0,
    }
    assert "30" in admin.get("/policy").text


def ticked(page: str) -> set[str]:
    """The radio buttons and boxes that are on, as name=value."""
    pattern = r'<input class="form-check-input"[^>]* name="([^"]*)" value="([^"]*)"[^>]*>'
    return {
        f"{found[1]}={found[2]}"
        for found in re.finditer(pattern, page)
        if re.search(r"\schecked[\s>]", found[0])
    }


def test_the_page_shows_the_policy_as_it_is(acme) -> None:
    shown = ticked(acme.visit("officer").get("/policy").text)
    assert shown == {"mfa_for=everybody", "factors=totp", "factors=passkey"}
    choose(acme, mfa_for="roles", mfa_roles=["admin"], factors=["totp"])
    shown = ticked(acme.visit("officer").get("/policy").text)
    assert shown == {"mfa_for=roles", "mfa_roles=admin", "factors=totp"}


def test_an_officer_sees_the_policy_and_can_not_change_it(acme) -> None:
    page = acme.visit("officer").get("/policy").text
    assert "See what it would do" not in page
    assert "disabled" in page
    assert acme.visit("officer").post("/policy/change", PRESENT).status_code == 403


def test_what_is_no_change_is_not_saved(acme) -> None:
    answer = save(acme)
    assert answer.status_code == 409
    assert acme.told() == []


def test_a_policy_that_somebody_else_has_changed_meanwhile_is_not_overwritten(acme) -> None:
    version = version_of(acme)
    choose(acme, idle_minutes="30")
    form = PRESENT | {"idle_minutes": "20", "version": version}
    answer = acme.visit("second_admin").post("/policy/change", form)
    assert answer.status_code == 409
    assert "Somebody else has changed the policy" in answer.text
    assert len(acme.log()) == 1


def test_an_old_proof_is_asked_for_again_and_nothing_is_lost(acme, clock) -> None:
    form = PRESENT | {"idle_minutes": "30", "version": version_of(acme)}
    clock.advance(minutes=16)
    admin = acme.visit("admin")
    question = admin.post("/policy/change", form)
    assert question.status_code == 403
    assert acme.told() == []
    carried = forms_of(question.text)[-1]
    answer = admin.post(
        carried.action,
        carried.fields | {"factors": form["factors"], "proof_code": acme["admin"].code},
    )
    assert answer.location == "/policy"
    assert acme.told() == [("proof.renewed", "success"), ("policy.changed", "success")]


def test_an_old_proof_is_not_enough_by_any_other_door(acme) -> None:
    admin = acme["admin"]
    proved_at = portal_clock.now() - timedelta(minutes=16)
    actor = Member(
        user_id=admin.id,
        name=admin.name,
        email=admin.email,
        session_id=new_id(),
        proved_at=proved_at,
        grants=(Grant(MANAGEMENT),),
    )
    with acme.bound(writes=True) as session:
        wanted = replace(get_policy(), idle_minutes=30)
        with pytest.raises(StepUpNeeded):
            change_policy(actor, wanted, version="")
        session.rollback()
        change_policy(replace(actor, proved_at=portal_clock.now()), wanted, version="")
    assert acme.told() == [("policy.changed", "success")]


def test_another_organisations_policy_stays(acme, globex) -> None:
    choose(acme, idle_minutes="5")
    assert 'value="60"' in globex.visit("admin").get("/policy").text


# The floor


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"idle_minutes": "61"}, "1 to 60 minutes"),
        ({"absolute_hours": "13"}, "1 to 12 hours"),
        ({"password_min_length": "7"}, "8 to 64 characters"),
        ({"password_min_length": "65"}, "8 to 64 characters"),
        ({"grace_days": "31"}, "30 days at most"),
        ({"password_max_age_days": "29"}, "30 to 730 days"),
        ({"factors": []}, "at least one kind"),
        ({"mfa_for": "roles", "mfa_roles": []}, "Choose the roles"),
    ],
)
def test_what_is_looser_than_the_installation_allows_is_refused(acme, changed, said) -> None:
    for answer in (
        save(acme, **changed),
        acme.visit("admin").get("/policy/preview", query_string=PRESENT | changed),
    ):
        assert answer.status_code == 400
        assert said in answer.text
    assert acme.told() == []


def test_the_floor_may_ask_everybody_for_a_factor(portal, acme) -> None:
    choose(acme, mfa_for="nobody")
    portal.use(mfa_for_everybody=True)
    page = acme.visit("admin").get("/policy").text
    assert "This installation does not allow it." in page
    refused = save(acme, mfa_for="nobody", idle_minutes="30")
    assert refused.status_code == 400
    assert "asks everybody" in refused.text
    assert without_factor(acme, "member").get("/documents").location.startswith("/auth/enrol")


def test_a_floor_that_was_raised_later_holds_over_what_was_chosen(portal, acme) -> None:
    choose(acme, mfa_for="everybody", grace_days="30", idle_minutes="60")
    joined(acme, "member", days=1)
    visitor = without_factor(acme, "member")
    assert visitor.get("/documents").status_code == 200
    portal.use(mfa_max_grace_days=0)
    assert visitor.get("/documents").location.startswith("/auth/enrol")
    portal.use(session_idle_minutes=5, password_min_length=20, session_absolute_hours=2)
    page = acme.visit("admin").get("/policy").text
    for name, value in (("idle_minutes", 5), ("password_min_length", 20), ("absolute_hours", 2)):
        assert f'name="{name}"' in page
        assert f'value="{value}"' in page


# From the next click on


def test_a_session_on_a_password_alone_is_led_to_set_up_a_factor(acme) -> None:
    choose(acme, mfa_for="nobody")
    visitor = without_factor(acme, "member")
    assert visitor.get("/documents").status_code == 200
    choose(acme, mfa_for="everybody")
    assert visitor.get("/documents").location.startswith("/auth/enrol")
    assert visitor.post("/folders", {"name": "New"}).status_code == 401


def test_a_role_that_must_have_one_is_asked_and_no_other(acme) -> None:
    choose(acme, mfa_for="roles", mfa_roles=["auditor"])
    member, auditor = without_factor(acme, "member"), without_factor(acme, "auditor")
    assert member.get("/documents").status_code == 200
    assert auditor.get("/documents").location.startswith("/auth/enrol")


def test_a_shorter_limit_ends_sessions_at_once(acme, clock) -> None:
    member = acme.visit("member")
    clock.advance(minutes=10)
    assert acme.visit("officer").get("/policy").status_code == 200
    choose(acme, idle_minutes="5")
    clock.advance(minutes=6)
    assert member.get("/documents").location.startswith("/auth/sign-in")


def test_a_shorter_life_ends_sessions_at_once(acme, clock) -> None:
    clock.advance(minutes=50)
    assert acme.visit("member").get("/documents").status_code == 200
    assert acme.visit("admin").get("/policy").status_code == 200
    clock.advance(minutes=20)
    admin = acme.visit("admin")
    form = PRESENT | {"absolute_hours": "1", "version": version_of(acme)}
    preview = admin.get("/policy/preview", query_string=form)
    assert "Your own session ends." in preview.text
    assert (
        admin.post("/policy/change", form | {"proof_code": acme["admin"].code}).status_code == 302
    )
    for who in ("member", "admin"):
        assert acme.visit(who).get("/account").location.startswith("/auth/sign-in")


def fallen(organisation: Organisation) -> int:
    """How many sessions the last change of the policy has ended."""
    detail: dict[str, Any] = organisation.log()[-1]["detail"]
    return int(detail["ended_sessions"])


def test_a_session_that_a_shorter_limit_ended_is_not_revived_by_a_longer_one(acme, clock) -> None:
    clock.advance(minutes=10)
    assert acme.visit("officer").get("/policy").status_code == 200
    choose(acme, idle_minutes="5")
    assert fallen(acme) > 0
    choose(acme, idle_minutes="60")
    assert fallen(acme) == 0
    assert acme.visit("member").get("/documents").location.startswith("/auth/sign-in")
    for who in ("officer", "admin"):
        assert acme.visit(who).get("/policy").status_code == 200


def test_a_session_that_a_shorter_life_ended_is_not_revived_by_a_longer_one(acme, clock) -> None:
    clock.advance(minutes=50)
    for who in ("admin", "officer"):
        assert acme.visit(who).get("/policy").status_code == 200
    clock.advance(minutes=20)
    form = PRESENT | {"absolute_hours": "1", "version": version_of(acme)}
    admin = acme.visit("admin")
    admin.post("/policy/change", form | {"proof_code": acme["admin"].code})
    acme.portal.execute("UPDATE sign_in_policy SET absolute_hours = 12", acme)
    for who in ("admin", "officer"):
        assert acme.visit(who).get("/policy").location.startswith("/auth/sign-in")


def test_a_longer_limit_revives_nothing_that_was_over_before(acme, clock) -> None:
    choose(acme, idle_minutes="5")
    clock.advance(minutes=4)
    assert acme.visit("admin").get("/policy").status_code == 200
    clock.advance(minutes=4)
    choose(acme, idle_minutes="60")
    assert fallen(acme) == 0, "they were over already"
    assert acme.visit("member").get("/documents").location.startswith("/auth/sign-in")
    assert acme.visit("admin").get("/policy").status_code == 200


def test_a_policy_ends_no_sessions_of_another_organisation(acme, globex, clock) -> None:
    clock.advance(minutes=10)
    assert acme.visit("admin").get("/policy").status_code == 200
    choose(acme, idle_minutes="5")
    assert globex.visit("member").get("/documents").status_code == 200


def test_a_kind_that_counts_no_more_has_to_be_replaced_by_one_that_does(acme) -> None:
    preview = acme.visit("admin").get(
        "/policy/preview", query_string=PRESENT | {"factors": ["passkey"]}
    )
    assert "led to set up a factor that counts" in preview.text
    choose(acme, factors=["passkey"])
    for who in ("member", "admin"):
        assert acme.visit(who).get("/account").location.startswith("/auth/enrol")


def test_an_older_password_has_to_be_changed_where_passwords_expire(acme, clock) -> None:
    clock.advance(days=40)
    visitor = acme.visit()
    visitor.submit("/auth/sign-in", email=acme["admin"].email, password=PASSWORD)
    visitor.submit("/auth/code", code=acme["admin"].code)
    page = visitor.get("/policy").text
    [shown] = [f for f in forms_of(page) if f.action == "/policy/preview"]
    form = shown.fields | PRESENT | {"password_max_age_days": "30"}
    form["csrf_token"] = forms_of(page)[0].fields["csrf_token"]
    assert visitor.post("/policy/change", form).status_code == 302
    assert visitor.get("/documents").location.startswith("/auth/renew-password")


def test_longer_passwords_are_asked_for_from_now_on(acme) -> None:
    choose(acme, password_min_length="40")
    new = "seventeen purple lighthouses"
    form = {"present": PASSWORD, "new": new, "again": new}
    answer = acme.visit("member").post("/account/password", form)
    assert answer.status_code == 400
    assert "40" in answer.text


# The grace


def test_in_grace_people_come_in_and_are_told_until_when(acme, clock) -> None:
    choose(acme, mfa_for="nobody")
    joined(acme, "member", days=100)
    choose(acme, grace_days="7")
    visitor = without_factor(acme, "member")
    page = visitor.get("/documents")
    assert page.status_code == 200
    ends = (portal_clock.now() + timedelta(days=7)).strftime("%Y-%m-%d")
    assert "you need a second factor" in page.text
    assert ends in page.text
    assert "you need a second factor" in visitor.get("/account").text
    assert "you need a second factor" not in acme.visit("auditor").get("/documents").text
    with acme.bound(writes=True) as session:
        row = session.query(SignInPolicy).one()
        row.mfa_since -= timedelta(days=7)
    assert visitor.get("/documents").location.startswith("/auth/enrol")


def test_a_preview_counts_the_grace_that_begins_with_saving(acme) -> None:
    choose(acme, mfa_for="nobody")
    joined(acme, "auditor", days=100)
    without_factor(acme, "auditor")
    asked = PRESENT | {"grace_days": "7"}
    page = acme.visit("admin").get("/policy/preview", query_string=asked).text
    assert "One person lacks a factor" in page
    assert " 0 will have to prove more" in page
    page = acme.visit("admin").get("/policy/preview", query_string=PRESENT).text
    assert " 1 will have to prove more" in page


def test_a_longer_grace_is_no_new_one_for_those_who_were_asked_long_ago(acme) -> None:
    joined(acme, "member", days=100)
    visitor = without_factor(acme, "member")
    choose(acme, grace_days="30")
    assert visitor.get("/documents").location.startswith("/auth/enrol")


def test_the_grace_counts_from_when_more_was_asked_and_from_nothing_else(acme, clock) -> None:
    def since() -> Any:
        return acme.portal.rows("sign_in_policy")[0]["mfa_since"]

    choose(acme, mfa_for="roles", mfa_roles=["auditor"])
    first = since()
    clock.advance(minutes=1)
    choose(acme, mfa_for="roles", mfa_roles=["auditor"], idle_minutes="30")
    choose(acme, mfa_for="nobody", grace_days="5")
    assert since() == first
    choose(acme, mfa_for="roles", mfa_roles=["auditor"], grace_days="5")
    second = since()
    assert second != first
    clock.advance(minutes=1)
    choose(acme, mfa_for="roles", mfa_roles=["auditor", "member"], grace_days="5")
    third = since()
    assert third != second
    clock.advance(minutes=1)
    choose(acme, mfa_for="roles", mfa_roles=["auditor", "member"], factors=["totp"])
    assert since() != third


# What it would do


def test_the_preview_counts_people_and_sessions(acme) -> None:
    choose(acme, mfa_for="nobody")
    without_factor(acme, "member")
    without_factor(acme, "auditor")
    page = acme.visit("admin").get("/policy/preview", query_string=PRESENT).text
    assert "2 people lack a factor" in page
    assert "(now: 0)" in page
    # The member's two and the auditor's one; the member's half session was on a password too.
    assert "3 will have to prove more" in page
    assert acme.visit("member").get("/documents").status_code == 200


# Who has which factor


def test_the_list_tells_who_falls_short(acme) -> None:
    without_factor(acme, "member")
    officer = acme.visit("officer")
    everybody, short = (officer.get(f"/policy/people{q}").text for q in ("", "?short=1"))
    assert "One person falls short" in everybody
    assert acme["guest"].email in everybody
    assert acme["member"].email in short
    assert acme["guest"].email not in short
    assert acme["deactivated"].email not in everybody


def test_the_list_tells_until_when_the_grace_lasts(acme) -> None:
    without_factor(acme, "member")
    choose(acme, grace_days="7")
    page = acme.visit("officer").get("/policy/people?short=1").text
    assert (portal_clock.now() + timedelta(days=7)).strftime("Until <time") in page


def test_the_list_is_empty_where_nobody_falls_short(acme) -> None:
    assert "Nobody falls short" in acme.visit("officer").get("/policy/people?short=1").text


@on_sqlite
@pytest.mark.parametrize("value", ["\0", "-1", "9" * 400, "x", "1.5", "''", "[]", "\u0661"])
def test_odd_choices_are_no_error_of_ours(portal, acme, value) -> None:
    before = portal.dump()
    admin = acme.visit("admin")
    for name in (*PRESENT, "version"):
        form = PRESENT | {name: value}
        assert admin.get("/policy/preview", query_string=form).status_code < 500, name
        if name in PRESENT and value != "\u0661":
            assert 400 <= admin.post("/policy/change", form).status_code < 500, name
    assert admin.get("/policy/people", query_string={"page": value}).status_code == 200
    assert portal.dump() == before
