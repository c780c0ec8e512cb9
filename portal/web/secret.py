"""The key that signs form tokens, where the operator gave none."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from portal.core.durable import sync_folder, write_new


def kept_in(instance: Path) -> str:
    """A random key kept in the instance folder, made at the first start (mode 0600).

    Production never comes here: it refuses to start without PORTAL_SECRET_KEY.
    """
    path = instance / "secret_key"
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Whole or not at all, and the first of several processes wins.
        unfinished = instance / f"secret_key.{secrets.token_hex(8)}"
        write_new(unfinished, secrets.token_urlsafe(48).encode())
        with suppress(FileExistsError):
            os.link(unfinished, path)
        unfinished.unlink()
        sync_folder(instance)
    return path.read_text()
