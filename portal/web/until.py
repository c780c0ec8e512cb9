"""A last day in a form."""

from datetime import UTC, datetime, time
from typing import Any

from wtforms import DateField
from wtforms.validators import Optional, StopValidation

from portal.core import clock


class UntilField(DateField):
    """The last day on which something holds, all of it in UTC; empty where it has no end."""

    def __init__(self, label: str = "Until", **more: Any) -> None:
        super().__init__(label, [Optional()], **more)

    @property
    def end(self) -> datetime | None:
        """The end of that day. None where there is none."""
        return datetime.combine(self.data, time.max, UTC) if self.data else None

    def pre_validate(self, form: Any) -> None:
        """Refuse a day that is past."""
        end = self.end
        if end is not None and end <= clock.now():
            raise StopValidation("This day is past.")
