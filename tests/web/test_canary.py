"""V3: a document of a few is not to be guessed from anything that the others are answered.

Its name, id, text, size and the fact that it is there: every page is the same with it and without.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from uuid import UUID
from zipfile import ZipFile

from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.installation import Organisation
from tests.web.access_list import ACCESS, HALF, STRANGER
from tests.web.things import address, browser_of, own_address, things_of

NAME, TEXT = "Zephyrine merger.txt", b"quartzite perihelion " * 3000
SIZE = len(TEXT)

# What differs from one answer to the next, whoever asks: tokens, times, ids of requests.
VARIES = re.compile(
    r'name="(?:csrf_token|page|made_as)"[^>]*>|nonce="[^"]*"|<time.*?</time>'
    r"|<svg.*?</svg>|value=\"ey[^\"]*\"|before=[0-9a-f-]{36}|secret=[A-Z2-7]+"
    r"|\b[A-Z2-7]{4}( [A-Z2-7]{4})+\b|\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d\.\d+)?",
    re.DOTALL,
)


# What the organisation keeps, summed up for who looks after its keys and its room.
SUMS = {("acme", endpoint) for endpoint in ("keys.index", "policy.documents")}


def hide(acme: Organisation) -> UUID:
    """Put the document where only those are who read everything: members and auditors."""
    sent = acme.visit("member").upload(NAME, TEXT, acme.folders["closed"])
    assert sent.status_code == 201, sent.text
    return UUID(sent.json["id"])


def others(acme: Organisation, globex: Organisation) -> Iterator[tuple[str, Organisation, Visitor]]:
    """Everybody who is not to know of it, with a browser."""
    for who in ("guest", "admin", STRANGER, HALF):
        yield who, acme, browser_of(acme, who)
    for who in ("member", "admin", "officer"):
        yield who, globex, globex.visit(who)


def told(page: bytes) -> str:
    if page.startswith(b"PK"):  # with the time of its making in it
        with ZipFile(BytesIO(page)) as archive:
            return str([(name, archive.read(name)) for name in archive.namelist()])
    return VARIES.sub("", page.decode(errors="replace"))


def answers(acme: Organisation, globex: Organisation) -> dict[tuple[str, str, str], str]:
    """What every address of the portal answers everybody else."""
    found = {}
    for who, organisation, visitor in others(acme, globex):
        for endpoint, entry in ACCESS.items():
            if "GET" in entry.answers and endpoint not in ("static", "bootstrap.static"):
                path = own_address(organisation, endpoint, who)
                found[who, organisation.record.slug, endpoint] = told(visitor.get(path).data)
    return found


@on_sqlite
def test_every_page_is_the_same_with_it_and_without(portal, acme, globex) -> None:
    before = answers(acme, globex)
    portal.reset()  # what is read of a log is in it the next time
    document = hide(acme)
    after = answers(acme, globex)
    canary = (NAME, NAME.partition(".")[0], "quartzite", str(document), document.hex, str(SIZE))
    for asked, page in after.items():
        assert not [word for word in canary if word in page], asked
        if asked[1] == "globex" and asked[2].startswith("audit."):
            continue  # each reading adds an entry with an id of its own
        if asked[1:] not in SUMS:
            assert page == before[asked], asked


def test_none_of_its_own_addresses_tells_of_it(acme, globex) -> None:
    document = hide(acme)
    for who, organisation, visitor in others(acme, globex):
        for endpoint, entry in ACCESS.items():
            if "document_id" not in entry.about:
                continue
            things = things_of(acme, endpoint) | {"document_id": document}
            for method in sorted(entry.methods - {"OPTIONS"}):
                answer = visitor.open(
                    address(organisation, endpoint, things),
                    method,
                    headers={"X-CSRFToken": visitor.csrf_token},
                )
                assert answer.status_code >= 300, (who, endpoint, method)
                for word in (NAME, "quartzite", str(SIZE)):
                    assert word not in answer.text, (who, endpoint, method)


def test_who_may_is_not_kept_from_it(acme) -> None:
    document = hide(acme)
    for who in ("member", "auditor"):
        assert NAME in acme.visit(who).get(f"/documents/{document}").text


def test_the_log_names_it_to_its_readers_and_never_holds_its_text(acme) -> None:
    document = hide(acme)
    officer = acme.visit("officer")
    pages = [officer.get("/audit"), officer.get(f"/audit?target=document:{document}")]
    assert all(NAME in page.text and "quartzite" not in page.text for page in pages)


def test_no_mail_tells_of_it(acme) -> None:
    document = hide(acme)
    acme.visit("guest").get(f"/documents/{document}")
    sent = str(acme.mails())
    assert not [word for word in (NAME, str(document), "quartzite") if word in sent]
