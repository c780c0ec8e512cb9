"""The key that signs form tokens, where the operator gave none."""

import os
import secrets
from pathlib import Path


def kept_in(instance: Path) -> str:
    """A random key kept in the instance folder, made at the first start (mode 0600).

    Production never comes here: it refuses to start without PORTAL_SECRET_KEY.
    """
    path = instance / "secret_key"
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(key := secrets.token_urlsafe(48))
    return key
