"""The operator's list of stolen passwords, small or as large as it comes."""

import hashlib
import tracemalloc
from pathlib import Path

import pytest

from portal.auth import breached
from portal.core import settings
from portal.core.errors import Misconfigured
from tests.conftest import on_sqlite, settings_for
from tests.installation import PASSWORD

STOLEN = ["seventeen purple lighthouses", "übermäßig große Frösche", "hunter2", "ab"]


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.fixture
def given(tmp_path):
    """Give the process a list of these lines."""
    before = settings._active

    def give(lines: list[str], *, end: str = "\n", last: str = "\n") -> Path:
        path = tmp_path / f"list-{len(list(tmp_path.iterdir()))}.txt"
        path.write_bytes((end.join(lines) + last).encode())
        settings.use(settings_for(tmp_path, breached_passwords=path))
        return path

    yield give
    settings.use(before)


SHAPES = {
    "passwords": STOLEN,
    "SHA-1": [sha1(p) for p in STOLEN],
    "SHA-1 in small letters": [sha1(p).lower() for p in STOLEN],
    "SHA-1 and how often": [f"{sha1(p)}:{n}" for n, p in enumerate(STOLEN)],
    "all of these": [STOLEN[0], sha1(STOLEN[1]), "", f"{sha1(STOLEN[2])}:10", STOLEN[3]],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_small_list_has_its_lines_in_any_order_and_any_shape(given, shape, end) -> None:
    given(SHAPES[shape], end=end)
    assert [breached.is_breached(p) for p in STOLEN] == [True] * len(STOLEN)
    for other in ("", "hunter", "hunter22", "HUNTER2", PASSWORD, sha1("hunter2")):
        assert not breached.is_breached(other), other


@pytest.mark.parametrize("last", ["\n", "", "\r\n"])
def test_a_large_list_is_searched_where_it_lies(given, monkeypatch, last) -> None:
    """Every line of it is found, the first and the last as well, and nothing between them."""
    monkeypatch.setattr(breached, "SMALL_BYTES", 1000)
    passwords = [f"password {n}" for n in range(3000)]
    listed = sorted(sha1(p) for p in passwords)
    given([f"{digest}:{n * n}" for n, digest in enumerate(listed)], last=last)
    breached.check_list()
    assert all(map(breached.is_breached, passwords))
    assert not any(breached.is_breached(f"other {n}") for n in range(3000))


def test_a_large_list_takes_no_memory_of_its_size(given, monkeypatch) -> None:
    monkeypatch.setattr(breached, "SMALL_BYTES", 1000)
    path = given(sorted(sha1(f"{n}") for n in range(100_000)))
    tracemalloc.start()
    assert breached.is_breached("777")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < path.stat().st_size / 10


@pytest.mark.parametrize(
    "lines",
    [
        [sha1(f"{n}") for n in range(3000)],
        [f"password {n}" for n in range(3000)],
        sorted(sha1(f"{n}") for n in range(3000))[::-1],
        sorted(sha1(f"{n}")[:39] for n in range(3000)),
    ],
    ids=["out of order", "passwords", "backwards", "another hash"],
)
def test_a_large_list_that_can_not_be_searched_is_refused(given, monkeypatch, lines) -> None:
    monkeypatch.setattr(breached, "SMALL_BYTES", 1000)
    given(lines)
    with pytest.raises(Misconfigured, match="PORTAL_BREACHED_PASSWORDS"):
        breached.check_list()


def test_a_list_that_is_gone_is_told_of_at_the_start(given) -> None:
    given(STOLEN).unlink()
    with pytest.raises(Misconfigured, match="PORTAL_BREACHED_PASSWORDS"):
        breached.check_list()


def test_without_a_list_nothing_is_stolen(tmp_path) -> None:
    before = settings._active
    settings.use(settings_for(tmp_path))
    try:
        breached.check_list()
        assert not breached.is_breached("hunter2")
    finally:
        settings.use(before)


@on_sqlite
def test_a_stolen_password_is_not_taken_by_any_door(portal, acme, tmp_path) -> None:
    path = tmp_path / "stolen.txt"
    path.write_text("\n".join(STOLEN))
    portal.use(breached_passwords=path)
    stolen = {"new": STOLEN[0], "again": STOLEN[0], "password": STOLEN[0], "present": PASSWORD}
    doors = {
        "member": "/account/password",
        None: acme["invited"].invitation.partition("8000")[2],
        "auditor": acme.reset_link.partition("8000")[2],
    }
    for who, door in doors.items():
        answer = acme.visit(who).post(door, stolen)
        assert answer.status_code == 400, door
        assert "stolen" in answer.text, door
        fine = {name: value + "!" for name, value in stolen.items() if name != "present"}
        assert acme.visit(who).post(door, stolen | fine).status_code == 302, door
