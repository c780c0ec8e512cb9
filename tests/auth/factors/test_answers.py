"""Whatever a browser says of a passkey is taken or refused, and never breaks anything."""

import json
from contextlib import suppress
from types import SimpleNamespace

import pytest
from fido2 import cbor
from fido2.utils import websafe_decode, websafe_encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.auth.factors import webauthn
from portal.core.ids import new_id
from tests.auth.factors.device import SEEN, Device
from tests.conftest import on_sqlite

BASE = "http://acme.localhost:8000"
HOST = "acme.localhost"
USER = SimpleNamespace(id=new_id(), email="mia@acme.example", name="Mia")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
any_bytes = st.binary(max_size=80).map(websafe_encode)
# What CBOR can hold, and beginnings of it that hold less than they say.
cbor_bytes = st.binary(max_size=80) | st.sampled_from(
    [b"\x9b" + b"\xff" * 8, b"\xbf", b"\x81" * 5000, b"\xa1\x01", cbor.encode({"fmt": "none"})]
)
quickly = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def changed(draw, answer: str) -> str:
    """A right answer with one of its parts replaced, cut short, or gone."""
    told = json.loads(answer)
    part = draw(st.sampled_from([told, told["response"]]))
    name = draw(st.sampled_from(sorted(part)))
    match draw(st.sampled_from(["json", "bytes", "cut", "bit", "gone"])):
        case "json":
            part[name] = draw(json_values)
        case "bytes":
            part[name] = draw(any_bytes | cbor_bytes.map(websafe_encode))
        case "cut" if isinstance(part[name], str):
            part[name] = part[name][: draw(st.integers(0, len(part[name])))]
        case "bit" if name not in ("type", "response"):
            raw = bytearray(websafe_decode(part[name]))
            raw[draw(st.integers(0, len(raw) - 1))] ^= 1 << draw(st.integers(0, 7))
            part[name] = websafe_encode(bytes(raw))
        case _:
            del part[name]
    return json.dumps(told)


@pytest.fixture
def bound(acme):
    with acme.bound():
        yield


@on_sqlite
def test_a_new_passkey_in_any_shape_is_taken_or_refused(bound) -> None:
    options, state = webauthn.ask_for_new(HOST, USER, [])
    right = Device().make(options["publicKey"], BASE)
    assert webauthn.check_new(HOST, state, right)

    @quickly
    @given(changed(right) | json_values.map(json.dumps) | st.text(max_size=60))
    def try_it(text: str) -> None:
        with suppress(webauthn.WrongAnswer):
            webauthn.check_new(HOST, state, text)

    try_it()


@on_sqlite
def test_a_proof_in_any_shape_is_taken_or_refused(bound) -> None:
    device = Device()
    options, state = webauthn.ask_for_new(HOST, USER, [])
    made = webauthn.check_new(HOST, state, device.make(options["publicKey"], BASE))
    passkey = SimpleNamespace(credential=made.data)
    options, state = webauthn.ask_for_proof(HOST, [])
    right = device.sign(options["publicKey"], BASE)

    def use(text: str) -> webauthn.Use:
        return webauthn.check_proof(HOST, state, passkey, webauthn.read_proof(text))

    assert use(right) == webauthn.Use(0, is_synced=False)

    @quickly
    @given(changed(right) | json_values.map(json.dumps) | st.text(max_size=60))
    def try_it(text: str) -> None:
        try:
            use(text)
        except webauthn.WrongAnswer:
            return
        kept, given_ = json.loads(right)["response"], json.loads(text)["response"]
        for name in ("clientDataJSON", "authenticatorData"):
            assert websafe_decode(kept[name]) == websafe_decode(given_[name]), "not what was signed"

    try_it()


@on_sqlite
@pytest.mark.parametrize(
    "key",
    [{1: 2, 3: -7}, {1: 2, 3: -7, -1: 1, -2: b"", -3: b""}, {1: 1, 3: -8, -1: 6}, {1: 3, 3: -257}],
)
def test_a_key_that_could_never_be_checked_is_not_kept(bound, key) -> None:
    device = Device()
    device.cose = key
    options, state = webauthn.ask_for_new(HOST, USER, [])
    with pytest.raises(webauthn.WrongAnswer, match=r"unusable key|malformed"):
        webauthn.check_new(HOST, state, device.make(options["publicKey"], BASE, flags=SEEN))


@on_sqlite
@pytest.mark.parametrize("told", [["usb", "nfc"], ["usb", {"a": 1}, 7, "moon"], "usb", None, {}])
def test_of_how_a_passkey_is_reached_only_known_words_are_kept(bound, told) -> None:
    options, state = webauthn.ask_for_new(HOST, USER, [])
    answer = json.loads(Device().make(options["publicKey"], BASE))
    answer["response"]["transports"] = told
    kept = webauthn.check_new(HOST, state, json.dumps(answer)).transports
    assert set(kept) <= {"usb", "nfc"}
    assert ("usb" in kept) == isinstance(told, list)
