import hashlib
import json
import os
import tracemalloc
import zlib
from base64 import b64decode
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Event, Timer
from uuid import UUID

import cryptography_vectors
import pytest
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from portal.documents.cipher import (
    BLOCK,
    CHUNK,
    HEADER,
    PART,
    SEALED_CHUNK,
    SEALED_PART,
    TAG,
    WRITTEN,
    YIELDED,
    ContentId,
    DamagedDocument,
    Encryptor,
    MessageReader,
    Sealed,
    decrypt,
    decrypt_range,
    hashers,
    sealed_size,
)
from portal.keys.data_keys import Mode

DEK = bytes(range(32))
ACME, GLOBEX, DOCUMENT, VERSION = (UUID(int=n << 64 | n) for n in (1, 2, 3, 4))
CONTENT = ContentId(ACME, DOCUMENT, VERSION)
BOUNDARIES = sorted(
    {
        base + step
        for base in (0, CHUNK, YIELDED, WRITTEN, PART - CHUNK, PART, PART + CHUNK, 2 * PART)
        for step in (-1, 0, 1)
        if base + step >= 0
    }
)
SAMPLE_SHA256 = "4a05864a65e41ec87c07918e573ed6f280a2e07fb6bbf4af37f6d7e4f000436e"
LONG = Random(1).randbytes(2 * PART + CHUNK + 1)  # noqa: S311  # the same in each run


def seal(text: bytes, piece_bytes: int = 1 << 20, **other: object) -> tuple[bytes, Sealed]:
    sink = BytesIO()
    encryptor = Encryptor(sink, other.get("dek", DEK), other.get("content", CONTENT))
    for at in range(0, len(text), piece_bytes):
        encryptor.write(text[at : at + piece_bytes])
    sealed = encryptor.finish()
    return sink.getvalue(), sealed


def unseal(file: bytes, size_bytes: int, content: ContentId = CONTENT, dek: bytes = DEK) -> bytes:
    return b"".join(decrypt(BytesIO(file), dek, content, size_bytes))


def cut(file: bytes, size_bytes: int, start: int, stop: int) -> bytes:
    blocks = decrypt_range(BytesIO(file), DEK, CONTENT, size_bytes, start=start, stop=stop)
    return b"".join(blocks)


def is_refused(file: bytes, size_bytes: int, content: ContentId = CONTENT) -> bool:
    """Whether reading the whole of it fails."""
    try:
        unseal(file, size_bytes, content)
    except DamagedDocument:
        return True
    return False


@pytest.fixture(scope="module")
def long_file() -> bytes:
    return seal(LONG)[0]


# The format


def plain_size(sealed_bytes: int) -> int:
    """The inverse of `sealed_size`. Raises `DamagedDocument` for a length that no content has."""
    parts, rest = divmod(sealed_bytes, SEALED_PART)
    chunks, last = divmod(rest - HEADER, SEALED_CHUNK)
    if rest < HEADER or last < TAG:
        raise DamagedDocument
    return parts * PART + chunks * CHUNK + last - TAG


@pytest.mark.parametrize("size", BOUNDARIES)
def test_what_was_sealed_comes_back_and_the_size_is_as_the_formula_says(size: int) -> None:
    file, sealed = seal(LONG[:size])
    assert sealed == (size, sealed_size(size), hashlib.sha256(file).digest())
    assert len(file) == sealed_size(size)
    assert plain_size(len(file)) == size
    assert unseal(file, size) == LONG[:size]


def test_the_sizes_of_the_specification() -> None:
    assert SEALED_PART == 8_396_872
    assert [sealed_size(n) for n in (0, 1, PART, 3 * PART)] == [
        72,
        73,
        SEALED_PART + 72,
        3 * SEALED_PART + 72,
    ]


@given(st.integers(0, 1 << 45))
def test_every_size_has_one_length_and_back(size: int) -> None:
    assert plain_size(sealed_size(size)) == size
    assert sealed_size(size) < sealed_size(size + 1)


@pytest.mark.parametrize("piece_bytes", [7, 8192, CHUNK, 100_003, 3 * PART])
def test_the_pieces_a_content_comes_in_make_no_difference(piece_bytes: int) -> None:
    text = LONG[: 50_000 if piece_bytes < CHUNK else PART + 70_000]
    file, sealed = seal(text, piece_bytes)
    assert sealed.sealed_sha256 == hashlib.sha256(file).digest()
    assert unseal(file, len(text)) == text


def test_a_digest_is_right_also_where_hashing_lags_behind() -> None:
    go_on = Event()
    for _ in range(os.cpu_count() or 1):
        hashers.get().submit(go_on.wait, 10)
    Timer(0.2, go_on.set).start()
    file, sealed = seal(LONG)
    assert sealed.sealed_sha256 == hashlib.sha256(file).digest()


def test_anybody_can_recover_a_content_with_the_library_alone(long_file: bytes) -> None:
    parts = [long_file[at : at + SEALED_PART] for at in range(0, len(long_file), SEALED_PART)]
    text = b""
    for i, part in enumerate(parts):
        context = b"portal/doc/v1\0" + ACME.bytes + DOCUMENT.bytes + VERSION.bytes
        message = Cobblestone256Decryptor(DEK, context + b"S" + i.to_bytes(8, "big"))
        text += message.update(part) + message.finalize()
    assert text == LONG


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 5 * CHUNK + 9])
def test_the_range_reader_reads_what_the_library_wrote(size: int) -> None:
    writer = Cobblestone256Encryptor(DEK, b"any context")
    message = writer.update(LONG[:size]) + writer.finalize()
    reader = MessageReader(BytesIO(b"before" + message), 6, size, DEK, b"any context")
    for first, upto in [*pairwise(range(reader.chunk_count + 1)), (0, reader.chunk_count)]:
        assert reader.read(first, upto) == LONG[:size][first * CHUNK : upto * CHUNK]


def read_natively(file: bytes) -> bytes:
    """By the library alone, part by part."""
    text = b""
    for i, at in enumerate(range(0, len(file), SEALED_PART)):
        message = Cobblestone256Decryptor(DEK, CONTENT.context(i))
        text += message.update(file[at : at + SEALED_PART]) + message.finalize()
    return text


def written_natively(text: bytes) -> bytes:
    file = b""
    for i in range(len(text) // PART + 1):
        message = Cobblestone256Encryptor(DEK, CONTENT.context(i))
        file += message.update(text[i * PART : (i + 1) * PART]) + message.finalize()
    return file


def agree(chance: Random, most: int) -> None:
    """Ours and the library's read each other, whole and from anywhere, at a size of chance."""
    size = int(most ** chance.random()) - 1
    text = LONG[:size]
    ours, theirs = seal(text, chance.choice([1 << 20, CHUNK, 50_021]))[0], written_natively(text)
    assert read_natively(ours) == text
    assert unseal(theirs, size) == text
    start, stop = sorted(chance.randint(0, size) for _ in "ab")
    stop = min(stop, start + BLOCK)
    for file in (ours, theirs):
        assert cut(file, size, start, stop) == text[start:stop]


def test_ours_and_the_library_read_each_other_at_sizes_of_chance() -> None:
    chance = Random(7)  # noqa: S311  # the same in each run
    for _ in range(300):
        agree(chance, 4 * BLOCK)


@pytest.mark.fuzz
def test_ours_and_the_library_read_each_other_ten_thousand_times() -> None:
    chance = Random()  # noqa: S311
    for _ in range(10_000):
        agree(chance, len(LONG))


def test_no_two_parts_or_files_share_a_salt(long_file: bytes) -> None:
    files = [long_file, seal(LONG)[0]]
    headers = {file[at : at + HEADER] for file in files for at in range(0, len(file), SEALED_PART)}
    assert len(headers) == 6


def test_the_frozen_sample_opens_as_ever() -> None:
    """Sealed once, in November 2026: whatever is upgraded, these bytes must stay readable."""
    file = (Path(__file__).parent / "sample.pf1").read_bytes()
    text = b"Frozen.\n" * 2050
    assert hashlib.sha256(file).hexdigest() == SAMPLE_SHA256
    assert unseal(file, len(text)) == text
    assert cut(file, len(text), 16_380, 16_396) == text[16_380:16_396]


def vectors() -> list[dict[str, str]]:
    folder = Path(cryptography_vectors.__file__).parent / "chunked-encryption"
    every = json.loads((folder / "vectors.json").read_text())["vectors"]
    return [vector for vector in every if vector["aead"] == "AEAD_AES_256_GCM"]


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_a_published_vector_of_the_construction(vector: dict[str, str]) -> None:
    """They are made with SHA-256 in place of SHA-512, which the library uses."""
    message = b64decode(vector["ciphertext"] or "")
    if vector.get("compressed"):
        message = zlib.decompress(message)

    key, context = bytes.fromhex(vector["key"]), vector["context"].encode()

    def read() -> bytes:
        size = plain_size(len(message))
        reader = MessageReader(BytesIO(message), 0, size, key, context, algorithm=SHA256())
        return b"".join(bytes(reader.read(i, i + 1)) for i in range(reader.chunk_count))

    if vector["expect"] == "success":
        text = read()
        assert len(text) == vector["payload_length"]
        assert hashlib.sha256(text).hexdigest() == vector["payload_sha256"]
    else:
        with pytest.raises(DamagedDocument if len(key) == 32 else ValueError):
            read()


# Ranges


@given(st.data())
def test_a_range_is_the_slice_of_the_whole(long_file: bytes, data: st.DataObject) -> None:
    near = st.sampled_from([0, CHUNK, BLOCK, PART - CHUNK, PART, 2 * PART, len(LONG)])
    points = st.builds(lambda at, step: max(0, min(at + step, len(LONG))), near, st.integers(-9, 9))
    start, stop = sorted([data.draw(points | st.integers(0, len(LONG))) for _ in "ab"])
    stop = min(stop, start + PART // 4)
    assert cut(long_file, len(LONG), start, stop) == LONG[start:stop]


def test_a_range_over_all_parts_is_the_whole(long_file: bytes) -> None:
    assert cut(long_file, len(LONG), 0, len(LONG)) == LONG


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (2, 1), (0, 11), (11, 11)])
def test_a_range_outside_the_content_is_a_mistake(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="range"):
        cut(seal(bytes(10))[0], 10, start, stop)


def test_a_range_checks_the_end_of_the_content_too(long_file: bytes) -> None:
    changed = long_file[:-1] + bytes([long_file[-1] ^ 1])
    with pytest.raises(DamagedDocument):
        cut(changed, len(LONG), 0, 1)


def test_a_range_of_a_changed_chunk_gives_nothing_of_it(long_file: bytes) -> None:
    changed = bytearray(long_file)
    changed[HEADER + 20 * SEALED_CHUNK + 5] ^= 1
    blocks = decrypt_range(BytesIO(changed), DEK, CONTENT, len(LONG), start=0, stop=PART)
    assert next(blocks) == LONG[:BLOCK]
    with pytest.raises(DamagedDocument):
        next(blocks)


def test_blocks_are_large_and_begin_before_the_iterator_is_returned(long_file: bytes) -> None:
    sizes = [len(block) for block in decrypt(BytesIO(long_file), DEK, CONTENT, len(LONG))]
    assert set(sizes[:-1]) == {YIELDED}
    changed = b"\0" + long_file[1:]
    with pytest.raises(DamagedDocument):  # not only once it is iterated over
        decrypt(BytesIO(changed), DEK, CONTENT, len(LONG))


# What is refused


def test_every_single_flipped_bit_is_refused() -> None:
    file, _ = seal(b"a small content")
    for at in range(len(file)):
        for bit in range(8):
            changed = bytearray(file)
            changed[at] ^= 1 << bit
            assert is_refused(bytes(changed), 15), (at, bit)


@given(at=st.integers(0, sealed_size(len(LONG)) - 1))
def test_a_flipped_byte_anywhere_in_a_long_content_is_refused(long_file: bytes, at: int) -> None:
    changed = bytearray(long_file)
    changed[at] ^= 0xFF
    assert is_refused(bytes(changed), len(LONG))


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("byte", range(TAG))
def test_even_the_empty_chunk_that_ends_a_full_part_is_checked(
    long_file: bytes, part: int, byte: int
) -> None:
    changed = bytearray(long_file)
    changed[(part + 1) * SEALED_PART - 1 - byte] ^= 1
    assert is_refused(bytes(changed), len(LONG))


@pytest.mark.parametrize(
    "size", [0, 1, 5 * CHUNK, 5 * CHUNK + 1, PART - 1, PART, PART + CHUNK, 2 * PART]
)
def test_a_truncated_content_is_refused(long_file: bytes, size: int) -> None:
    """Cut anywhere, even where a shorter content would end and the row were changed to match."""
    shorter = long_file[: sealed_size(size)]
    assert is_refused(shorter, size)
    assert is_refused(shorter, len(LONG))
    with pytest.raises(DamagedDocument):
        cut(shorter, size, 0, 0)


def test_an_extended_content_is_refused() -> None:
    file, _ = seal(LONG[: CHUNK + 5])
    assert is_refused(file + b"\0", CHUNK + 5)
    assert is_refused(file + b"\0", CHUNK + 6)
    assert is_refused(file + file[-21:], CHUNK + 26)
    full, _ = seal(LONG[:PART])
    assert is_refused(full + full[SEALED_PART:], PART)


def swapped(file: bytes, first: slice, second: slice) -> bytes:
    pieces = (file[: first.start], file[second], file[first.stop : second.start], file[first])
    return b"".join(pieces) + file[second.stop :]


def chunk_at(k: int) -> slice:
    return slice(HEADER + k * SEALED_CHUNK, HEADER + (k + 1) * SEALED_CHUNK)


def part_at(i: int) -> slice:
    return slice(i * SEALED_PART, (i + 1) * SEALED_PART)


def test_reordered_and_duplicated_chunks_and_parts_are_refused(long_file: bytes) -> None:
    first, second = long_file[part_at(0)], long_file[part_at(1)]
    tail = long_file[2 * SEALED_PART :]
    for changed in (
        swapped(long_file, chunk_at(0), chunk_at(1)),
        swapped(long_file, chunk_at(3), chunk_at(500)),
        long_file[: chunk_at(7).start] + long_file[chunk_at(6)] + long_file[chunk_at(7).stop :],
        second + first + tail,
        first + first + tail,
        second + second + tail,
    ):
        assert len(changed) == len(long_file)
        assert is_refused(changed, len(LONG))


def test_a_short_part_before_the_end_is_refused(long_file: bytes) -> None:
    """What a part's own end marker would allow, its length does not."""
    short, _ = seal(LONG[: CHUNK + 1])
    assert is_refused(short + long_file[SEALED_PART:], PART + 2 * CHUNK + 2)


@pytest.mark.parametrize(
    "other",
    [
        ContentId(GLOBEX, DOCUMENT, VERSION),
        ContentId(ACME, VERSION, VERSION),
        ContentId(ACME, DOCUMENT, DOCUMENT),
        ContentId(ACME, DOCUMENT, VERSION, Mode.TRANSIT),
        ContentId(ACME, DOCUMENT, VERSION, Mode.CLIENT),
    ],
    ids=["tenant", "document", "version", "transit", "client"],
)
def test_a_content_of_another_place_is_refused_whole_and_in_part(
    long_file: bytes, other: ContentId
) -> None:
    """Even under the same data key, which two contents never share."""
    foreign, _ = seal(LONG, content=other)
    assert is_refused(foreign, len(LONG))
    assert is_refused(long_file, len(LONG), other)
    for i in range(3):
        spliced = long_file[: part_at(i).start] + foreign[part_at(i)] + long_file[part_at(i).stop :]
        assert is_refused(spliced, len(LONG))
        with pytest.raises(DamagedDocument):
            cut(spliced, len(LONG), i * PART, i * PART + 1)


def test_chunks_of_another_attempt_at_the_same_part_are_refused(long_file: bytes) -> None:
    other, _ = seal(LONG)
    spliced = long_file[: chunk_at(2).start] + other[chunk_at(2)] + long_file[chunk_at(2).stop :]
    assert is_refused(spliced, len(LONG))
    with pytest.raises(DamagedDocument):
        cut(spliced, len(LONG), 2 * CHUNK, 2 * CHUNK + 1)


def test_another_key_opens_nothing_and_a_key_of_another_length_is_a_mistake() -> None:
    file, _ = seal(b"text")
    with pytest.raises(DamagedDocument):
        unseal(file, 4, dek=bytes(32))
    for length in (0, 16, 31, 33):
        with pytest.raises(ValueError, match="32 bytes"):
            MessageReader(BytesIO(file), 0, 4, bytes(length), b"")
        with pytest.raises(ValueError, match="32 bytes"):
            seal(b"", dek=bytes(length))


def test_a_file_that_shrinks_while_it_is_read_is_refused(long_file: bytes) -> None:
    source = BytesIO(long_file)
    blocks = decrypt(source, DEK, CONTENT, len(LONG))
    source.truncate(YIELDED + CHUNK)
    with pytest.raises(DamagedDocument):
        list(blocks)


def test_every_refusal_says_the_same(long_file: bytes) -> None:
    said = set()
    for at in (0, SEALED_PART - 1, SEALED_PART + 30, len(long_file) - 1):
        changed = bytearray(long_file)
        changed[at] ^= 1
        with pytest.raises(DamagedDocument) as caught:
            unseal(bytes(changed), len(LONG))
        said.add((str(caught.value), caught.value.__cause__))
    with pytest.raises(DamagedDocument) as caught:
        unseal(long_file[:-1], len(LONG))
    said.add((str(caught.value), caught.value.__cause__))
    assert len(said) == 1


# What it costs


class _Nowhere:
    def write(self, piece: memoryview) -> None:
        pass


class _Dribble(BytesIO):
    """A source that gives little at a time, as a socket does."""

    def readinto(self, buffer: memoryview) -> int:
        return super().readinto(buffer[:1000])


def test_sealing_takes_the_same_little_memory_for_any_size() -> None:
    piece = bytes(64 * 1024)
    tracemalloc.start()
    try:
        encryptor = Encryptor(_Nowhere(), DEK, CONTENT)
        for _ in range(1024):
            encryptor.write(piece)
        assert encryptor.finish().size_bytes == 64 << 20
        assert tracemalloc.get_traced_memory()[1] < 2 * WRITTEN + 4 * BLOCK
    finally:
        tracemalloc.stop()


def test_reading_takes_the_same_little_memory_for_any_size(long_file: bytes) -> None:
    source = BytesIO(long_file)
    tracemalloc.start()
    try:
        for _ in decrypt(source, DEK, CONTENT, len(LONG)):
            pass
        for _ in decrypt_range(source, DEK, CONTENT, len(LONG), start=1, stop=len(LONG)):
            pass
        assert tracemalloc.get_traced_memory()[1] < 5 * YIELDED
    finally:
        tracemalloc.stop()


def test_a_source_may_give_fewer_bytes_than_asked_for() -> None:
    file, _ = seal(LONG[:70_000])
    assert b"".join(decrypt(_Dribble(file), DEK, CONTENT, 70_000)) == LONG[:70_000]
