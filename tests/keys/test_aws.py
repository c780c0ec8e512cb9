"""AWS KMS, as far as moto knows it. It lets disabled keys and those to be deleted decrypt still."""

import secrets
import socket
import time
from collections.abc import Iterator

import pytest

from portal.core.errors import Invalid
from portal.core.ids import new_id
from portal.keys.aws import Access, AwsKms
from portal.keys.chosen import providers_of
from portal.keys.providers import KeyNotOurs, KeyUnavailable, ProviderAway
from tests.conftest import settings_for
from tests.harness.aws import REGION, Aws
from tests.keys.holders import kms_settings

SEED = secrets.token_bytes(32)
ELSEWHERE = "us-east-2"


@pytest.fixture
def kms(aws: Aws) -> AwsKms:
    return AwsKms(Access(region=REGION, endpoint=aws.endpoint), waiting_days=7)


def own_key(aws: Aws, **more: str) -> str:
    """A key that an organisation made. (What is usual moto leaves out, where AWS tells it.)"""
    asked = {"KeyUsage": "ENCRYPT_DECRYPT"} | more
    return aws.client("kms").create_key(**asked)["KeyMetadata"]["Arn"]


def described(aws: Aws, alias: str) -> dict[str, object]:
    return aws.client("kms").describe_key(KeyId=alias)["KeyMetadata"]


def test_a_tenant_has_a_key_under_an_alias_and_its_context_is_demanded(
    aws: Aws, kms: AwsKms
) -> None:
    acme = new_id()
    kms.create(acme)
    wrapped = kms.wrap(acme, 3, SEED)
    client = aws.client("kms")
    context = {"tenant": str(acme), "version": "3"}
    found = client.decrypt(CiphertextBlob=wrapped, EncryptionContext=context)
    assert found["Plaintext"] == SEED
    assert found["KeyId"] == described(aws, f"alias/tenant-portal/{acme}")["Arn"]
    with pytest.raises(client.exceptions.InvalidCiphertextException):
        client.decrypt(CiphertextBlob=wrapped, EncryptionContext={"tenant": str(acme)})


def test_of_keys_that_two_make_at_once_one_is_used(
    aws: Aws, kms: AwsKms, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = new_id()
    kms.create(acme)
    first = described(aws, f"alias/tenant-portal/{acme}")["KeyId"]
    monkeypatch.setattr("portal.keys.aws._find", lambda *_: None)  # as the second saw it
    kms.create(acme)
    assert described(aws, f"alias/tenant-portal/{acme}")["KeyId"] == first
    tagged = [key for key in all_keys(aws) if str(acme) in key["Description"]]
    assert sorted(key["KeyState"] for key in tagged) == ["Enabled", "PendingDeletion"]


def test_a_destroyed_key_waits_for_its_deletion_without_an_alias(aws: Aws, kms: AwsKms) -> None:
    acme = new_id()
    kms.create(acme)
    key = described(aws, f"alias/tenant-portal/{acme}")["KeyId"]
    kms.destroy(acme)
    assert described(aws, str(key))["KeyState"] == "PendingDeletion"
    client = aws.client("kms")
    with pytest.raises(client.exceptions.NotFoundException):
        described(aws, f"alias/tenant-portal/{acme}")


def test_a_destruction_that_was_cut_off_is_finished(aws: Aws, kms: AwsKms) -> None:
    acme = new_id()
    kms.create(acme)
    key = str(described(aws, f"alias/tenant-portal/{acme}")["KeyId"])
    aws.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    kms.destroy(acme)
    with pytest.raises(KeyUnavailable):
        kms.wrap(acme, 1, SEED)


def test_an_organisation_may_bring_its_own_key(aws: Aws) -> None:
    acme, key = new_id(), own_key(aws)
    own = AwsKms(Access(region=REGION, endpoint=aws.endpoint), key)
    own.create(acme)
    wrapped = own.wrap(acme, 1, SEED)
    assert own.unwrap(acme, 1, own.rewrap(acme, 1, wrapped)) == SEED
    used = aws.client("kms").decrypt(
        CiphertextBlob=wrapped, EncryptionContext={"tenant": str(acme), "version": "1"}
    )
    assert (used["KeyId"], own.own_key) == (key, key)
    own.health()
    with pytest.raises(KeyNotOurs):
        own.destroy(acme)
    assert own.unwrap(acme, 1, wrapped) == SEED


def test_its_key_may_lie_in_another_region(aws: Aws) -> None:
    acme = new_id()
    made = (
        Access(region=ELSEWHERE, endpoint=aws.endpoint)
        .connect()
        .create_key(KeyUsage="ENCRYPT_DECRYPT")
    )
    key = made["KeyMetadata"]["Arn"]
    assert ELSEWHERE in key
    own = AwsKms(Access(region=REGION, endpoint=aws.endpoint), key)
    own.create(acme)
    assert own.unwrap(acme, 1, own.wrap(acme, 1, SEED)) == SEED


@pytest.mark.parametrize(
    "given",
    [
        "alias/acme",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:eu-central-1:123456789012:alias/acme",
        "arn:aws:s3:eu-central-1:123456789012:key/1234abcd",
        "arn:aws:kms:eu-central-1:123456789012:key/x\n",
        "arn:aws:kms:eu/../-1:123456789012:key/x",
    ],
)
def test_nothing_but_the_name_of_a_key_is_taken_for_one(given: str) -> None:
    with pytest.raises(Invalid):
        AwsKms(Access(), given)


def test_a_key_that_cant_wrap_is_refused_when_it_is_brought(aws: Aws) -> None:
    signing = own_key(aws, KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")
    disabled = own_key(aws)
    aws.client("kms").disable_key(KeyId=disabled.rpartition("/")[2])
    for key, refused in ((signing, Invalid), (disabled, KeyUnavailable)):
        with pytest.raises(refused):
            AwsKms(Access(region=REGION, endpoint=aws.endpoint), key).create(new_id())


def test_a_key_of_ones_own_is_for_kms_alone(tmp_path, aws: Aws) -> None:
    providers = providers_of(settings_for(tmp_path, **kms_settings(aws)))
    with pytest.raises(Invalid):
        providers.get("local", own_key(aws))


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("name", ["aws-kms", "vault"])
def test_a_server_that_hangs_is_left_after_the_limit_and_not_asked_again_at_once(
    name: str, silent: str, aws: Aws, tmp_path
) -> None:
    settings = settings_for(
        tmp_path,
        keys=name,
        keys_timeout_seconds=0.5,
        kms_endpoint=silent,
        kms_region=REGION,
        vault_url=silent,
        vault_token="token-of-the-tests",
    )
    provider = providers_of(settings).default
    took = []
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(ProviderAway):
            provider.unwrap(new_id(), 1, b"vault:v1:AAAA")
        took.append(time.monotonic() - began)
    assert took[0] < 4
    assert max(took[1:]) < 0.4, "it was asked again"


def all_keys(aws: Aws) -> list[dict[str, str]]:
    client = aws.client("kms")
    return [
        client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        for page in client.get_paginator("list_keys").paginate()
        for key in page["Keys"]
    ]
