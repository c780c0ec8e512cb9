"""What every holder of root keys does, whichever it is."""

import os
import secrets
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.core.ids import new_id
from portal.keys import limits, token
from portal.keys.providers import KeyDamaged, KeyProvider, KeyUnavailable
from tests.keys import holders
from tests.keys.holders import Holder

SEED = secrets.token_bytes(32)
# moto says AccessDenied of a ciphertext of another key, where AWS says IncorrectKey.
REFUSED = (KeyDamaged, KeyUnavailable)
PROMPT_SECONDS = 8.0  # on a machine that is busy
NAMES = ("local", "aws-kms", "pkcs11", "vault")


@pytest.fixture(params=NAMES)
def holder(request: pytest.FixtureRequest, tmp_path: Path) -> Holder:
    match request.param:
        case "aws-kms":
            return holders.aws_kms(tmp_path, request.getfixturevalue("aws"))
        case "pkcs11":
            return holders.pkcs11(tmp_path, request.getfixturevalue("softhsm"))
        case "vault":
            return holders.vault(tmp_path, request.getfixturevalue("vault"))
    return holders.local(tmp_path)


@pytest.fixture
def keys(holder: Holder, monkeypatch: pytest.MonkeyPatch) -> KeyProvider:
    monkeypatch.setattr(limits, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(token, "BELIEVED_SECONDS", 0.0)
    monkeypatch.setattr(limits, "HEALTHY_SECONDS", 0.0)
    return holder.start()


def test_what_was_wrapped_is_unwrapped_by_every_process(holder: Holder, keys: KeyProvider) -> None:
    acme = new_id()
    keys.create(acme)
    wrapped = keys.wrap(acme, 1, SEED)
    assert SEED not in wrapped
    assert keys.wrap(acme, 1, SEED) != wrapped
    assert holder.start().unwrap(acme, 1, wrapped) == keys.unwrap(acme, 1, wrapped) == SEED
    assert keys.own_key == ""
    assert keys.name == holder.settings.keys
    keys.health()


def test_a_root_key_that_is_there_is_left_alone(holder: Holder, keys: KeyProvider) -> None:
    acme = new_id()
    keys.create(acme)
    wrapped = keys.wrap(acme, 1, SEED)
    keys.create(acme)
    holder.start().create(acme)
    assert keys.unwrap(acme, 1, wrapped) == SEED


def test_a_seed_is_bound_to_its_tenant_and_version(keys: KeyProvider) -> None:
    acme, globex = new_id(), new_id()
    keys.create(acme)
    keys.create(globex)
    wrapped = keys.wrap(acme, 1, SEED)
    for version in (0, 2, 2**31):
        with pytest.raises(KeyDamaged):
            keys.unwrap(acme, version, wrapped)
        with pytest.raises(KeyDamaged):
            keys.rewrap(acme, version, wrapped)
    with pytest.raises(REFUSED):
        keys.unwrap(globex, 1, wrapped)
    assert keys.unwrap(acme, 1, wrapped) == SEED


def test_every_changed_byte_and_length_is_refused(keys: KeyProvider) -> None:
    acme = new_id()
    keys.create(acme)
    wrapped = keys.wrap(acme, 1, SEED)
    step = max(1, len(wrapped) // 24)
    flipped = [
        wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
        for at in {*range(0, len(wrapped), step), len(wrapped) - 1}
    ]
    for changed in (*flipped, b"", wrapped[:-1], wrapped[:20], wrapped + b"\0", b"\0" + wrapped):
        with pytest.raises(REFUSED):
            keys.unwrap(acme, 1, changed)
    assert keys.unwrap(acme, 1, wrapped) == SEED


def test_rewrapping_gives_another_wrapping_of_the_same_seed(keys: KeyProvider) -> None:
    acme = new_id()
    keys.create(acme)
    wrapped = keys.wrap(acme, 3, SEED)
    anew = keys.rewrap(acme, 3, wrapped)
    assert anew != wrapped
    assert keys.unwrap(acme, 3, anew) == keys.unwrap(acme, 3, wrapped) == SEED


def test_a_tenant_without_a_root_key_gets_none_by_the_way(keys: KeyProvider) -> None:
    acme, nobody = new_id(), new_id()
    keys.create(acme)
    wrapped = keys.wrap(acme, 1, SEED)
    for _ in range(2):
        with pytest.raises(KeyUnavailable):
            keys.wrap(nobody, 1, SEED)
    with pytest.raises(KeyUnavailable):
        keys.unwrap(nobody, 1, wrapped)


def test_after_destruction_nothing_is_unwrapped_and_others_are_not_touched(
    holder: Holder, keys: KeyProvider
) -> None:
    acme, globex = new_id(), new_id()
    for tenant_id in (acme, globex):
        keys.create(tenant_id)
    wrapped, kept = keys.wrap(acme, 1, SEED), keys.wrap(globex, 1, SEED)
    keys.destroy(acme)
    keys.destroy(acme)
    keys.destroy(new_id())
    for process in (keys, holder.start()):
        with pytest.raises(KeyUnavailable):
            process.unwrap(acme, 1, wrapped)
        with pytest.raises(KeyUnavailable):
            process.wrap(acme, 1, SEED)
        assert process.unwrap(globex, 1, kept) == SEED
    keys.create(acme)  # another one
    with pytest.raises(REFUSED):
        keys.unwrap(acme, 1, wrapped)


def test_one_that_is_away_says_so_soon_and_serves_again_when_it_is_back(
    holder: Holder, keys: KeyProvider
) -> None:
    acme = new_id()
    keys.create(acme)
    wrapped = keys.wrap(acme, 1, SEED)
    with holder.away():
        for ask in (keys.health, lambda: keys.unwrap(acme, 1, wrapped)):
            began = time.monotonic()
            with pytest.raises(KeyUnavailable):
                ask()
            assert time.monotonic() - began < PROMPT_SECONDS
    keys.health()
    assert keys.unwrap(acme, 1, wrapped) == SEED


def test_eight_threads_ask_at_once(holder: Holder) -> None:
    keys, tenants = holder.start(), [new_id() for _ in range(4)]

    def work(number: int) -> bool:
        tenant_id = tenants[number % len(tenants)]
        keys.create(tenant_id)
        seed = secrets.token_bytes(32)
        return all(
            keys.unwrap(tenant_id, number, keys.wrap(tenant_id, number, seed)) == seed
            for _ in range(4)
        )

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(1, 9))) == [True] * 8


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it is what is tried here
def test_a_process_that_was_forked_asks_for_itself(keys: KeyProvider) -> None:
    acme = new_id()
    keys.create(acme)
    wrapped = keys.wrap(acme, 1, SEED)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            is_right = keys.unwrap(acme, 1, keys.wrap(acme, 1, SEED)) == SEED
            os._exit(0 if is_right and keys.unwrap(acme, 1, wrapped) == SEED else 1)
        finally:
            os._exit(2)
    mine = [keys.unwrap(acme, 1, wrapped) for _ in range(3)]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [*mine, keys.unwrap(acme, 1, wrapped)] == [SEED] * 4


def test_nothing_secret_is_in_what_is_said(holder: Holder, keys: KeyProvider) -> None:
    shown = repr(holder.settings) + repr(vars(keys))
    for secret in ("pkcs11_pin", "vault_token", "vault_secret_id"):
        assert not getattr(holder.settings, secret) or getattr(holder.settings, secret) not in shown
