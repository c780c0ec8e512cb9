"""The root of every error the portal raises on purpose, and those that belong to no one package.

An error's class says what is wrong; `status` is the HTTP status it answers with; `str(error)` is
fit to be shown to the person who caused it.
"""


class PortalError(Exception):
    """Something the portal refuses, for a reason that may be shown."""

    status = 400
    message = "This can't be done."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)


class NotFound(PortalError):
    """The thing does not exist, or is another tenant's: the two look the same."""

    status = 404
    message = "There is nothing here."


class Conflict(PortalError):
    """The thing's present state does not allow it."""

    status = 409
    message = "This has changed in the meantime."


class Invalid(PortalError):
    """What was sent is not acceptable; nothing was changed."""

    status = 400
    message = "This is not valid."


class Misconfigured(Exception):
    """The installation can't start like this; the text says how to mend it."""
