"""Time-based one-time passwords (RFC 6238): SHA-1, 6 digits, 30 seconds, one step of drift."""

import pyotp
import segno
from pyotp.exceptions import OTPVerificationError

from portal.core import clock

DRIFT_STEPS = 1  # ASVS 6.5.5 asks for 30 s at most; clocks of telephones ask for a little more


def new_secret() -> str:
    """160 random bits in base32 (RFC 4226, section 4, R6)."""
    return pyotp.random_base32(32)


def read_code(typed: str) -> str:
    """A code without the spaces and dashes by which people and applications group its digits."""
    return "".join(sign for sign in typed if sign not in " -")


def matching_step(secret: str, code: str, *, after_step: int) -> int | None:
    """The time step that `code` belongs to, or None.

    Only steps later than `after_step` count, so a code works once (RFC 6238, section 5.2). Codes
    are ASCII digits: other digits of Unicode would pass as the same code written differently.
    """
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    try:
        step = pyotp.TOTP(secret).verify_and_get_timecode(
            code, for_time=clock.now(), valid_window=DRIFT_STEPS
        )
    except OTPVerificationError:
        return None
    return step if step > after_step else None


def provisioning_uri(secret: str, *, email: str, issuer: str) -> str:
    """The otpauth:// address that authenticator applications read."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def qr_svg(uri: str) -> str:
    """The address as an SVG element without inline style, fit for a strict CSP."""
    return segno.make(uri, error="m").svg_inline(scale=5, border=3, svgclass="qr", lineclass=None)
