"""What was signed of the bound tenant's log, and by which keys."""

from collections.abc import Sequence

from sqlalchemy import select

from portal.audit.tlog.models import AuditCheckpoint
from portal.audit.tlog.notes import VerifierKey
from portal.core.errors import NotFound
from portal.keys.models import SigningKey
from portal.tenancy.session import db

_NEWEST_FIRST = AuditCheckpoint.id.desc()


class Unsigned(NotFound):
    """There is no checkpoint yet."""

    message = "The log has not been signed yet. The worker does it; try again in a minute."


def find_newest_signed() -> AuditCheckpoint | None:
    """The newest checkpoint with its note."""
    return db.session.scalars(select(AuditCheckpoint).order_by(_NEWEST_FIRST).limit(1)).first()


def get_newest() -> AuditCheckpoint:
    """The newest checkpoint with its note. Raises `Unsigned`."""
    found = find_newest_signed()
    if found is None:
        raise Unsigned
    return found


def list_verifier_keys() -> Sequence[VerifierKey]:
    """The keys that signed the log, each under each name it signed for, newest first."""
    used = (
        select(AuditCheckpoint.origin, SigningKey.public_key)
        .join(SigningKey, SigningKey.id == AuditCheckpoint.signing_key_id)
        .group_by(AuditCheckpoint.origin, SigningKey.id, SigningKey.public_key)
        .order_by(SigningKey.id.desc(), AuditCheckpoint.origin.desc())
    )
    return [VerifierKey(origin, public_key) for origin, public_key in db.session.execute(used)]
