"""Forms of a person's own account."""

from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Length


class ChangePasswordForm(FlaskForm):
    """The present password proves that it is the person who asks."""

    present = PasswordField(
        "Present password", [InputRequired("Enter your present password."), Length(max=256)]
    )
    new = PasswordField("New password", [InputRequired("Choose a password."), Length(max=256)])
    again = PasswordField("The same again", [EqualTo("new", "The two differ."), Length(max=256)])


class ConfirmForm(FlaskForm):
    """A button that means it."""
