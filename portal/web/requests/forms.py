"""Forms for asking for access, and for answering."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal.access.permissions import Permission
from portal.core import clock
from portal.web.choices import choices

PRESET_DAYS = 30
MOST_DAYS = 3650


class AskForm(FlaskForm):
    """What a refused page sends."""

    permission = SelectField("What for", choices=choices(Permission))
    target = StringField("Where", [InputRequired("Say where."), Length(max=80)])
    reason = StringField(
        "What you need it for", [InputRequired("Say what you need it for."), Length(max=300)]
    )

    @property
    def wanted(self) -> Permission:
        """The permission that was chosen."""
        return next(p for p in Permission if p == self.permission.data)


class ApproveForm(FlaskForm):
    """A role that holds what was asked for, and until when. An empty end: it lasts."""

    role = SelectField("Role")
    until = DateField("Until the end of", [Optional()])

    def offer(self, roles: Iterable[str]) -> None:
        """Fill in the roles that would do."""
        self.role.choices = choices(roles)

    def validate_until(self, field: DateField) -> None:
        """Keep the end to what the calendar can do."""
        if field.data and field.data > clock.now().date() + timedelta(days=MOST_DAYS):
            raise ValidationError("In ten years at most. Leave it empty, and it lasts.")

    @classmethod
    def preset(cls) -> "ApproveForm":
        """The form as it is first shown."""
        return cls(formdata=None, until=clock.now().date() + timedelta(days=PRESET_DAYS))

    @property
    def expires_at(self) -> datetime | None:
        """The end of the day that was chosen, in UTC."""
        day: Any = self.until.data
        return datetime.combine(day + timedelta(days=1), time(), UTC) if day else None


class DeclineForm(FlaskForm):
    """Why not."""

    answer = StringField("Answer", [Length(max=300)])
