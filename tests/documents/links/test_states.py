"""What the lists of links say of each: whether it works, and if not, why; and which are gone."""

import re

import pytest

from tests.conftest import on_sqlite
from tests.documents.links.sharing import link_of, make
from tests.documents.links.test_ending import deactivate, take_role, trash, trash_folder
from tests.documents.retention.keeping import hold, later, work
from tests.installation import Organisation


def states(acme: Organisation, who: str = "officer") -> list[str]:
    """What the newest link's page says of it, and what the list does."""
    pages = (f"/links/{link_of(acme)}", "/links/everybody" if who == "officer" else "/links")
    texts = [acme.visit(who).get(page).text for page in pages]
    return [re.search(r'<span class="tag[^"]*">([^<]+)</span>', text)[1] for text in texts]


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (deactivate, "Opens nothing"),
        (take_role, "Opens nothing"),
        (trash, "In the trash"),
        (trash_folder, "In the trash"),
    ],
)
def test_a_link_that_opens_nothing_is_not_said_to_work(acme, end, state) -> None:
    make(acme)
    assert states(acme) == ["Works", "Works"]
    end(acme)
    assert states(acme) == [state, state]
    page = acme.visit("officer").get(f"/links/{link_of(acme)}").text
    assert "/end" not in page
    assert "/revoke" in page


@on_sqlite
def test_it_works_again_once_its_document_is_restored(acme) -> None:
    make(acme)
    trash(acme)
    member = acme.visit("member")
    assert member.post(f"/documents/{acme.documents['plan']}/restore").status_code == 302
    assert states(acme, "member") == ["Works", "Works"]


@on_sqlite
def test_a_file_request_works_as_long_as_its_maker_may_upload_there(acme) -> None:
    make(acme, "/links/folders/{shared}/request")
    assert states(acme) == ["Works", "Works"]
    trash_folder(acme)
    assert states(acme) == ["In the trash", "In the trash"]


@on_sqlite
def test_the_end_of_a_link_that_is_used_up_is_not_offered_to_be_changed(acme) -> None:
    make(acme, max_uses=1)
    acme.portal.execute("UPDATE sharing_link SET uses = 1", acme)
    assert states(acme, "member") == ["Used up", "Used up"]
    assert "/end" not in acme.visit("member").get(f"/links/{link_of(acme)}").text


@on_sqlite
@pytest.mark.parametrize("act", ["end", "revoke"])
def test_what_an_ended_link_is_not_offered_leads_to_its_page(acme, act) -> None:
    make(acme)
    link, member = f"/links/{link_of(acme)}", acme.visit("member")
    assert member.get(f"{link}/{act}").status_code == 200
    assert member.post(f"{link}/revoke").status_code == 302
    assert member.get(f"{link}/{act}").location == link


@pytest.mark.parametrize("thing", ["document", "folder"])
@pytest.mark.parametrize("is_held", [False, True], ids=["destroyed", "held"])
def test_a_link_goes_with_what_it_leads_to_be_that_held_or_not(acme, clock, thing, is_held) -> None:
    """Else a link that stays would tell that there is a hold."""
    made_on = {"document": "/links/documents/{plan}/new", "folder": "/links/folders/{shared}/new"}
    make(acme, made_on[thing])
    link = link_of(acme)
    if is_held:
        hold(acme, "document", acme.documents["plan"])
    {"document": trash, "folder": trash_folder}[thing](acme)
    later(acme, clock, days=31)
    work(acme)
    for who, page in (("member", "/links"), ("officer", "/links/everybody")):
        visitor = acme.visit(who)
        assert str(link) not in visitor.get(page).text
        assert visitor.get(f"/links/{link}").status_code == 404
        assert visitor.post(f"/links/{link}/revoke").status_code == 404
