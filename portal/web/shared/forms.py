"""Forms for strangers who were given a link."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import Email, InputRequired, Length

from portal.auth.passwords import MAX_LENGTH


class OpenForm(FlaskForm):
    """The address of a link, as it was sent, or the part of it that no browser sends."""

    address = StringField("Address", [InputRequired("Paste the address."), Length(max=500)])

    @property
    def secret(self) -> str:
        """What opens the link."""
        return str(self.address.data).rpartition("#")[2].strip()


class PasswordForm(FlaskForm):
    """The password of a link."""

    password = PasswordField(
        "Password", [InputRequired("Enter the password."), Length(max=MAX_LENGTH)]
    )


class EmailForm(FlaskForm):
    """Where a code is to be mailed to."""

    email = StringField(
        "Your e-mail",
        [InputRequired("Enter your e-mail."), Email("This is not an e-mail."), Length(max=254)],
    )


class CodeForm(FlaskForm):
    """A code that was mailed, and where to."""

    email = HiddenField(validators=[InputRequired(), Length(max=254)])
    code = StringField("Code", [InputRequired("Enter the code."), Length(max=30)])
