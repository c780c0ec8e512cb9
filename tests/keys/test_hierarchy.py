from threading import Thread
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.core.errors import Misconfigured
from portal.keys import hierarchy, service
from portal.keys.hierarchy import KekCache, TenantKek, current_key, key_of, purge
from portal.keys.providers import KeyDamaged, KeyUnavailable
from portal.keys.queries import WrappedSeed
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.errors import NoTenantBound
from tests.keys.conftest import ACME, GLOBEX, Rows


def test_the_newest_version_is_used_and_every_older_one_is_found(
    rows: Rows, acme: TenantRecord
) -> None:
    rows.add(acme, 2)
    with acting_for(acme):
        assert current_key().version == 2
        assert key_of(2) is current_key()
        assert (key_of(1).version, key_of(1).tenant_id) == (1, acme.id)
        assert key_of(1).secret != key_of(2).secret


def test_a_key_is_derived_as_the_design_says(rows: Rows, acme: TenantRecord) -> None:
    seed = rows.provider.unwrap(acme.id, 1, rows.seeds[acme.id, 1].wrapped)
    info = b"portal/kek/v1\0" + acme.id.bytes + b"\0\0\0\1"
    expected = HKDF(SHA512(), 32, None, info).derive(seed)
    with acting_for(acme):
        assert current_key().secret == expected


def test_without_a_tenant_there_is_no_key(rows: Rows, acme: TenantRecord) -> None:
    with acting_for(acme):
        current_key()
    for ask in (current_key, lambda: key_of(1)):
        with pytest.raises(NoTenantBound):
            ask()


def test_keys_are_kept_for_a_while_and_then_read_again(
    rows: Rows, acme: TenantRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr(hierarchy.time, "monotonic", lambda: moment)
    with acting_for(acme):
        for _ in range(3):
            current_key()
            key_of(1)
        assert rows.reads == 1
        moment += hierarchy.TTL_SECONDS + 1
        rows.add(acme, 2)
        assert current_key().version == 2
        assert rows.reads == 2
    assert hierarchy.TTL_SECONDS <= 300


def test_purging_forgets_a_tenants_keys_and_no_others(
    rows: Rows, acme: TenantRecord, globex: TenantRecord
) -> None:
    def unlock_both() -> None:
        for tenant in (acme, globex):
            with acting_for(tenant):
                current_key()
                key_of(1)

    unlock_both()
    assert rows.reads == 2
    purge(acme.id)
    unlock_both()
    assert rows.reads == 3
    purge()
    unlock_both()
    assert rows.reads == 5


def test_a_key_that_was_being_unlocked_while_it_was_purged_is_not_kept(
    rows: Rows, acme: TenantRecord
) -> None:
    rows.while_reading = purge
    with acting_for(acme):
        current_key()
        rows.while_reading = bool
        current_key()
        current_key()
    assert rows.reads == 2


def test_after_destruction_nothing_opens(rows: Rows, acme: TenantRecord) -> None:
    with acting_for(acme):
        current_key()
        rows.provider.destroy(acme.id)
        purge(acme.id)
        with pytest.raises(KeyUnavailable):
            current_key()
        with pytest.raises(KeyUnavailable):
            key_of(1)


def test_a_row_that_was_moved_or_changed_is_refused(
    rows: Rows, acme: TenantRecord, globex: TenantRecord
) -> None:
    own, foreign = rows.seeds[acme.id, 1], rows.seeds[globex.id, 1]
    rows.seeds[acme.id, 2] = own._replace(version=2)
    rows.seeds[acme.id, 3] = foreign._replace(version=3)
    rows.seeds[acme.id, 4] = WrappedSeed(4, rows.provider.wrap(acme.id, 4, b"short"), "local")
    rows.seeds[acme.id, 1] = foreign
    with acting_for(acme):
        for version in (1, 2, 3, 4, 5):
            with pytest.raises(KeyDamaged):
                key_of(version)


def test_a_seed_of_another_provider_or_none_at_all_is_unavailable(
    rows: Rows, acme: TenantRecord, globex: TenantRecord
) -> None:
    rows.seeds[acme.id, 1] = rows.seeds[acme.id, 1]._replace(provider="elsewhere")
    del rows.seeds[globex.id, 1]
    for tenant in (acme, globex):
        with acting_for(tenant), pytest.raises(KeyUnavailable):
            current_key()


def test_the_provider_must_be_configured(
    rows: Rows, acme: TenantRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hierarchy, "_providers", None)
    with acting_for(acme), pytest.raises(Misconfigured):
        current_key()


def test_threads_of_two_tenants_never_get_each_others_key(rows: Rows) -> None:
    wrong: list[TenantKek] = []

    def ask(tenant: TenantRecord) -> None:
        for turn in range(300):
            with acting_for(tenant):
                key = current_key() if turn % 2 else key_of(1)
                if key.tenant_id != tenant.id:
                    wrong.append(key)
            if turn % 50 == 0:
                purge(tenant.id)

    threads = [Thread(target=ask, args=(tenant,)) for tenant in (ACME, GLOBEX) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_cache_drops_what_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 0.0
    monkeypatch.setattr(hierarchy.time, "monotonic", lambda: moment)
    cache = KekCache(10)
    cache.keep(1, TenantKek(ACME.id, 1, bytes(32)), purges=0)
    moment = 11.0
    cache.keep(1, TenantKek(GLOBEX.id, 1, bytes(32)), purges=0)
    assert set(cache._kept) == {(GLOBEX.id, 1)}


def test_a_secret_is_not_shown_by_its_object() -> None:
    assert "secret" not in repr(TenantKek(ACME.id, 1, b"secret"))


def test_what_a_rolled_back_unit_unlocked_is_forgotten(
    rows: Rows, acme: TenantRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the next unit would seal under a seed that was never stored."""
    added = []
    session = SimpleNamespace(add=added.append, flush=lambda: None, execute=lambda _: ())
    monkeypatch.setattr(service, "db", SimpleNamespace(session=session))
    rows.seeds.clear()
    secrets = []
    for _ in range(2):
        with acting_for(acme):
            key = service.create_tenant_key(rows.provider)
            assert added[-1] is key
            rows.seeds[acme.id, 1] = WrappedSeed(key.version, key.wrapped_seed, key.provider)
            secrets.append(current_key().secret)
        rows.seeds.clear()
    assert secrets[0] != secrets[1]
    with acting_for(acme), pytest.raises(KeyUnavailable):
        current_key()
