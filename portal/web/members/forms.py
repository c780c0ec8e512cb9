"""Forms for managing members."""

from collections.abc import Sequence
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import Email, InputRequired, Length

from portal.access.roles import list_roles
from portal.documents.places import Place
from portal.web.choices import choices
from portal.web.until import UntilField

WHOLE_ORGANISATION = ""


def _place_names(places: Sequence[Place]) -> dict[str, str]:
    folders = {
        str(place.folder_id): " / ".join(folder.name for folder in reversed(place.folders))
        for place in places
        if place.folder_id
    }
    return {WHOLE_ORGANISATION: "The whole organisation"} | folders


class RoleForm(FlaskForm):
    """A role, and where it holds."""

    role = SelectField("Role")
    folder = SelectField("Where")

    def offer(self, places: Sequence[Place]) -> None:
        """Fill in the roles there are, and the folders that they can be given on."""
        self.all_roles = list_roles()
        self.roles = {key: role for key, role in self.all_roles.items() if not role.is_retired}
        self.role.choices = choices(self.roles)
        self.place_names = _place_names(places)
        self.folder.choices = choices(self.place_names)

    @property
    def folder_id(self) -> UUID | None:
        """The chosen folder; None for the whole organisation."""
        return UUID(self.folder.data) if self.folder.data else None


class AssignRoleForm(RoleForm):
    """A role for somebody, until when, and why."""

    until = UntilField()
    reason = StringField("Reason", [Length(max=500)])


class InviteForm(RoleForm):
    """A new person with a first role."""

    name = StringField("Name", [InputRequired("Enter a name."), Length(max=200)])
    email = StringField(
        "E-mail",
        [InputRequired("Enter an e-mail."), Email("This is not an e-mail."), Length(max=254)],
    )


class ImportForm(FlaskForm):
    """A table of people. `sure` is sent once its preview was seen."""

    table = TextAreaField("Table", [InputRequired("Paste a table."), Length(max=200_000)])
    sure = HiddenField()


class EndForm(FlaskForm):
    """Until when a role is held, and why."""

    until = UntilField()
    reason = StringField("Reason", [Length(max=500)])


class RemoveRoleForm(FlaskForm):
    """Taking a role away, and why."""

    reason = StringField("Reason", [Length(max=500)])


class ConfirmForm(FlaskForm):
    """A button that means it."""


class ResetForm(ConfirmForm):
    """Why somebody's factors are to be removed, for whoever has to agree."""

    reason = StringField("Reason", [Length(max=500)])
