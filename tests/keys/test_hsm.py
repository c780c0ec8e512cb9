"""A hardware module, as SoftHSM2 is one."""

import secrets
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, MechanismFlag, ObjectClass

from portal.core.errors import Misconfigured
from portal.core.ids import new_id
from portal.keys.chosen import providers_of
from portal.keys.hsm import Pkcs11
from portal.keys.providers import KeyUnavailable, ProviderAway
from portal.keys.token import token
from tests.conftest import settings_for
from tests.harness.softhsm import LABEL, PIN, SoftHsm

SEED = secrets.token_bytes(32)


@pytest.fixture
def hsm(softhsm: SoftHsm) -> Pkcs11:
    return Pkcs11(str(softhsm.module), LABEL, PIN)


def test_a_root_key_cant_be_taken_out_and_does_nothing_else(softhsm: SoftHsm, hsm: Pkcs11) -> None:
    acme = new_id()
    hsm.create(acme)

    def attributes(session: pkcs11.Session) -> dict[Attribute, object]:
        [key] = session.get_objects({Attribute.ID: acme.bytes})
        with pytest.raises(pkcs11.AttributeSensitive):
            key[Attribute.VALUE]
        wanted = (
            Attribute.CLASS,
            Attribute.TOKEN,
            Attribute.PRIVATE,
            Attribute.SENSITIVE,
            Attribute.ALWAYS_SENSITIVE,
            Attribute.NEVER_EXTRACTABLE,
            Attribute.EXTRACTABLE,
            Attribute.MODIFIABLE,
            Attribute.WRAP,
            Attribute.UNWRAP,
            Attribute.SIGN,
            Attribute.DERIVE,
        )
        return {attribute: key[attribute] for attribute in wanted}

    assert token(str(softhsm.module), LABEL, PIN).run(attributes) == {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.TOKEN: True,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.ALWAYS_SENSITIVE: True,
        Attribute.NEVER_EXTRACTABLE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.MODIFIABLE: False,
        Attribute.WRAP: False,
        Attribute.UNWRAP: False,
        Attribute.SIGN: False,
        Attribute.DERIVE: False,
    }


def test_two_keys_of_one_tenant_are_refused_until_one_is_gone(
    softhsm: SoftHsm, hsm: Pkcs11
) -> None:
    """As two machines might make them that ask the token at the same moment."""
    acme = new_id()
    hsm.create(acme)
    wrapped = hsm.wrap(acme, 1, SEED)
    second = token(str(softhsm.module), LABEL, PIN).run(
        lambda session: session.generate_key(
            pkcs11.KeyType.AES,
            256,
            id=acme.bytes,
            store=True,
            capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
        )
    )
    for ask in (lambda: hsm.unwrap(acme, 1, wrapped), lambda: hsm.create(acme)):
        with pytest.raises(KeyUnavailable) as caught:
            ask()
        assert caught.value.__context__ is None, "whoever keeps the error keeps the search open"
    token(str(softhsm.module), LABEL, PIN).run(
        lambda session: [
            key.destroy()
            for key in session.get_objects({Attribute.ID: acme.bytes})
            if not key[Attribute.LABEL]
        ]
    )
    assert second is not None
    assert hsm.unwrap(acme, 1, wrapped) == SEED


def test_a_refused_pin_is_tried_once(softhsm: SoftHsm, hsm: Pkcs11, monkeypatch) -> None:
    tried = []
    wrong = Pkcs11(str(softhsm.module), LABEL, "0000")
    real = pkcs11.lib
    monkeypatch.setattr(pkcs11, "lib", lambda so: tried.append(so) or real(so))
    for _ in range(4):
        with pytest.raises(ProviderAway) as caught:
            wrong.health()
        assert "PIN" in caught.value.reason
        assert "0000" not in caught.value.reason
    assert len(tried) == 1
    monkeypatch.undo()
    hsm.health()


def test_an_unknown_token_and_a_file_that_is_no_module_say_so(softhsm: SoftHsm) -> None:
    for module, label in ((softhsm.module, "elsewhere"), (Path(__file__), LABEL)):
        with pytest.raises(ProviderAway):
            Pkcs11(str(module), label, PIN).health()


def test_what_another_token_begins_ends_the_session_in_which_nothing_is_tried_any_more(
    softhsm: SoftHsm, hsm: Pkcs11
) -> None:
    """A search in a session that is over can't be brought to its end."""
    acme = new_id()
    hsm.create(acme)
    with pytest.raises(ProviderAway):
        Pkcs11(str(softhsm.module), "elsewhere", PIN).health()
    assert hsm.unwrap(acme, 1, hsm.wrap(acme, 1, SEED)) == SEED


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "PORTAL_PKCS11_MODULE, PORTAL_PKCS11_PIN"),
        ({"pkcs11_pin": PIN}, "PORTAL_PKCS11_MODULE"),
    ],
)
def test_a_setting_that_is_missing_is_named(tmp_path, given: dict[str, str], missing: str) -> None:
    with pytest.raises(Misconfigured, match=f": {missing}."):
        providers_of(settings_for(tmp_path, keys="pkcs11", **given))
