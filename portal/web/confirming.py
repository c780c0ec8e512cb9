"""Pages that ask before something is done."""

from flask_wtf import FlaskForm


class ConfirmForm(FlaskForm):
    """A button that means it."""
