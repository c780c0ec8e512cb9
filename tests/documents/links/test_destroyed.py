"""Links that are destroyed, with what they led to, while somebody is at work with them: a page that
is not there, and nothing lost of what officers are to know.
"""

import errno
import os
import socket
from collections.abc import Callable

import pytest

from portal.documents.links import codes, visits
from tests.documents.links.sharing import PASSWORD, destroy, make, opened
from tests.documents.links.test_conditions import LISTED, ONE, code_for
from tests.documents.links.test_sending import BODY, EICAR, asked, newest, parts, send_slowly
from tests.harness.clamd import clamd
from tests.storage.stores import once_before


@pytest.mark.parametrize("password", [PASSWORD, "another"], ids=["right", "wrong"])
def test_while_a_password_is_looked_at(acme, monkeypatch, password) -> None:
    stranger, path = opened(acme, make(acme, password=PASSWORD))
    once_before(monkeypatch, visits, "verify_password", lambda: destroy(acme))
    assert stranger.post(f"{path}/password", {"password": password}).status_code == 404


def test_while_a_code_is_looked_at(acme, monkeypatch) -> None:
    stranger, path = opened(acme, make(acme, **LISTED))
    code = code_for(acme, stranger, path)
    once_before(monkeypatch, codes, "verify_password", lambda: destroy(acme))
    assert stranger.post(f"{path}/code", {"email": ONE, "code": code}).status_code == 404


@pytest.mark.parametrize("what", ["whole", "too large", "broken off", "disk full"])
def test_while_a_file_arrives(acme, monkeypatch, what) -> None:
    stranger, path = asked(acme, **({"max_file_mib": 1} if what == "too large" else {}))
    form = a_form(stranger.csrf_token, BODY * 20)
    if what == "broken off":
        form = form[:-20]
    if what == "disk full":
        monkeypatch.setattr(os, "link", full)
    before = newest(acme)
    answer = send_slowly(stranger, path, form, once(lambda: destroy(acme)))
    assert answer.status_code == 404
    assert newest(acme) == before
    assert acme.portal.rows("link_use") == []


def test_malware_that_was_sent_is_told_to_the_officers_all_the_same(acme, monkeypatch) -> None:
    stranger, path = asked(acme)
    with clamd() as scanner:
        acme.portal.use(clamd=scanner.address)
        once_before(monkeypatch, socket, "create_connection", lambda: destroy(acme))
        answer = send_slowly(stranger, path, a_form(stranger.csrf_token, EICAR), lambda: None)
    assert answer.status_code == 404
    assert ("upload.infected", "refused") in acme.told()
    assert ("link.refused", "refused") in acme.told()


def a_form(token: str, body: bytes) -> bytes:
    sender = ("sender", None, b"Rita")
    return parts(("csrf_token", None, token.encode()), sender, ("file", "a.txt", body))


def once(act: Callable[[], object]) -> Callable[[], object]:
    left = [act]
    return lambda: left.pop()() if left else None


def full(*_given: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
