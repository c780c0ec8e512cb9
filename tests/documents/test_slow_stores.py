"""While a store takes its time, whoever writes something else does not wait for it.

On SQLite a transaction that writes has the only lock there is, so none may be open meanwhile.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from portal.core.errors import PortalError
from portal.storage.local.reading import LocalReader
from tests.conftest import on_sqlite
from tests.documents.links.sharing import destroy, make, opened
from tests.documents.links.test_ending import deactivate, take_role, trash
from tests.documents.samples import picture_of
from tests.installation import Organisation
from tests.storage.stores import once_before

pytestmark = on_sqlite

Read = Callable[[], int]  # prepared; gives the status of the answer, once all of it is read


def download(acme: Organisation) -> Read:
    plan, member = acme.documents["plan"], acme.visit("member")
    return lambda: member.get(f"/documents/{plan}/download").status_code


def a_range(acme: Organisation) -> Read:
    plan, member = acme.documents["plan"], acme.visit("member")
    asked = {"Range": "bytes=2-5"}
    return lambda: member.get(f"/documents/{plan}/download", headers=asked).status_code


def view(acme: Organisation) -> Read:
    plan, member = acme.documents["plan"], acme.visit("member")
    return lambda: member.get(f"/documents/{plan}/view").status_code


def text(acme: Organisation) -> Read:
    plan, member = acme.documents["plan"], acme.visit("member")
    return lambda: member.get(f"/documents/{plan}/preview").status_code


def picture(acme: Organisation) -> Read:
    member = acme.visit("member")
    sent = member.upload("a.png", picture_of("PNG"), acme.folders["shared"]).json["id"]
    return lambda: member.get(f"/documents/{sent}/preview").status_code


def compare(acme: Organisation) -> Read:
    plan, member = acme.documents["plan"], acme.visit("member")
    new = member.put(f"/documents/{plan}/versions", b"Another text.\n").json["id"]
    return lambda: member.get(f"/documents/{plan}/compare?version={new}").status_code


def archive(acme: Organisation) -> Read:
    shared, member = acme.folders["shared"], acme.visit("member")
    return lambda: member.get(f"/documents/folders/{shared}/archive").status_code


def by_a_link(acme: Organisation) -> Read:
    stranger, path = opened(acme, make(acme))
    there = f"{path}/documents/{acme.documents['plan']}/download"
    return lambda: stranger.get(there).status_code


@pytest.mark.parametrize("moment", ["__init__", "readinto"], ids=["opening", "reading"])
@pytest.mark.parametrize(
    "prepare", [download, a_range, view, text, picture, compare, archive, by_a_link]
)
def test_nobody_waits_for_a_store_that_somebody_else_reads(
    acme, monkeypatch, prepare, moment
) -> None:
    read, admin, written = prepare(acme), acme.visit("admin"), []
    real = getattr(LocalReader, moment)

    def slowly(*given: object) -> object:
        with ThreadPoolExecutor(1) as pool:
            group = {"name": f"Meanwhile {len(written)}"}
            written.append(pool.submit(admin.post, "/groups/new", group).result().status_code)
        return real(*given)

    monkeypatch.setattr(LocalReader, moment, slowly)
    assert read() in (200, 206)
    assert set(written) == {302}


@pytest.mark.parametrize("by", ["download", "picture"])
def test_what_a_link_led_to_is_not_there_if_it_goes_while_a_store_is_read(
    acme, monkeypatch, by
) -> None:
    """The link is destroyed with it, as a purge may have it at any moment."""
    kind = "view" if by == "picture" else "download"
    folder, content = acme.folders["shared"], picture_of("PNG")
    document = acme.visit("member").upload("a.png", content, folder).json["id"]
    stranger, path = opened(acme, make(acme, f"/links/documents/{document}/new", kind=kind))
    once_before(monkeypatch, LocalReader, "readinto", lambda: destroy(acme))
    answer = stranger.get(f"{path}/documents/{document}/{by}")
    assert answer.status_code == 404
    assert "There is nothing here." in answer.text
    assert acme.told()[-1] == ("link.opened", "success")


@pytest.mark.parametrize("end", [deactivate, take_role, trash], ids=lambda one: one.__name__)
@pytest.mark.parametrize("prepare", [download, a_range, archive, by_a_link])
def test_what_is_taken_away_while_a_store_is_read_is_not_given(
    acme, monkeypatch, prepare, end
) -> None:
    """Access was decided before, and seconds have passed."""
    read, real, left = prepare(acme), LocalReader.readinto, [end]

    def slowly(*given: object) -> object:
        if left:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(left.pop(), acme).result()
        return real(*given)

    monkeypatch.setattr(LocalReader, "readinto", slowly)
    with suppress(PortalError):  # out of an answer that is under way
        assert read() in (401, 403, 404, 410)
    assert not left
    assert ("document.downloaded", "success") not in acme.told()
