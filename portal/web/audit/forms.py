"""The filters of the audit log, sent by GET."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    Form,
    RadioField,
    SelectField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from portal.audit import export
from portal.audit.actions import Action, Outcome
from portal.audit.export import MEDIA_TYPES
from portal.audit.queries import Filters
from portal.audit.severity import Severity
from portal.core import clock
from portal.web.choices import choices
from portal.web.numbers import NumberField

ANY = ""
LONGEST_PROOF = 100_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PERIODS = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
WHOLE_SEARCH = 31 * DAY  # in which every entry is looked at, where no index leads to some


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None


class FilterForm(Form):
    """Who, what, how, from where and when; all of it optional, all times in UTC.

    Readings of the log itself are shown when asked for: they would fill the first page.
    """

    needs_time = True  # where no index leads to what is looked for

    person = SelectField("Person", choices=choices([ANY]), validate_choice=False)
    group = SelectField("Group", choices=choices([ANY]), validate_choice=False)
    action = SelectField("Action", choices=choices([ANY, *Action]), default=ANY)
    severity = SelectField(
        "Severity", choices=choices([ANY, *Severity.NOTICE.and_above()]), default=ANY
    )
    outcome = SelectField("Outcome", choices=choices([ANY, *Outcome]), default=ANY)
    target = StringField("Target", [Length(max=80)])
    address = StringField("Address", [Length(max=45)])
    text = StringField("Words in the details", [Length(max=80)])
    last = SelectField("Time", choices=choices([ANY, *PERIODS]), default=ANY)
    since = DateTimeLocalField("From", [Optional()], format="%Y-%m-%dT%H:%M")
    until = DateTimeLocalField("Until", [Optional()], format="%Y-%m-%dT%H:%M")
    readings = BooleanField("Readings of this log, too")

    def validate_address(self, field: StringField) -> None:
        """Raises `ValidationError` for what is none."""
        try:
            field.data = str(ip_address(field.data.strip())) if field.data else ""
        except ValueError:
            raise ValidationError("Enter a whole address, such as 192.0.2.7.") from None

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """Whether all is understood, and can be found in reasonable time."""
        if not super().validate(extra_validators):
            return False
        filters = self.filters()
        if self.needs_time and filters.has_no_index and not _is_short(filters):
            self.last.errors = [
                "For a group, an address or words, choose a time of 31 days or less."
            ]
            return False
        return True

    @property
    def kept(self) -> Mapping[str, Any]:
        """What is filled in, as an address holds it."""
        given = ((field.name, (field.raw_data or [""])[0]) for field in self)
        return {name: str(value) for name, value in given if value}

    def filters(self) -> Filters:
        """What was asked for."""
        return Filters(
            actor_id=_uuid(self.person.data),
            group_id=_uuid(self.group.data),
            action=self.action.data or None,
            severity=self.severity.data or None,
            target=(self.target.data or "").strip().lower(),
            outcome=self.outcome.data or None,
            address=self.address.data or "",
            text=(self.text.data or "").strip(),
            since=_utc(self.since.data) or self._since_last(),
            until=_utc(self.until.data),
            without_action=None if self.readings.data or self.action.data else Action.AUDIT_READ,
        )

    def _since_last(self) -> datetime | None:
        return clock.now() - PERIODS[self.last.data] if self.last.data in PERIODS else None


def _is_short(filters: Filters) -> bool:
    until = filters.until or clock.now()
    return filters.since is not None and until - filters.since <= WHOLE_SEARCH


class LiveForm(FilterForm):
    """The same for a view that has a time of its own."""

    needs_time = False


class ExportForm(FilterForm, FlaskForm):
    """What is to be taken out of the log, in which form, and why."""

    form = RadioField("Form", choices=choices(MEDIA_TYPES), default=export.Form.CSV, coerce=str)
    reason = StringField("Reason", [InputRequired("Say what it is for."), Length(max=500)])


class SearchForm(FlaskForm):
    """What a kept search is called, and whether others see it."""

    name = StringField("Name", [InputRequired("Enter a name."), Length(max=60)])
    is_shared = BooleanField("Share it with everybody who may read the log")


class RetentionForm(FlaskForm):
    """For how many days the log is kept. `preview` is pressed to see what that comes to."""

    days = NumberField("Days that entries are kept", [Optional(), NumberRange(1)])
    reason = StringField("Reason", [Length(max=500)])
    preview = SubmitField()


class ProofForm(FlaskForm):
    """The proof of an entry as a text."""

    text = TextAreaField(
        "The whole text of the proof",
        [InputRequired("Paste the text of the file."), Length(max=LONGEST_PROOF)],
    )

    def proof(self) -> str:
        """The text as it was before a browser sent its line ends."""
        return str(self.text.data).replace("\r\n", "\n").strip() + "\n"


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None
