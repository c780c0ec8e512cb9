"""An old proof is not enough by any door: the services ask for themselves, pages or none."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portal.access.decision import Member
from portal.audit.actor import Actor, ActorKind
from portal.auth import approving, enrolment, factor_resets, membership, own_factors
from portal.auth.assurance import FRESH_MINUTES, Act, StepUpNeeded
from portal.auth.live_sessions import find_session
from portal.auth.policy.queries import get_policy
from portal.auth.policy.service import change_policy
from portal.auth.sso import enforcement, parting, providers, trials
from portal.core import clock as portal_clock
from portal.core.errors import PortalError
from portal.core.ids import new_id
from portal.documents import answering
from portal.web.approvals.agreed import AGREED
from tests.conftest import on_sqlite
from tests.installation import Organisation

Doing = Callable[[Member, Organisation], Any]

# By the kind of act: what wants a proof which is not old. Roles that an admin gives are missing:
# that is done below the layer that knows of proofs, so that their pages alone ask.
WANTING: dict[Act, dict[str, Doing]] = {
    Act.APPROVALS: {
        "approve": lambda a, to: approving.approve_act(a, row_of(to, "pending_act"), AGREED),
        "decline": lambda a, to: approving.decline_act(a, row_of(to, "pending_act")),
    },
    Act.FACTORS: {
        "rename": lambda a, _: own_factors.rename_factor(a, new_id(), "x"),
        "remove": lambda a, _: own_factors.remove_factor(a, new_id()),
        "codes": lambda a, _: own_factors.renew_recovery_codes(a),
        "unlink": lambda a, _: parting.unlink(a, new_id()),
        "enrol": lambda a, _: enrolment.ask_for_passkey(a, "acme.localhost"),
    },
    Act.MEMBERS: {
        "reset": lambda a, to: factor_resets.reset_factors(a, to["member"].id),
        "end one": lambda a, to: membership.end_member_session(a, to["member"].id, new_id()),
        "end all": lambda a, to: membership.end_member_sessions(a, to["member"].id),
    },
    Act.POLICY: {
        "change": lambda a, _: change_policy(a, get_policy(), version=""),
        "want two": lambda a, _: approving.change_choice(a, ["grant-admin"]),
    },
    Act.ROLES: {
        "request": lambda a, to: answering.approve_request(
            a, row_of(to, "access_request", user_id=to["guest"].id), "guest", None
        ),
    },
    Act.SSO: {
        "test": lambda a, to: trials.begin_trial(a, to.providers["nowhere"]),
        "delete": lambda a, to: providers.delete_provider(a, to.providers["nowhere"]),
        "offer": lambda a, to: providers.offer_provider(a, to.providers["nowhere"]),
        "withdraw": lambda a, to: providers.withdraw_provider(a, to.providers["nowhere"]),
        "enforce": lambda a, _: enforcement.enforce_sso(a),
        "release": lambda a, _: enforcement.release_sso(a),
    },
}
CASES = [(act, name) for act, doings in WANTING.items() for name in doings]


def admin_of(organisation: Organisation, ago: timedelta) -> Member:
    """The admin, who proved who they are so long ago."""
    found = find_session(organisation["admin"].token, Actor(kind=ActorKind.ANONYMOUS))
    return replace(found.member, proved_at=portal_clock.now() - ago)


def row_of(organisation: Organisation, table: str, **values: Any) -> Any:
    """The one row of a table there that has these values."""
    wanted = {"tenant_id": organisation.id, **values}.items()
    rows = organisation.portal.rows(table)
    [found] = [row["id"] for row in rows if wanted <= row.items()]
    return found


@on_sqlite
@pytest.mark.parametrize(("act", "name"), CASES)
def test_no_service_takes_an_old_proof(acme, act, name) -> None:
    limit = timedelta(minutes=FRESH_MINUTES[act])
    with acme.bound(writes=True), pytest.raises(StepUpNeeded):
        WANTING[act][name](admin_of(acme, limit), acme)
    assert acme.told() == []


@on_sqlite
@pytest.mark.parametrize(("act", "name"), CASES)
def test_a_younger_one_is_enough(acme, act, name) -> None:
    """Whatever else may be missing."""
    young = timedelta(minutes=FRESH_MINUTES[act]) - timedelta(seconds=10)
    with acme.bound(writes=True) as session:
        with suppress(PortalError):
            try:
                WANTING[act][name](admin_of(acme, young), acme)
            except StepUpNeeded:
                pytest.fail("it was asked for again")
        session.rollback()
