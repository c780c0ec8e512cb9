"""Forms of retention."""

from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import (
    HiddenField,
    RadioField,
    SelectMultipleField,
    StringField,
    SubmitField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from portal.access.permissions import Permission
from portal.core.errors import NotFound
from portal.documents.retention.erasing import MAX_REASON as MAX_ANSWER
from portal.documents.retention.holding import MAX_MATTER, MAX_REASON
from portal.documents.retention.models import AnchorKind
from portal.documents.retention.rules import MAX_DAYS, MAX_NAME, Choices
from portal.documents.retention.things import Thing
from portal.users.queries import find_user_by_email, get_user
from portal.web.choices import choices
from portal.web.numbers import NumberField
from portal.web.places import PlaceField, PlaceForm

DAYS = [Optional(), NumberRange(1, MAX_DAYS, f"Days are numbers from 1 to {MAX_DAYS}.")]
WHAT = {"documents": "The documents that they own", "account": "Their account"}


class RuleForm(PlaceForm):
    """What a rule says. `preview` is pressed to see what that comes down to; `seen` is of what that
    was seen last.
    """

    name = StringField("Name", [InputRequired("Give it a name."), Length(max=MAX_NAME)])
    folder = PlaceField("Folder", Permission.RETENTION_EDIT, "All documents")
    media_type = StringField("Type", [Length(max=120)])
    keep_days = NumberField("Keep at least so many days", DAYS)
    delete_days = NumberField("Delete after so many days", DAYS)
    prune_days = NumberField("Delete older versions after so many days", DAYS)
    preview = SubmitField()
    seen = HiddenField()

    def gist(self) -> str:
        """All that it depends on whom the rule concerns."""
        rule = self.chosen()
        days = (rule.keep_days, rule.delete_days, rule.prune_days)
        return "/".join(map(str, (rule.folder_id, *days, rule.media_type)))

    def chosen(self) -> Choices:
        """What was filled in."""
        return Choices(
            name=str(self.name.data).strip(),
            folder_id=self.folder.folder_id,
            media_type=(self.media_type.data or "").strip().lower(),
            keep_days=self.keep_days.data,
            delete_days=self.delete_days.data,
            prune_days=self.prune_days.data,
        )


class HoldForm(PlaceForm):
    """What a hold is on, and why. A document is not chosen here: one comes from its page."""

    kind = RadioField("On", choices=choices(AnchorKind), default=AnchorKind.USER)
    email = StringField("E-mail of the person", [Length(max=254)])
    folder = PlaceField("Folder", Permission.HOLD_EDIT, "None")
    document = HiddenField()
    matter = StringField("Matter", [InputRequired("Name the matter."), Length(max=MAX_MATTER)])
    reason = TextAreaField("Reason", [InputRequired("Say why."), Length(max=MAX_REASON)])

    def __init__(self, on: Thing | None) -> None:
        given = {} if on is None else {"kind": on.kind} | self._of(on)
        super().__init__(**given)
        self._found: Thing | None = None

    def validate_kind(self, field: RadioField) -> None:
        if field.data not in tuple(AnchorKind):
            return  # the field says so itself
        found = {
            AnchorKind.USER: self._person,
            AnchorKind.FOLDER: lambda: self.folder.folder_id,
            AnchorKind.DOCUMENT: self._document,
        }[AnchorKind(field.data)]()
        if found is not None:
            self._found = Thing(AnchorKind(field.data), found)
        elif field.data != AnchorKind.USER:
            raise ValidationError("Say what the hold is on.")

    def validate_email(self, field: StringField) -> None:
        if self.kind.data == AnchorKind.USER and self._found is None:
            raise ValidationError(
                "No member has this e-mail." if field.data else "Say whom the hold is on."
            )

    def thing(self) -> Thing:
        """What the hold is to be on, once the form was validated. Raises `NotFound`."""
        if self._found is None:
            raise NotFound
        return self._found

    @staticmethod
    def _of(on: Thing) -> dict[str, Any]:
        if on.kind == AnchorKind.USER:
            return {"email": get_user(on.id).email}
        return {str(on.kind): str(on.id)}

    def _person(self) -> UUID | None:
        user = find_user_by_email(self.email.data or "")
        return user.id if user else None

    def _document(self) -> UUID | None:
        return Thing.named(f"document:{self.document.data}").id if self.document.data else None


class ReasonForm(FlaskForm):
    """Why."""

    reason = TextAreaField("Reason", [InputRequired("Say why."), Length(max=MAX_REASON)])


class ErasureForm(FlaskForm):
    """Whose data is to be erased, and why."""

    email = StringField("E-mail of the person", [InputRequired("Enter one."), Length(max=254)])
    what = SelectMultipleField(
        "What is to be erased", [InputRequired("Choose what.")], choices=choices(WHAT)
    )
    reason = TextAreaField("Reason", [InputRequired("Say why."), Length(max=MAX_ANSWER)])


class DecisionForm(FlaskForm):
    """Grant or refuse, by the button that is pressed, and the answer."""

    decision = RadioField(
        "Decision", [InputRequired("Grant or refuse?")], choices=choices(("grant", "refuse"))
    )
    answer = TextAreaField("Answer", [InputRequired("Say why."), Length(max=MAX_ANSWER)])
