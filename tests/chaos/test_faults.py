"""What the portal stands on fails: the disk, the database. A store that is down is tried in
tests/storage.
"""

import json
from typing import Any

from portal.documents.sweep import sweep_orphans
from tests.chaos.world import World
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import APP_ROLE

MEBIBYTE = 2**20


@on_sqlite
def test_where_the_disk_takes_no_more_an_upload_fails_whole(world: World) -> None:
    """The kernel refuses to let a file grow, as a full disk does, with another number."""
    world.serve(largest_file=4 * MEBIBYTE)
    too_much, enough = world.content(6 * MEBIBYTE), world.content(MEBIBYTE)
    name = {"X_File_Name": "chaos.bin", "X_Folder": ""}
    refused = world.ask("PUT", "/documents/uploads", too_much, **name)
    assert refused.status == 503
    taken = world.ask("PUT", "/documents/uploads", enough, **name)
    assert taken.status == 201
    world.promise(json.loads(taken.body)["id"], enough)
    world.check()
    files = [path for path in world.files() if path.parent.name == "incoming"]
    assert files == []
    assert "EFBIG" in (world.folder / "log").read_text()
    world.search()
    world.kill()


@on_postgresql
def test_a_database_that_ends_all_connections_loses_nothing(portal, acme, postgresql) -> None:
    """As it does when it is restarted: while a content arrives, and while nobody does anything."""
    member, body = acme.visit("member"), Interrupted(postgresql)
    rows = len(portal.rows("document"))
    sent = member.put(
        "/documents/uploads", body, Content_Length=str(4 * MEBIBYTE), X_File_Name="a", X_Folder=""
    )
    assert body.ended > 0
    assert len(portal.rows("document")) == rows + (sent.status_code == 201)
    end_connections(postgresql)
    answers = [member.get("/documents").status_code for _ in range(9)]
    assert answers.count(200) >= 8, "the first that meets a dead connection has all others replaced"
    again = member.upload("b", b"after the restart")
    assert again.status_code == 201
    known = {row["id"] for row in portal.rows("document_version") if row["tenant_id"] == acme.id}
    with acme.bound(writes=True):
        sweep_orphans()
    logged = [
        e["detail"]["sealed_sha256"] for e in acme.log() if e["action"] == "document.uploaded"
    ]
    assert len(logged) == (sent.status_code == 201) + 1
    assert all(portal.blob_path({"id": i, "tenant_id": acme.id}).exists() for i in known)


class Interrupted:
    """A content during which all connections end."""

    def __init__(self, server: Any) -> None:
        self._server, self._left, self.ended = server, 4 * MEBIBYTE, 0

    def read(self, size: int = -1) -> bytes:
        if self._left == 2 * MEBIBYTE:
            self.ended = end_connections(self._server)
        taken = min(size, self._left, MEBIBYTE)
        self._left -= taken
        return bytes(taken)


def end_connections(server: Any) -> int:
    """End what the portal's role has open; gives how many there were."""
    with server.connect() as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s",
            [APP_ROLE],
        )
        return len(ended.fetchall())
