"""A download that is under way ends when the right to it does."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest

from portal.access.decision import Forbidden
from portal.auth.live_sessions import SessionEnded
from portal.core.errors import NotFound, PortalError
from portal.storage.local.reading import LocalReader
from portal.tenancy.models import TenantState
from portal.tenancy.service import change_state
from tests.browsing import Visitor
from tests.flows.blobs import opened_blobs
from tests.installation import Organisation
from tests.serving import serving

BODY = bytes(range(256)) * 8192  # two megabytes: several blocks
LONG = BODY * 16


def uploaded(organisation: Organisation, body: bytes = BODY) -> str:
    sent = organisation.visit("member").upload("long.bin", body, organisation.folders["shared"])
    return f"/documents/{sent.json['id']}"


def ask(visitor: Visitor, path: str) -> Any:
    answer = visitor.client.open(f"{path}/download", base_url=visitor.base, buffered=False)
    assert answer.status_code == 200
    return answer


@contextmanager
def begun(visitor: Visitor, path: str) -> Iterator[Iterator[bytes]]:
    """A download as it goes out, piece by piece."""
    answer = ask(visitor, path)
    try:
        yield answer.iter_encoded()
    finally:
        answer.close()


def take_role(acme: Organisation, path: str) -> None:
    [held] = [
        row["id"]
        for row in acme.portal.rows("role_assignment")
        if row["user_id"] == acme["guest"].id
    ]
    answer = acme.visit("admin").post(f"/members/{acme['guest'].id}/roles/{held}/remove")
    assert answer.status_code == 302


def deactivate(acme: Organisation, path: str) -> None:
    answer = acme.visit("admin").post(f"/members/{acme['guest'].id}/deactivate")
    assert answer.status_code == 302


def sign_out(acme: Organisation, path: str) -> None:
    assert acme.visit("guest").post("/auth/sign-out").status_code == 302


def move_away(acme: Organisation, path: str) -> None:
    assert acme.visit("member").post(f"{path}/move", {"folder": ""}).status_code == 302


def delete(acme: Organisation, path: str) -> None:
    assert acme.visit("member").post(f"{path}/delete").status_code == 302


def end_role(acme: Organisation, path: str) -> None:
    acme.portal.execute(
        "UPDATE role_assignment SET expires_at = '2001-01-01' WHERE role = 'guest'", acme
    )


ENDS: list[tuple[Callable[[Organisation, str], None], type[PortalError]]] = [
    (take_role, Forbidden),
    (end_role, Forbidden),
    (move_away, Forbidden),
    (deactivate, SessionEnded),
    (sign_out, SessionEnded),
    (delete, NotFound),
]


@pytest.mark.parametrize(("end", "error"), ENDS)
def test_it_stops_at_the_next_piece(acme, clock, end, error) -> None:
    path = uploaded(acme)
    with opened_blobs() as blobs:
        with begun(acme.visit("guest"), path) as pieces:
            next(pieces)
            end(acme, path)
            clock.advance(seconds=2)
            with pytest.raises(error):
                next(pieces)
        assert [blob.closed for blob in blobs] == [True]
    last = acme.log()[-1]
    assert (last["action"], last["outcome"]) == ("download.stopped", "refused")
    assert last["target"] == f"document:{path.rpartition('/')[2]}"
    assert (last["actor_id"], last["detail"]) == (acme["guest"].id, {"error": error.__name__})


def test_it_goes_on_for_who_may(acme, clock) -> None:
    got, told = b"", len(acme.log()) + 2  # the upload and the download
    with begun(acme.visit("guest"), uploaded(acme)) as pieces:
        for piece in pieces:
            got += piece
            clock.advance(seconds=2)
    assert got == BODY
    assert len(acme.log()) == told


def test_who_leaves_has_no_piece_made_any_more(acme) -> None:
    """The third piece is made beside the second: the blob is not closed under it, and no fourth is
    made.
    """
    third = 2 * 2**20
    was_read, may_read = Event(), Event()

    class Slow(LocalReader):
        def readinto(self, buffer: Any) -> int | None:
            if self.tell() > third:
                was_read.set()
                assert may_read.wait(10)
            return super().readinto(buffer)

    with opened_blobs(Slow) as blobs:
        answer = ask(acme.visit("guest"), uploaded(acme, LONG))
        pieces = answer.iter_encoded()
        next(pieces)
        next(pieces)
        assert was_read.wait(10)
        leaving = Thread(target=answer.close)
        leaving.start()
        leaving.join(0.2)
        assert leaving.is_alive()
        may_read.set()
        leaving.join(10)
        was_read.clear()
        assert [blob.closed for blob in blobs] == [True]
    assert not was_read.is_set()


def test_it_stops_when_the_organisation_is_suspended(portal, acme, clock) -> None:
    with begun(acme.visit("guest"), uploaded(acme)) as pieces:
        next(pieces)
        change_state(portal.settings.owner_database_url, acme.record, TenantState.SUSPENDED)
        try:
            clock.advance(seconds=2)
            with pytest.raises(NotFound):
                list(pieces)
        finally:
            change_state(portal.settings.owner_database_url, acme.record, TenantState.ACTIVE)


def test_a_slow_reader_of_a_real_server_gets_no_more(portal, acme) -> None:
    path = uploaded(acme, LONG)
    head = f"GET {path}/download HTTP/1.1\r\nHost: {acme.host}:8000\r\n"
    head += f"Cookie: session={acme['guest'].token}\r\n\r\n"
    with serving(portal.settings) as server, server.connect() as connection:
        connection.sendall(head.encode())
        got = len(connection.recv(65536))
        sign_out(acme, path)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            time.sleep(0.01)  # slower than it could be sent
            piece = connection.recv(65536)
            if not piece:
                break
            got += len(piece)
        assert not piece, "the server has ended it"
    assert got < len(LONG)
    assert ("download.stopped", "refused") in acme.told()
