"""Numbers in forms."""

from typing import Any

from wtforms import IntegerField

MOST_DIGITS = 9  # of a number at all; what it may be in a place, the service says


class NumberField(IntegerField):
    """A number of a few digits: validators of WTForms can't take one of hundreds."""

    def process_formdata(self, valuelist: Any) -> None:
        if valuelist and len(valuelist[0].strip()) > MOST_DIGITS:
            raise ValueError("This number is too large.")
        super().process_formdata(valuelist)
