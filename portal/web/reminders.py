"""What people are reminded of in passing, on the next page that they see."""

from flask import flash, g

from portal.auth.factors.queries import count_recovery_codes
from portal.auth.factors.recovery import FEW


def tell_codes_left() -> None:
    """After a recovery code was used: how many are left, and where to make new ones."""
    left = count_recovery_codes(g.actor.user_id)
    many = "1 is" if left == 1 else f"{left or 'None'} are"
    flash(f"The recovery code is used up. {many} left.", "success" if left > FEW else "codes")
