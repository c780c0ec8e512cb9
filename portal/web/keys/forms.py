"""How often the encryption key rotates."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms.validators import NumberRange, Optional

from portal.web.numbers import NumberField


class RotationForm(FlaskForm):
    """Empty: never by itself."""

    days = NumberField("Days between rotations", [Optional(), NumberRange(1)])

    @classmethod
    def showing(cls, days: int | None) -> Any:
        """The form as the choice in force fills it in."""
        return cls(formdata=None, days=days)
