"""Forms for managing members."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import Email, InputRequired, Length

from portal.web.assignments import RoleForm
from portal.web.confirming import ConfirmForm


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


class ResetForm(ConfirmForm):
    """Why somebody's factors are to be removed, for whoever has to agree."""

    reason = StringField("Reason", [Length(max=500)])
