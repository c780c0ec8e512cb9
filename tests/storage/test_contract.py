"""What every store of blobs must do, wherever it keeps them."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from portal.core import clock
from portal.core.ids import new_id
from portal.storage.blobs import BlobExists, BlobMissing
from portal.storage.local.store import LocalBlobs
from tests.storage.stores import ACME, GLOBEX, MEBIBYTE, Bound, get, put, s3_store

LARGE = Random(5).randbytes(9 * MEBIBYTE + 5)  # noqa: S311  # two parts in S3


@pytest.fixture(params=["local", "s3"])
def store(request, tmp_path) -> Any:
    if request.param == "local":
        return Bound(LocalBlobs(tmp_path / "blobs"))
    return s3_store(request.getfixturevalue("aws"))


def test_a_committed_blob_is_read_from_any_offset(store) -> None:
    blob_id = new_id()
    with store.create(ACME, blob_id) as writer:
        writer.write(b"some ")
        writer.write(memoryview(bytearray(b"content")))
        writer.commit()
    with store.open(ACME, blob_id) as blob:
        assert (blob.size_bytes, blob.read()) == (12, b"some content")
        assert blob.seek(5) == 5
        assert blob.read(4) == b"cont"
        assert blob.seek(0, 2) == 12
        assert blob.read(4) == b""


def test_a_large_blob_is_what_was_written(store) -> None:
    blob_id = new_id()
    with store.create(ACME, blob_id) as writer:
        for start in range(0, len(LARGE), 300_000):
            writer.write(LARGE[start : start + 300_000])
        writer.commit()
    assert get(store, ACME, blob_id) == LARGE
    with store.open(ACME, blob_id) as blob:
        for start, size in ((9_000_001, 70), (3, 5), (8 * MEBIBYTE - 1, 2), (9 * MEBIBYTE, 99)):
            blob.seek(start)
            assert blob.read(size) == LARGE[start : start + size]


def test_a_blob_of_no_bytes_is_one(store) -> None:
    blob_id = new_id()
    put(store, ACME, blob_id, b"")
    assert get(store, ACME, blob_id) == b""


def test_a_blob_is_invisible_until_it_is_committed(store) -> None:
    blob_id = new_id()
    with store.create(ACME, blob_id) as writer:
        writer.write(LARGE)
        with pytest.raises(BlobMissing):
            store.open(ACME, blob_id)
        [listed] = store.list_blobs(ACME)
        assert (listed.blob_id, listed.is_committed) == (blob_id, False)
        writer.commit()
        assert get(store, ACME, blob_id) == LARGE
    [listed] = store.list_blobs(ACME)
    assert (listed.blob_id, listed.size_bytes, listed.is_committed) == (blob_id, len(LARGE), True)
    assert abs(clock.now() - listed.modified_at) < timedelta(minutes=1)


def test_what_is_given_up_leaves_nothing_behind(store) -> None:
    with store.create(ACME, new_id()) as writer:
        writer.write(LARGE)
    with pytest.raises(TypeError), store.create(ACME, new_id()) as writer:
        writer.write("no bytes")
    assert store.list_blobs(ACME) == []


@pytest.mark.parametrize("size", [7, len(LARGE)])
def test_a_blob_is_never_written_over(store, size) -> None:
    blob_id = new_id()
    put(store, ACME, blob_id, LARGE[:size])
    with pytest.raises(BlobExists):
        put(store, ACME, blob_id, bytes(size))
    assert get(store, ACME, blob_id) == LARGE[:size]
    assert len(store.list_blobs(ACME)) == 1


@pytest.mark.parametrize("size", [7, len(LARGE)])
def test_of_two_writers_of_one_blob_the_first_to_commit_wins(store, size) -> None:
    blob_id = new_id()
    with store.create(ACME, blob_id) as one, store.create(ACME, blob_id) as other:
        one.write(bytes(size))
        other.write(LARGE[:size])
        other.commit()
        with pytest.raises(BlobExists):
            one.commit()
    assert get(store, ACME, blob_id) == LARGE[:size]


def test_what_a_killed_writer_left_is_swept_and_no_later_attempt(store) -> None:
    blob_id, other_id = new_id(), new_id()
    left = store.create(ACME, blob_id)
    writer = left.__enter__()
    writer.write(LARGE)
    put(store, ACME, other_id, b"the second attempt")
    put(store, GLOBEX, blob_id)
    assert store.delete_unfinished(ACME, clock.now() - timedelta(hours=1)) == 0
    assert store.delete_unfinished(ACME, clock.now() + timedelta(seconds=2)) == 1
    with pytest.raises(BlobMissing):
        writer.commit()
    left.__exit__(None, None, None)
    [kept] = store.list_blobs(ACME)
    assert (kept.blob_id, kept.is_committed) == (other_id, True)
    assert len(store.list_blobs(GLOBEX)) == 1


def test_tenants_lie_apart(store) -> None:
    blob_id, other_id = new_id(), new_id()
    put(store, ACME, blob_id, b"acme's")
    put(store, GLOBEX, blob_id, b"globex's")
    put(store, GLOBEX, other_id)
    assert get(store, ACME, blob_id) == b"acme's"
    with pytest.raises(BlobMissing):
        store.open(ACME, other_id)
    store.delete(ACME, other_id)
    assert {blob.blob_id for blob in store.list_blobs(GLOBEX)} == {blob_id, other_id}
    store.delete_tenant(ACME)
    assert store.list_blobs(ACME) == []
    assert get(store, GLOBEX, blob_id) == b"globex's"


def test_deleting_what_is_not_there_is_no_error(store) -> None:
    blob_id = new_id()
    put(store, ACME, blob_id)
    for _ in range(2):
        store.delete(ACME, blob_id)
        with pytest.raises(BlobMissing):
            store.open(ACME, blob_id)
    for _ in range(2):
        store.delete_tenant(ACME)
    assert store.delete_unfinished(GLOBEX, clock.now()) == 0


@pytest.mark.parametrize("name", ["..", "../globex", "/etc/passwd", "", "a/b"])
def test_a_name_is_never_made_of_anything_but_ids(store, name) -> None:
    for tenant_id, blob_id in ((name, new_id()), (ACME, name)):
        with pytest.raises(TypeError):
            store.open(tenant_id, blob_id)
        with pytest.raises(TypeError):
            store.delete(tenant_id, blob_id)
        with pytest.raises(TypeError), store.create(tenant_id, blob_id):
            pass
    with pytest.raises(TypeError):
        store.delete_tenant(name)


def test_a_tenants_note_is_replaced_is_no_blob_and_goes_with_the_tenant(store) -> None:
    assert store.find_note(ACME) is None
    for content in (b"a long one", b"short"):
        store.keep_note(ACME, content)
        assert store.find_note(ACME) == content
    assert store.find_note(GLOBEX) is None
    assert store.list_blobs(ACME) == []
    store.delete_tenant(ACME)
    assert store.find_note(ACME) is None
    store.keep_note(ACME, b"anew")
    for _ in range(2):
        store.forget_note(ACME)
        assert store.find_note(ACME) is None
