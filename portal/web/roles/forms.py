"""Forms of roles, and of those that nobody holds together."""

from collections.abc import Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from portal.access.custom_roles import Editable
from portal.access.permissions import Permission, Role
from portal.access.role_rules import MAX_NAME, MAX_SENTENCE, Chosen
from portal.access.roles import list_live_roles, permissions_from
from portal.web.choices import choices
from portal.web.numbers import NumberField

NOBODY_GETS_ANOTHER = ""


class RoleForm(FlaskForm):
    """What a role is called, is for, and allows. `version` is of the role that was shown."""

    name = StringField("Name", [InputRequired("Enter a name."), Length(max=MAX_NAME)])
    sentence = StringField(
        "What it is for", [InputRequired("Say what it is for."), Length(max=MAX_SENTENCE)]
    )
    permissions = SelectMultipleField(
        "What it allows",
        [InputRequired("Choose at least one permission.")],
        choices=choices(Permission),
    )
    version = HiddenField()

    @classmethod
    def showing(cls, shown: Editable) -> "RoleForm":
        """The form as a role fills it in."""
        return cls(formdata=None, version=shown.version, **_filled_in(shown.role))

    @classmethod
    def asked(cls, arguments: Any) -> "RoleForm":
        """The form as the address of a preview fills it in; it changes nothing."""
        return cls(formdata=arguments, meta={"csrf": False})

    @property
    def chosen(self) -> Chosen:
        """What was entered."""
        return Chosen(
            name=str(self.name.data),
            sentence=str(self.sentence.data),
            permissions=permissions_from(self.permissions.data or ()),
        )


class NewRoleForm(RoleForm):
    """A role that is still to be made."""

    is_scoped = BooleanField("Only ever given on a folder")

    @classmethod
    def copying(cls, role: Role) -> "NewRoleForm":
        """The form as another role fills it in, but for the name."""
        filled = _filled_in(role) | {"name": f"{role.name} (copy)"}
        return cls(is_scoped=role.is_scoped, **filled)


class RetireForm(FlaskForm):
    """Which role the holders get instead. `assignments` is how many the admin was told of."""

    successor = SelectField("Its holders get instead", default=NOBODY_GETS_ANOTHER)
    assignments = NumberField(validators=[InputRequired(), NumberRange(0)], widget=HiddenInput())

    def offer(self, roles: Mapping[str, Role]) -> None:
        """Fill in the roles that can take its place."""
        names = {key: role.name for key, role in roles.items()}
        self.names = {NOBODY_GETS_ANOTHER: "Nothing: they lose it"} | names
        self.successor.choices = choices(self.names)


class ExclusionForm(FlaskForm):
    """Two roles."""

    first = SelectField("Nobody holds")
    second = SelectField("Together with")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = {"": "Choose a role"} | {
            key: role.name for key, role in list_live_roles().items()
        }
        for field in (self.first, self.second):
            field.choices = choices(key for key in self.names if key)


def _filled_in(role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "sentence": role.sentence,
        "permissions": sorted(map(str, role.permissions)),
    }
