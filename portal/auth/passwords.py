"""Passwords: argon2id, a length, a measure of strength, and no rules of composition.

Length by NIST SP 800-63B-4: 15 characters where the password stands alone, 8 with a second factor;
a tenant may ask for more. Sources: ASVS 5.0 V6.2.
"""

from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError
from zxcvbn import zxcvbn

from portal.auth.breached import is_breached
from portal.core.errors import Invalid
from portal.core.settings import active

MIN_LENGTH_ALONE = 15
MAX_LENGTH = 256
MIN_SCORE = 3  # of 4: beyond reach of an offline attack of 10^8 guesses
# As much of a password as is measured: what follows makes it no weaker. The time that it takes
# grows with the square, to ten seconds at zxcvbn's own limit of 72 for one of digits and signs.
MEASURED = 24


class WeakPassword(Invalid):
    """A new password that would be guessed; the text says how to choose a better one."""


def _hasher() -> PasswordHasher:
    settings = active()
    return _hasher_at(settings.password_time_cost, settings.password_memory_kib)


@cache
def _hasher_at(time_cost: int, memory_kib: int) -> PasswordHasher:
    return PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1, type=Type.ID)


@cache
def _nobodys_hash(hasher: PasswordHasher) -> str:
    """What an unknown person's password is compared with, so that it takes as long."""
    return hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """The argon2id hash, with its own salt and cost in it."""
    return _hasher().hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the hashed one; None stands for a person without a password."""
    hasher = _hasher()
    try:
        hasher.verify(password_hash or _nobodys_hash(hasher), password[: MAX_LENGTH + 1])
    except (Argon2Error, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made at another cost than today's."""
    return _hasher().check_needs_rehash(password_hash)


def check_strength(password: str, *, min_length: int, about: list[str]) -> None:
    """Raises `WeakPassword`. `about` are words close to the person: name, e-mail, organisation."""
    if len(password) < min_length:
        raise WeakPassword(f"Use at least {min_length} characters; a few words make a good one.")
    if len(password) > MAX_LENGTH:
        raise WeakPassword(f"Use at most {MAX_LENGTH} characters.")
    if is_breached(password):
        raise WeakPassword("This one was stolen somewhere before, and is tried first. Use another.")
    words = [word for text in about for word in _words(text)]
    verdict = zxcvbn(password[:MEASURED], user_inputs=words)
    if verdict["score"] < MIN_SCORE:
        hints = [verdict["feedback"]["warning"], *verdict["feedback"]["suggestions"]]
        raise WeakPassword(
            "This would be guessed too soon. " + " ".join(f"{h.rstrip('.')}." for h in hints if h)
        )


def _words(text: str) -> list[str]:
    spaced = "".join(c if c.isalnum() else " " for c in text)
    return [text, *(word for word in spaced.split() if len(word) > 2)]
