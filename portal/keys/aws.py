"""Root keys in AWS KMS: one key a tenant, which never leaves it.

The portal makes a key and finds it again by its alias, or works with a key of the organisation's
own, in the organisation's account: then it can wrap and unwrap for as long as the organisation's
key policy allows it to. Tenant and version go along as encryption context, so they stand in
CloudTrail with every use and a key policy can ask for them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from portal.core.errors import Invalid
from portal.core.processes import PerProcess
from portal.keys.providers import KeyDamaged, KeyNotOurs, KeyUnavailable, ProviderAway

KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):\d{12}:key/[A-Za-z0-9-]{1,80}")

# What KMS says of this key or this ciphertext. Anything else it says is about itself.
DAMAGED = {"InvalidCiphertextException", "IncorrectKeyException"}
UNUSABLE = {
    "AccessDeniedException",
    "DisabledException",
    "InvalidGrantTokenException",
    "InvalidKeyUsageException",
    "KMSInvalidStateException",
    "KeyUnavailableException",
    "NotFoundException",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where KMS is. Credentials are found as boto3 finds them."""

    region: str = ""
    endpoint: str = ""
    timeout_seconds: float = 5

    def connect(self, region: str = "") -> Any:
        """A client for a region, or for the installation's own."""
        limits = Config(
            connect_timeout=self.timeout_seconds / 2,
            read_timeout=self.timeout_seconds,
            retries={"total_max_attempts": 2, "mode": "standard"},
        )
        return boto3.session.Session().client(  # the shared session is for one thread
            "kms",
            region_name=region or self.region or None,
            endpoint_url=self.endpoint or None,
            config=limits,
        )


class AwsKms:
    """A `KeyProvider` over AWS KMS."""

    name = "aws-kms"

    def __init__(self, access: Access, own_key: str = "", *, waiting_days: int = 30) -> None:
        """`own_key` is the ARN of a key of the organisation's. Raises `Invalid` for anything else.

        An alias won't do: whoever may change it would exchange the key under it.
        """
        found = KEY_ARN.fullmatch(own_key)
        if own_key and found is None:
            raise Invalid("A key of one's own is given as arn:aws:kms:REGION:ACCOUNT:key/ID.")
        self.own_key = own_key
        region = found["region"] if found else ""
        self._client: PerProcess[Any] = PerProcess(lambda: access.connect(region))
        self._waiting_days = waiting_days

    def create(self, tenant_id: UUID) -> None:
        with self._asking() as kms:
            if self.own_key:
                _check_usable(kms.describe_key(KeyId=self.own_key)["KeyMetadata"])
            elif _find(kms, _alias(tenant_id)) is None:
                self._make(kms, tenant_id)

    def wrap(self, tenant_id: UUID, version: int, seed: bytes) -> bytes:
        with self._asking() as kms:
            wrapped: bytes = kms.encrypt(
                KeyId=self._key_of(tenant_id),
                Plaintext=seed,
                EncryptionContext=_context(tenant_id, version),
            )["CiphertextBlob"]
        return wrapped

    def unwrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        with self._asking() as kms:
            seed: bytes = kms.decrypt(
                KeyId=self._key_of(tenant_id),
                CiphertextBlob=_some(wrapped),
                EncryptionContext=_context(tenant_id, version),
            )["Plaintext"]
        return seed

    def rewrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        """By ReEncrypt: the seed doesn't leave KMS for it."""
        key, context = self._key_of(tenant_id), _context(tenant_id, version)
        with self._asking() as kms:
            anew: bytes = kms.re_encrypt(
                CiphertextBlob=_some(wrapped),
                SourceKeyId=key,
                SourceEncryptionContext=context,
                DestinationKeyId=key,
                DestinationEncryptionContext=context,
            )["CiphertextBlob"]
        return anew

    def destroy(self, tenant_id: UUID) -> None:
        """Have KMS delete the key, which it does after a waiting time; it can't be used from now.

        The alias goes last: a run that is cut off finds the key again by it.
        """
        if self.own_key:
            raise KeyNotOurs
        with self._asking() as kms:
            found = _find(kms, _alias(tenant_id))
            if found is not None:
                if found["KeyState"] != "PendingDeletion":
                    kms.schedule_key_deletion(
                        KeyId=found["KeyId"], PendingWindowInDays=self._waiting_days
                    )
                kms.delete_alias(AliasName=_alias(tenant_id))

    def health(self) -> None:
        with self._asking() as kms:
            if self.own_key:
                _check_usable(kms.describe_key(KeyId=self.own_key)["KeyMetadata"])
            else:
                kms.list_aliases(Limit=1)

    def _make(self, kms: Any, tenant_id: UUID) -> None:
        """Of two that are made at once the one without the alias goes again."""
        made = kms.create_key(
            Description=f"Tenant Portal: root key of {tenant_id}",
            Tags=[{"TagKey": "tenant-portal", "TagValue": str(tenant_id)}],
        )["KeyMetadata"]["KeyId"]
        try:
            kms.create_alias(AliasName=_alias(tenant_id), TargetKeyId=made)
        except ClientError as error:
            kms.schedule_key_deletion(KeyId=made, PendingWindowInDays=7)
            if _code(error) != "AlreadyExistsException":
                raise

    def _key_of(self, tenant_id: UUID) -> str:
        return self.own_key or _alias(tenant_id)

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """The client; what it raises becomes ours, without the text, which may name accounts."""
        try:
            yield self._client.get()
        except ClientError as error:
            raise _translated(_code(error)) from None
        except BotoCoreError as error:
            raise ProviderAway(type(error).__name__) from None


def _alias(tenant_id: UUID) -> str:
    return f"alias/tenant-portal/{tenant_id}"


def _context(tenant_id: UUID, version: int) -> dict[str, str]:
    return {"tenant": str(tenant_id), "version": str(version)}


def _some(wrapped: bytes) -> bytes:
    """boto3 takes no empty ciphertext, and says so as if the call were wrong."""
    if not wrapped:
        raise KeyDamaged
    return wrapped


def _find(kms: Any, alias: str) -> Any | None:
    try:
        return kms.describe_key(KeyId=alias)["KeyMetadata"]
    except ClientError as error:
        if _code(error) != "NotFoundException":
            raise
        return None


def _check_usable(key: Any) -> None:
    if (key["KeyUsage"], key.get("KeySpec", "")) != ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"):
        raise Invalid("The key must be a symmetric one for encrypting.")
    if key["KeyState"] != "Enabled":
        raise KeyUnavailable(f"the key is {key['KeyState']}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _translated(code: str) -> KeyDamaged | KeyUnavailable:
    if code in DAMAGED:
        return KeyDamaged()
    return KeyUnavailable(code) if code in UNUSABLE else ProviderAway(code)
