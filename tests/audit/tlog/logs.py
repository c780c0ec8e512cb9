"""Logs as files, made for the tests, and what can be done to them."""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.audit.tlog.files import bundle, tile_path
from portal.audit.tlog.hashes import fold, leaf_hash
from portal.audit.tlog.notes import Checkpoint, VerifierKey, sign_checkpoint
from portal.audit.tlog.trees import WIDTH, Tree

ORIGIN = "acme.localhost/audit/0198a000-0000-7000-8000-000000000000"
OWN, FOREIGN = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
ENTRIES = [f"entry {n}".encode() for n in range(600)]
OLD_SIZES = (1, 256, 300, 511)


def verifier_key(secret: Ed25519PrivateKey = OWN, origin: str = ORIGIN) -> VerifierKey:
    return VerifierKey(origin, secret.public_key().public_bytes_raw())


def levels_of(entries: Sequence[bytes]) -> list[list[bytes]]:
    levels = [[leaf_hash(entry) for entry in entries]]
    while len(levels[-1]) >= WIDTH:
        full = range(0, len(levels[-1]) // WIDTH * WIDTH, WIDTH)
        levels.append([fold(levels[-1][at : at + WIDTH]) for at in full])
    return levels


def note_of(entries: Sequence[bytes], secret: Ed25519PrivateKey = OWN, origin: str = ORIGIN) -> str:
    levels = levels_of(entries)
    tree = Tree(lambda level, index: levels[level][index * WIDTH : (index + 1) * WIDTH])
    checkpoint = Checkpoint(origin, len(entries), tree.root(len(entries)))
    return sign_checkpoint(checkpoint, secret.public_key().public_bytes_raw(), secret.sign)


def write_entries(folder: Path, entries: Sequence[bytes]) -> None:
    for at in range(0, len(entries), WIDTH):
        some = entries[at : at + WIDTH]
        width = None if len(some) == WIDTH else len(some)
        put(folder / tile_path("entries", at // WIDTH, width), bundle(some))


def write_log(
    folder: Path,
    entries: Sequence[bytes] = ENTRIES,
    secret: Ed25519PrivateKey = OWN,
    old_sizes: Sequence[int] = OLD_SIZES,
) -> Path:
    write_entries(folder, entries)
    for level, hashes in enumerate(levels_of(entries)):
        for at in range(0, len(hashes), WIDTH):
            some = hashes[at : at + WIDTH]
            width = None if len(some) == WIDTH else len(some)
            put(folder / tile_path(level, at // WIDTH, width), b"".join(some))
    put(folder / "checkpoint", note_of(entries, secret).encode())
    put(folder / "vkey", f"{verifier_key(secret)}\n".encode())
    for size in old_sizes:
        put(folder / f"old/1/{size}.note", note_of(entries[:size], secret).encode())
    return folder


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
