"""The portal's request class."""

from typing import NoReturn, cast

from flask import Request
from flask import request as flask_request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

ANY_SIZE = 2**62
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class PortalRequest(Request):
    """A request that never writes what people send to a disk in clear.

    Werkzeug spools file fields of a form to a temporary file, and Flask-WTF reads forms before
    any view runs, signed in or not. Documents arrive as raw bodies instead, so no form here has a
    file field, and one that is sent all the same is refused.
    """

    is_streamed = False

    def let_body_stream(self) -> None:
        """Take a body of any size, and parse none of it as a form, whatever it says it is."""
        self.is_streamed = True
        self.max_content_length = ANY_SIZE

    def read_form(self) -> None:
        """Have all of a form here, however slowly it comes. What streams is left to the view."""
        self._load_form_data()

    @property
    def page(self) -> int:
        """Which page of a list is asked for: the first, unless the address has a number."""
        return self.args.get("page", 1, type=int)

    @property
    def want_form_data_parsed(self) -> bool:
        return not self.is_streamed and super().want_form_data_parsed

    @property
    def is_form(self) -> bool:
        """Whether the body says that it is a form."""
        return self.mimetype in FORM_TYPES

    @property
    def is_json(self) -> bool:
        """Never: Flask-WTF would fill a form from JSON, where a text can be of any type."""
        return False

    def _load_form_data(self) -> None:
        """Refuse a part without a name, which Werkzeug keeps under None and no form expects."""
        super()._load_form_data()
        if None in self.__dict__["form"]:
            raise BadRequest("A part of the form has no name.")

    def _get_file_stream(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise RequestEntityTooLarge("Files are not taken by forms.")


request = cast("PortalRequest", flask_request)
