"""Forms for groups."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length

from portal.access.groups.feeds import CLAIM_LENGTH
from portal.access.groups.service import NAME_LENGTH, SENTENCE_LENGTH
from portal.web.choices import choices

BY_HAND = ""


class GroupForm(FlaskForm):
    """What a group is called, and what it is for."""

    name = StringField("Name", [InputRequired("Enter a name."), Length(max=NAME_LENGTH)])
    sentence = StringField("What it is for", [Length(max=SENTENCE_LENGTH)])


class AddPeopleForm(FlaskForm):
    """The people who were ticked."""

    people = SelectMultipleField(
        "People", [InputRequired("Choose somebody.")], validate_choice=False, coerce=UUID
    )

    @property
    def chosen(self) -> Sequence[UUID]:
        """Their ids."""
        return self.people.data or ()


class SourceForm(FlaskForm):
    """By whom a group is filled."""

    provider = SelectField("Filled by")
    claim = StringField("The group at the provider", [Length(max=CLAIM_LENGTH)])

    def offer(self, providers: Sequence[Any]) -> None:
        """Fill in the providers that there are."""
        named = {str(provider.id): provider.name for provider in providers}
        self.sources: Mapping[str, str] = {BY_HAND: "People, by hand"} | named
        self.provider.choices = choices(self.sources)

    @property
    def provider_id(self) -> UUID | None:
        """The chosen provider; None for people."""
        return UUID(self.provider.data) if self.provider.data else None
