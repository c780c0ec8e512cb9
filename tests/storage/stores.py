"""The stores that have to keep the one contract, and short ways to use them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from portal.core.ids import new_id
from portal.storage.blobs import BlobStore
from portal.storage.s3.access import Place
from portal.storage.s3.store import S3Blobs
from portal.tenancy.binding import TenantRecord, acting_for
from tests.harness.aws import REGION, ROLE, Aws

ACME, GLOBEX = new_id(), new_id()
MEBIBYTE = 2**20


class Bound:
    """A store whose every call is made for the tenant that it is about, as the portal does it."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._store, name)

        def bound(tenant_id: UUID, *arguments: Any) -> Any:
            with acting_for(TenantRecord(tenant_id, "-", "-", "active", "database")):
                found = call(tenant_id, *arguments)
                return list(found) if name == "list_blobs" else found

        return bound


def s3_place(aws: Aws, *, role_arn: str = ROLE, prefix: str = "portal/blobs") -> Place:
    """A bucket of its own."""
    return Place(aws.create_bucket(), prefix, aws.endpoint, REGION, role_arn)


def s3_store(aws: Aws, **given: str) -> Any:
    """A store in a bucket of its own."""
    return Bound(S3Blobs(s3_place(aws, **given)))


def put(store: Any, tenant_id: UUID, blob_id: UUID, content: bytes = b"content") -> None:
    with store.create(tenant_id, blob_id) as writer:
        writer.write(content)
        writer.commit()


def get(store: Any, tenant_id: UUID, blob_id: UUID) -> bytes:
    with store.open(tenant_id, blob_id) as blob:
        return blob.read()


@contextmanager
def down(aws: Aws) -> Iterator[None]:
    """AWS answers 503 to everything for the block."""
    aws.is_down = True
    try:
        yield
    finally:
        aws.is_down = False


def once_before(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, happens: Callable[[], object]
) -> None:
    """Have something happen just before the next call of a function of the system."""
    real, left = getattr(owner, name), [happens]

    def call(*args: object, **more: object) -> object:
        if left:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(left.pop()).result()
        return real(*args, **more)

    monkeypatch.setattr(owner, name, call)


@contextmanager
def refusing(aws: Aws, blob: str) -> Iterator[None]:
    """AWS answers 403 to whoever wants that object, for the block."""
    aws.refused = blob
    try:
        yield
    finally:
        aws.refused = ""
