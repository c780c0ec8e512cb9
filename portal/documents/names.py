"""What people may call their folders and documents."""

import unicodedata

from portal.core.errors import Invalid
from portal.core.texts import is_one_line

MAX_LENGTH = 200
TOO_LONG = f"A name has at most {MAX_LENGTH} characters."


def clean_name(name: str) -> str:
    """The name as it is kept: NFC, trimmed. Raises `Invalid`.

    A name never becomes a path, but it will be one on the disk of whoever downloads it.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise Invalid("Give it a name.")
    if name in (".", ".."):
        raise Invalid("A name can't be one dot or two, which stand for folders.")
    if len(name) > MAX_LENGTH:
        raise Invalid(TOO_LONG)
    if "/" in name or "\\" in name or not is_one_line(name):
        raise Invalid("A name can't hold slashes or invisible characters.")
    return name
