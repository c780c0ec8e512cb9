"""What only a store in S3 can get wrong: credentials, answers that do not come, windows."""

import time
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

import pytest
from botocore.response import StreamingBody
from urllib3.exceptions import SSLError

from portal.core.ids import new_id
from portal.storage.blobs import BlobExists, BlobMissing, StoreUnavailable
from portal.storage.s3 import access
from portal.storage.s3.access import Access, Place, session_policy
from portal.storage.s3.store import S3Blobs
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.errors import NoTenantBound
from tests.harness.aws import ROLE
from tests.harness.ports import free_port
from tests.storage.stores import (
    ACME,
    GLOBEX,
    MEBIBYTE,
    down,
    get,
    put,
    refusing,
    s3_place,
    s3_store,
)


def bound(tenant_id: UUID) -> Any:
    return acting_for(TenantRecord(tenant_id, "-", "-", "active", "database"))


def test_the_bound_tenants_credentials_open_no_other_tenants_blob(aws) -> None:
    """Whatever a caller says: the call goes out with the credentials of who is bound."""
    store = S3Blobs(s3_place(aws))
    blob_id = new_id()
    with bound(GLOBEX):
        put(store, GLOBEX, blob_id, b"globex's")
        assert get(store, GLOBEX, blob_id) == b"globex's"
    with bound(ACME):
        for attempt in (
            lambda: get(store, GLOBEX, blob_id),
            lambda: put(store, GLOBEX, new_id()),
            lambda: put(store, GLOBEX, new_id(), bytes(9 * MEBIBYTE)),
            lambda: store.delete(GLOBEX, blob_id),
            lambda: list(store.list_blobs(GLOBEX)),
            lambda: store.delete_tenant(GLOBEX),
        ):
            with pytest.raises(StoreUnavailable):
                attempt()
    with bound(GLOBEX):
        assert get(store, GLOBEX, blob_id) == b"globex's"
    with pytest.raises(NoTenantBound):
        store.open(GLOBEX, blob_id)


def test_a_session_policy_names_one_tenants_objects() -> None:
    place = Place("contents", "portal/blobs", role_arn="arn:aws-cn:iam::1:role/portal")
    policy = session_policy(place, ACME)
    assert f"arn:aws-cn:s3:::contents/portal/blobs/{ACME}/*" in policy
    assert f'"s3:prefix": "portal/blobs/{ACME}/*"' in policy
    assert len(policy) < 2048, "STS takes no longer one"


def test_credentials_are_asked_for_once_and_again_before_they_end(aws, clock) -> None:
    place = s3_place(aws)
    asked = len(aws.policies)
    one = Access(place, ACME)
    assert one.client() is one.client()
    assert len(aws.policies) == asked + 1
    clock.advance(minutes=45)
    one.client()
    assert len(aws.policies) == asked + 1
    clock.advance(minutes=10)
    one.client()
    assert len(aws.policies) == asked + 2


def test_without_a_role_the_process_asks_with_its_own_credentials(aws) -> None:
    asked = len(aws.policies)
    store = s3_store(aws, role_arn="", prefix="")
    blob_id = new_id()
    put(store, ACME, blob_id)
    assert get(store, ACME, blob_id) == b"content"
    assert len(aws.policies) == asked


def test_a_store_that_is_down_is_told_and_nothing_is_half_there(aws) -> None:
    store = s3_store(aws)
    kept_id, blob_id = new_id(), new_id()
    put(store, ACME, kept_id)
    with store.create(ACME, blob_id) as writer:
        writer.write(bytes(9 * MEBIBYTE))
        with down(aws):
            with pytest.raises(StoreUnavailable):
                writer.write(bytes(9 * MEBIBYTE))
            with pytest.raises(StoreUnavailable):
                store.open(ACME, kept_id)
    assert [blob.blob_id for blob in store.list_blobs(ACME)] == [kept_id]


def test_a_store_that_nobody_runs_is_told_soon(aws) -> None:
    for role_arn in ("", ROLE):
        endpoint = f"http://127.0.0.1:{free_port()}"
        store = S3Blobs(Place("nowhere", "", endpoint, "eu-central-1", role_arn))
        began = time.monotonic()
        with bound(ACME), pytest.raises(StoreUnavailable):
            store.open(ACME, new_id())
        assert time.monotonic() - began < 10


def test_a_reader_asks_for_little_after_a_jump_and_for_more_in_sequence(aws, monkeypatch) -> None:
    store = s3_store(aws)
    blob_id = new_id()
    put(store, ACME, blob_id, bytes(12 * MEBIBYTE))
    with store.open(ACME, blob_id) as blob:
        sizes = []
        fetch = blob._get
        monkeypatch.setattr(blob, "_get", lambda at, size: sizes.append(size) or fetch(at, size))
        blob.seek(5 * MEBIBYTE)
        while blob.read(64 * 1024):
            pass
        blob.seek(100)
        blob.read(56)
        blob.seek(156)  # within what was read ahead
        blob.read(16_400)
    assert [size // MEBIBYTE for size in sizes] == [1, 2, 4, 1]
    assert max(sizes) <= 4 * MEBIBYTE


def test_parts_may_come_from_several_processes_and_again(aws) -> None:
    store = s3_store(aws)
    blob_id = new_id()
    token = store.begin(ACME, blob_id)
    store.resume(ACME, blob_id, token).write_part(1, b"end")
    store.resume(ACME, blob_id, token).write_part(0, bytes(5 * MEBIBYTE))
    store.resume(ACME, blob_id, token).write_part(0, b"x" * 5 * MEBIBYTE)
    with pytest.raises(BlobMissing):
        store.open(ACME, blob_id)
    with pytest.raises(BlobMissing):
        store.resume(ACME, blob_id, token).commit(3)
    store.resume(ACME, blob_id, token).commit(2)
    with pytest.raises(BlobExists):
        store.resume(ACME, blob_id, token).commit(2)
    assert get(store, ACME, blob_id) == b"x" * 5 * MEBIBYTE + b"end"
    other = store.begin(ACME, blob_id)
    store.resume(ACME, blob_id, other).write_part(0, b"other")
    with pytest.raises(BlobExists):
        store.resume(ACME, blob_id, other).commit(1)
    store.resume(ACME, blob_id, other).abandon()
    store.resume(ACME, blob_id, other).abandon()
    assert len(store.list_blobs(ACME)) == 1


@pytest.mark.parametrize("role_arn", [ROLE, ""], ids=["refused", "not found"])
def test_what_is_missing_is_told_from_what_is_refused(aws, role_arn) -> None:
    """Whoever may list a prefix only is refused both."""
    store = s3_store(aws, role_arn=role_arn)
    kept_id, gone_id = new_id(), new_id()
    put(store, ACME, kept_id, bytes(3 * MEBIBYTE))
    put(store, ACME, gone_id, bytes(3 * MEBIBYTE))
    with pytest.raises(BlobMissing):
        store.open(ACME, new_id())
    assert store.find_note(ACME) is None
    with store.open(ACME, kept_id) as kept, store.open(ACME, gone_id) as gone:
        store.delete(ACME, gone_id)
        with pytest.raises(BlobMissing):
            gone.read()
        with refusing(aws, str(kept_id)):
            with pytest.raises(StoreUnavailable):
                kept.read()
            with pytest.raises(StoreUnavailable):
                store.open(ACME, kept_id)


@pytest.mark.parametrize("size", [10, 9 * MEBIBYTE], ids=["at once", "in parts"])
def test_an_answer_that_gets_lost_is_no_other_writers_object(aws, size) -> None:
    """boto3 asks again, and S3 says that there is an object: it is our own."""
    store, blob_id = s3_store(aws), new_id()
    aws.lost = is_the_end
    put(store, ACME, blob_id, b"x" * size)
    assert aws.lost is None, "no answer was lost"
    assert get(store, ACME, blob_id) == b"x" * size
    with pytest.raises(BlobExists):
        put(store, ACME, blob_id, b"y" * size)
    assert get(store, ACME, blob_id) == b"x" * size


def test_the_lost_answer_to_the_end_of_an_assembly_is_told(aws) -> None:
    store, blob_id = s3_store(aws), new_id()
    assembly = store.resume(ACME, blob_id, store.begin(ACME, blob_id))
    assembly.write_part(0, b"all of it")
    aws.lost = is_the_end
    with pytest.raises(BlobExists):
        assembly.commit(1)
    assert aws.lost is None, "no answer was lost"
    assert get(store, ACME, blob_id) == b"all of it"


def is_the_end(environ: dict[str, Any]) -> bool:
    """Whether a request makes an object visible."""
    asked = environ["REQUEST_METHOD"], "uploadId=" in environ["QUERY_STRING"]
    return environ.get("HTTP_IF_NONE_MATCH") == "*" and asked in (("PUT", False), ("POST", True))


def test_a_connection_that_breaks_in_any_way_is_a_store_that_is_down(aws, monkeypatch) -> None:
    """urllib3's own errors come out of a body, TLS's among them."""
    store, blob_id = s3_store(aws), new_id()
    put(store, ACME, blob_id)
    with bound(ACME):
        store._store.keep_note(ACME, b"note")

    def broken(*_: object, **_more: object) -> bytes:
        raise SSLError("bad record mac")

    monkeypatch.setattr(StreamingBody, "read", broken)
    with store.open(ACME, blob_id) as blob, pytest.raises(StoreUnavailable):
        blob.read()
    with pytest.raises(StoreUnavailable):
        store.find_note(ACME)


def test_an_object_of_parts_is_dated_by_when_it_can_have_ended(aws, clock) -> None:
    """S3 dates it by its beginning: a sweep must not take it for an orphan on its first day."""
    store = s3_store(aws)
    small, large = new_id(), new_id()
    put(store, ACME, small)
    put(store, ACME, large, bytes(9 * MEBIBYTE))
    clock.advance(hours=5)
    ages = {blob.blob_id: clock.now(UTC) - blob.modified_at for blob in store.list_blobs(ACME)}
    assert ages[small] > timedelta(hours=4)
    assert ages[large] < timedelta(hours=1)
    clock.advance(hours=21)
    [age] = {clock.now(UTC) - b.modified_at for b in store.list_blobs(ACME) if b.blob_id == large}
    assert timedelta(hours=1) < age < timedelta(hours=3)


def test_the_extra_is_asked_for_by_name(monkeypatch) -> None:
    monkeypatch.setattr(access, "find_spec", lambda _: None)
    with pytest.raises(access.Misconfigured, match=r"tenant-portal\[aws\]"):
        S3Blobs(Place("contents"))
