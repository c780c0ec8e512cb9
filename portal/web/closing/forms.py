"""What an admin fills in who wants the organisation closed."""

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length


class ClosingForm(FlaskForm):
    """The short name is typed, so that nobody closes an organisation by a slip."""

    slug = StringField("Short name of the organisation", [InputRequired("Type the short name.")])
    reason = StringField("Reason", [InputRequired("Say why."), Length(max=500)])
