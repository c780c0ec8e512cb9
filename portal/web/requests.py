"""The portal's request class."""

from typing import NoReturn

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge


class PortalRequest(Request):
    """A request that never writes what people send to a disk in clear.

    Werkzeug spools file fields of a form to a temporary file, and Flask-WTF reads forms before
    any view runs, signed in or not. Documents arrive as raw bodies instead, so no form here has a
    file field, and one that is sent all the same is refused.
    """

    def _get_file_stream(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise RequestEntityTooLarge("Files are not taken by forms.")
