"""Random tokens that are handed out once and kept only as a hash."""

import hashlib
import secrets


def new_token() -> str:
    """256 random bits, fit for a URL and a cookie."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """SHA-256: enough for a token that is random and long (ASVS 5.0, 7.2)."""
    return hashlib.sha256(token.encode()).digest()
