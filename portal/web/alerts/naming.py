"""The names of the people and things that alerts are about."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import g

from portal.documents.naming import names_of_targets


def names_in(targets: Sequence[str], people: Mapping[UUID, str]) -> Mapping[str, str]:
    """The names of people, documents and folders, by target."""
    named = {f"user:{user_id}": name for user_id, name in people.items()}
    return named | names_of_targets(g.actor, targets)
