"""What kind of file something is, in a word, as lists show it and sort by it."""

from portal.documents.types import Family, media_types_of

OTHER = "File"
# In the order in which a list sorted by kind has them.
KINDS = {
    "Archive": Family.ARCHIVES,
    OTHER: Family.OTHER,
    "Office": Family.OFFICE,
    "PDF": Family.PDF,
    "Picture": Family.IMAGES,
    "Sound": Family.SOUND,
    "Text": Family.TEXT,
    "Video": Family.VIDEO,
    "Web page": Family.WEB,
}
_BY_TYPE = {
    media_type: kind for kind, family in KINDS.items() for media_type in media_types_of(family)
}
_PLACES = {kind: place for place, kind in enumerate(KINDS)}
PLACES = {media_type: _PLACES[kind] for media_type, kind in _BY_TYPE.items()}  # in that order


def kind_of(media_type: str) -> str:
    """The kind of a file, by its media type."""
    return _BY_TYPE.get(media_type, OTHER)


def place_of(media_type: str) -> int:
    """Where a list sorted by kind has a file."""
    return _PLACES[kind_of(media_type)]
