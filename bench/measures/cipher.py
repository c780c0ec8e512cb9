"""PF1, the format of files at rest, against a plain copy and against bare AES-GCM."""

import io
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.clocks import spent
from bench.report import Line, control
from bench.rounds import ratio, side_by_side
from bench.workbench import Workbench
from portal.documents.cipher import BLOCK, ContentId, Encryptor, decrypt

MIB = 1 << 20
KEY = secrets.token_bytes(32)
CONTENT = ContentId(uuid4(), uuid4(), uuid4())


class Nowhere:
    """A sink that keeps nothing."""

    def write(self, piece: memoryview, /) -> None:
        """Take it and forget it."""


def measure(bench: Workbench) -> Iterator[Line]:
    """From file to file, and in memory alone."""
    size = bench.effort.times(128) * MIB
    clear, sealed, made = (bench.folder / f"{name}.bin" for name in ("clear", "sealed", "made"))
    clear.write_bytes(secrets.token_bytes(size))
    _encrypt_file(clear, sealed)
    files = {
        "encrypt": partial(_encrypt_file, clear, made),
        "decrypt": partial(_decrypt_file, sealed, made, size),
        "copy": partial(_copy_file, clear, made),
        "again": partial(_copy_file, clear, made),
    }
    costs = side_by_side(_costs(files), bench.effort.rounds)
    yield Line("encrypt a file, against copying it", ratio(costs, "encrypt", "copy"))
    yield Line("decrypt a file, against copying it", ratio(costs, "decrypt", "copy"))
    yield control(ratio(costs, "again", "copy"))
    memory = clear.read_bytes()
    bare = partial(_bare, memory)
    in_memory = {
        "encrypt": partial(_encrypt, memory),
        "decrypt": partial(_decrypt, sealed.read_bytes(), size),
        "bare": bare,
        "again": bare,
    }
    costs = side_by_side(_costs(in_memory), bench.effort.rounds)
    name = "in memory, against AESGCM.encrypt_into of 1 MiB"
    yield Line(f"encrypt {name}", ratio(costs, "encrypt", "bare"))
    yield Line(f"decrypt {name}", ratio(costs, "decrypt", "bare"))
    yield control(ratio(costs, "again", "bare"))
    for path in (clear, sealed, made):
        path.unlink()


def _costs(acts: dict[str, Callable[[], None]]) -> dict[str, Callable[[], float]]:
    return {name: partial(spent, act) for name, act in acts.items()}


def _encrypt_file(source: Path, target: Path) -> None:
    with source.open("rb", buffering=0) as plain, target.open("wb", buffering=0) as sealed:
        encryptor = Encryptor(sealed, KEY, CONTENT)
        while piece := plain.read(BLOCK):
            encryptor.write(piece)
        encryptor.finish()


def _decrypt_file(source: Path, target: Path, size: int) -> None:
    with source.open("rb", buffering=0) as sealed, target.open("wb", buffering=0) as plain:
        for block in decrypt(sealed, KEY, CONTENT, size):
            plain.write(block)


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb", buffering=0) as plain, target.open("wb", buffering=0) as copy:
        while piece := plain.read(BLOCK):
            copy.write(piece)


def _encrypt(content: bytes) -> None:
    encryptor = Encryptor(Nowhere(), KEY, CONTENT)
    for start in range(0, len(content), BLOCK):
        encryptor.write(memoryview(content)[start : start + BLOCK])
    encryptor.finish()


def _decrypt(sealed: bytes, size: int) -> None:
    for _block in decrypt(io.BytesIO(sealed), KEY, CONTENT, size):
        pass


def _bare(content: bytes) -> None:
    cipher, buffer = AESGCM(KEY), memoryview(bytearray(MIB + 16))
    for start in range(0, len(content), MIB):
        nonce = start.to_bytes(12, "big")
        cipher.encrypt_into(nonce, memoryview(content)[start : start + MIB], None, buffer)
