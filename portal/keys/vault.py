"""Root keys in the transit engine of Vault or OpenBao: one key a tenant, which never leaves it.

The keys are derived ones and what a seed is bound to is the context: a ciphertext with associated
data could not be rewrapped, since rewrapping has no place for it.
"""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import hvac
from hvac import exceptions as said
from requests import RequestException, Response

from portal.core.processes import PerProcess
from portal.keys.providers import KeyDamaged, KeyUnavailable, ProviderAway, seed_context

CIPHERTEXT = re.compile(rb"vault:v([0-9]{1,9}):[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where Vault is, and as whom we come: with a token, or as an AppRole that gets one."""

    url: str
    token: str = field(default="", repr=False)
    role_id: str = ""
    secret_id: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 5

    def connect(self) -> Any:
        """A client, which follows no redirect: it would carry our token elsewhere."""
        return hvac.Client(
            url=self.url,
            token=self.token,
            verify=str(self.ca_file) if self.ca_file else True,
            timeout=self.timeout_seconds,
            allow_redirects=False,
        )


class VaultTransit:
    """A `KeyProvider` over the transit engine mounted at `mount`."""

    name = "vault"
    own_key = ""

    def __init__(self, access: Access, mount: str = "transit") -> None:
        self._access = access
        self._mount = mount
        self._clients: PerProcess[Any] = PerProcess(access.connect)

    def create(self, tenant_id: UUID) -> None:
        if self._find(tenant_id) is None:
            self._ask(
                "create_key",
                name=_name(tenant_id),
                key_type="aes256-gcm96",
                derived=True,
                exportable=False,
                allow_plaintext_backup=False,
            )

    def wrap(self, tenant_id: UUID, version: int, seed: bytes) -> bytes:
        """Vault would make a key that is missing here and now, so it is looked for first."""
        self._get(tenant_id)
        answer = self._ask(
            "encrypt_data",
            name=_name(tenant_id),
            plaintext=b64encode(seed).decode("ascii"),
            context=_context(tenant_id, version),
        )
        return str(answer["data"]["ciphertext"]).encode("ascii")

    def unwrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        answer = self._open("decrypt_data", tenant_id, version, wrapped)
        return b64decode(answer["data"]["plaintext"], validate=True)

    def rewrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        """By Vault's own rewrap: the seed doesn't leave it for this."""
        answer = self._open("rewrap_data", tenant_id, version, wrapped)
        return str(answer["data"]["ciphertext"]).encode("ascii")

    def destroy(self, tenant_id: UUID) -> None:
        if self._find(tenant_id) is not None:
            self._ask("update_key_configuration", name=_name(tenant_id), deletion_allowed=True)
            self._ask("delete_key", name=_name(tenant_id))

    def health(self) -> None:
        """Ask for a key that nobody has: only an open Vault tells those it knows that it is not."""
        self._find(UUID(int=0))

    def _open(self, verb: str, tenant_id: UUID, version: int, wrapped: bytes) -> Any:
        """Have a ciphertext opened. What Vault calls a bad request may be the key's fault."""
        given = _version_of(wrapped)
        try:
            return self._ask(
                verb,
                name=_name(tenant_id),
                ciphertext=wrapped.decode("ascii"),
                context=_context(tenant_id, version),
            )
        except said.InvalidRequest:
            key = self._get(tenant_id)
            if given < int(key["min_decryption_version"]):
                raise KeyUnavailable("min_decryption_version is above the seed's") from None
            raise KeyDamaged from None

    def _get(self, tenant_id: UUID) -> Any:
        key = self._find(tenant_id)
        if key is None:
            raise KeyUnavailable("there is no such key")
        return key

    def _find(self, tenant_id: UUID) -> Any | None:
        try:
            return self._ask("read_key", name=_name(tenant_id))["data"]
        except said.InvalidPath as error:
            if error.errors:  # of a missing key it says nothing
                raise ProviderAway("no transit engine is mounted there") from None
            return None

    def _ask(self, verb: str, **given: Any) -> Any:
        """Raises `ProviderAway`, `KeyUnavailable`, or what Vault says of this one request."""
        client = self._clients.get()
        call = getattr(client.secrets.transit, verb)
        try:
            if not client.token:
                self._sign_in(client)
            try:
                answer = call(mount_point=self._mount, **given)
            except said.Forbidden:
                if not self._access.role_id:
                    raise
                self._sign_in(client)  # the token's time was over
                answer = call(mount_point=self._mount, **given)
        except (said.InvalidRequest, said.InvalidPath):
            raise
        except said.Forbidden:
            raise KeyUnavailable("Vault refuses our token this") from None
        except (said.VaultError, RequestException) as error:
            raise ProviderAway(type(error).__name__) from None
        return _checked(answer)

    def _sign_in(self, client: Any) -> None:
        """A bad request here is about us, not about a key."""
        try:
            client.auth.approle.login(self._access.role_id, self._access.secret_id)
        except (said.InvalidRequest, said.InvalidPath, said.Forbidden):
            raise ProviderAway("Vault refuses the AppRole") from None


def _name(tenant_id: UUID) -> str:
    return f"tenant-portal-{tenant_id}"


def _context(tenant_id: UUID, version: int) -> str:
    return b64encode(seed_context(tenant_id, version)).decode("ascii")


def _version_of(wrapped: bytes) -> int:
    """The version N of the key in `vault:vN:base64`. Raises `KeyDamaged` for what is no such."""
    found = CIPHERTEXT.fullmatch(wrapped)
    if found is None:
        raise KeyDamaged
    return int(found[1])


def _checked(answer: Any) -> Any:
    """hvac takes a redirect for success."""
    if isinstance(answer, Response) and not 200 <= answer.status_code < 300:
        raise ProviderAway(f"status {answer.status_code}")
    return answer
