"""V3: somebody who holds a role on one folder, and everything that they can reach from there."""

import re
from io import BytesIO
from zipfile import ZipFile

import pytest
from werkzeug.test import TestResponse

from tests.browsing import links_of
from tests.web.access_list import ACCESS
from tests.web.things import own_address

FOUND_BY = ("Kanarienvogel", "Xq7 sings", "Note.txt", "Closed")


def crawl(visitor, *starts: str) -> dict[str, str]:
    """Every page that links lead to, from where one starts."""
    seen, waiting = {}, list(starts)
    while waiting:
        path = waiting.pop().partition("#")[0].replace("&amp;", "&")
        if path in seen or not path.startswith("/") or path.startswith(("/static", "/bootstrap")):
            continue
        answer = visitor.get(path)
        seen[path] = text_of(answer)
        if answer.location:
            waiting.append(answer.location)
        if "html" in answer.headers.get("Content-Type", ""):
            waiting += links_of(answer.text)
    return seen


def text_of(answer: TestResponse) -> str:
    """What an answer shows, an archive's members with their names included."""
    if answer.mimetype != "application/zip":
        return answer.data.decode(errors="replace")
    with ZipFile(BytesIO(answer.data)) as archive:
        return "".join(
            name + archive.read(name).decode(errors="replace") for name in archive.namelist()
        )


def test_a_guest_finds_one_folder_and_not_a_trace_of_the_rest(acme) -> None:
    guest = acme.visit("guest")
    everywhere = [own_address(acme, endpoint) for endpoint in ACCESS]
    seen = crawl(guest, "/", *everywhere)
    assert "Plan.txt" in seen["/documents/folders/" + str(acme.folders["shared"])]
    hidden = (*FOUND_BY, *(str(acme.documents[n]) for n in ("canary", "note")),
              str(acme.folders["closed"]))  # fmt: skip
    for path, text in seen.items():
        for trace in hidden:
            assert trace not in text, (path, trace)


def test_the_crawl_would_have_found_the_canary(acme) -> None:
    seen = crawl(acme.visit("member"), "/")
    assert any("Kanarienvogel" in text for text in seen.values())
    assert any(str(acme.documents["canary"]) in text for text in seen.values())


@pytest.mark.parametrize("verb", ["", "/download", "/rename", "/move", "/delete"])
def test_what_a_guest_may_not_see_gives_nothing_away(acme, verb) -> None:
    guest = acme.visit("guest")
    path = f"/documents/{acme.documents['canary']}"
    answer = guest.get(path + verb)
    assert answer.status_code == 403
    assert not any(trace in answer.text for trace in FOUND_BY)
    assert guest.get(f"/documents/folders/{acme.folders['closed']}").status_code == 403


def test_a_guest_sees_what_lies_deeper_in_the_folder_and_nothing_above(acme) -> None:
    member, guest = acme.visit("member"), acme.visit("guest")
    inner = member.post("/folders", {"name": "Inner", "parent": str(acme.folders["shared"])})
    member.upload("deep.txt", b"deep", inner.location.rpartition("/")[2])
    assert "deep.txt" in guest.get(inner.location).text
    member.post(f"/folders/{acme.folders['shared']}/move", {"folder": str(acme.folders["closed"])})
    page = guest.get(inner.location)
    assert page.status_code == 200
    assert "Kanarienvogel" not in page.text
    assert guest.get(f"/documents/folders/{acme.folders['closed']}").status_code == 403


def test_what_is_moved_out_is_out_at_once(acme) -> None:
    guest, plan = acme.visit("guest"), f"/documents/{acme.documents['plan']}"
    assert guest.get(f"{plan}/download").status_code == 200
    acme.visit("member").post(f"{plan}/move", {"folder": str(acme.folders["closed"])})
    assert guest.get(f"{plan}/download").status_code == 403
    assert guest.get(plan).status_code == 403


def test_a_folder_that_is_gone_leaves_a_guest_with_nothing(portal, acme) -> None:
    guest = acme.visit("guest")
    assert re.search(r"Shared", guest.get("/documents").text)
    acme.visit("member").post(f"/folders/{acme.folders['shared']}/delete")
    assert guest.get("/documents").status_code == 200
    assert "Shared" not in guest.get("/documents").text
    assert guest.get(f"/documents/folders/{acme.folders['shared']}").status_code in (403, 404)
