"""The log as CEF: a parser that knows its rules alone reads back what was put in."""

import json
import re
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from portal.audit.actions import Action
from portal.audit.siem.cef import line_of
from tests.audit.reading import NOON, entry, write_then
from tests.audit.test_export import made
from tests.conftest import on_sqlite

ACME = UUID(int=7)
WORDS = frozenset(map(str, Action))  # each of which has a sentence and a severity of its own
ANY_TEXT = st.text(st.sampled_from("\\|=\n\r a1n\u2028")) | st.text()

FIELD = r"((?:[^\\|\r\n]|\\[\\|])*)"
HEADER = re.compile(r"CEF:0\|" + rf"{FIELD}\|" * 6)
PAIR = re.compile(r"([A-Za-z0-9]+)=((?:[^\\=\r\n]|\\[\\=nr])*?)(?= [A-Za-z0-9]+=|\Z)")


def parse(line: str) -> tuple[list[str], dict[str, str]]:
    """The header's fields and the extension's values; what does not follow the rules fails."""
    found = HEADER.match(line)
    assert found, line
    pairs = PAIR.findall(line, found.end())
    assert " ".join("=".join(pair) for pair in pairs) == line[found.end() :], line
    values = {key: _plain(value) for key, value in pairs}
    assert len(values) == len(pairs), line
    return [_plain(field) for field in found.groups()], values


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda pair: {"n": "\n", "r": "\r"}.get(pair[1], pair[1]), text)


@given(ANY_TEXT.filter(lambda text: text not in WORDS), ANY_TEXT, ANY_TEXT)
def test_whatever_an_entry_holds_is_read_back(action: str, target: str, note: str) -> None:
    told = entry(action=action, target=target, detail={"note": note}, actor_id=ACME)
    header, values = parse(line_of(told | {"request_id": None}, ACME))
    on_one_line = action.replace("\n", " ").replace("\r", " ")
    assert header[3:] == [on_one_line, on_one_line, "1"]
    assert values.pop("cs1", "") == target
    assert json.loads(values.pop("cs5")) == {"note": note}
    assert values["externalId"] == str(told["id"])
    assert values["suid"] == values["cs2"] == str(ACME)
    assert values["rt"] == str(int(NOON.timestamp() * 1000))


@on_sqlite
def test_an_export_as_cef_has_a_line_for_each_entry(acme) -> None:
    addresses = ("192.0.2.7", "2001:db8::7", None)
    write_then(acme, *(entry(action="sign-in.failed", address=each) for each in addresses))
    address = made(acme, form="cef", until="2026-03-04T00:00")
    answer = acme.visit("officer").get(address)
    assert answer.headers["Content-Disposition"].endswith('.cef"')
    lines = [parse(line) for line in answer.text.removesuffix("\n").split("\n")]
    assert [values.get("src") for _, values in lines] == ["192.0.2.7", None, None]
    assert [values.get("c6a2") for _, values in lines] == [None, "2001:db8::7", None]
    for header, values in lines:
        assert header[0] == "Tenant Portal"
        assert header[3:] == ["sign-in.failed", "A sign-in failed", "6"]
        assert values["outcome"] == "success"
