"""A link opens what its maker may open now, and ends when it is ended: also in mid-download."""

from collections.abc import Callable

import pytest

from portal.core.errors import PortalError
from portal.documents.links.validity import LinkClosed
from tests.browsing import Visitor
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
from tests.documents.sharers import give
from tests.flows.blobs import opened_blobs
from tests.installation import Organisation

RULES = {"mode": "on", "max_days": 30, "version": ""}


def content(acme: Organisation, stranger: Visitor, path: str) -> int:
    return stranger.get(f"{path}/documents/{acme.documents['plan']}/download").status_code


def deactivate(acme: Organisation) -> None:
    assert acme.visit("admin").post(f"/members/{acme['member'].id}/deactivate").status_code == 302


def take_role(acme: Organisation) -> None:
    rows = acme.portal.rows("role_assignment")
    [held] = [row["id"] for row in rows if row["user_id"] == acme["member"].id]
    path = f"/members/{acme['member'].id}/roles/{held}/remove"
    assert acme.visit("admin").post(path).status_code == 302


def trash(acme: Organisation) -> None:
    path = f"/documents/{acme.documents['plan']}/delete"
    assert acme.visit("member").post(path).status_code == 302


def trash_folder(acme: Organisation) -> None:
    path = f"/folders/{acme.folders['shared']}/delete"
    assert acme.visit("member").post(path).status_code == 302


def revoke(acme: Organisation) -> None:
    assert acme.visit("member").post(f"/links/{link_of(acme)}/revoke").status_code == 302


def revoke_all(acme: Organisation) -> None:
    path = f"/links/people/{acme['member'].id}/revoke"
    assert acme.visit("officer").post(path).status_code == 302


def forbid(acme: Organisation) -> None:
    assert change_rules(acme, mode="off").status_code == 302


def expire(acme: Organisation) -> None:
    acme.portal.execute("UPDATE sharing_link SET expires_at = '2001-01-01'", acme)


def change_rules(acme: Organisation, **wanted: object):
    admin = acme.visit("admin")
    version = _hidden("version", admin.get("/policy/links").text)
    rules = RULES | {"version": version} | wanted
    answer = admin.post("/policy/links/change", rules)
    if "Save again" not in answer.text:
        return answer
    return admin.post("/policy/links/change", rules | {"ending": _hidden("ending", answer.text)})


def _hidden(name: str, page: str) -> str:
    return page.partition(f'name="{name}"')[2].partition('value="')[2].partition('"')[0]


ENDS = [deactivate, take_role, trash, trash_folder, revoke, revoke_all, forbid, expire]


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_with_the_next_request(acme, end: Callable[[Organisation], None]) -> None:
    secret = make(acme)
    stranger, path = opened(acme, secret)
    assert content(acme, stranger, path) == 200
    end(acme)
    for page in (path, f"{path}/documents/{acme.documents['plan']}"):
        assert stranger.get(page).status_code == 410
    assert content(acme, stranger, path) == 410
    assert acme.visit().post("/shared", {"address": secret}).status_code == 410


@on_sqlite
@pytest.mark.parametrize("end", ENDS)
def test_a_download_that_is_under_way_stops(acme, clock, end) -> None:
    body = bytes(range(256)) * 8192
    sent = acme.visit("member").upload("long.bin", body, acme.folders["shared"])
    acme.documents["plan"] = sent.json["id"]
    stranger, path = opened(acme, make(acme))
    there = f"{path}/documents/{sent.json['id']}/download"
    with opened_blobs() as blobs:
        answer = stranger.client.open(there, base_url=stranger.base, buffered=False)
        pieces = answer.iter_encoded()
        next(pieces)
        end(acme)
        clock.advance(seconds=2)
        with pytest.raises(LinkClosed):
            next(pieces)
        answer.close()
        assert [blob.closed for blob in blobs] == [True]
    last = acme.log()[-1]
    assert (last["action"], last["actor_kind"]) == ("download.stopped", "link")


@on_sqlite
def test_the_document_moved_elsewhere_is_out_of_a_folders_link(acme) -> None:
    stranger, path = opened(acme, make(acme, "/links/folders/{shared}/new"))
    plan = f"/documents/{acme.documents['plan']}"
    assert acme.visit("member").post(f"{plan}/move", {"folder": ""}).status_code == 302
    assert content(acme, stranger, path) == 404
    assert stranger.get(path).status_code == 200


@on_sqlite
def test_only_who_may_share_makes_a_link(acme) -> None:
    for who in ("guest", "auditor", "officer", "admin"):
        for path in (
            f"documents/{acme.documents['plan']}/new",
            f"folders/{acme.folders['shared']}/new",
        ):
            assert acme.visit(who).post(f"/links/{path}").status_code == 403, who


@on_sqlite
def test_a_folder_owner_shares_their_folder_and_nothing_else(acme) -> None:
    give(acme, "guest", "folder-owner", "shared")
    guest = acme.visit("guest")
    assert guest.get(f"/links/documents/{acme.documents['plan']}/new").status_code == 200
    for there in (f"documents/{acme.documents['note']}", f"folders/{acme.folders['closed']}"):
        assert guest.post(f"/links/{there}/new").status_code == 403


@on_sqlite
def test_a_stranger_is_not_sent_to_a_home_page_where_they_have_no_account(acme) -> None:
    stranger, path = opened(acme, make(acme))
    revoke(acme)
    assert stranger.get(path).status_code == 410
    assert "home page" not in stranger.get(path).text
    assert "home page" in acme.visit("member").get("/nowhere").text


# --- looking after links


@on_sqlite
def test_who_sees_a_link_and_who_may_end_it(acme) -> None:
    make(acme)
    path = f"/links/{link_of(acme)}"
    seen = {who: acme.visit(who).get(path).status_code for who in ("admin", "officer", "auditor")}
    assert seen == {"admin": 200, "officer": 200, "auditor": 200}
    assert acme.visit("auditor").post(f"{path}/revoke").status_code == 403
    assert acme.visit("officer").post(f"{path}/revoke").status_code == 302
    assert row_of(acme)["revoked_by"] == acme["officer"].id
    assert acme.visit("member").post(f"{path}/revoke").status_code == 409


@on_sqlite
def test_another_member_sees_no_link_but_who_owns_the_folder_does(acme) -> None:
    make(acme)
    path = f"/links/{link_of(acme)}"
    give(acme, "guest", "member", "shared")
    guest = acme.visit("guest")
    assert guest.get(path).status_code == 404
    assert guest.post(f"{path}/revoke").status_code == 404
    assert guest.post(f"{path}/end").status_code == 404
    give(acme, "guest", "folder-owner", "shared")
    assert guest.get(path).status_code == 200
    assert guest.post(f"{path}/end", {"until": days_ahead(3)}).status_code == 302
    assert guest.post(f"{path}/revoke").status_code == 302


@on_sqlite
def test_an_admin_is_not_told_what_a_document_is_called(acme) -> None:
    make(acme)
    for page in ("/links/everybody", f"/links/{link_of(acme)}"):
        text = acme.visit("admin").get(page).text
        assert "Plan.txt" not in text
        assert "A document" in text
        assert "Plan.txt" in acme.visit("officer").get(page).text


@on_sqlite
def test_the_end_is_moved_within_the_limits_and_not_after_it(acme, clock) -> None:
    secret, member = make(acme), acme.visit("member")
    path = f"/links/{link_of(acme)}/end"
    assert member.post(path, {"until": days_ahead(31)}).status_code == 400
    assert member.post(path, {"until": days_ahead(-1)}).status_code == 422
    assert member.post(path, {"until": days_ahead(30)}).status_code == 302
    assert acme.told()[-1] == ("link.changed", "success")
    expire(acme)
    assert member.post(path, {"until": days_ahead(30)}).status_code == 409
    assert acme.visit().post("/shared", {"address": secret}).status_code == 410


@on_sqlite
def test_the_access_page_says_that_links_lead_there(acme) -> None:
    acme.portal.execute("DELETE FROM sharing_link", acme)
    pages = [
        f"/documents/{acme.documents['plan']}/access",
        f"/folders/{acme.folders['shared']}/access",
    ]
    for page in pages:
        assert "for people who are not in this list" not in acme.visit("member").get(page).text
    make(acme, "/links/folders/{shared}/new")
    for page in pages:
        assert "1 link leads here" in acme.visit("member").get(page).text


# --- the organisation's rules


def made(acme: Organisation) -> None:
    """Links of all kinds."""
    for filled in (
        {},
        {"password": "a gate of nine willows"},
        {"audience": "listed", "recipients": "one@partner.example"},
        {"audience": "members"},
        {"until": days_ahead(20)},
        {"kind": "view"},
    ):
        make(acme, "/links/folders/{shared}/new", **filled)


def live(acme: Organisation) -> int:
    return sum(
        row["revoked_at"] is None
        for row in acme.portal.rows("sharing_link")
        if row["tenant_id"] == acme.id
    )


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ({"mode": "off"}, 0),
        ({"mode": "internal"}, 1),
        ({"max_days": 7}, 5),
        ({"conditions": "is_lock_required"}, 3),
        ({"conditions": "is_view_only"}, 1),
    ],
)
def test_tightening_ends_what_breaks_it_at_once_and_for_good(acme, rules, left) -> None:
    acme.portal.execute("DELETE FROM sharing_link", acme)
    made(acme)
    assert live(acme) == 6
    assert change_rules(acme, **rules).status_code == 302
    assert live(acme) == left
    told = [row for row in acme.log() if row["action"] == "link.revoked"]
    assert len(told) == 6 - left
    assert {row["detail"]["why"] for row in told} == {"policy"} or not told
    changed = [row for row in acme.log() if row["action"] == "link-policy.changed"]
    assert changed[0]["detail"]["ended_links"] == 6 - left
    assert change_rules(acme).status_code == 302
    assert live(acme) == left


def test_an_admin_is_told_how_many_links_would_end_before_any_does(acme) -> None:
    acme.portal.execute("DELETE FROM sharing_link", acme)
    made(acme)
    admin, path = acme.visit("admin"), "/policy/links/change"
    off = RULES | {"version": "", "mode": "off"}
    assert admin.post(path, off | {"ending": "nonsense"}).status_code == 422
    for ending in ("", "5"):
        answer = admin.post(path, off | {"ending": ending})
        assert answer.status_code == 409
        assert "6 links end by this, for good. Save again" in answer.text
        assert live(acme) == 6
    assert admin.post(path, off | {"ending": "6"}).status_code == 302
    assert live(acme) == 0


@on_sqlite
def test_what_the_rules_forbid_can_not_be_made(acme) -> None:
    change_rules(acme, conditions="is_lock_required")
    assert "requires a password" in refused(acme)
    make(acme, password="a gate of nine willows")
    change_rules(acme, mode="internal")
    assert "own members only" in refused(acme)
    make(acme, audience="members")
    change_rules(acme, conditions="is_view_only")
    assert "not download them" in refused(acme)
    change_rules(acme, mode="off")
    told = refused(acme, audience="members")
    assert "does not allow sharing by links" in told
    assert f'href="/documents/{acme.documents["plan"]}">Back' in told


@on_sqlite
def test_the_end_of_a_link_is_not_moved_past_new_rules(acme) -> None:
    make(acme)
    change_rules(acme, max_days=7)
    path = f"/links/{link_of(acme)}/end"
    assert acme.visit("member").post(path, {"until": days_ahead(8)}).status_code == 400


@on_sqlite
def test_rules_that_somebody_else_has_changed_are_looked_at_again(acme) -> None:
    assert change_rules(acme, max_days=20).status_code == 302
    late = acme.visit("admin").post("/policy/links/change", RULES | {"max_days": 300})
    assert late.status_code == 409
    assert change_rules(acme, max_days=400).status_code == 422


@on_sqlite
def test_every_refusal_stands_on_the_page_of_the_link(acme) -> None:
    stranger, path = opened(acme, make(acme))
    revoke(acme)
    stranger.get(path)
    assert uses_of(acme) == [("opened", ""), ("refused", "revoked")]
    text = acme.visit("member").get(f"/links/{link_of(acme)}").text
    assert "the link was revoked" in text
    assert stranger.address in text
    assert issubclass(LinkClosed, PortalError)
