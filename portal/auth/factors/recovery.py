"""Recovery codes: ten for a bad day, each good once (ASVS 5.0, 6.5.1 to 6.5.4).

They are kept as argon2id, as passwords are. The ten of a person share one salt, so that a try
costs one hash: their randomness, not the salt, keeps them apart from each other.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from argon2.low_level import Type, hash_secret_raw
from sqlalchemy import delete, select, update

from portal.auth.factors.models import RecoveryCode
from portal.core import clock
from portal.core.settings import active
from portal.tenancy.session import change, db, release

COUNT = 10
FEW = 3  # from here on a person is reminded to make new ones
ALPHABET = "abcdefghjkmnpqrstvwxyz23456789"  # 30 signs, none of which looks like another
GROUPS, GROUP_LENGTH = 3, 4  # 12 signs: 58 random bits
LENGTH = GROUPS * GROUP_LENGTH
DASHES = "-\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Hashing:
    """How the codes of one set are hashed: later settings change nothing for it."""

    salt: bytes
    time_cost: int
    memory_kib: int

    def hash(self, code: str) -> bytes:
        """What is kept of a code."""
        return hash_secret_raw(
            code.encode(),
            self.salt,
            time_cost=self.time_cost,
            memory_cost=self.memory_kib,
            parallelism=1,
            hash_len=32,
            type=Type.ID,
        )


def new_codes() -> Sequence[str]:
    """Ten codes as they are shown: `abcd-efgh-jkmn`."""
    return [
        "-".join(
            "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS)
        )
        for _ in range(COUNT)
    ]


def read_code(typed: str) -> str | None:
    """The signs of a code that was typed in any case, with any spaces and dashes; None if none.

    Only ASCII counts: other scripts have signs that turn into these when their case is changed.
    """
    signs = "".join(sign for sign in typed if not sign.isspace() and sign not in DASHES)
    if not signs.isascii():
        return None
    signs = signs.lower()
    return signs if len(signs) == LENGTH and set(signs) <= set(ALPHABET) else None


def new_hashing() -> Hashing:
    """A fresh salt, at the installation's cost."""
    settings = active()
    return Hashing(
        secrets.token_bytes(16), settings.password_time_cost, settings.password_memory_kib
    )


def replace_codes(user_id: UUID, hashing: Hashing, hashes: Sequence[bytes]) -> None:
    """Give a person these codes in place of those they have. The person is locked."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    db.session.add_all(
        RecoveryCode(
            user_id=user_id,
            salt=hashing.salt,
            time_cost=hashing.time_cost,
            memory_kib=hashing.memory_kib,
            code_hash=code_hash,
        )
        for code_hash in hashes
    )


def use_code(user_id: UUID, typed: str) -> bool:
    """Use up one of a person's codes, if it is one. Ends the present transaction.

    By a conditional UPDATE, so of two parallel uses one is refused.
    """
    code, hashing = read_code(typed), _hashing_of(user_id)
    release()  # hashing takes long: no transaction waits for it
    if code is None or hashing is None:
        return False
    used = change(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == hashing.hash(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return used == 1


def _hashing_of(user_id: UUID) -> Hashing | None:
    """How the person's present codes are hashed."""
    row = db.session.execute(
        select(RecoveryCode.salt, RecoveryCode.time_cost, RecoveryCode.memory_kib)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
        .limit(1)
    ).one_or_none()
    return Hashing(*row) if row else None
