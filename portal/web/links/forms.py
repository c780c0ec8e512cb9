"""Forms for sharing links."""

from dataclasses import replace
from uuid import UUID

from flask import current_app, g
from flask_wtf import FlaskForm
from itsdangerous import BadSignature, URLSafeTimedSerializer
from wtforms import (
    BooleanField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length, NumberRange, Optional, ValidationError

from portal.auth.passwords import MAX_LENGTH
from portal.core.ids import new_id
from portal.documents.links.kinds import Audience, Kind
from portal.documents.links.offering import Offer
from portal.documents.links.policy import Mode
from portal.documents.links.terms import MOST_NOTE, MOST_RECIPIENTS, MOST_USES, Terms
from portal.web.choices import choices
from portal.web.numbers import NumberField
from portal.web.until import UntilField

NEWEST = ""
ID_SECONDS = 24 * 60 * 60  # an id begins with its time, by which links are sorted


class _LinkForm(FlaskForm):
    """For whom a new link is, and for how long."""

    made_as = HiddenField()  # the id of the link that the form makes, signed
    audience = RadioField("Who can use it", choices=choices(Audience))
    recipients = TextAreaField("E-mails", [Length(max=MOST_RECIPIENTS * 100)])
    password = PasswordField("Password", [Length(max=MAX_LENGTH)])
    had_password = HiddenField()  # no page gives a password back: an error would lose it unnoticed
    without_password = BooleanField("The link gets no password")
    until = UntilField("Last day")
    max_uses = NumberField("How many times", [Optional(), NumberRange(1, MOST_USES)])
    note = StringField("Note", [Length(max=MOST_NOTE)])

    def validate_password(self, field: PasswordField) -> None:
        """Let nobody leave out a password that they gave before, unless they say so."""
        if field.data:
            self.had_password.data, self.without_password.data = "yes", False
        elif self.had_password.data and not self.without_password.data:
            raise ValidationError("Enter the password again, or tick that the link gets none.")

    def validate_made_as(self, field: HiddenField) -> None:
        """Take an id from the page that was given it, and from nobody who makes one up."""
        try:
            given = _signer().loads(field.data, max_age=ID_SECONDS) if field.data else new_id()
        except BadSignature:
            self.form_errors.append("This form is too old. Look it through, and send it again.")
            raise ValidationError from None
        self._link_id = UUID(str(given))

    def give_id(self) -> None:
        """Have the page that is shown now make a link of its own."""
        self.made_as.data = _signer().dumps(str(new_id()))

    def offer(self, offered: Offer) -> None:
        """Fill in what can be chosen by the organisation's rules, and what is usual."""
        is_internal = offered.rules.mode == Mode.INTERNAL
        self.held: list[str] = []  # what is shown, and can't be chosen
        if is_internal:
            self.held = [Audience.ANYBODY, Audience.LISTED]
        if not self.is_submitted():
            self.until.data = offered.rules.usual_end.date()
            self.audience.data = Audience.MEMBERS if is_internal else Audience.ANYBODY

    def common(self) -> Terms:
        """What was filled in."""
        return Terms(
            id=self._link_id,
            audience=Audience(self.audience.data),
            recipients=(self.recipients.data or "").replace(",", " ").split(),
            password=self.password.data or "",
            expires_at=self.until.end,
            max_uses=self.max_uses.data,
            note=self.note.data or "",
        )


def _signer() -> URLSafeTimedSerializer:
    salt = f"link:{g.tenant.id}:{g.actor.user_id}"
    return URLSafeTimedSerializer(str(current_app.secret_key), salt=salt)


class ShareForm(_LinkForm):
    """A new link by which something is read."""

    kind = RadioField("What they can do", choices=choices((Kind.DOWNLOAD, Kind.VIEW)))
    version = SelectField("Version")

    def offer(self, offered: Offer) -> None:
        super().offer(offered)
        is_view_only = offered.rules.is_view_only
        self.held += [Kind.DOWNLOAD] if is_view_only else []
        self.held += [] if offered.can_be_shown else [Kind.VIEW]
        self.version_names = {NEWEST: "Always the newest"} | {
            str(number): f"Version {number}, whatever comes after it" for number in offered.versions
        }
        self.version.choices = choices(self.version_names)
        if not self.is_submitted():
            self.kind.data = Kind.VIEW if is_view_only else Kind.DOWNLOAD

    def terms(self) -> Terms:
        """What was filled in."""
        number = int(self.version.data) if self.version.data else None
        return replace(self.common(), kind=Kind(self.kind.data), version_number=number)


class RequestForm(_LinkForm):
    """A new link by which files are sent in."""

    max_file_mib = NumberField("Largest file in MiB", [Optional(), NumberRange(1)])
    endings = StringField("Kinds of files", [Length(max=200)])

    def terms(self) -> Terms:
        """What was filled in."""
        return replace(
            self.common(),
            kind=Kind.REQUEST,
            max_file_mib=self.max_file_mib.data,
            endings=(self.endings.data or "").replace(",", " ").split(),
        )


class EndForm(FlaskForm):
    """Another last day."""

    until = UntilField("Last day")
