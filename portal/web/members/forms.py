"""Forms for managing members."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import Email, InputRequired, Length

from portal.access.permissions import Permission
from portal.access.roles import list_roles
from portal.web.choices import choices
from portal.web.confirming import ConfirmForm
from portal.web.places import PlaceField, PlaceForm
from portal.web.until import UntilField


class RoleForm(PlaceForm):
    """A role, and where it holds."""

    role = SelectField("Role")
    folder = PlaceField("Where", Permission.ROLE_ASSIGN, "The whole organisation")

    def __init__(self, **preset: Any) -> None:
        super().__init__(**preset)
        self.all_roles = list_roles()
        self.roles = {key: role for key, role in self.all_roles.items() if not role.is_retired}
        self.role.choices = choices(self.roles)


class AssignRoleForm(RoleForm):
    """A role for somebody, until when, and why."""

    until = UntilField()
    reason = StringField("Reason", [Length(max=500)])


class NameForm(FlaskForm):
    """What a person is called."""

    name = StringField("Name", [InputRequired("Enter a name."), Length(max=200)])


class InviteForm(NameForm, RoleForm):
    """A new person with a first role."""

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


class ResetForm(ConfirmForm):
    """Why somebody's factors are to be removed, for whoever has to agree."""

    reason = StringField("Reason", [Length(max=500)])
