"""Forms of a person's own account."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length

from portal.web.passkeys import AnswerField


class ChangePasswordForm(FlaskForm):
    """The present password proves that it is the person who asks."""

    present = PasswordField(
        "Present password", [InputRequired("Enter your present password."), Length(max=256)]
    )
    new = PasswordField("New password", [InputRequired("Choose a password."), Length(max=256)])
    again = PasswordField(
        "Repeat the new password", [EqualTo("new", "The two differ."), Length(max=256)]
    )


class NameForm(FlaskForm):
    """What somebody calls one of their factors."""

    name = StringField(
        "Name",
        [InputRequired("Give it a name."), DataRequired("Give it a name."), Length(max=60)],
        filters=[lambda typed: " ".join((typed or "").split())],
    )


class AddAuthenticatorForm(NameForm):
    """The proof that a further authenticator works."""

    code = StringField("Code", [InputRequired("Enter the six digits."), Length(max=12)])


class AddPasskeyForm(NameForm):
    """What the browser says of a passkey that it has made."""

    passkey = AnswerField(InputRequired("No passkey was made. Try again."))
