"""Who waits for the lock of all changes of access is asked about as of when they have it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from portal.access.locking import lock_access, lock_access_as
from portal.access.models import RoleAssignment
from portal.core.ids import new_id
from portal.users.models import User, UserState
from tests.access.groups import teams
from tests.access.groups.test_members import locks_waited_for, wait_until
from tests.access.own_roles import made, role_form, version_of
from tests.access.test_history import admin_of
from tests.conftest import on_postgresql
from tests.installation import Organisation

Things = dict[str, Any]


def things_of(organisation: Organisation) -> Things:
    """What the acts are about, made while the admin is one."""
    assert (
        organisation.visit("admin")
        .post(f"/members/{organisation['officer'].id}/deactivate")
        .status_code
        == 302
    )
    key = made(organisation, "document:read")
    return {
        "group": teams.make(organisation),
        "role": key,
        "version": version_of(organisation.visit("admin"), key),
        "held": held_by(organisation, "member"),
    }


def held_by(organisation: Organisation, who: str) -> UUID:
    rows = organisation.portal.rows("role_assignment")
    return next(row["id"] for row in rows if row["user_id"] == organisation[who].id)


def send(organisation: Organisation, path: str, form: dict[str, Any] | None = None) -> int:
    return organisation.visit("admin").post(path, form).status_code


def change_role(organisation: Organisation, things: Things) -> int:
    form = role_form("document:read", "document:upload", version=things["version"])
    return send(organisation, f"/roles/{things['role']}/change", form)


def retire_role(organisation: Organisation, things: Things) -> int:
    form = {"successor": "", "assignments": "0"}
    return send(organisation, f"/roles/{things['role']}/retire", form)


def exclude(organisation: Organisation, things: Things) -> int:
    form = {"first": "guest", "second": things["role"]}
    return send(organisation, "/roles/exclusive/add", form)


def share(organisation: Organisation, _things: Things) -> int:
    form = {"whom": organisation["auditor"].email, "role": "guest", "until": "", "reason": ""}
    return send(organisation, f"/folders/{organisation.folders['shared']}/shares", form)


def on_member(act: str, who: str = "member", **form: str) -> Callable[[Organisation, Things], int]:
    def do(organisation: Organisation, things: Things) -> int:
        path = f"/members/{organisation[who].id}/{act.format(**things)}"
        return send(organisation, path, {"folder": "", "reason": "", **form})

    return do


POLICY = {
    "mfa_for": "everybody",
    "factors": ["totp", "passkey"],
    "grace_days": "7",
    "idle_minutes": "30",
    "absolute_hours": "8",
    "password_min_length": "12",
    "password_max_age_days": "",
    "version": "",
}
RULES = {"mode": "on", "max_days": "300", "version": ""}


ACTS: dict[str, Callable[[Organisation, Things], int]] = {
    "give": on_member("roles", role="auditor"),
    "take away": on_member("roles/{held}/remove"),
    "prolong": on_member("roles/{held}/end", until="2999-01-01"),
    "invite again": on_member("invitations", "invited"),
    "reactivate": on_member("reactivate", "officer"),
    "deactivate": on_member("deactivate"),
    "remove factors": on_member("reset-factors"),
    "end sessions": on_member("sessions/end"),
    "put into a group": lambda o, t: teams.add(o, t["group"], "member").status_code,
    "give to a group": lambda o, t: teams.give(o, t["group"], "auditor").status_code,
    "make a group": lambda o, _: send(o, "/groups/new", {"name": "Board", "sentence": ""}),
    "make a role": lambda o, _: send(o, "/roles/new", role_form("document:read", name="Reader")),
    "change a role": change_role,
    "retire a role": retire_role,
    "exclude": exclude,
    "share": share,
    "change the policy": lambda o, _: send(o, "/policy/change", POLICY),
    "change the rules of links": lambda o, _: send(o, "/policy/links/change", RULES),
    "want two": lambda o, _: send(o, "/policy/choice", {"kinds": "reset-factors"}),
}


@on_postgresql
@pytest.mark.parametrize("act", ACTS)
def test_who_lost_the_right_while_waiting_changes_nothing(portal, acme, act) -> None:
    things = things_of(acme)
    with ThreadPoolExecutor(1) as pool:
        with acme.bound(writes=True) as session:
            lock_access()
            acting = pool.submit(ACTS[act], acme, things)
            wait_until(lambda: locks_waited_for(portal) == 1)
            mine = RoleAssignment.user_id == acme["admin"].id
            session.execute(delete(RoleAssignment).where(mine))
        assert acting.result() == 403
    assert acme.told()[-1] == ("access.refused", "refused")


@on_postgresql
@pytest.mark.parametrize("act", ACTS)
def test_who_waited_and_may_does_it(portal, acme, act) -> None:
    things = things_of(acme)
    with ThreadPoolExecutor(1) as pool:
        with acme.bound(writes=True):
            lock_access()
            acting = pool.submit(ACTS[act], acme, things)
            wait_until(lambda: locks_waited_for(portal) == 1)
        assert acting.result() in (200, 302)


def test_who_was_deactivated_while_waiting_holds_nothing(acme) -> None:
    with acme.bound() as session:
        admin = admin_of(acme)
        assert lock_access_as(admin).grants == admin.grants != ()
        left = UserState.DEACTIVATED
        session.execute(update(User).where(User.id == admin.user_id).values(state=left))
        assert lock_access_as(admin).grants == ()
        session.rollback()


def test_waiting_adds_nothing_to_what_somebody_came_with(acme) -> None:
    """A session that is only half signed in may do nothing, and that stays so."""
    with acme.bound() as session:
        admin = admin_of(acme)
        session.add(RoleAssignment(id=new_id(), user_id=admin.user_id, role="member"))
        session.flush()
        assert lock_access_as(admin).grants == admin.grants
        nothing = replace(admin, grants=())
        assert lock_access_as(nothing).grants == ()
        session.rollback()
