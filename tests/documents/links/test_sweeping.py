"""What links leave behind goes, and what somebody may still look up stays."""

from portal.documents.links.sweep import sweep_links
from tests.conftest import on_sqlite
from tests.documents.links.sharing import make, opened
from tests.installation import Organisation

LISTED = {"audience": "listed", "recipients": "one@partner.example"}


def count(acme: Organisation, table: str) -> int:
    return sum(row["tenant_id"] == acme.id for row in acme.portal.rows(table))


def sweep(acme: Organisation) -> None:
    with acme.bound(writes=True):
        sweep_links()


@on_sqlite
def test_visits_and_codes_go_when_they_have_expired_and_links_stay_a_while(acme, clock) -> None:
    before = count(acme, "sharing_link")
    stranger, path = opened(acme, make(acme, **LISTED))
    stranger.post(f"{path}/codes", {"email": "one@partner.example"})
    acme.work()
    sweep(acme)
    assert (count(acme, "link_visit"), count(acme, "link_code")) == (1, 1)
    clock.advance(minutes=11)
    sweep(acme)
    assert (count(acme, "link_visit"), count(acme, "link_code")) == (1, 0)
    clock.advance(hours=12)
    sweep(acme)
    assert count(acme, "link_visit") == 0
    clock.advance(days=8)
    stranger.get(path)
    sweep(acme)
    assert count(acme, "sharing_link") == before + 1


@on_sqlite
def test_a_link_goes_with_all_that_was_done_by_it_three_months_after_its_end(acme, clock) -> None:
    opened(acme, make(acme))
    assert count(acme, "link_use") == 1
    clock.advance(days=96)
    sweep(acme)
    assert count(acme, "link_use") == 1
    clock.advance(days=3)
    sweep(acme)
    assert (count(acme, "sharing_link"), count(acme, "link_use")) == (0, 0)
    assert ("link.opened", "success") in acme.told()
