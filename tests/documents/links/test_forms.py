"""The form of a new link: nothing that was typed into it is let slip."""

import re

import pytest

from portal.core.ids import new_id
from portal.documents.links import offering
from portal.web.links import forms
from tests.browsing import forms_of
from tests.conftest import on_sqlite
from tests.documents.links.sharing import (
    FORM,
    PASSWORD,
    days_ahead,
    link_of,
    make,
    refused,
    row_of,
)
from tests.documents.links.test_ending import change_rules
from tests.documents.samples import picture_of
from tests.documents.sharers import give
from tests.installation import Organisation

AGAIN = "Enter the password again, or tick that the link gets none."
PATHS = ["documents/{plan}/new", "folders/{shared}/new", "folders/{shared}/request"]


def path_of(acme: Organisation, path: str) -> str:
    return "/links/" + path.format(**acme.documents, **acme.folders)


def corrected(page: str, **filled: str) -> dict[str, str]:
    """The form as a page gives it back, with what is filled in anew."""
    fields = forms_of(page)[-1].fields
    fields.pop("without_password", None)  # a box, which nobody ticked
    return fields | FORM | filled


@on_sqlite
@pytest.mark.parametrize("path", PATHS)
def test_a_password_that_an_error_took_away_is_not_left_out_unnoticed(acme, path) -> None:
    member, there = acme.visit("member"), path_of(acme, path)
    late = member.post(there, FORM | {"password": PASSWORD, "until": days_ahead(31)})
    assert late.status_code == 400
    assert PASSWORD not in late.text
    before = len(acme.portal.rows("sharing_link"))
    page = late.text
    for until in (days_ahead(31), days_ahead(3)):  # however often it is sent
        again = member.post(there, corrected(page, until=until))
        assert again.status_code == 422
        assert AGAIN in again.text
        page = again.text
    assert len(acme.portal.rows("sharing_link")) == before
    done = member.post(there, corrected(page, until=days_ahead(3), password=PASSWORD))
    assert done.status_code == 200
    assert row_of(acme)["password_hash"]


@on_sqlite
def test_a_password_is_left_out_by_who_says_so(acme) -> None:
    member, there = acme.visit("member"), path_of(acme, PATHS[0])
    late = member.post(there, FORM | {"password": PASSWORD, "until": days_ahead(31)})
    chosen = {"until": days_ahead(3), "without_password": "y"}
    assert member.post(there, corrected(late.text, **chosen)).status_code == 200
    assert row_of(acme)["password_hash"] is None


@on_sqlite
def test_a_password_that_is_typed_counts_more_than_the_tick_beside_it(acme) -> None:
    member, there = acme.visit("member"), path_of(acme, PATHS[0])
    late = member.post(there, FORM | {"password": PASSWORD, "until": days_ahead(31)})
    both = {"password": PASSWORD, "without_password": "y"}
    late = member.post(there, corrected(late.text, until=days_ahead(31), **both))
    [box] = re.findall(r'<input[^>]*name="without_password"[^>]*>', late.text)
    assert "checked" not in box
    again = member.post(there, corrected(late.text, until=days_ahead(3)))
    assert AGAIN in again.text


@on_sqlite
@pytest.mark.parametrize(
    ("filled", "said"),
    [
        ({}, "Whoever has the address, no password"),
        ({"password": PASSWORD}, "Whoever has the address, with a password"),
        ({"audience": "members"}, "Members, who sign in, no password"),
    ],
)
def test_whoever_made_a_link_is_told_whom_it_is_for(acme, filled, said) -> None:
    page = acme.visit("member").post(path_of(acme, PATHS[0]), FORM | filled)
    assert said in page.text


@on_sqlite
def test_no_day_is_offered_on_which_a_link_may_not_end(acme) -> None:
    member = acme.visit("member")
    make(acme)
    pages = [path_of(acme, path) for path in PATHS] + [f"/links/{link_of(acme)}/end"]
    for page in pages:
        [field] = re.findall(r'<input[^>]*name="until"[^>]*>', member.get(page).text)
        assert f'max="{days_ahead(30)}"' in field


@on_sqlite
@pytest.mark.parametrize("audience", ["anybody", "members"])
@pytest.mark.parametrize("typed", ["one@partner.example", "no mail"])
def test_e_mails_are_not_thrown_away(acme, audience, typed) -> None:
    page = refused(acme, audience=audience, recipients=typed)
    assert "Choose “Listed people”, or take the e-mails away." in page


@on_sqlite
@pytest.mark.parametrize("path", PATHS)
def test_a_form_that_is_sent_again_makes_no_second_link(acme, path) -> None:
    """By reloading the page that shows the address, most of all."""
    member, there = acme.visit("member"), path_of(acme, path)
    fields = forms_of(member.get(there).text)[-1].fields
    made = member.post(there, fields | FORM)
    assert made.status_code == 200
    before = acme.portal.rows("sharing_link")
    again = member.post(there, fields | FORM)
    assert again.status_code == 409
    assert "made already" in again.text
    assert "/shared#" not in again.text
    assert acme.portal.rows("sharing_link") == before
    for made_up in ("1", str(new_id()), of_another(acme, there)):
        refused = member.post(there, fields | FORM | {"made_as": made_up})
        assert refused.status_code == 422
        assert "This form is too old." in refused.text
    assert acme.portal.rows("sharing_link") == before
    another = forms_of(again.text)[-1].fields
    assert member.post(there, another | FORM).status_code == 200, "wanted, after it was told"


def of_another(acme: Organisation, there: str) -> str:
    """What the same page gives somebody else who may share the same."""
    give(acme, "guest", "folder-owner", "shared")
    [field] = re.findall(r'name="made_as"[^>]*value="([^"]+)"', acme.visit("guest").get(there).text)
    return field


@on_sqlite
def test_a_form_that_was_open_for_too_long_is_looked_through_again(acme, monkeypatch) -> None:
    member, there = acme.visit("member"), path_of(acme, PATHS[0])
    fields = forms_of(member.get(there).text)[-1].fields
    monkeypatch.setattr(forms, "ID_SECONDS", -1)
    late = member.post(there, fields | FORM)
    assert late.status_code == 422
    assert "This form is too old." in late.text


@on_sqlite
def test_where_nothing_can_be_shared_by_the_rules_no_form_is_offered(acme) -> None:
    change_rules(acme, conditions="is_view_only")
    page = acme.visit("member").get(path_of(acme, PATHS[0])).text
    assert "Only PDFs and images can be shown, and no version of this is either." in page
    assert "Make the link" not in page
    assert "Make the link" in acme.visit("member").get(path_of(acme, PATHS[1])).text


@on_sqlite
def test_an_older_version_can_be_viewed_where_the_newest_is_no_picture(acme, monkeypatch) -> None:
    change_rules(acme, conditions="is_view_only")
    member, folder = acme.visit("member"), acme.folders["shared"]
    made = member.upload("a.png", picture_of("PNG"), folder).json["id"]
    assert member.post(f"/documents/{made}/rename", {"name": "a.txt"}).status_code == 302
    assert member.put(f"/documents/{made}/versions", b"text").status_code == 201
    path = f"/links/documents/{made}/new"
    assert "Make the link" in member.get(path).text
    newest = member.post(path, FORM | {"kind": "view"})
    assert "Only PDFs and images can be viewed, and this version is neither." in newest.text
    assert member.post(path, FORM | {"kind": "view", "version": "1"}).status_code == 200
    monkeypatch.setattr(offering, "MOST_VERSIONS", 1)
    assert "no version of this is either" in member.get(path).text
