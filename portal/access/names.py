"""What roles and groups are called: how names are compared, and what would be taken for another."""

from portal.access.permissions import BUILT_IN
from portal.core.errors import Conflict, Invalid
from portal.core.texts import mixes_alphabets, skeleton

_TAKEN = {skeleton(text): role.name for role in BUILT_IN.values() for text in (role.key, role.name)}


def require_own_look(name: str) -> None:
    """Raises `Invalid` or `Conflict` where a name could be read as that of a built-in role."""
    if mixes_alphabets(name):
        raise Invalid("A word of this name mixes letters of different alphabets that look alike.")
    if looked_at := _TAKEN.get(skeleton(name)):
        raise Conflict(f"This looks like the built-in role {looked_at}.")


def group_key(name: str) -> str:
    """A group's name as it is compared, and kept to be unique by."""
    return name.strip().casefold()
