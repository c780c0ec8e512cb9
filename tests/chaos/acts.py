"""What is going on when the power fails. An act is a function in `ACTS`: that is all it takes.

Each gets the world with its server up, begins something, and is killed within it, by
`killed_meanwhile` (the server) or `command` (a command). What the portal acknowledged is promised.
"""

import json
from collections.abc import Callable

from portal.keys import hierarchy
from tests.chaos.world import Answer, Resuming, World
from tests.documents.resuming import CREATE, PIECE_TYPE, metadata

PART, PIECE = 8 * 2**20, 3 * 2**20
FORM = {"Content_Type": "application/x-www-form-urlencoded"}
SIZES = (0, 5_000, 300_000, 2**20, PART)

Act = Callable[[World], None]


def upload(world: World) -> None:
    """At any point of a new document's arrival."""
    content = world.content(*SIZES)
    with world.killed_meanwhile(f"upload of {len(content) // 2**20} MiB"):
        _upload(world, content)


def finish(world: World) -> None:
    """When all has arrived: sealed, synced, named, and its rows written."""
    content = world.content(100, 70_000)
    with world.killed_meanwhile("finish"):
        _upload(world, content)


def upload_version(world: World) -> None:
    """A new version of a document that is there."""
    document_id, content = world.any_document(), world.content(100, 300_000)
    with world.killed_meanwhile("version"):
        answer = world.ask("PUT", f"/documents/{document_id}/versions", content)
        if answer.status == 201:
            world.promise(document_id, content)


def resume(world: World) -> None:
    """An upload that goes on, after each kill, from where the portal says that it is."""
    tus = {"Tus_Resumable": "1.0.0", "Upload_Metadata": metadata(filename="chaos.bin")}
    if world.resuming is None:
        content = world.content(PART + 300_000)
        with world.killed_meanwhile("resumable begun"):
            answer = world.ask("POST", CREATE, Upload_Length=str(len(content)), **tus)
            if answer.status == 201:
                world.resuming = Resuming(answer.headers["Location"], content)
        return
    one = world.resuming
    told = world.ask("HEAD", one.address, **tus)
    offset = int(told.headers["Upload-Offset"])
    assert offset >= one.offset, "what was acknowledged of an upload is lost"
    if offset == len(one.content):
        world.promise(world.document_of(one.address), one.content)
        world.resuming = None
        return
    piece = one.content[offset : offset + PIECE]
    with world.killed_meanwhile("resumable going on"):
        sent = {"Upload_Offset": str(offset), "Content_Type": PIECE_TYPE, **tus}
        answer = world.ask("PATCH", one.address, piece, **sent)
        one.offset = offset + len(piece) if answer.status == 204 else offset


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
    with world.killed_meanwhile("upload to be swept"):
        _upload(world, content)
    world.make_old()
    world.command("worker", "--once")


def purge(world: World) -> None:
    """The worker, with something to destroy."""
    answer = _send(world, world.content(100, 300_000))
    if answer.status == 201:
        document_id = json.loads(answer.body)["id"]
        for verb in ("delete", "purge"):
            world.ask("POST", f"/documents/{document_id}/{verb}", **FORM)
    world.command("worker", "--once")


def move_blobs(world: World) -> None:
    """All contents to another store, or back, or at the end of that."""
    if world.random.random() < 0.4:
        world.begin_move_long_ago()
        world.command("blobs", "clear", world.organisation.record.slug)
        return
    to = world.random.choice(world.environment["PORTAL_BLOBS"].split())
    world.command("blobs", "move", world.organisation.record.slug, "--to", to)


def move_keys(world: World) -> None:
    """The organisation's seeds to another holder of root keys; the old root key is destroyed."""
    slug, to = world.organisation.record.slug, world.random.choice(("local", "aws-kms", "vault"))
    words = ("key", "move-provider", slug, "--to", to, "--destroy-old", "--confirm", slug)
    world.command(*words)
    hierarchy.purge()  # what is checked from here on is unlocked anew


def verify(world: World) -> None:
    """All contents being read back."""
    world.command("document", "verify", world.organisation.record.slug)


def rotate(world: World) -> None:
    """A new key, and what lies under the one before. No server goes on that seals under that."""
    world.command("key", "rotate", world.organisation.record.slug)
    world.kill()


def rewrap(world: World) -> None:
    """The rest of a rotation, up to the end of seeds that nothing needs any more."""
    world.leave_seeds_unused_for_long()
    world.command("key", "rewrap", world.organisation.record.slug)


ACTS: tuple[Act, ...] = (
    upload,
    finish,
    upload_version,
    resume,
    move,
    delete,
    restore,
    sweep,
    purge,
    move_blobs,
    move_keys,
    verify,
    rotate,
    rewrap,
)


def _upload(world: World, content: bytes) -> None:
    answer = _send(world, content)
    if answer.status == 201:
        world.promise(json.loads(answer.body)["id"], content)


def _send(world: World, content: bytes) -> Answer:
    return world.ask("PUT", "/documents/uploads", content, X_File_Name="chaos.bin", X_Folder="")


def _press(world: World, verb: str, **values: str) -> None:
    form = "&".join(f"{name}={value}" for name, value in values.items()).encode()
    with world.killed_meanwhile(verb):
        world.ask("POST", f"/documents/{world.any_document()}/{verb}", form, **FORM)
