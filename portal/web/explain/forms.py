"""Questions about access, sent by GET."""

from datetime import UTC, datetime
from typing import Any

from wtforms import DateTimeLocalField, Form, SelectField, StringField
from wtforms.validators import Email, InputRequired, Length, Optional

from portal.access.permissions import Permission
from portal.web.choices import choices
from portal.web.places import PlaceField

ANY = ""


class AboutForm(Form):
    """A thing, and a moment in UTC."""

    target = StringField("Folder or document", [Length(max=80)])
    at = DateTimeLocalField("As of", [Optional()], format="%Y-%m-%dT%H:%M")
    folder = PlaceField("Folder", Permission.DOCUMENT_READ, "The whole organisation")

    def __init__(self, asked: Any, to_see: Permission = Permission.DOCUMENT_READ) -> None:
        """`to_see` is what it takes to see the folders that one can choose from."""
        super().__init__(asked)
        self.folder.permission = to_see
        if self.folder.data:
            self.target.data = f"folder:{self.folder.data}"

    @property
    def about(self) -> str:
        """The target as the audit log names it; "" is the organisation."""
        return (self.target.data or "").strip().lower()

    @property
    def moment(self) -> datetime | None:
        """The moment that is asked about; None for the present."""
        return self.at.data.replace(tzinfo=UTC) if self.at.data else None


class ReachForm(AboutForm):
    """Who could do something with a thing."""

    target = StringField("Folder or document", [InputRequired("Name it."), Length(max=80)])


class QuestionForm(AboutForm):
    """Whether a person may do something."""

    email = StringField(
        "E-mail",
        [InputRequired("Enter the e-mail of a member."), Email("This is not an e-mail.")],
    )
    permission = SelectField("May they", choices=choices([ANY, *Permission]), default=ANY)

    @property
    def wanted(self) -> Permission | None:
        """The permission; None for all that is held."""
        return Permission(self.permission.data) if self.permission.data else None  # type: ignore[call-arg]


class OwnForm(AboutForm):
    """Whether the reader may do something."""

    permission = SelectField("May I", choices=choices(Permission))
