"""The filters of the audit log, sent by GET."""

from datetime import UTC, datetime
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    Form,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional

from portal.audit import export
from portal.audit.actions import Action, Outcome
from portal.audit.export import MEDIA_TYPES
from portal.audit.queries import Filters
from portal.audit.severity import Severity
from portal.web.choices import choices

ANY = ""
LONGEST_PROOF = 100_000


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None


class FilterForm(Form):
    """Person, action, severity, target, outcome and time; all of them optional, all in UTC.

    Readings of the log itself are shown when asked for: they would fill the first page.
    """

    person = SelectField("Person", choices=choices([ANY]), validate_choice=False)
    action = SelectField("Action", choices=choices([ANY, *Action]), default=ANY)
    severity = SelectField(
        "Severity", choices=choices([ANY, *Severity.NOTICE.and_above()]), default=ANY
    )
    target = StringField("Target", [Length(max=80)])
    outcome = SelectField("Outcome", choices=choices([ANY, *Outcome]), default=ANY)
    since = DateTimeLocalField("From", [Optional()], format="%Y-%m-%dT%H:%M")
    readings = BooleanField("Readings of this log, too")
    until = DateTimeLocalField("Until", [Optional()], format="%Y-%m-%dT%H:%M")

    def filters(self) -> Filters:
        """What was asked for."""
        return Filters(
            actor_id=_uuid(self.person.data),
            action=self.action.data or None,
            severity=self.severity.data or None,
            target=(self.target.data or "").strip().lower(),
            outcome=self.outcome.data or None,
            since=_utc(self.since.data),
            until=_utc(self.until.data),
            without_action=None if self.readings.data or self.action.data else Action.AUDIT_READ,
        )


class ExportForm(FilterForm, FlaskForm):
    """What is to be taken out of the log, in which form, and why."""

    form = RadioField("Form", choices=choices(MEDIA_TYPES), default=export.Form.CSV, coerce=str)
    reason = StringField("Reason", [InputRequired("Say what it is for."), Length(max=500)])


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
