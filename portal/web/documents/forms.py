"""Forms for folders and documents."""

from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, ValidationError
from wtforms.validators import InputRequired, Length

from portal.documents.adding import MAX_NOTE_LENGTH
from portal.documents.names import MAX_LENGTH
from portal.web.places import id_named


class NameForm(FlaskForm):
    """A new name."""

    name = StringField("Name", [InputRequired("Enter a name."), Length(max=MAX_LENGTH)])


class NewFolderForm(NameForm):
    """A new folder, and where it goes."""

    parent = HiddenField()

    @property
    def parent_id(self) -> UUID | None:
        """The folder to make it in; None for the top. Raises `NotFound` for what is no id."""
        return id_named(self.parent.data)


class MoveForm(FlaskForm):
    """Where something is to go."""

    folder = HiddenField()

    def validate_folder(self, field: HiddenField) -> None:
        """The top is chosen too, by an empty value."""
        if not field.raw_data:
            raise ValidationError("Choose a place.")

    @property
    def folder_id(self) -> UUID | None:
        """The chosen folder; None for the top. Raises `NotFound` for what is no id."""
        return id_named(self.folder.data)


class NoteForm(FlaskForm):
    """What somebody notes about a version."""

    note = StringField("Note", [Length(max=MAX_NOTE_LENGTH)])
