"""A whole day's secrets and names, looked for in everything that is kept or said."""

import base64
import logging
import re
from dataclasses import replace
from io import StringIO
from urllib.parse import quote

import pytest

from portal.core import logs
from tests.audit.day import Day
from tests.audit.day.marks import CONTENT, FILE, FOLDER, OTHER_FILE, OTHER_FOLDER
from tests.audit.log import unwritable
from tests.conftest import on_sqlite
from tests.flows.blobs import opened_blobs
from tests.harness.files import content_of
from tests.installation import PASSWORD, Installation, Organisation

KEYS = {"keys.json", "secret_key"}  # what the operator keeps outside of database and backups


def guises(secret: str) -> set[bytes]:
    """A text as it would look in a row, a log, an address, JSON, hexadecimal or base64."""
    raw = secret.encode()
    coded = (
        {base64.b64encode(b" " * pad + raw)[4:-4] for pad in range(3)} if len(raw) > 9 else set()
    )
    return {raw, raw.hex().encode(), quote(secret).encode(), raw.replace(b"\n", b"\\n"), *coded}


def everything_kept(portal: Installation) -> dict[str, bytes]:
    """All rows of all tables, and every file of the installation but those with its keys."""
    kept = {table: "\n".join(rows).encode() for table, rows in portal.dump().items()}
    for path in portal.settings.instance.rglob("*"):
        if path.is_file() and path.name not in KEYS:
            kept[str(path.relative_to(portal.settings.instance))] = content_of(path)
    return kept


def found_in(places: dict[str, bytes], secrets: dict[str, str]) -> list[tuple[str, str]]:
    wanted = [(name, guise) for name, secret in secrets.items() for guise in guises(secret)]
    return [(where, name) for where, text in places.items() for name, g in wanted if g in text]


def codes_in(text: str, codes: set[str]) -> set[str]:
    """Codes as such, and not six digits of an id or of a fraction of a second."""
    return set(re.findall(r"(?<![\w.-])\d{6}(?![\w-])", text)) & codes


@pytest.fixture
def said(portal, monkeypatch, caplog) -> StringIO:
    """Whatever is logged, at the most talkative level there is."""
    stream = StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    logs.configure(replace(portal.settings, log_level="DEBUG"))
    caplog.set_level(logging.INFO)
    yield stream
    monkeypatch.undo()
    logs.configure(portal.settings)


@pytest.fixture
def day(acme, clock, said) -> Day:
    """A day that is over, and on which everything also went wrong once."""
    day = Day(acme, clock)
    with opened_blobs():
        for act in day.acts():
            form = act.browser.cookie("form")
            for way in ("rule", "error"):
                with unwritable(acme, way):
                    assert act.do().status_code >= 400
                act.browser.take("form", form)
            assert act.do().status_code == act.status
    return day


def as_seen(acme: Organisation) -> bytes:
    """What the auditor finds on the pages of documents, signed in anew: the day has ended all."""
    auditor = acme.visit(address="198.51.100.99")
    auditor.submit("/auth/sign-in", email=acme["auditor"].email, password=PASSWORD)
    auditor.submit("/auth/code", code=acme["auditor"].code)
    made = [row["id"] for row in acme.portal.rows("document") if row["tenant_id"] == acme.id]
    pages = [auditor.get("/documents"), *(auditor.get(f"/documents/{i}/download") for i in made)]
    return b"".join(page.data for page in pages)


@on_sqlite  # whose files keep what was deleted for a while
def test_no_secret_and_no_name_is_kept_or_said_anywhere(portal, acme, day, said, caplog) -> None:
    pages = as_seen(acme)
    kept = everything_kept(portal)
    heard = {"log": said.getvalue().encode(), "others": caplog.text.encode()}
    assert len(day.secrets) > 15
    assert found_in(kept | heard, day.secrets) == []
    assert len(day.codes) > 3
    for name, text in heard.items():
        assert not codes_in(text.decode(), day.codes), name
    for table, rows in portal.dump().items():
        assert not codes_in("\n".join(rows), day.codes), table
    # And this is no blind search: what is not secret is found the same way.
    assert {where for where, _ in found_in(kept, {"e-mail": "newcomer@acme.example"})} >= {
        "user_account"
    }
    assert b"request failed" in heard["log"]
    assert b"refused by the database" in heard["log"]
    assert len(portal.rows("job")) > 2, "mails wait there, with the links in them"
    for shown in (FOLDER.encode(), OTHER_FOLDER.encode(), OTHER_FILE.encode(), CONTENT):
        assert shown in pages


GUISES = {
    "plain": lambda text: text,
    "in an address": quote,
    "hexadecimal": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of more": lambda text: base64.b64encode(f"x{text}".encode()).decode(),
    "base64 of much more": lambda text: base64.b64encode(f"xy{text}yz".encode()).decode(),
}


@pytest.mark.parametrize("guise", GUISES)
def test_the_search_sees_through_the_usual_guises(guise) -> None:
    text = f"a {GUISES[guise](FILE)} b"
    assert ("here", "file") in found_in({"here": text.encode()}, {"file": FILE})


def test_the_search_knows_a_code_from_a_number() -> None:
    assert codes_in("code=123456 id=0198123456 0.123456", {"123456"}) == {"123456"}
    assert codes_in("id=0198123456 0.123456 123456-7 1234567", {"123456"}) == set()
