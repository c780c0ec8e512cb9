"""The main job from one end to the other, by commands, links and pages and by nothing else."""

import re

from portal.cli.tenants import create_tenant
from tests.browsing import Visitor, links_of
from tests.installation import PASSWORD, Installation, Person


def come_in(portal: Installation, host: str, link: str) -> Visitor:
    """Accept an invitation and set up an authenticator, as a newcomer does."""
    visitor = portal.visit(host)
    link = link.removeprefix(visitor.base)
    assert visitor.submit(link, password=PASSWORD, again=PASSWORD).status_code == 302
    page = visitor.get("/auth/enrol").text
    joined = re.sub(r"(?<=[A-Z2-7]{4}) (?=[A-Z2-7]{4})", "", page)
    secret = re.search(r"\b[A-Z2-7]{32}\b", joined)[0]
    newcomer = Person(id=None, name="", email="", totp_secret=secret)
    answer = visitor.submit("/auth/enrol", code=newcomer.code)
    assert answer.location == "/account/recovery-codes?next=/"
    visitor.csrf_token = re.search(r'csrf_token" value="([^"]+)"', visitor.get("/account").text)[1]
    return visitor


def link_on(page: str) -> str:
    return re.search(r"http://[\w.]+:8000/auth/invitations/[\w-]+", page)[0]


def test_an_organisations_first_day(portal, acme) -> None:
    with portal.app.app_context():
        _, invited = create_tenant("initech", "Initech", admin=("peter@initech.example", "Peter"))
    host = "initech.localhost"
    admin = come_in(portal, host, invited.link)
    assert admin.get("/").location == "/policy/checklist"
    assert "Somebody else is an admin too" in admin.get("/policy/checklist").text

    new = {"name": "Samir", "email": "samir@initech.example", "role": "member"}
    member = come_in(portal, host, link_on(admin.submit("/members/new", **new).text))
    made = member.post("/folders", {"name": "Reports", "parent": ""})
    reports = made.location.rpartition("/")[2]
    body = b"cover sheet first\n" * 500
    sent = member.upload("TPS%20report.txt", body, reports)
    assert sent.status_code == 201
    assert "TPS report.txt" in member.get(made.location).text

    new = {"name": "Bob", "email": "bob@consult.example", "role": "guest", "folder": reports}
    guest = come_in(portal, host, link_on(admin.submit("/members/new", **new).text))
    download = f"/documents/{sent.json['id']}/download"
    assert guest.get(download).data == body
    assert guest.upload("mine.txt", b"x", reports).status_code == 403

    new = {"name": "Milton", "email": "milton@initech.example", "role": "compliance-officer"}
    officer = come_in(portal, host, link_on(admin.submit("/members/new", **new).text))
    page = officer.get("/audit?action=document.downloaded").text
    assert "Bob" in page
    assert "TPS report.txt" in page
    refused = officer.get("/audit?outcome=refused").text
    assert "Bob" in refused
    assert admin.get("/audit").status_code == 403
    assert admin.get(download).status_code == 403
    assert officer.get(download).status_code == 403

    member_id = re.search(r"/members/([0-9a-f-]{36})[^>]*>\s*Samir", admin.get("/members").text)[1]
    assert admin.submit(f"/members/{member_id}/deactivate").status_code == 302
    assert member.get("/documents").status_code == 302
    assert "Samir" in officer.get("/audit?action=member.deactivated").text

    # And next door nothing of it is to be seen.
    for who in ("admin", "officer", "member"):
        pages = "".join(
            acme.visit(who).get(path).text for path in ("/members", "/audit", "/documents")
        )
        assert "Samir" not in pages
        assert "TPS report" not in pages
    assert acme.visit("member").get(download).status_code == 404
    assert not any(
        "initech" in address for address in links_of(acme.visit("admin").get("/members").text)
    )
