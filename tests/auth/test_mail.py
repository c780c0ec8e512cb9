"""Mails as they arrive: twice the same in two dresses, from whom they say, and harmless."""

import re
from collections.abc import Iterator
from email.utils import getaddresses

import pytest

from portal.auth.mail import send_later
from portal.auth.notices import Notice, tell
from portal.cli import working
from tests.browsing import links_of
from tests.harness.smtp import Mail, MailSink, mail_sink
from tests.installation import Installation, Organisation


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with mail_sink() as sink:
        yield sink


@pytest.fixture(autouse=True)
def no_old_mail(portal) -> None:
    portal.execute_everywhere("DELETE FROM job")


def arrived(portal: Installation, sink: MailSink, sender: str = "portal@portal.example") -> Mail:
    """The one mail that waits, once the worker has sent it."""
    portal.use(smtp_url=f"smtp://{sink.host}:{sink.port}", mail_from=sender)
    with portal.app.app_context():
        working.go_round(sweeping=False)
    [mail] = sink.mails
    return mail


def notify(organisation: Organisation, notice: Notice = Notice.NEW_DEVICE, **facts: str) -> None:
    with organisation.bound(writes=True):
        tell(organisation["member"].id, notice, **facts)


def rename(organisation: Organisation, name: str) -> None:
    """Give the organisation another name, whatever it is, until the test ends."""
    quoted = name.replace("'", "''")
    organisation.portal.execute(f"UPDATE tenant SET name = '{quoted}' WHERE slug = 'acme'")


def test_a_mail_is_text_and_html_of_the_same_words(portal, acme, sink) -> None:
    notify(acme, address="198.51.100.9")
    mail = arrived(portal, sink)
    assert mail.message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in mail.message.iter_parts()]
    assert kinds == ["text/plain", "text/html"], "the last one is what programs prefer"
    said = re.findall(r"\w+", mail.text)
    shown = re.findall(r"\w+", re.sub(r"<[^>]+>", " ", mail.html.partition("</h1>")[2]))
    assert shown[: len(said)] == said
    assert "198.51.100.9" in mail.text


def test_its_headers_say_what_it_is(portal, acme, sink, clock) -> None:
    notify(acme)
    message = arrived(portal, sink).message
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime
    assert re.fullmatch(r"<[^@>]+@localhost>", message["Message-ID"])
    assert message["To"] == acme["member"].email


@pytest.mark.parametrize(
    "name",
    [
        "Acme",
        "Müller & Söhne",
        'Acme "The Best", Inc.',
        "Acme <boss@evil.example>",
        "boss@evil.example",
        "正しい馬",
        "Acme\r\nBcc: all@evil.example",
        "Acme\nSubject: Other\n\nA body",
        "\u202eemcA",
        "A" * 200,
    ],
)
def test_it_comes_under_the_organisations_name_and_from_the_portal(
    portal, acme, sink, name
) -> None:
    """What an admin calls the organisation is a name, and never a header or an address."""
    rename(acme, name)
    try:
        with acme.portal.app.app_context():
            acme.record = working.list_living_tenants()[0]
        notify(acme)
        mail = arrived(portal, sink)
    finally:
        rename(acme, "Acme")
        with acme.portal.app.app_context():
            acme.record = working.list_living_tenants()[0]
    printed = "".join(c for c in name if c.isprintable())
    assert mail.message["From"].addresses[0].display_name == printed
    assert getaddresses([str(mail.message["From"])])[0][1] == "portal@portal.example"
    assert len(mail.message["From"].addresses) == 1
    assert mail.sender == "portal@portal.example"
    assert mail.recipients == [acme["member"].email]
    assert mail.message["Bcc"] is None
    assert mail.message["Subject"] == "Signed in from a new browser"


def test_the_operators_address_may_have_a_name_of_its_own(portal, acme, sink) -> None:
    notify(acme)
    mail = arrived(portal, sink, sender="The Portal <mail@portal.example>")
    [sender] = mail.message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Acme", "mail@portal.example")


@pytest.mark.parametrize("notice", Notice, ids=lambda notice: notice.name)
def test_a_notice_tells_what_when_and_where_and_leads_nowhere(portal, acme, sink, notice) -> None:
    browser = "Mozilla/5.0 (iPhone) Version/18.0 Mobile Safari/604.1"
    notify(acme, notice, address="198.51.100.9", user_agent=browser, factor="<b>passkey</b>")
    mail = arrived(portal, sink)
    assert mail.message["Subject"] == notice.subject
    for words in (notice.happened, notice.otherwise, "198.51.100.9", "Safari on iPhone", "UTC"):
        assert words in " ".join(mail.text.split())
        assert words in " ".join(mail.html.split())
    assert "Factor: <b>passkey</b>" in mail.text
    assert "&lt;b&gt;passkey" in mail.html
    assert links_of(mail.html) == []
    assert "://" not in mail.text


def test_html_loads_nothing(portal, acme, sink) -> None:
    with acme.bound(writes=True):
        link = "http://acme.localhost:8000/auth/resets/x?a=1&b=2"
        send_later(
            "a@b.example", "S", "reset", name="<img src=x>", address="?", link=link, until="now"
        )
    mail = arrived(portal, sink)
    assert links_of(mail.html) == [link]
    assert link in mail.text
    assert "<img" not in mail.html


def test_what_a_template_wants_and_is_not_told_is_a_mistake(portal, acme) -> None:
    with acme.bound(writes=True), pytest.raises(Exception, match="undefined"):
        send_later("a@b.example", "S", "reset", name="A")
    assert acme.mails() == []
