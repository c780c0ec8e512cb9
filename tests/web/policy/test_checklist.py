"""The security checklist, and when it is what an admin finds first."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from portal.access.models import RoleAssignment
from portal.auth.sso.models import IdentityProvider
from portal.core import clock
from portal.documents.retention.models import RetentionRule
from tests.conftest import on_sqlite
from tests.installation import Organisation
from tests.web.policy.test_policy import save

ROW = r'class="main">\s*(\S[^\n]*)\n.*?<span class="tag (?:good|warn)">([^<]+)<'


def states(organisation: Organisation) -> dict[str, str]:
    page = organisation.visit("admin").get("/policy/checklist").text
    return dict(re.findall(ROW, page, re.DOTALL))


def by(statement: Any) -> Callable[[Organisation], None]:
    def change(acme: Organisation) -> None:
        with acme.bound(writes=True) as session:
            session.execute(statement)

    return change


def make_codes(acme: Organisation) -> None:
    assert acme.visit("admin").post("/account/recovery-codes").status_code == 200


def ask_nobody(acme: Organisation) -> None:
    assert save(acme, mfa_for="nobody", password_min_length="15").status_code == 302


def deactivate(acme: Organisation) -> None:
    path = f"/members/{acme['second_admin'].id}/deactivate"
    assert acme.visit("admin").post(path).status_code == 302


OVERSEERS = delete(RoleAssignment).where(RoleAssignment.role != "admin")
TESTED = update(IdentityProvider).values(tested_at=clock.now())
CHANGES = {
    "A second factor is asked for": ask_nobody,
    "You have recovery codes": make_codes,
    "Somebody else is an admin too": deactivate,
    "Somebody reads the audit log": by(
        delete(RoleAssignment).where(RoleAssignment.role != "admin")
    ),
    "Single sign-on was tried and works": by(
        update(IdentityProvider).values(tested_at=clock.now())
    ),
    "Rules say how long documents are kept": by(delete(RetentionRule)),
}


@on_sqlite
@pytest.mark.parametrize("step", CHANGES)
def test_each_step_tells_whether_it_is_done(acme, step) -> None:
    before = states(acme)
    assert before.keys() == CHANGES.keys()
    CHANGES[step](acme)
    after = states(acme)
    assert {name for name in before if after[name] != before[name]} == {step}


@on_sqlite
def test_an_admin_finds_it_first_until_what_is_urgent_is_done(acme) -> None:
    admin = acme.visit("admin")
    assert admin.get("/").location == "/policy/checklist"
    make_codes(acme)
    assert admin.get("/").location == "/members"
    deactivate(acme)
    assert admin.get("/").location == "/policy/checklist"
    assert acme.visit("member").get("/").location == "/documents"
