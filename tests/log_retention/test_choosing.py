"""Officers say how long the log is kept; where two are wanted, another has to agree."""

import pytest

from portal.access.models import RoleAssignment
from portal.core.errors import Invalid
from portal.log_retention.policy import choose_retention, keep_days
from tests.access.asked import newest_act, want_two
from tests.audit.test_pages import text_of
from tests.conftest import on_sqlite
from tests.documents.retention.keeping import done_by

PAGE, FORM = "/audit/retention", "/audit/retention/edit"

pytestmark = on_sqlite


def test_it_is_chosen_after_a_look_and_not_below_the_floor(acme) -> None:
    officer = acme.visit("officer")
    assert "For ever" in text_of(officer.get(PAGE).text)
    refused = officer.post(FORM, {"days": "399"})
    assert (refused.status_code, "for 400 days at least" in refused.text) == (400, True)
    looked = officer.post(FORM, {"days": "400", "preview": "1"})
    assert "Nothing has changed yet." in looked.text
    assert acme.told() == []
    assert officer.post(FORM, {"days": "400"}).status_code == 302
    assert acme.told() == [("log-policy.changed", "success")]
    assert "400 days" in text_of(officer.get(PAGE).text)
    with acme.bound():
        assert keep_days() == 400


def test_a_floor_that_was_raised_holds_over_what_was_chosen_before(acme) -> None:
    done_by(acme, "officer", choose_retention, 400)
    acme.portal.use(log_floor_days=730)
    with acme.bound():
        assert keep_days() == 730
    with pytest.raises(Invalid):
        done_by(acme, "officer", choose_retention, 500)


def test_where_two_are_wanted_another_officer_agrees_to_a_shorter_time(acme) -> None:
    with acme.bound(writes=True) as session:
        session.add(RoleAssignment(user_id=acme["auditor"].id, role="compliance-officer"))
    want_two(acme, "prune-log")
    officer, other = acme.visit("officer"), acme.visit("auditor")
    assert officer.post(FORM, {"days": "500", "reason": "data minimisation"}).status_code == 302
    act = f"/approvals/{newest_act(acme)}"
    with acme.bound():
        assert keep_days() is None
    assert officer.post(f"{act}/approve").status_code == 403
    assert "Keep the audit log for 500 days" in other.get(act).text
    assert other.post(f"{act}/approve").status_code == 302
    with acme.bound():
        assert keep_days() == 500
    assert officer.post(FORM, {"days": ""}).status_code == 302, "longer takes nobody else"
    with acme.bound():
        assert keep_days() is None
