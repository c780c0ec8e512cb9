"""The page on which an organisation chooses what it takes in."""

import pytest

from tests.browsing import forms_of
from tests.conftest import on_sqlite
from tests.installation import Organisation

PATH = "/policy/documents"
ALL = ["pdf", "office", "text", "images", "sound", "video", "archives", "web", "other"]


def version_of(organisation: Organisation) -> str:
    return forms_of(organisation.visit("admin").get(PATH).text)[-1].fields["version"]


def save(organisation: Organisation, who: str = "admin", **changed: object):
    form = {"families": ALL, "version": version_of(organisation)} | changed
    return organisation.visit(who).post(f"{PATH}/change", form)


def test_what_is_chosen_holds_and_is_shown(acme) -> None:
    answer = save(acme, families=["pdf", "text"], tenant_quota_mib=7)
    assert answer.status_code == 302
    form = forms_of(acme.visit("auditor").get(PATH).text)[-1]
    assert form.fields["tenant_quota_mib"] == "7"
    [row] = acme.portal.rows("document_policy")
    assert (row["person_quota_mib"], row["changed_by"]) == (None, acme["admin"].id)
    assert acme.told()[-1] == ("document-policy.changed", "success")
    assert save(acme, families=ALL).status_code == 302
    assert len(acme.portal.rows("document_policy")) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"families": []}, 400),
        ({"families": ["malware"]}, 422),
        ({"tenant_quota_mib": 0}, 422),
        ({"person_quota_mib": -1}, 422),
        ({"person_quota_mib": "much"}, 422),
        ({"version": "2020-01-01T00:00:00+00:00"}, 409),
        ({}, 409),  # as it is
    ],
)
def test_what_makes_no_sense_changes_nothing(acme, changed, status) -> None:
    assert save(acme, **changed).status_code == status
    assert acme.portal.rows("document_policy") == []


@on_sqlite
def test_two_admins_do_not_overwrite_each_other(acme) -> None:
    seen = version_of(acme)
    assert save(acme, person_quota_mib=5).status_code == 302
    assert save(acme, version=seen, person_quota_mib=6).status_code == 409


@on_sqlite
def test_who_only_looks_can_not_save(acme) -> None:
    page = acme.visit("officer").get(PATH).text
    assert "fieldset disabled" in page
    assert "Save" not in page
    assert save(acme, "officer", families=["pdf"]).status_code == 403
