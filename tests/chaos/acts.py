"""What is going on when the power fails. An act is a function in `ACTS`: that is all it takes.

Each gets the world with its server up, begins something, and is killed within it, by
`killed_meanwhile` (the server) or `command` (a command). What the portal acknowledged is promised.
"""

import json
from collections.abc import Callable

from tests.chaos.world import Answer, World

PART = 8 * 2**20
FORM = {"Content_Type": "application/x-www-form-urlencoded"}
SIZES = (0, 5_000, 300_000, 2**20, PART)

Act = Callable[[World], None]


def upload(world: World) -> None:
    """At any point of a new document's arrival."""
    content = world.content(*SIZES)
    with world.killed_meanwhile(0.02 + len(content) / 2**27):
        _upload(world, content)


def finish(world: World) -> None:
    """When all has arrived: sealed, synced, named, and its rows written."""
    content = world.content(100, 70_000)
    with world.killed_meanwhile(0.04):
        _upload(world, content)


def upload_version(world: World) -> None:
    """A new version of a document that is there."""
    document_id, content = world.any_document(), world.content(100, 300_000)
    with world.killed_meanwhile(0.05):
        answer = world.ask("PUT", f"/documents/{document_id}/versions", content)
        if answer.status == 201:
            world.promise(document_id, content)


def move(world: World) -> None:
    """A document into another folder."""
    folders = ["", *map(str, world.organisation.folders.values())]
    _press(world, "move", folder=world.random.choice(folders))


def delete(world: World) -> None:
    """A document into the trash."""
    _press(world, "delete")


def restore(world: World) -> None:
    """A document out of the trash."""
    _press(world, "restore")


def sweep(world: World) -> None:
    """The worker, with something to sweep."""
    content = world.content(PART)
    with world.killed_meanwhile(0.03):
        _upload(world, content)
    world.make_old()
    world.command("worker", "--once", seconds=0.8)


def purge(world: World) -> None:
    """The worker, with something to destroy."""
    answer = _send(world, world.content(100, 300_000))
    if answer.status == 201:
        document_id = json.loads(answer.body)["id"]
        for verb in ("delete", "purge"):
            world.ask("POST", f"/documents/{document_id}/{verb}", **FORM)
    world.command("worker", "--once", seconds=0.8)


def move_blobs(world: World) -> None:
    """All contents to another store, or back, or at the end of that."""
    if world.random.random() < 0.4:
        world.begin_move_long_ago()
        world.command("blobs", "clear", world.organisation.record.slug, seconds=1.2)
        return
    to = world.random.choice(world.environment["PORTAL_BLOBS"].split())
    world.command("blobs", "move", world.organisation.record.slug, "--to", to, seconds=1.5)


def verify(world: World) -> None:
    """All contents being read back."""
    world.command("document", "verify", world.organisation.record.slug, seconds=1.0)


ACTS: tuple[Act, ...] = (
    upload,
    finish,
    upload_version,
    move,
    delete,
    restore,
    sweep,
    purge,
    move_blobs,
    verify,
)


def _upload(world: World, content: bytes) -> None:
    answer = _send(world, content)
    if answer.status == 201:
        world.promise(json.loads(answer.body)["id"], content)


def _send(world: World, content: bytes) -> Answer:
    return world.ask("PUT", "/documents/uploads", content, X_File_Name="chaos.bin", X_Folder="")


def _press(world: World, verb: str, **values: str) -> None:
    form = "&".join(f"{name}={value}" for name, value in values.items()).encode()
    with world.killed_meanwhile(0.04):
        world.ask("POST", f"/documents/{world.any_document()}/{verb}", form, **FORM)
