"""A blob that comes in parts: over days, through processes that may be killed at any line."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from portal.documents.cipher import SEALED_PART
from portal.storage.blobs import PART_BYTES, BlobExists, BlobMissing
from portal.storage.local.store import LocalBlobs
from tests.storage.stores import Bound, s3_store

TENANT, OTHER = uuid4(), uuid4()
SECONDS = timedelta(seconds=60)


@pytest.fixture(params=["local", "s3"])
def store(request, tmp_path) -> Any:
    if request.param == "local":
        return Bound(LocalBlobs(tmp_path / "blobs"))
    return s3_store(request.getfixturevalue("aws"))


def part(fill: bytes, size: int = PART_BYTES) -> bytes:
    return fill * size


def put_together(store: Any, blob_id: UUID, *parts: bytes) -> str:
    token = store.begin(TENANT, blob_id)
    for index, sealed in enumerate(parts):
        store.resume(TENANT, blob_id, token).write_part(index, sealed)
    store.resume(TENANT, blob_id, token).commit(len(parts))
    return token


def read(store: Any, blob_id: UUID) -> bytes:
    with store.open(TENANT, blob_id) as blob:
        return blob.read()


def test_a_part_is_one_of_the_file_format() -> None:
    assert PART_BYTES == SEALED_PART


def test_parts_of_several_processes_make_one_blob(store) -> None:
    blob_id, parts = uuid4(), (part(b"a"), part(b"b"), b"the end")
    put_together(store, blob_id, *parts)
    assert read(store, blob_id) == b"".join(parts)
    [found] = store.list_blobs(TENANT)
    assert (found.blob_id, found.is_committed) == (blob_id, True)


def test_nothing_is_seen_before_the_end(store) -> None:
    blob_id = uuid4()
    store.resume(TENANT, blob_id, store.begin(TENANT, blob_id)).write_part(0, part(b"a"))
    with pytest.raises(BlobMissing):
        store.open(TENANT, blob_id)
    assert not any(blob.is_committed for blob in store.list_blobs(TENANT))


def test_a_part_that_is_written_again_replaces_what_was_there(store) -> None:
    blob_id = uuid4()
    token = store.begin(TENANT, blob_id)
    assembly = store.resume(TENANT, blob_id, token)
    for fill in (b"x", b"a"):
        assembly.write_part(0, part(fill))
        assembly.write_part(1, fill * 100)
    assembly.commit(2)
    assert read(store, blob_id) == part(b"a") + b"a" * 100


def test_it_is_committed_once(store) -> None:
    blob_id = uuid4()
    token = put_together(store, blob_id, b"all of it")
    again = store.resume(TENANT, blob_id, token)
    with pytest.raises(BlobExists):
        again.commit(1)
    again.abandon()
    assert read(store, blob_id) == b"all of it"


def test_once_it_is_committed_no_part_is_written(store) -> None:
    blob_id = uuid4()
    again = store.resume(TENANT, blob_id, put_together(store, blob_id, b"all of it"))
    with pytest.raises(BlobMissing):
        again.write_part(0, b"something else")
    assert read(store, blob_id) == b"all of it"
    [found] = store.list_blobs(TENANT)
    assert found.is_committed


@pytest.mark.parametrize("parts", [1, 3])
def test_with_parts_wanting_it_is_not_committed(store, parts) -> None:
    blob_id = uuid4()
    assembly = store.resume(TENANT, blob_id, store.begin(TENANT, blob_id))
    for index in range(2):
        assembly.write_part(index, part(b"a"))
    with pytest.raises(BlobMissing):
        assembly.commit(parts)
    with pytest.raises(BlobMissing):
        store.open(TENANT, blob_id)


def test_what_is_abandoned_is_gone(store) -> None:
    blob_id = uuid4()
    assembly = store.resume(TENANT, blob_id, store.begin(TENANT, blob_id))
    assembly.write_part(0, b"some")
    assembly.abandon()
    assembly.abandon()
    assert list(store.list_blobs(TENANT)) == []
    with pytest.raises(BlobMissing):
        assembly.commit(1)


def test_another_tenants_assembly_is_another(store) -> None:
    blob_id = uuid4()
    store.resume(TENANT, blob_id, store.begin(TENANT, blob_id)).write_part(0, b"ours")
    with pytest.raises(BlobMissing):
        store.resume(OTHER, blob_id, store.begin(OTHER, blob_id)).commit(1)
    assert not any(blob.is_committed or blob.size_bytes for blob in store.list_blobs(OTHER))


def test_the_sweep_spares_what_is_waited_for(store) -> None:
    waited_for, left = uuid4(), uuid4()
    for blob_id in (waited_for, left):
        store.resume(TENANT, blob_id, store.begin(TENANT, blob_id)).write_part(0, b"some")
    assert store.delete_unfinished(TENANT, datetime.now(UTC) - SECONDS) == 0
    assert store.delete_unfinished(TENANT, datetime.now(UTC) + SECONDS, {waited_for}) == 1
    assert [blob.blob_id for blob in store.list_blobs(TENANT)] == [waited_for]
