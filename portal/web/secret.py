"""The key that signs form tokens, where the operator gave none."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def kept_in(instance: Path) -> str:
    """A random key kept in the instance folder, made at the first start (mode 0600).

    Production never comes here: it refuses to start without PORTAL_SECRET_KEY.
    """
    path = instance / "secret_key"
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Whole or not at all, and the first of several processes wins.
        descriptor, unfinished = tempfile.mkstemp(dir=instance)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(unfinished, path)
        Path(unfinished).unlink()
    return path.read_text()
