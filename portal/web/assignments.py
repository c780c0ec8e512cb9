"""Roles given to people and groups: their forms, and the acts that the pages of both share."""

from typing import Any
from uuid import UUID

from flask import flash, g
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.validators import Length

from portal.access import ends, service
from portal.access.holders import Holder
from portal.access.permissions import Permission
from portal.access.roles import list_roles
from portal.web.choices import choices
from portal.web.confirming import ASKED
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


class EndForm(FlaskForm):
    """Until when a role is held, and why."""

    until = UntilField()
    reason = StringField("Reason", [Length(max=500)])


class RemoveRoleForm(FlaskForm):
    """Taking a role away, and why."""

    reason = StringField("Reason", [Length(max=500)])


def assign_role(holder: Holder, form: AssignRoleForm, done: str) -> None:
    """Give a role, or ask a second person to; `done` says that it is given."""
    given = service.assign_role(
        g.actor,
        holder,
        str(form.role.data),
        form.folder.folder_id,
        reason=form.reason.data or "",
        expires_at=form.until.end,
    )
    flash(ASKED if service.waits(given) else done, "success")


def remove_role(holder: Holder, assignment_id: UUID, form: RemoveRoleForm, done: str) -> None:
    """Take a role away; `done` says so."""
    service.remove_role(g.actor, holder, assignment_id, reason=form.reason.data or "")
    flash(done, "success")


def change_end(holder: Holder, assignment_id: UUID, form: EndForm) -> None:
    """Let a role be held for longer or shorter."""
    reason = form.reason.data or ""
    ends.change_end(g.actor, holder, assignment_id, form.until.end, reason=reason)
    flash("The end is changed.", "success")
