"""Root keys in a file of their own: one secret a tenant, beside nothing else that is backed up.

Whoever has a backup of the database and the blobs, but not this file, has nothing readable. Taking
a tenant out of it destroys the tenant's data wherever copies lie, so back it up apart and let its
backups expire.
"""

import fcntl
import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE, S_ISREG
from threading import Lock
from uuid import UUID

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from portal.core.durable import put_in_place, wipe, write_new
from portal.core.errors import Misconfigured
from portal.keys.providers import KeyDamaged, KeyUnavailable, seed_context

FORMAT = "portal-keys/v1"
SECRET_BYTES = 32

Secrets = dict[UUID, bytes]
Signature = tuple[int, ...]


class LocalKeys:
    """A `KeyProvider` over a key file that only its owner may read.

    Writers take a lock on `<file>.lock` and put a whole new file in the old one's place, so that
    readers need no lock and no tenant is lost between processes. The file is read again when it
    has changed: the command line may add a tenant while the portal runs. The old one is overwritten
    each time: any of them holds secrets that are destroyed one day.
    """

    name = "local"
    own_key = ""

    def __init__(self, path: Path) -> None:
        """Make the file where there is none. Raises `Misconfigured` where it can't be trusted."""
        self._path = path.resolve()
        self._new, self._old = Path(f"{self._path}.new"), Path(f"{self._path}.old")
        _check_user(self._path)
        self._reading = Lock()
        self._seen: Signature = ()
        self._secrets: Secrets = {}
        if not (self._path.exists() or self._old.exists()):  # one that was lost is not made anew
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                if not self._path.exists():
                    self._replace({})
        self._current()
        if self._new.exists() or self._old.exists():
            with self._locked():
                self._read()
                self._clear()

    def create(self, tenant_id: UUID) -> None:
        with self._locked():
            known = self._read()
            if tenant_id not in known:
                self._replace(known | {tenant_id: secrets.token_bytes(SECRET_BYTES)})

    def wrap(self, tenant_id: UUID, version: int, seed: bytes) -> bytes:
        message = Cobblestone256Encryptor(self._secret(tenant_id), seed_context(tenant_id, version))
        return message.update(seed) + message.finalize()

    def unwrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        message = Cobblestone256Decryptor(self._secret(tenant_id), seed_context(tenant_id, version))
        try:
            return message.update(wrapped) + message.finalize()
        except InvalidTag:
            raise KeyDamaged from None

    def rewrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        return self.wrap(tenant_id, version, self.unwrap(tenant_id, version, wrapped))

    def destroy(self, tenant_id: UUID) -> None:
        """Take the tenant's secret out, and overwrite the file that held it.

        Overwriting reaches what the file system still keeps in place; snapshots, backups and the
        spare blocks of an SSD are the operator's to expire.
        """
        with self._locked():
            known = self._read()
            if tenant_id in known:
                self._replace({t: s for t, s in known.items() if t != tenant_id})
            else:
                self._clear()

    def health(self) -> None:
        self._current()

    def _secret(self, tenant_id: UUID) -> bytes:
        secret = self._current().get(tenant_id)
        if secret is None:
            raise KeyUnavailable
        return secret

    def _current(self) -> Secrets:
        """What the file holds now; read again only when it looks different."""
        try:
            is_same = _signature(self._path.stat()) == self._seen
        except OSError as error:
            raise KeyUnavailable from error
        return self._secrets if is_same else self._read()

    def _read(self) -> Secrets:
        """What the file holds. One that is overwritten meanwhile has a successor: then that one."""
        with self._reading:
            found, content = self._content()
            parsed = _parse(content)
            if parsed is None:
                found, content = self._content()
                parsed = _parse(content)
            if parsed is None:
                raise Misconfigured(
                    f"{self._path} is not a key file of the portal, or is damaged. "
                    "Put its newest backup in its place; without it no document can be read."
                )
            self._secrets, self._seen = parsed, found
            return parsed

    def _content(self) -> tuple[Signature, bytes]:
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                _check_private(self._path, found)
                return _signature(found), file.read()
        except OSError as error:
            raise KeyUnavailable from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _replace(self, content: Secrets) -> None:
        """Put a new file in place, whole or not at all, and overwrite the one before it.

        That one has a second name meanwhile, by which it is found after a crash.
        """
        self._clear()
        if self._path.exists():
            os.link(self._path, self._old)
        write_new(self._new, _render(content))
        put_in_place(self._new, self._path)
        self._clear()
        self._seen = ()

    def _clear(self) -> None:
        """Overwrite what was put out of place, or never in it. Call it once the file is read: only
        then is what is beside it needed no more.
        """
        if self._old.exists() and self._old.samefile(self._path):
            self._old.unlink()
        for left in (self._old, self._new):
            if left.exists():
                wipe(left)


def _check_user(path: Path) -> None:
    """Root may use anybody's file, and would put one in its place that its owner can't read."""
    found = path if path.exists() else path.parent
    if os.geteuid() == 0 and found.exists() and (owner := found.stat().st_uid):
        raise Misconfigured(
            f"{found} belongs to the user {owner}, not to root."
            f" Run this as that user: sudo -u '#{owner}' portal ..."
        )


def _signature(found: os.stat_result) -> Signature:
    return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode


def _check_private(path: Path, found: os.stat_result) -> None:
    if not S_ISREG(found.st_mode):
        raise Misconfigured(f"{path} must be an ordinary file.")
    if found.st_mode & 0o077:
        raise Misconfigured(
            f"Others than its owner may use the key file {path} (mode {S_IMODE(found.st_mode):o}). "
            f"Run: chmod 600 {path}; if others were on this machine, take its keys for known."
        )


def _render(content: Secrets) -> bytes:
    tenants = {str(tenant_id): b64encode(secret).decode() for tenant_id, secret in content.items()}
    return json.dumps({"format": FORMAT, "tenants": tenants}, indent=1).encode() + b"\n"


def _parse(content: bytes) -> Secrets | None:
    try:
        whole = json.loads(content)
        known = {UUID(t): b64decode(s, validate=True) for t, s in whole["tenants"].items()}
        is_ours = whole["format"] == FORMAT
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return known if is_ours and all(len(s) == SECRET_BYTES for s in known.values()) else None
