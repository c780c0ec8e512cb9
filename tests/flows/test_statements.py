"""How many statements a page takes: few, and none more for more rows."""

from urllib.parse import urlencode

import pytest

from tests.audit.reading import entry, write
from tests.browsing import Visitor
from tests.conftest import on_postgresql, on_sqlite
from tests.flows.growing import (
    EVERYTHING,
    acts,
    archivists,
    crowd,
    destinations,
    documents,
    entries,
    folders,
    groups,
    in_a_group,
    inside,
    links,
    members,
    own_roles,
    requests,
    roles,
    sessions,
    starred,
    trash,
    versions,
)  # fmt: skip
from tests.harness.statements import statements
from tests.web.access_list import ACCESS, STRANGER
from tests.web.things import browser_of, own_address

FEW, MANY = 5, 60


def count_of(visitor: Visitor, path: str) -> int:
    """The statements of one page, on connections that are open."""
    visitor.get(path)
    with statements() as sent:
        assert visitor.get(path).status_code == 200
    return len(sent)


ANOTHER_POLICY = urlencode(
    {
        "mfa_for": "nobody",
        "factors": "totp",
        "grace_days": 0,
        "idle_minutes": 9,
        "absolute_hours": 9,
        "password_min_length": 9,
    }
)
ANOTHER_ROLE = urlencode(
    {"name": "Archivist", "sentence": "Reads.", "permissions": "document:upload"}
)

# Page, reader, what it gets more of, and the statements that it may take. Whoever may decide about
# what others have asked for is told on every page how much waits, by one statement.
PAGES = {
    "documents": ("/documents", "member", documents, 4),
    "folders at the top": ("/documents", "member", folders, 4),
    "a folder": ("/documents/folders/{shared}", "member", inside("shared"), 4),
    "who can open a folder": ("/folders/{shared}/access", "officer", members, 10),
    "who can open a document": ("/documents/{plan}/access", "officer", members, 11),
    "a guest's folder": ("/documents/folders/{shared}", "guest", inside("shared"), 4),
    "a guest's first page": ("/documents", "guest", inside("shared"), 3),
    "documents, older": (
        "/documents?at=2100-01-01T00:00%2B00:00&id={note}",
        "member",
        documents,
        4,
    ),
    "documents by name": ("/documents?sort=name", "member", documents, 5),
    "documents by size, further": ("/documents?sort=size&at=0&id={note}", "member", documents, 4),
    "what is starred": ("/documents/starred", "member", starred, 6),
    "what is recent": ("/documents/recent", "member", entries, 6),
    "a document": ("/documents/{note}", "member", documents, 6),
    "a document of many versions": ("/documents/{note}", "member", versions, 6),
    "a preview's page": ("/documents/{note}/view", "member", versions, 5),
    "moving a document": ("/documents/{note}/move", "member", folders, 7),
    "moving a folder": ("/folders/{shared}/move", "member", folders, 7),
    "links": ("/links", "member", links, 7),
    "everybody's links": ("/links/everybody", "officer", links, 8),
    "a link": ("/links/{link}", "member", links, 12),
    "who can open what links lead to": ("/folders/{shared}/access", "officer", links, 10),
    "the trash": ("/documents/trash", "member", trash, 7),
    "members": ("/members", "admin", members, 9),
    "members found": ("/members?q=person", "admin", members, 9),
    "a member": ("/members/{member}", "admin", members, 14),
    "a member with many roles": ("/members/{member}", "admin", roles, 15),
    "inviting": ("/members/new", "admin", folders, 5),
    "roles": ("/roles", "admin", members, 5),
    "many roles": ("/roles", "admin", own_roles, 5),
    "a role": ("/roles/member", "admin", members, 10),
    "a role through a group": ("/roles/member", "admin", in_a_group, 10),
    "a role on folders": ("/roles/guest", "admin", roles, 11),
    "roles that nobody holds together": ("/roles/exclusive", "admin", own_roles, 6),
    "retiring a role": ("/roles/{archivist}/retire", "admin", archivists, 10),
    "another shape of a role": (
        f"/roles/{{archivist}}/preview?{ANOTHER_ROLE}",
        "admin",
        archivists,
        12,
    ),
    "the policy": ("/policy", "admin", members, 6),
    "a member in many groups": ("/members/{member}", "admin", groups, 14),
    "groups": ("/groups", "admin", groups, 8),
    "a group": ("/groups/{crew}", "admin", crowd, 14),
    "adding to a group": ("/groups/{crew}/people/add", "admin", crowd, 12),
    "deleting a group": ("/groups/{crew}/delete", "admin", crowd, 10),
    "an account in many groups": ("/account", "member", groups, 10),
    "the log with groups": ("/audit?target=group", "officer", groups, 11),
    "who has which factor": ("/policy/people", "admin", members, 11),
    "who falls short": ("/policy/people?short=1", "admin", members, 10),
    "requests": ("/requests", "admin", requests, 7),
    "approvals": ("/approvals", "admin", acts, 7),
    "what another policy would do": (
        f"/policy/preview?{ANOTHER_POLICY}",
        "admin",
        members,
        15,
    ),
    "the log": ("/audit", "officer", entries, 12),
    "the log, filtered": ("/audit?target=document&outcome=success", "officer", entries, 12),
    "exports of the log": ("/audit/exports", "officer", entries, 7),
    "where the log is sent": ("/audit/destinations", "officer", destinations, 7),
    "charts of the log": ("/audit/charts", "officer", entries, 18),
    "a life in the log": ("/audit/documents/{note}", "officer", entries, 12),
    "the log of many people": ("/audit", "officer", members, 12),
    "reports": ("/reports", "officer", entries, 10),
    "what concerns oneself": ("/account/activity", "member", entries, 10),
    "what was done to many documents": ("/account/activity", "member", documents, 10),
    "the account": ("/account", "member", sessions, 10),
    "an account with many roles": ("/account", "member", roles, 10),
}


@on_postgresql
@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_few_statements_and_no_more_for_more_rows(acme, page) -> None:
    path, who, add, most = PAGES[page]
    names = {**acme.folders, **acme.documents, **acme.roles, **acme.groups}
    names["member"], names["link"] = acme["member"].id, acme.links["plan"]
    path = path.format(**names)
    add(acme, FEW)
    few = count_of(acme.visit(who), path)
    add(acme, MANY - FEW)
    many = count_of(acme.visit(who), path)
    assert many == few <= most


def test_an_entry_of_the_log_takes_no_more_for_more_people(acme) -> None:
    officer, [made] = acme.visit("officer"), write(acme, entry(actor_id=acme["member"].id))
    few = count_of(officer, f"/audit/{made}")
    members(acme, MANY)
    assert count_of(officer, f"/audit/{made}") == few <= 12


@on_sqlite
def test_no_page_at_all_takes_more_for_more_of_everything(acme) -> None:
    """Every address of the access list, so a page that is new is counted as well."""

    def counts() -> dict[str, int]:
        found = {}
        for endpoint, listed in ACCESS.items():
            who = "member" if "member" in listed.let_in else min(listed.let_in - {STRANGER})
            path, visitor = own_address(acme, endpoint, who), browser_of(acme, who)
            if endpoint == "documents.archive":  # it opens each document when its turn comes
                continue
            if listed.answers.get("GET") == 200 and (who, "GET") not in listed.also:
                found[endpoint] = count_of(visitor, path)
        return found

    for add in EVERYTHING:
        add(acme, FEW)
    few = counts()
    for add in EVERYTHING:
        add(acme, MANY - FEW)
    assert counts() == few
    # The most takes a download of the log, whose entry gets its number before it begins.
    assert max(few.values()) <= 18, few
    assert len(few) > 20
