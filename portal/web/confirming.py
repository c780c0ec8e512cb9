"""Pages that ask before something is done, or say that a second person has to agree."""

from flask_wtf import FlaskForm

ASKED = "Somebody else has to agree within three days. Until then nothing changes."


class ConfirmForm(FlaskForm):
    """A button that means it."""
