"""Forms for sharing a folder."""

from collections.abc import Sequence

from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from portal.access.permissions import Role
from portal.web.assignments import EndForm
from portal.web.choices import choices


class ShareForm(EndForm):
    """Whom to let in, and with which role."""

    whom = StringField("Whom", [InputRequired("Enter an e-mail or a group."), Length(max=254)])
    role = SelectField("Role")

    def offer(self, roles: Sequence[Role]) -> None:
        """Fill in the roles that may be given."""
        self.role_names = {role.key: role.name for role in roles}
        self.sentences = {role.key: role.sentence for role in roles}
        self.role.choices = choices(self.role_names)
