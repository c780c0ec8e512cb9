"""What was chosen in a list, named in a sentence."""

from collections.abc import Sequence

from portal.documents.many import Chosen


def in_words(chosen: Sequence[Chosen]) -> str:
    """The one thing by its name, several by their number."""
    return f"“{chosen[0].name}”" if len(chosen) == 1 else f"{len(chosen)} items"
