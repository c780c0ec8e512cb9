"""Forms of signing in."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import Email, EqualTo, InputRequired, Length, ValidationError

from portal.web.passkeys import AnswerField


class SignInForm(FlaskForm):
    """First step."""

    email = StringField("E-mail", [InputRequired("Enter your e-mail."), Length(max=254)])
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=256)])
    next = HiddenField()


class EmailForm(FlaskForm):
    """What comes before the first step where a provider is offered: the domain chooses the way."""

    email = StringField("E-mail", [InputRequired("Enter your e-mail."), Length(max=254)])
    next = HiddenField()

    def with_password(self) -> SignInForm:
        """The first step for whom no provider was chosen, not yet sent."""
        return SignInForm(formdata=None, email=self.email.data, next=self.next.data)


class CodeForm(FlaskForm):
    """Second step, and the proof that an authenticator works; by a passkey, its answer instead."""

    code = StringField("Code", [Length(max=12)])
    passkey = AnswerField()
    next = HiddenField()

    def validate_code(self, field: StringField) -> None:
        """One of the two is needed."""
        if not (field.data or self.passkey.data):
            raise ValidationError("Enter the six digits.")


class RecoveryCodeForm(FlaskForm):
    """Second step, by one of the codes that were kept for a bad day."""

    code = StringField("Recovery code", [InputRequired("Enter a code."), Length(max=40)])
    next = HiddenField()


class PasskeyForm(FlaskForm):
    """The only step, by a passkey."""

    passkey = AnswerField(InputRequired("No passkey was used. Try again."))
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
        "Repeat the new password", [EqualTo("password", "The two differ."), Length(max=256)]
    )


class RenewPasswordForm(FlaskForm):
    """Another password in place of one that has grown too old."""

    present = PasswordField(
        "Present password", [InputRequired("Enter your present password."), Length(max=256)]
    )
    new = PasswordField("New password", [InputRequired("Choose a password."), Length(max=256)])
    again = PasswordField(
        "Repeat the new password", [EqualTo("new", "The two differ."), Length(max=256)]
    )
    next = HiddenField()
