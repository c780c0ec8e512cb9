"""Forms of signing in."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import Email, EqualTo, InputRequired, Length


class SignInForm(FlaskForm):
    """First step."""

    email = StringField("E-mail", [InputRequired("Enter your e-mail."), Length(max=254)])
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=256)])
    next = HiddenField()


class CodeForm(FlaskForm):
    """Second step, and the proof that an authenticator works."""

    code = StringField("Code", [InputRequired("Enter the six digits."), Length(max=12)])
    next = HiddenField()


class ForgotForm(FlaskForm):
    """Whose password is forgotten."""

    email = StringField(
        "E-mail",
        [InputRequired("Enter your e-mail."), Email("This is not an e-mail."), Length(max=254)],
    )


class ChooseForm(FlaskForm):
    """Choosing a password by a link."""

    password = PasswordField("New password", [InputRequired("Choose a password."), Length(max=256)])
    again = PasswordField(
        "The same again", [EqualTo("password", "The two differ."), Length(max=256)]
    )


class RenewPasswordForm(FlaskForm):
    """Another password in place of one that has grown too old."""

    present = PasswordField(
        "Present password", [InputRequired("Enter your present password."), Length(max=256)]
    )
    new = PasswordField("New password", [InputRequired("Choose a password."), Length(max=256)])
    again = PasswordField("The same again", [EqualTo("new", "The two differ."), Length(max=256)])
    next = HiddenField()
