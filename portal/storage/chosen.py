"""The stores of this process, and which of them is the bound tenant's."""

from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

import structlog
from sqlalchemy import bindparam, select

from portal.core.errors import Invalid, Misconfigured
from portal.core.settings import Settings
from portal.storage.blobs import BlobMissing, BlobReader, BlobStore, StoreUnavailable
from portal.storage.local.store import LocalBlobs
from portal.storage.models import BlobHome
from portal.storage.moving import MovingBlobs
from portal.storage.s3.access import Place
from portal.storage.s3.store import S3Blobs
from portal.storage.s3.writing import LARGEST_GIB
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db, release

LOCAL = "local"  # the address of the files in the instance, and home of whoever has no other
S3_SCHEME = "s3://"

Stores = Mapping[str, BlobStore]

log = structlog.get_logger()

_HOME = select(BlobHome.store, BlobHome.leaving).where(BlobHome.id == bindparam("home_id"))

_stores: Stores | None = None


def open_stores(settings: Settings) -> Stores:
    """The stores of an installation by their addresses; the first takes in new tenants.

    Raises `Misconfigured`.
    """
    return {address: _open(address, settings) for address in settings.blobs.split()}


def configure(stores: Stores) -> None:
    """Make these the stores of this process. `create_app` calls it once."""
    global _stores  # noqa: PLW0603  # a process has one installation's blobs
    _stores = stores


def configured() -> Stores:
    """The stores of this process."""
    if not _stores:
        raise Misconfigured("No blob store is configured.")
    return _stores


def blobs() -> BlobStore:
    """The bound tenant's store.

    A transaction that was not begun before is not left open. Raises `StoreUnavailable` where the
    tenant's blobs lie in a store that this process does not know.
    """
    was_idle = not db.session().in_transaction()
    home = db.session.execute(_HOME, {"home_id": bound_tenant_id()}).one_or_none()
    if was_idle:
        release()
    if home is None:
        return _known(LOCAL)
    if home.leaving is None:
        return _known(home.store)
    return MovingBlobs(_known(home.store), _known(home.leaving))


def open_blob(blob_id: UUID) -> BlobReader:
    """A committed blob of the bound tenant's, to be read.

    Where there is one store, it is looked for there first, and only where it is missing is asked
    whether it should be. Raises `BlobMissing` or `StoreUnavailable`.
    """
    stores = [*configured().values()]
    if len(stores) == 1:
        with suppress(BlobMissing):
            return stores[0].open(bound_tenant_id(), blob_id)
    return blobs().open(bound_tenant_id(), blob_id)


def find_home() -> BlobHome | None:
    """The bound tenant's home, or None where that is in the instance."""
    tenant_id = bound_tenant_id()
    return db.session.get(BlobHome, (tenant_id, tenant_id))


def settle_in() -> None:
    """Have a new tenant, the bound one, keep its blobs in the first store."""
    first = next(iter(configured()))
    if first != LOCAL:
        db.session.add(BlobHome(id=bound_tenant_id(), store=first))


def get_store(address: str) -> BlobStore:
    """The store of that address. Raises `Invalid`."""
    if address not in configured():
        raise Invalid(f"PORTAL_BLOBS names no store {address!r}: {', '.join(configured())}.")
    return configured()[address]


def _known(address: str) -> BlobStore:
    found = configured().get(address)
    if found is None:
        log.error("PORTAL_BLOBS lacks a store that holds a tenant's contents", store=address)
        raise StoreUnavailable
    return found


def _open(address: str, settings: Settings) -> BlobStore:
    if address == LOCAL:
        return LocalBlobs(settings.instance / "blobs")
    if settings.max_upload_gib > LARGEST_GIB:
        raise Misconfigured(f"S3 takes {LARGEST_GIB} GiB at most: lower PORTAL_MAX_UPLOAD_GIB.")
    return S3Blobs(_place(address, settings))


def _place(address: str, settings: Settings) -> Place:
    bucket, _, prefix = address.removeprefix(S3_SCHEME).partition("/")
    return Place(
        bucket,
        prefix,
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        role_arn=settings.s3_role_arn,
    )
