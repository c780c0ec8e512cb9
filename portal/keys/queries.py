"""Reading a tenant's wrapped seeds and signing keys."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from portal.keys.models import SigningKey, TenantKey
from portal.tenancy.session import db

COLUMNS = (TenantKey.version, TenantKey.wrapped_seed, TenantKey.provider, TenantKey.own_key)


class WrappedSeed(NamedTuple):
    """A seed as the provider wrapped it."""

    version: int
    wrapped: bytes
    provider: str
    own_key: str = ""


def find_wrapped_seed(version: int | None = None) -> WrappedSeed | None:
    """The bound tenant's seed of that version, or the newest; None where there is none.

    It doesn't flush: a key may be wanted while an object that is being built is half full.
    """
    query = select(*COLUMNS)
    if version is not None:
        query = query.where(TenantKey.version == version)
    with db.session.no_autoflush:
        row = db.session.execute(query.order_by(TenantKey.version.desc()).limit(1)).one_or_none()
    return None if row is None else WrappedSeed(*row)


def list_tenant_keys() -> Sequence[TenantKey]:
    """All versions of the bound tenant's seed that there still are, newest first."""
    return db.session.scalars(
        select(TenantKey)
        .order_by(TenantKey.version.desc())
        .execution_options(populate_existing=True)
    ).all()


def list_signing_keys() -> Sequence[SigningKey]:
    """All keys that the bound tenant signs with, or did, newest first."""
    return db.session.scalars(
        select(SigningKey).order_by(SigningKey.created_at.desc(), SigningKey.id)
    ).all()


def list_wrapped_seeds() -> Sequence[WrappedSeed]:
    """All seeds of the bound tenant, newest first, as they are in the database now."""
    rows = db.session.execute(select(*COLUMNS).order_by(TenantKey.version.desc()))
    return [WrappedSeed(*row) for row in rows]
