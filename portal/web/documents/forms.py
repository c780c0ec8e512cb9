"""Forms for folders and documents."""

from collections.abc import Sequence
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from portal.core.errors import NotFound
from portal.documents.moving import Destination
from portal.documents.names import MAX_LENGTH
from portal.web.choices import choices

TOP = ""


class NameForm(FlaskForm):
    """A new name."""

    name = StringField("Name", [InputRequired("Enter a name."), Length(max=MAX_LENGTH)])


class NewFolderForm(NameForm):
    """A new folder, and where it goes."""

    parent = HiddenField()

    @property
    def parent_id(self) -> UUID | None:
        """The folder to make it in; None for the top. Raises `NotFound` for what is no id."""
        try:
            return UUID(self.parent.data) if self.parent.data else None
        except ValueError:
            raise NotFound from None


class MoveForm(FlaskForm):
    """Where something is to go."""

    folder = SelectField("Move to")

    def offer(self, destinations: Sequence[Destination]) -> None:
        """Fill in the places to choose from."""
        self.place_names = {
            str(there.place.folder_id or TOP): _name(there) for there in destinations
        }
        self.folder.choices = choices(self.place_names)

    @property
    def folder_id(self) -> UUID | None:
        """The chosen folder; None for the top."""
        return UUID(self.folder.data) if self.folder.data else None


class ConfirmForm(FlaskForm):
    """A button that means it."""


def _name(there: Destination) -> str:
    path = " / ".join(folder.name for folder in reversed(there.place.folders)) or "All documents"
    return f"{path} (shared: others come to see it)" if there.is_shared else path
