"""Who gets in by a link, and who is told what."""

import re

import pytest

from portal.auth.tokens import hash_token
from tests.browsing import links_of
from tests.conftest import on_sqlite
from tests.documents.links.sharing import (
    days_ahead,
    link_of,
    make,
    opened,
    refused,
    row_of,
    uses_of,
)
from tests.founding import CONTENTS

NAME, CONTENT = CONTENTS["plan"][1:]
SECRET = "x" * 43


def told(page) -> str:
    """What a stranger is answered, without what differs each time."""
    return re.sub(r'name="csrf_token"[^>]*>', "", page.text)


def test_a_stranger_downloads_what_was_shared(acme) -> None:
    stranger, path = opened(acme, make(acme))
    assert NAME in stranger.get(path).text
    answer = stranger.get(f"{path}/documents/{acme.documents['plan']}/download")
    assert answer.data == CONTENT
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert acme.told() == [
        ("link.made", "success"),
        ("link.opened", "success"),
        ("document.downloaded", "success"),
    ]
    made, *by_link = acme.log()
    assert made["actor_id"] == acme["member"].id
    assert {(row["actor_kind"], row["actor_id"]) for row in by_link} == {("link", link_of(acme))}
    assert uses_of(acme) == [("opened", ""), ("downloaded", "")]


@on_sqlite
def test_no_page_of_a_stranger_leads_into_the_portal(acme) -> None:
    stranger, path = opened(acme, make(acme, "/links/folders/{shared}/new"))
    document = f"{path}/documents/{acme.documents['plan']}"
    for page in ("/shared", path, document):
        answer = stranger.get(page)
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Cache-Control"] == "no-store"
        inside = [link for link in links_of(answer.text) if link.startswith("/")]
        assert [x for x in inside if not x.startswith(("/shared", "/static", "/bootstrap"))] == []


@on_sqlite
def test_the_secret_is_kept_nowhere_and_stands_in_no_address(acme) -> None:
    secret = make(acme)
    assert bytes(row_of(acme)["secret_hash"]) == hash_token(secret)
    assert secret not in str(acme.portal.dump())
    stranger, path = opened(acme, secret)
    assert secret not in stranger.get(path).text + path
    assert secret not in acme.visit("member").get(f"/links/{link_of(acme)}").text


def ended(acme, clock, how: str) -> str:
    """The secret of a link that works no more."""
    secret = make(acme, max_uses=1)
    member, link = acme.visit("member"), link_of(acme)
    if how == "revoked":
        assert member.post(f"/links/{link}/revoke").status_code == 302
    elif how == "expired":
        acme.portal.execute("UPDATE sharing_link SET expires_at = '2001-01-01'", acme)
    elif how == "used up":
        stranger, path = opened(acme, secret)
        stranger.get(f"{path}/documents/{acme.documents['plan']}/download")
    else:
        assert member.post(f"/documents/{acme.documents['plan']}/delete").status_code == 302
    return secret


WAYS = {
    "revoked": "ended by whoever shared it",
    "expired": "has expired",
    "used up": "as often as it may be",
    "in the trash": "not shared any more",
}


@on_sqlite
@pytest.mark.parametrize("how", WAYS)
def test_who_holds_the_secret_is_told_why_and_all_others_nothing(acme, clock, how) -> None:
    path = f"/shared/{link_of(acme)}"
    never = [told(acme.visit().post("/shared", {"address": SECRET})), told(acme.visit().get(path))]
    secret = ended(acme, clock, how)
    answer = acme.visit().post("/shared", {"address": secret})
    assert answer.status_code == 410
    assert WAYS[how] in answer.text
    assert acme.told()[-1] == ("link.refused", "refused")
    assert uses_of(acme)[-1][0] == "refused"
    path = f"/shared/{link_of(acme)}"
    now = [told(acme.visit().post("/shared", {"address": SECRET})), told(acme.visit().get(path))]
    assert now == never
    assert acme.visit().get(path).status_code == 404


@on_sqlite
def test_guesses_are_refused_and_fill_no_log(acme) -> None:
    make(acme)
    before = len(acme.log())
    for guess in (SECRET, "", "\0", "#" + "y" * 43, "é" * 43, "x" * 499):
        answer = acme.visit().post("/shared", {"address": guess})
        assert answer.status_code in (404, 422), guess
        assert not [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("shared")]
    assert len(acme.log()) == before


def test_another_tenants_host_knows_nothing_of_it(acme, globex) -> None:
    secret = make(acme)
    assert globex.visit().post("/shared", {"address": secret}).status_code == 404
    stranger, path = opened(acme, secret)
    elsewhere = globex.visit()
    name = f"shared-{link_of(acme).hex}"
    elsewhere.take(name, stranger.cookie(name))
    assert elsewhere.get(path).status_code == 404
    assert globex.log() == []


@on_sqlite
def test_a_visit_is_for_one_link(acme) -> None:
    stranger, path = opened(acme, make(acme))
    first = stranger.cookie(f"shared-{link_of(acme).hex}")
    make(acme, "/links/folders/{closed}/new")
    other = f"shared-{link_of(acme).hex}"
    stranger.take(other, first)
    assert stranger.get(f"/shared/{link_of(acme)}").status_code == 404
    note = acme.documents["note"]
    for document in (note, acme.documents["canary"]):
        assert stranger.get(f"{path}/documents/{document}").status_code == 404
        assert stranger.get(f"{path}/documents/{document}/download").status_code == 404
    assert stranger.get(f"{path}/folders/{acme.folders['shared']}").status_code == 404


@on_sqlite
def test_a_visit_ends_after_half_a_day(acme, clock) -> None:
    stranger, path = opened(acme, make(acme))
    clock.advance(hours=12, seconds=1)
    assert stranger.get(path).status_code == 404


def test_a_folder_is_shared_with_all_beneath_it_and_nothing_else(acme) -> None:
    member, shared = acme.visit("member"), acme.folders["shared"]
    inner = member.post("/folders", {"name": "Inner", "parent": shared}).location.rpartition("/")[2]
    deep = member.upload("Deep.txt", b"deep down", inner).json["id"]
    stranger, path = opened(acme, make(acme, "/links/folders/{shared}/new"))
    page = stranger.get(path).text
    assert NAME in page
    assert "Inner" in page
    assert "Deep.txt" in stranger.get(f"{path}/folders/{inner}").text
    assert stranger.get(f"{path}/documents/{deep}/download").data == b"deep down"
    for folder in (acme.folders["closed"], acme.documents["plan"]):
        assert stranger.get(f"{path}/folders/{folder}").status_code == 404
    for document in ("note", "canary"):
        there = f"{path}/documents/{acme.documents[document]}"
        assert stranger.get(f"{there}/download").status_code == 404


def test_it_follows_the_newest_version_or_stays_with_one(acme) -> None:
    plan = acme.documents["plan"]
    follows, stays = make(acme), make(acme, version=1)
    member = acme.visit("member")
    assert member.put(f"/documents/{plan}/versions", b"the second").status_code == 201
    contents = []
    for secret in (follows, stays):
        stranger, path = opened(acme, secret)
        contents.append(stranger.get(f"{path}/documents/{plan}/download").data)
    assert contents == [b"the second", CONTENT]


@on_sqlite
def test_there_is_no_link_to_a_version_that_is_not_there(acme) -> None:
    assert "Not a valid choice" in refused(acme, version=2)


@on_sqlite
def test_it_ends_by_the_end_of_the_day_that_was_chosen(acme, clock) -> None:
    assert "30 days at most" in refused(acme, until=days_ahead(31))
    secret = make(acme, until=days_ahead(2))
    clock.advance(days=2)
    opened(acme, secret)
    clock.advance(days=1)
    assert acme.visit().post("/shared", {"address": secret}).status_code == 410


@on_sqlite
def test_a_link_without_a_day_works_for_a_week(acme, clock) -> None:
    secret = make(acme)
    clock.advance(days=7)
    opened(acme, secret)
    clock.advance(days=1)
    assert acme.visit().post("/shared", {"address": secret}).status_code == 410


@on_sqlite
def test_members_alone_come_in_by_an_internal_link(acme) -> None:
    stranger, path = opened(acme, make(acme, "/links/folders/{closed}/new", audience="members"))
    assert "Sign in to go on" in stranger.get(path).text
    canary = f"{path}/documents/{acme.documents['canary']}/download"
    assert stranger.post(f"{path}/enter").status_code == 302
    assert stranger.get(canary).status_code == 403
    stranger.take("session", acme.half_token)
    assert stranger.get(canary).status_code == 403
    stranger.take("session", acme["guest"].token)  # who could not open it by their role
    assert stranger.get(canary).status_code == 403
    assert stranger.post(f"{path}/enter").status_code == 302
    assert stranger.get(canary).data == CONTENTS["canary"][2]
    last = acme.log()[-1]
    assert (last["actor_id"], last["actor_kind"]) == (acme["guest"].id, "user")
    assert last["detail"]["link"] == str(link_of(acme))
    assert acme["guest"].email in acme.visit("member").get(f"/links/{link_of(acme)}").text


@on_sqlite
def test_one_address_is_served_so_often_a_minute(portal_with, acme) -> None:
    secret = make(acme)
    other = portal_with(requests_per_minute=3)
    stranger = other.visit(acme.host, address="203.0.113.77")
    opening = [stranger.post("/shared", {"address": secret}) for _ in range(4)]
    assert [answer.status_code for answer in opening] == [302] * 3 + [429]
    there = f"{opening[0].location}/documents/{acme.documents['plan']}"
    for path in (there, f"{there}/download"):
        statuses = [stranger.get(path).status_code for _ in range(4)]
        assert statuses == [200] * 3 + [429]
