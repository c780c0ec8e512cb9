"""Vault's transit engine, against the stand-in of tests/harness/vault.py."""

import secrets
from collections.abc import Iterator
from uuid import UUID

import pytest

from portal.core.errors import Misconfigured
from portal.core.ids import new_id
from portal.keys.chosen import providers_of
from portal.keys.providers import KeyDamaged, KeyUnavailable, ProviderAway
from portal.keys.vault import Access, VaultTransit
from tests.conftest import settings_for
from tests.harness.vault import ROLE_ID, SECRET_ID, Vault

SEED = secrets.token_bytes(32)


@pytest.fixture
def own(vault: Vault) -> Iterator[Vault]:
    """The stand-in, as it was afterwards."""
    yield vault
    vault.forbidden, vault.redirect_to, vault.mount = "", "", "transit"


@pytest.fixture
def transit(own: Vault) -> VaultTransit:
    return VaultTransit(Access(url=own.address, role_id=ROLE_ID, secret_id=SECRET_ID))


@pytest.fixture
def acme(transit: VaultTransit) -> UUID:
    tenant_id = new_id()
    transit.create(tenant_id)
    return tenant_id


def name(tenant_id: UUID) -> str:
    return f"tenant-portal-{tenant_id}"


def test_a_tenant_has_a_derived_key_that_nobody_can_take_out(own: Vault, acme: UUID) -> None:
    key = own.keys[name(acme)]
    assert (key.derived, key.exportable, key.deletion_allowed) == (True, False, False)


def test_rewrapping_moves_to_the_newest_version_and_old_ones_can_be_closed(
    own: Vault, transit: VaultTransit, acme: UUID
) -> None:
    wrapped = transit.wrap(acme, 1, SEED)
    key = own.keys[name(acme)]
    key.versions.append(secrets.token_bytes(32))
    anew = transit.rewrap(acme, 1, wrapped)
    assert (wrapped[:9], anew[:9]) == (b"vault:v1:", b"vault:v2:")
    assert transit.unwrap(acme, 1, wrapped) == transit.unwrap(acme, 1, anew) == SEED
    key.min_decryption_version = 2
    with pytest.raises(KeyUnavailable):
        transit.unwrap(acme, 1, wrapped)
    assert transit.unwrap(acme, 1, anew) == SEED


def test_a_version_that_never_was_is_damage(transit: VaultTransit, acme: UUID) -> None:
    wrapped = transit.wrap(acme, 1, SEED)
    for changed in (wrapped.replace(b"v1", b"v7"), wrapped.replace(b"v1", b"v-1")):
        with pytest.raises(KeyDamaged):
            transit.unwrap(acme, 1, changed)


def test_wrapping_never_makes_a_key(own: Vault, transit: VaultTransit) -> None:
    nobody = new_id()
    with pytest.raises(KeyUnavailable):
        transit.wrap(nobody, 1, SEED)
    assert name(nobody) not in own.keys


def test_a_token_whose_time_is_over_is_replaced(
    own: Vault, transit: VaultTransit, acme: UUID
) -> None:
    wrapped = transit.wrap(acme, 1, SEED)
    own.tokens.clear()
    assert transit.unwrap(acme, 1, wrapped) == SEED


def test_a_token_may_be_given_instead_of_a_role(own: Vault, acme: UUID) -> None:
    token = own.issue_token()
    transit = VaultTransit(Access(url=own.address, token=token))
    assert transit.unwrap(acme, 1, transit.wrap(acme, 1, SEED)) == SEED
    own.tokens.remove(token)
    with pytest.raises(KeyUnavailable):
        transit.wrap(acme, 1, SEED)


def test_a_refused_role_is_about_vault_and_no_key(own: Vault) -> None:
    transit = VaultTransit(Access(url=own.address, role_id=ROLE_ID, secret_id="wrong"))
    for ask in (transit.health, lambda: transit.unwrap(new_id(), 1, b"vault:v1:AAAA")):
        with pytest.raises(ProviderAway):
            ask()


def test_what_the_policy_denies_is_not_available(
    own: Vault, transit: VaultTransit, acme: UUID
) -> None:
    wrapped = transit.wrap(acme, 1, SEED)
    own.forbidden = "transit/decrypt/"
    with pytest.raises(KeyUnavailable):
        transit.unwrap(acme, 1, wrapped)


def test_a_mount_that_is_not_there_is_told_from_a_missing_key(
    own: Vault, transit: VaultTransit
) -> None:
    transit.health()
    own.mount = "elsewhere"
    with pytest.raises(ProviderAway):
        transit.health()


def test_no_redirect_is_followed_and_none_is_taken_for_success(
    own: Vault, transit: VaultTransit, acme: UUID
) -> None:
    own.redirect_to = f"{own.address}/v1/elsewhere"
    before = len(own.asked)
    for ask in (transit.health, lambda: transit.destroy(acme), lambda: transit.create(new_id())):
        with pytest.raises(ProviderAway):
            ask()
    assert not any("elsewhere" in asked for asked in own.asked[before:])
    own.redirect_to = ""
    assert name(acme) in own.keys


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "PORTAL_VAULT_URL"),
        ({"vault_url": "https://v"}, "PORTAL_VAULT_ROLE_ID, PORTAL_VAULT_SECRET_ID"),
        ({"vault_url": "https://v", "vault_role_id": "r"}, "PORTAL_VAULT_SECRET_ID"),
    ],
)
def test_a_setting_that_is_missing_is_named(tmp_path, given: dict[str, str], missing: str) -> None:
    with pytest.raises(Misconfigured, match=f": {missing}."):
        providers_of(settings_for(tmp_path, keys="vault", **given))
