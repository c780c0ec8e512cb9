"""Forms for folders and documents."""

from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import (
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from portal.access.permissions import Permission
from portal.core.errors import NotFound
from portal.core.ids import new_id
from portal.documents.adding import MAX_NOTE_LENGTH
from portal.documents.names import MAX_LENGTH, TOO_LONG
from portal.documents.search import FOLDERS, Wanted
from portal.documents.things import MAX_THINGS
from portal.documents.types import Family
from portal.web.choices import choices
from portal.web.documents.outcomes import Outcome
from portal.web.places import PlaceField, PlaceForm, parse_id
from portal.web.request import request

KINDS = {
    "": "Anything",
    FOLDERS: "Folders",
    Family.PDF: "PDFs",
    Family.OFFICE: "Office documents",
    Family.TEXT: "Texts",
    Family.IMAGES: "Pictures",
    Family.SOUND: "Sound",
    Family.VIDEO: "Video",
    Family.ARCHIVES: "Archives",
    Family.WEB: "Web pages",
    Family.OTHER: "Other files",
}


class NameForm(FlaskForm):
    """A new name."""

    name = StringField(
        "Name", [InputRequired("Enter a name."), Length(max=MAX_LENGTH, message=TOO_LONG)]
    )


class NewFolderForm(NameForm):
    """A new folder, and where it goes."""

    parent = HiddenField()

    @property
    def parent_id(self) -> UUID | None:
        """The folder to make it in; None for the top. Raises `NotFound` for what is no id."""
        return parse_id(self.parent.data)


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
        return parse_id(self.folder.data)


class OnceForm(FlaskForm):
    """A form that tells from which page it is sent: sent twice, it does its work once."""

    page = HiddenField(default=lambda: str(new_id()))

    @property
    def page_id(self) -> UUID:
        """The page. Raises `NotFound` for what is no id."""
        found = parse_id(self.page.data)
        if found is None:
            raise NotFound
        return found


class CopyForm(OnceForm, MoveForm):
    """Where a copy is to go."""


class ManyForm(FlaskForm):
    """What was chosen in a list."""

    things = SelectMultipleField("Chosen", choices=choices([]), validate_choice=False)


class PlaceManyForm(PlaceForm, ManyForm):
    """What was chosen in a list, and where it is to go."""

    folder = PlaceField("To", Permission.DOCUMENT_UPLOAD, "All documents")


class CopyManyForm(OnceForm, PlaceManyForm):
    """What is still to be copied and where to; from the second step on, what became of the rest."""

    copied = IntegerField("Copied", [Optional(), NumberRange(0, MAX_THINGS)])
    refused = SelectMultipleField("Not copied", choices=choices([]), validate_choice=False)

    @property
    def goes_on(self) -> bool:
        """Whether this is not the first step."""
        return bool(self.copied.raw_data)

    @property
    def outcomes(self) -> list[Outcome]:
        """What was not copied, and why, as the page before wrote it down for itself."""
        parted = (text.partition("\t") for text in self.refused.data or ())
        return [Outcome(name, refusal=why) for name, _, why in parted]


class UndoForm(FlaskForm):
    """Which move is to be taken back: the id of the request by which it was made."""

    move = HiddenField()

    @property
    def move_id(self) -> UUID:
        """The move. Raises `NotFound` for what is no id."""
        found = parse_id(self.move.data)
        if found is None:
            raise NotFound
        return found


class DeleteManyForm(ManyForm):
    """What was chosen in a list; sent once to be asked, and again to be done."""

    is_meant = HiddenField()


class SearchForm(FlaskForm):
    """What is searched for, and where."""

    text = StringField("Search by name", [Length(max=MAX_LENGTH)])
    kind = SelectField("Kind", choices=choices(KINDS), default="")
    owner = StringField("Owner", [Length(max=100)])
    folder = HiddenField()

    @property
    def wanted(self) -> Wanted:
        """What is asked for. Raises `NotFound` for a folder that is no id."""
        return Wanted(
            text=self.text.data or "",
            kind=self.kind.data or "",
            owner=(self.owner.data or "").strip(),
            folder_id=parse_id(self.folder.data),
            page=request.form.get("page", 1, type=int),
        )


class NoteForm(FlaskForm):
    """What somebody notes about a version."""

    note = StringField("Note", [Length(max=MAX_NOTE_LENGTH)])
