"""The pure part of one-time codes, against the vectors of RFC 6238."""

import base64
from datetime import UTC, datetime

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.auth.factors import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()
# Appendix B gives eight digits; the last six are the six-digit code of the same moment.
VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
}


@pytest.mark.parametrize(("at", "code"), VECTORS.items())
def test_codes_are_those_of_the_rfc(clock, at, code) -> None:
    clock.go_to(datetime.fromtimestamp(at, UTC))
    assert totp.matching_step(SECRET, code[-6:], after_step=0) == at // 30


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_a_code_counts_within_one_step_and_only_after_the_last_one(offset, last) -> None:
    step = int(datetime.now(UTC).timestamp()) // 30 + offset
    code = pyotp.TOTP(SECRET).at(step * 30)
    now_before = int(datetime.now(UTC).timestamp()) // 30
    found = totp.matching_step(SECRET, code, after_step=now_before + last)
    if int(datetime.now(UTC).timestamp()) // 30 == now_before == step - offset:
        assert found == (step if abs(offset) <= 1 and offset > last else None)


@given(st.text(max_size=8))
def test_no_other_text_is_a_code(text) -> None:
    valid = {
        pyotp.TOTP(SECRET).at(int(datetime.now(UTC).timestamp()) + 30 * i)
        for i in (-2, -1, 0, 1, 2)
    }
    assert totp.matching_step(SECRET, text, after_step=0) is None or text in valid


@given(st.data())
def test_digits_may_be_grouped_by_spaces_and_dashes(data) -> None:
    code = data.draw(st.text("0123456789", min_size=6, max_size=6))
    gaps = data.draw(st.lists(st.text(" -", max_size=3), min_size=6, max_size=6))
    assert totp.read_code("".join(map(str.__add__, gaps, code))) == code


@given(st.text(st.characters(categories=["Nd", "No", "Nl"]), min_size=6, max_size=6))
def test_digits_of_other_scripts_never_pass(text) -> None:
    """int() reads them as well: a code that was used would be another text of the same number."""
    now = int(datetime.now(UTC).timestamp())
    right = pyotp.TOTP(SECRET).at(now)
    translated = "".join(chr(0x0660 + int(digit)) for digit in right)
    for typed in (text, translated):
        if not typed.isascii():
            assert totp.matching_step(SECRET, totp.read_code(typed), after_step=-1) is None


def test_secrets_are_long_and_random() -> None:
    secrets = {totp.new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(base64.b32decode(secret)) for secret in secrets} == {20}


def test_the_picture_needs_no_inline_style() -> None:
    uri = totp.provisioning_uri(SECRET, email="a@b.example", issuer="Acme & Söhne (Tenant Portal)")
    assert uri.startswith("otpauth://totp/Acme%20%26%20S%C3%B6hne")
    svg = totp.qr_svg(uri)
    assert svg.startswith("<svg")
    assert "style=" not in svg
