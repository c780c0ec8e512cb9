"""Whatever is sent to a form or a callback: never an error of ours, and a refusal changes nothing.

Every address of the access list that takes a POST is tried by somebody who is let in, with the
fields that its form has on the pages; every address that takes a GET, with the queries of links.
On PostgreSQL, which takes fewer numbers and texts than SQLite; among very many, on both.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException

from tests.browsing import forms_of, links_of
from tests.conftest import on_postgresql
from tests.installation import LOG, PASSWORD, Installation, Organisation
from tests.web.access_list import ACCESS, HALF, MEMBERS, STRANGER
from tests.web.things import browser_of, own_address
from tests.web.watched import watching_queries

TAKE_POST = sorted(endpoint for endpoint, entry in ACCESS.items() if "POST" in entry.answers)
TAKE_GET = sorted(
    endpoint
    for endpoint, entry in ACCESS.items()
    if "GET" in entry.answers and not endpoint.endswith("static")
)
# What a refusal may leave behind: that it was tried.
TRACES = LOG | {"attempt_count", "ceremony"}
PASSING = {"user_session": {"last_seen_at", "proved_at"}}

ODD = (
    *("", " ", "\0", "a\0b", "x" * 5000, "9" * 400, "-1", "1e9", "NaN", "0", "on", "null"),
    *(
        "%",
        "%00",
        "'",
        '"',
        "[]",
        "{}",
        "{{7*7}}",
        "<b>",
        "\u202e",
        "\ud800",
        "é",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
    ),
    *("https://elsewhere.example", "//elsewhere.example", "../../etc/passwd", "a@b@c.example"),
    *("00000000-0000-0000-0000-000000000000", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"),
)
CALLBACK = ("code", "state", "iss", "error", "error_description", "next", "token", "id")
CONTENT_TYPES = (
    *("", "text/plain", "application/xml", "application/json", "application/octet-stream"),
    *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\0"),
    "application/x-www-form-urlencoded; charset=utf-16",
)

odd = st.sampled_from(ODD) | st.text(max_size=40)
jsonlike = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | odd,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd, inner, max_size=3),
    max_leaves=5,
)
Pairs = list[tuple[str, str]]


@dataclass
class Known:
    """What the pages tell of an address: by name, the values that its fields are seen to have."""

    fields: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def pairs(self, right: dict[str, str]) -> st.SearchStrategy[Pairs]:
        """Fields as the page has them, missing, repeated, with odd values, and unknown ones."""
        each = []
        for name, seen in sorted(self.fields.items()):
            good = st.sampled_from(sorted({*seen, right.get(name, name)}))
            values = good.map(lambda value: [value]) | st.lists(good | odd, max_size=3)
            each.append(values.map(lambda values, name=name: [(name, v) for v in values]))
        more = st.lists(
            st.tuples(st.sampled_from([*self.fields, *CALLBACK]) | odd, odd), max_size=2
        )
        return st.tuples(*each, more).map(lambda parts: list(chain(*parts)))


@dataclass
class Pages:
    """What all pages tell that anybody sees: of forms that are sent, and of queries."""

    posted: dict[str, Known] = field(default_factory=lambda: defaultdict(Known))
    asked: dict[str, Known] = field(default_factory=lambda: defaultdict(Known))

    def read(self, organisation: Organisation, endpoint: str, text: str) -> None:
        """Take in one page."""
        for form in forms_of(text):
            known = self.posted if form.method == "post" else self.asked
            names = known[leads_to(organisation, form.action) or endpoint].fields
            for name, value in form.fields.items():
                if name != "csrf_token":
                    names[name] |= {value, *form.choices.get(name, ())}
        for link in links_of(text):
            for name, value in parse_qsl(urlsplit(link).query):
                self.asked[leads_to(organisation, link)].fields[name].add(value)


def read_all(organisation: Organisation) -> Pages:
    """As those see them who see most."""
    pages = Pages()
    for endpoint in TAKE_GET:
        for who in sorted({somebody(endpoint), *(ACCESS[endpoint].let_in & {"admin", "officer"})}):
            page = browser_of(organisation, who).get(own_address(organisation, endpoint, who))
            if page.mimetype == "text/html":
                pages.read(organisation, endpoint, page.text)
    return pages


def leads_to(organisation: Organisation, address: str) -> str:
    """The endpoint behind an address of a page."""
    urls = organisation.portal.app.url_map.bind(organisation.host)
    path = urlsplit(address).path
    for method in ("POST", "GET"):
        try:
            return urls.match(path, method)[0] if path else ""
        except HTTPException:
            continue
    return ""


@pytest.fixture(scope="session")
def read() -> dict[str, Pages]:
    """What was read, by database."""
    return {}


@pytest.fixture
def known(read, portal, acme) -> Pages:
    if portal.name not in read:
        read[portal.name] = read_all(acme)
        portal.reset()
    return read[portal.name]


def urlencoded(pairs: Pairs) -> tuple[str, bytes]:
    sent = [tuple(text.encode("utf-8", "surrogatepass") for text in pair) for pair in pairs]
    return "application/x-www-form-urlencoded", urlencode(sent).encode()


def multipart(pairs: Pairs, *, as_files: bool) -> tuple[str, bytes]:
    """As browsers send forms with files; a text field may come as a file, too."""
    file_name = '; filename="a.txt"' if as_files else ""
    parts = "".join(
        f'--edge\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n{value}\r\n'
        for name, value in pairs
    )
    body = f"{parts}--edge--\r\n".encode("utf-8", "surrogatepass")
    return "multipart/form-data; boundary=edge", body


def as_json(pairs: Pairs, more: Any) -> tuple[str, bytes]:
    return "application/json", json.dumps({**dict(pairs), "more": more}).encode()


def bodies(known: Known, right: dict[str, str]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Content types with bodies: half of them forms that are nearly right."""
    pairs = known.pairs(right)
    form = pairs.map(urlencoded)
    return st.one_of(
        form,
        form,
        form,
        st.builds(multipart, pairs, as_files=st.booleans()),
        st.builds(as_json, pairs, jsonlike),
        st.tuples(st.sampled_from(CONTENT_TYPES), st.binary(max_size=60)),
    )


def fuzzed(number: int) -> Any:
    return settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


Rows = dict[str, list[dict[str, Any]]]


def without_traces(rows: Rows) -> dict[str, list[str]]:
    """The rows, but for what only tells that something was tried."""
    return {
        table: sorted(
            repr([item for item in row.items() if item[0] not in PASSING.get(table, ())])
            for row in rows[table]
        )
        for table in rows.keys() - TRACES
    }


def has_changed_nothing(portal: Installation) -> bool:
    """Whether nothing was left behind but traces. The portal is put back as it was."""
    after = portal.rows_of(portal.touched - TRACES)
    portal.reset()
    return without_traces(after) == without_traces(portal.rows_of(after))


def right_values(organisation: Organisation, who: str) -> dict[str, str]:
    """What somebody would type who means well."""
    person = organisation[who if who in MEMBERS else "member"]
    return {"email": person.email, "password": PASSWORD, "present": PASSWORD, "code": person.code}


def somebody(endpoint: str) -> str:
    """Whom the address is meant for: the least of those who are let in."""
    order = [STRANGER, HALF, "member", "admin", *sorted(MEMBERS)]
    entry = ACCESS[endpoint]
    return next(
        who for who in order if who in entry.let_in and entry.also.get((who, "POST")) is None
    )


def send_many(organisation: Organisation, endpoint: str, known: Known, number: int) -> None:
    """Send that many forms to an address."""
    portal, who = organisation.portal, somebody(endpoint)

    @fuzzed(number)
    @given(bodies(known, right_values(organisation, who)))
    def send(body: tuple[str, bytes]) -> None:
        visitor = browser_of(organisation, who)
        answer = visitor.open(
            own_address(organisation, endpoint, who),
            "POST",
            data=body[1],
            content_type=body[0],
            headers={"X-CSRFToken": visitor.csrf_token},
        )
        assert answer.status_code < 500
        if answer.status_code < 400:
            portal.reset()
        else:
            assert has_changed_nothing(portal)

    send()


def ask_many(organisation: Organisation, endpoint: str, known: Known, number: int) -> None:
    """Ask that many queries of an address; one, if it asks nothing of its query."""
    portal, who, is_heedless = organisation.portal, somebody(endpoint), []

    @fuzzed(number)
    @given(known.pairs({}))
    def ask(pairs: Pairs) -> None:
        if is_heedless:
            return
        query = urlencoded(pairs)[1].decode()
        address = own_address(organisation, endpoint, who).partition("?")[0]
        with watching_queries() as read:
            answer = browser_of(organisation, who).get(address, query_string=query)
            is_heedless.extend([True] * (pairs != [] and not read))
        assert answer.status_code < 500
        assert has_changed_nothing(portal)

    ask()


@on_postgresql
@pytest.mark.parametrize("endpoint", TAKE_POST)
def test_no_form_is_an_error_of_ours_and_no_refusal_changes_anything(acme, known, endpoint) -> None:
    send_many(acme, endpoint, known.posted[endpoint], 8)


@on_postgresql
@pytest.mark.parametrize("endpoint", TAKE_GET)
def test_no_query_is_an_error_of_ours_or_changes_anything(acme, known, endpoint) -> None:
    ask_many(acme, endpoint, known.asked[endpoint], 4)


@pytest.mark.fuzz
@pytest.mark.parametrize("endpoint", TAKE_POST)
def test_no_form_among_very_many_is_an_error_of_ours(acme, known, endpoint) -> None:
    send_many(acme, endpoint, known.posted[endpoint], 500)


@pytest.mark.fuzz
@pytest.mark.parametrize("endpoint", TAKE_GET)
def test_no_query_among_very_many_is_an_error_of_ours(acme, known, endpoint) -> None:
    ask_many(acme, endpoint, known.asked[endpoint], 200)


@on_postgresql
def test_the_fields_of_forms_are_found_on_the_pages(known) -> None:
    posted, asked = known.posted, known.asked
    assert {"email", "password", "next"} <= posted["auth.sign_in"].fields.keys()
    assert {"role", "folder"} <= posted["members.assign_role"].fields.keys()
    assert "auditor" in posted["members.assign_role"].fields["role"]
    assert {"person", "action"} <= asked["audit.index"].fields.keys()
