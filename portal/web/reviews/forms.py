"""Forms of access reviews."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    RadioField,
    SelectMultipleField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms.validators import (
    Email,
    InputRequired,
    Length,
    NumberRange,
    Optional,
    ValidationError,
)

from portal.access.permissions import Permission
from portal.access.reviews.models import Decision, Unanswered
from portal.access.reviews.scope import Scope, list_group_names
from portal.access.reviews.service import LONGEST, MAX_REVIEWERS, Choices
from portal.access.roles import list_live_roles
from portal.core import clock
from portal.users.queries import canonical, ids_by_email
from portal.web.choices import choices
from portal.web.numbers import NumberField
from portal.web.places import PlaceField, PlaceForm

MOST_PEOPLE = 500
LARGEST_FILE = 200_000


class PeopleField(TextAreaField):
    """People by their e-mails, one a line; `ids` are theirs once it was validated."""

    ids: frozenset[UUID] = frozenset()

    def pre_validate(self, form: Any) -> None:
        emails = {canonical(line) for line in (self.data or "").splitlines() if line.strip()}
        if len(emails) > MOST_PEOPLE:
            raise ValidationError(f"Name {MOST_PEOPLE} people at most.")
        found = ids_by_email(emails)
        if unknown := sorted(emails - found.keys()):
            raise ValidationError(f"No member has this e-mail: {', '.join(unknown[:5])}")
        self.ids = frozenset(found.values())


class ReviewForm(PlaceForm):
    """Everything that is chosen before a review starts."""

    name = StringField("Name", [InputRequired("Give it a name."), Length(max=100)])
    roles = SelectMultipleField("Roles")
    folder = PlaceField("Folder", Permission.REVIEW_RUN, "Anywhere, and the whole organisation")
    groups = SelectMultipleField("Groups")
    people = PeopleField("People", [Length(max=50_000)])
    reviewers = PeopleField(
        "Reviewers",
        [InputRequired(f"Name reviewers, {MAX_REVIEWERS} at most."), Length(max=50_000)],
    )
    due_on = DateField("Due on", [InputRequired("Choose a day.")])
    on_unanswered = RadioField(
        "What nobody has answered by then",
        [InputRequired("Choose what becomes of it.")],
        choices=choices(Unanswered),
        default=Unanswered.ESCALATE,
    )
    every_days = NumberField("Repeat after so many days", [Optional(), NumberRange(1)])
    preview = SubmitField()

    def __init__(self, **preset: Any) -> None:
        super().__init__(**preset)
        self.role_names = {key: role.name for key, role in list_live_roles().items()}
        self.roles.choices = choices(self.role_names)
        self.group_names = {str(key): name for key, name in list_group_names().items()}
        self.groups.choices = choices(self.group_names)

    def validate_due_on(self, field: DateField) -> None:
        today = clock.now().date()
        if field.data and not today <= field.data < today + LONGEST:
            raise ValidationError("Choose a day within a year from now.")

    def chosen(self) -> Choices:
        """What was chosen. It is due at the end of the day, in UTC."""
        due_on: Any = self.due_on.data
        return Choices(
            name=str(self.name.data).strip(),
            scope=Scope(
                roles=frozenset(self.roles.data or ()),
                folder_id=self.folder.folder_id,
                people=self.people.ids,
                groups=frozenset(map(UUID, self.groups.data or ())),
            ),
            reviewers=self.reviewers.ids,
            due_at=datetime.combine(due_on + timedelta(days=1), time(), UTC),
            on_unanswered=Unanswered(self.on_unanswered.data),
            every_days=self.every_days.data,
        )


class AnswerForm(FlaskForm):
    """Keep or revoke, by the button that is pressed."""

    decision = RadioField("Decision", [InputRequired("Keep or revoke?")], choices=choices(Decision))
    comment = StringField("Comment", [Length(max=500)])

    def chosen(self) -> Decision:
        """What was pressed."""
        return Decision(self.decision.data)


class HandOverForm(FlaskForm):
    """Whom a line goes to."""

    email = StringField(
        "E-mail of another person",
        [InputRequired("Enter an e-mail."), Email("This is not an e-mail.")],
    )


class VerifyForm(FlaskForm):
    """A signed report as a text."""

    text = TextAreaField(
        "The whole text of the signed file",
        [
            InputRequired("Paste the text of the file."),
            Length(max=LARGEST_FILE, message="This is too long; verify it by openssl."),
        ],
    )
