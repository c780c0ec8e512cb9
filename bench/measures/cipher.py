"""PF1, the format of files at rest, against a plain copy, against age, and against bare AES-GCM."""

import io
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from uuid import uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.clocks import spent
from bench.report import Line, control
from bench.rounds import ratio, side_by_side
from bench.workbench import Workbench
from bench.yardsticks.age import Age, age_keys
from portal.documents.cipher import ContentId, Encryptor, Sink, decrypt
from portal.documents.contents import PIECE_BYTES
from portal.storage.local.store import LocalBlobs

MIB = 1 << 20
KEY = secrets.token_bytes(32)
CONTENT = ContentId(uuid4(), uuid4(), uuid4())


COPY_AIM, AGE_AIM, BARE_AIM = 1.15, 0.75, 1.67  # the last is a speed of 0.60
# A digest of the tags alone would be cheap, and no proof against whoever holds the key.
WHY = "the SHA-256 that the log keeps of what is stored costs twice what the format does"


class Undigested(Encryptor):
    """The format without the digest that the portal takes of it on the way."""

    def __init__(self, sink: Sink, dek: bytes, content: ContentId) -> None:
        super().__init__(sink, dek, content)
        self._digest = _Nothing()  # type: ignore[assignment]

    def _begin_hash(self, _ready: memoryview) -> None:
        pass


class _Nothing:
    def update(self, _piece: memoryview) -> None:
        pass

    def digest(self) -> bytes:
        return b""


class Nowhere:
    """A sink that keeps nothing."""

    def write(self, piece: memoryview, /) -> None:
        """Take it and forget it."""


def measure(bench: Workbench) -> Iterator[Line]:
    """From file to file by the clock: on a disk and made durable, as the store does it; and in
    memory, where a copy is next to nothing. Then without files, by the CPU.
    """
    size = bench.effort.times(128) * MIB
    clear, sealed, made = (bench.folder / f"{name}.bin" for name in ("clear", "sealed", "made"))
    clear.write_bytes(secrets.token_bytes(size))
    _encrypt_file(clear, sealed)
    with age_keys(bench.folder) as age:
        yield from _onto_disk(bench, clear, age)
        yield from _between_files(bench, clear, sealed, made, age)
    yield from _in_memory(bench, clear.read_bytes(), sealed.read_bytes())
    for path in (clear, sealed, made):
        path.unlink()


def _onto_disk(bench: Workbench, clear: Path, age: Age | None) -> Iterator[Line]:
    folder = bench.on_disk.folder
    copy = partial(_make_durably, _copy_file, clear, folder / "made.bin")
    acts = {"encrypt": partial(_store, clear, LocalBlobs(folder)), "copy": copy, "again": copy}
    if age:
        acts["age"] = partial(_make_durably, age.encrypt, clear, folder / "made.bin")
    costs = side_by_side(
        {name: partial(_timed, act) for name, act in acts.items()}, bench.effort.rounds
    )
    value = ratio(costs, "encrypt", "copy")
    yield Line("encrypt a file onto a disk, against copying it", value, COPY_AIM, WHY)
    if age:
        value = ratio(costs, "encrypt", "age")
        yield Line("encrypt a file onto a disk, against age", value, AGE_AIM, WHY)
    yield control(ratio(costs, "again", "copy"))


def _between_files(
    bench: Workbench, clear: Path, sealed: Path, made: Path, age: Age | None
) -> Iterator[Line]:
    files = {
        "encrypt": partial(_encrypt_file, clear, made),
        "format": partial(_encrypt_file, clear, made, Undigested),
        "decrypt": partial(_decrypt_file, sealed, made, clear.stat().st_size),
        "copy": partial(_copy_file, clear, made),
        "again": partial(_copy_file, clear, made),
    }
    if age:
        files["age"] = partial(age.encrypt, clear, made)
    costs = side_by_side(
        {name: partial(_timed, act) for name, act in files.items()}, bench.effort.rounds
    )
    yield Line("encrypt a file, against copying it", ratio(costs, "encrypt", "copy"))
    yield Line("the format alone, against copying it", ratio(costs, "format", "copy"))
    yield Line("decrypt a file, against copying it", ratio(costs, "decrypt", "copy"))
    yield control(ratio(costs, "again", "copy"))
    if age:
        yield Line("encrypt a file, against age", ratio(costs, "encrypt", "age"))
        yield Line("the format alone, against age", ratio(costs, "format", "age"))


def _in_memory(bench: Workbench, memory: bytes, sealed: bytes) -> Iterator[Line]:
    bare = partial(_bare, memory)
    in_memory = {
        "encrypt": partial(_encrypt, memory),
        "format": partial(_encrypt, memory, Undigested),
        "decrypt": partial(_decrypt, sealed, len(memory)),
        "bare": bare,
        "again": bare,
    }
    costs = side_by_side(_costs(in_memory), bench.effort.rounds)
    name = "1 MiB at a time, against AESGCM.encrypt_into of it"
    yield Line(f"encrypt {name}", ratio(costs, "encrypt", "bare"), BARE_AIM, WHY)
    yield Line("the format alone, against the same", ratio(costs, "format", "bare"), BARE_AIM)
    yield Line("decrypt, against the same", ratio(costs, "decrypt", "bare"))
    yield control(ratio(costs, "again", "bare"))


def _costs(acts: Mapping[str, Callable[[], None]]) -> dict[str, Callable[[], float]]:
    return {name: partial(spent, act) for name, act in acts.items()}


def _timed(act: Callable[[], None]) -> float:
    before = perf_counter()
    act()
    return perf_counter() - before


def _store(source: Path, blobs: LocalBlobs) -> None:
    ids = CONTENT.tenant_id, CONTENT.version_id
    with blobs.create(*ids) as writer:
        _encrypt_into(writer, source)
        writer.commit()
    blobs.delete(*ids)


def _make_durably(make: Callable[[Path, Path], None], source: Path, target: Path) -> None:
    make(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    target.unlink()


def _encrypt_file(source: Path, target: Path, kind: type[Encryptor] = Encryptor) -> None:
    with target.open("wb", buffering=0) as sealed:
        _encrypt_into(sealed, source, kind)


def _encrypt_into(sink: Sink, source: Path, kind: type[Encryptor] = Encryptor) -> None:
    encryptor = kind(sink, KEY, CONTENT)
    with source.open("rb", buffering=0) as plain:
        while piece := plain.read(PIECE_BYTES):
            encryptor.write(piece)
    encryptor.finish()


def _decrypt_file(source: Path, target: Path, size: int) -> None:
    with source.open("rb", buffering=0) as sealed, target.open("wb", buffering=0) as plain:
        for block in decrypt(sealed, KEY, CONTENT, size):
            plain.write(block)


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb", buffering=0) as plain, target.open("wb", buffering=0) as copy:
        while piece := plain.read(PIECE_BYTES):
            copy.write(piece)


def _encrypt(content: bytes, kind: type[Encryptor] = Encryptor) -> None:
    encryptor = kind(Nowhere(), KEY, CONTENT)
    for start in range(0, len(content), MIB):
        encryptor.write(memoryview(content)[start : start + MIB])
    encryptor.finish()


def _decrypt(sealed: bytes, size: int) -> None:
    for _block in decrypt(io.BytesIO(sealed), KEY, CONTENT, size):
        pass


def _bare(content: bytes) -> None:
    cipher, buffer = AESGCM(KEY), memoryview(bytearray(MIB + 16))
    for start in range(0, len(content), MIB):
        nonce = start.to_bytes(12, "big")
        cipher.encrypt_into(nonce, memoryview(content)[start : start + MIB], None, buffer)
