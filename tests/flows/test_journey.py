"""The way of the first people of an organisation: invited, enrolled, at work, and watched."""

import re

import pyotp
import pytest
from werkzeug.test import TestResponse

from portal.core import clock as portal_clock
from tests.audit.reading import listed
from tests.browsing import Visitor, forms_of, links_of
from tests.installation import PASSWORD, Organisation

EMAIL = "newcomer@acme.example"
CONTENT = b"What we agreed upon, line by line.\n" * 5000


def press(visitor: Visitor, page: TestResponse, action: str) -> TestResponse:
    """Send the form of a page that leads to `action`, as it stands there."""
    [form] = [form for form in forms_of(page.text) if form.action == action]
    return visitor.open(action, "POST", data=form.fields)


def code_of(secret: str) -> str:
    return pyotp.TOTP(secret).at(int(portal_clock.now().timestamp()))


def told_in(page: str) -> list[str]:
    """The actions that a page of the log tells of, from top to bottom."""
    return re.findall(r'<code class="small soft fw-normal">([\w.-]+)', page)


def find_the_organisation(acme: Organisation) -> None:
    """1. The first page leads on to the organisation's own address; an unknown host is nothing."""
    nobody = acme.portal.visit("localhost")
    assert [form.fields for form in forms_of(nobody.get("/").text)] == [{"organisation": ""}]
    assert f"http://{acme.host}:8000" in links_of(nobody.get("/?organisation=acme").text)
    assert nobody.get("/?organisation=initech").status_code == 404
    unknown = acme.portal.visit("initech.localhost").get("/")
    assert (unknown.status_code, unknown.data) == (404, b"Not found\n")


def invite(acme: Organisation) -> str:
    """4. The admin invites somebody, and sees the link this once."""
    admin = acme.visit("admin")
    page = admin.submit("/members/new", name="Newcomer", email=EMAIL, role="member")
    [link] = set(re.findall(rf"http://{acme.host}:8000(/auth/invitations/[\w-]+)", page.text))
    members = admin.get("/members").text
    assert EMAIL in members
    assert link not in members
    return link


def accept_and_enrol(acme: Organisation, link: str) -> tuple[Visitor, str]:
    """2. A password and an authenticator are chosen; before that there is no way inside."""
    newcomer = acme.visit()
    answer = newcomer.submit(link, password=PASSWORD, again=PASSWORD)
    assert newcomer.get("/documents").location == "/auth/enrol?next=/documents"
    enrol = newcomer.get(answer.location).location
    page = newcomer.get(enrol).text
    assert "<svg" in page
    secret = re.search(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}", page)[0].replace(" ", "")
    inside = newcomer.submit(enrol, code=code_of(secret))
    assert inside.location == "/account/recovery-codes?next=/"
    page = newcomer.submit(inside.location).text
    assert len(re.findall(r"<span>\w{4}-\w{4}-\w{4}", page)) == 10
    assert 'href="/"' in page, "the way on, once they are kept"
    assert newcomer.get("/").location == "/documents"
    assert newcomer.get(link).status_code == 404, "the link works once"
    return newcomer, secret


def work(newcomer: Visitor) -> str:
    """3. A folder is made; a document comes in, is found there, and comes out as it was."""
    folder = newcomer.submit("/documents", name="Contracts").location
    page = newcomer.get(folder).text
    assert "The folder is created." in page
    newcomer.csrf_token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    sent = newcomer.upload("Agreement.txt", CONTENT, folder.rpartition("/")[2])
    assert sent.status_code == 201
    address = sent.json["address"]
    assert address in links_of(newcomer.get(folder).text)
    page = newcomer.get(address).text
    assert "Agreement.txt" in page
    [download] = {link for link in links_of(page) if link.endswith("/download")}
    assert newcomer.get(download).data == CONTENT
    part = newcomer.get(download, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, CONTENT[100:200])
    return sent.json["id"]


def watch(acme: Organisation, document: str) -> None:
    """5. The admin may not read the log, and the officer reads that, and everything before."""
    admin, officer = acme.visit("admin"), acme.visit("officer")
    assert admin.get("/audit").status_code == 403
    assert admin.get(f"/documents/{document}/download").status_code == 403
    page = officer.get("/audit").text
    assert told_in(page)[:13] == [
        "access.refused", "access.refused", "document.downloaded", "document.downloaded",
        "document.uploaded", "folder.created", "invitation.refused", "recovery-codes.made",
        "sign-in.succeeded", "factor.enrolled", "invitation.accepted", "role.assigned",
        "member.invited",
    ]  # fmt: skip
    for entry in listed(page)[:13]:
        assert officer.get(f"/audit/{entry}").status_code == 200
    about_it = officer.get(f"/audit?target=document:{document}").text
    assert told_in(about_it) == ["document.downloaded"] * 2 + ["document.uploaded"]
    assert "Agreement.txt" in about_it
    refused = officer.get(f"/audit?outcome=refused&person={acme['admin'].id}").text
    assert told_in(refused) == ["access.refused"] * 2


def test_from_the_invitation_to_the_officers_reading(acme, globex, clock) -> None:
    find_the_organisation(acme)
    newcomer, secret = accept_and_enrol(acme, invite(acme))
    document = work(newcomer)
    watch(acme, document)
    assert globex.visit("member").get(f"/documents/{document}").status_code == 404
    assert globex.visit("officer").get(f"/audit?target=document:{document}").status_code == 200
    assert {row["action"] for row in globex.log()} == {"audit.read"}
    # Signed out, the same browser is nobody, and comes back by password and the next code.
    token = newcomer.cookie("session")
    press(newcomer, newcomer.get("/account"), "/auth/sign-out")
    newcomer.take("session", token)
    wanted = f"/documents/{document}"
    sign_in = newcomer.get(wanted).location
    assert sign_in == f"/auth/sign-in?next={wanted}"
    answer = newcomer.submit(sign_in, email=EMAIL, password=PASSWORD)
    assert newcomer.submit(answer.location, code=code_of(secret)).status_code == 401, "used once"
    clock.advance(seconds=30)
    assert newcomer.submit(answer.location, code=code_of(secret)).location == wanted
    assert newcomer.get(wanted).status_code == 200


def test_the_trash_gives_back_what_it_was_given(acme) -> None:
    member, document = acme.visit("member"), acme.documents["plan"]
    path, folder = f"/documents/{document}", f"/documents/folders/{acme.folders['shared']}"
    assert member.submit(f"{path}/rename", name="Second plan.txt").location == folder
    assert member.submit(f"{path}/delete").location == folder
    assert "Second plan.txt" not in member.get(folder).text.partition("<main")[2]
    assert member.get(path).location == "/documents/trash"
    trash = member.get("/documents/trash")
    assert "Second plan.txt" in trash.text
    press(member, trash, f"{path}/restore")
    assert "Second plan.txt" in member.get(folder).text
    assert member.submit(f"{path}/move", folder="").location == "/documents"
    assert path in links_of(member.get("/documents").text)
    assert path not in links_of(member.get(folder).text)
    guest = acme.visit("guest")
    assert guest.get(path).status_code == 403, "it lies no longer where the guest may look"


@pytest.mark.parametrize("who", ["admin", "member", "officer", "auditor", "guest"])
def test_every_link_of_ones_first_pages_leads_somewhere(acme, who) -> None:
    visitor, seen, ahead = acme.visit(who), set(), ["/", "/account"]
    while ahead and len(seen) < 40:
        path = ahead.pop(0)
        if path in seen or not path.startswith("/") or "/static/" in path:
            continue
        seen.add(path)
        answer = visitor.get(path)
        is_act = answer.status_code == 405  # where a form goes that only posts
        assert answer.status_code in (200, 302) or is_act, path
        if answer.mimetype == "text/html" and not is_act:
            ahead += links_of(answer.text) + ([answer.location] if answer.location else [])
    assert len(seen) > 5
