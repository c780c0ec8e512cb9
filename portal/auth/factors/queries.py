"""Which factors people have set up."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import literal, select, union_all

from portal.auth.assurance import Factor
from portal.auth.factors.models import Passkey, RecoveryCode, TotpDevice
from portal.tenancy.session import db


def factors_of(user_id: UUID | None) -> frozenset[Factor]:
    """The kinds of factor that a person has set up."""
    return factors_by_user([user_id]).get(user_id, frozenset()) if user_id else frozenset()


def factors_by_user(user_ids: Collection[UUID]) -> Mapping[UUID, frozenset[Factor]]:
    """The kinds of factor of each of these people; who has none is left out."""
    kinds = ((Factor.TOTP, TotpDevice), (Factor.PASSKEY, Passkey))
    each = (
        select(model.user_id, literal(kind.value).label("kind")).where(model.user_id.in_(user_ids))
        for kind, model in kinds
    )
    found: dict[UUID, set[Factor]] = {}
    for user_id, kind in db.session.execute(union_all(*each)):
        found.setdefault(user_id, set()).add(Factor(kind))
    return {user_id: frozenset(held) for user_id, held in found.items()}


def list_devices(user_id: UUID | None) -> Sequence[TotpDevice]:
    """A person's authenticator applications, oldest first."""
    return db.session.scalars(
        select(TotpDevice).where(TotpDevice.user_id == user_id).order_by(TotpDevice.id)
    ).all()


def list_passkeys(user_id: UUID | None) -> Sequence[Passkey]:
    """A person's passkeys, oldest first."""
    return db.session.scalars(
        select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)
    ).all()


def count_recovery_codes(user_id: UUID | None) -> int:
    """How many unused recovery codes a person has left."""
    return len(
        db.session.scalars(
            select(RecoveryCode.id).where(
                RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
            )
        ).all()
    )
