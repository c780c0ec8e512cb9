"""Identifiers of rows."""

from uuid import UUID

from uuid_utils import compat


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): unique, never reused, and sorted by time of making."""
    return compat.uuid7()
