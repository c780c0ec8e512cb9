"""What kinds of links there are, for whom, and what is done by them."""

from enum import StrEnum


class Kind(StrEnum):
    """What a link lets people do."""

    DOWNLOAD = "download"
    VIEW = "view"  # pictures with a watermark, never the file
    REQUEST = "request"  # send files into a folder, and see nothing of it


class Audience(StrEnum):
    """Who can use a link, beyond holding its address."""

    ANYBODY = "anybody"
    LISTED = "listed"  # who can read the mail of a listed address
    MEMBERS = "members"  # who can sign in to the organisation


class Deed(StrEnum):
    """What was done by a link, as its maker is shown it."""

    OPENED = "opened"
    VIEWED = "viewed"
    DOWNLOADED = "downloaded"
    UPLOADED = "uploaded"
    REFUSED = "refused"
