"""Whether a destination took what was sent, and what it said if not."""

import requests

from portal.auth.sso.refusals import Reason
from portal.core.errors import PortalError

SHOWN = 300  # characters of an answer

# Why nothing came that far. An inner address and a name that is none look different on purpose: an
# officer has to know which it was, and learns of an inner network no more than that it is one.
WHY = {
    Reason.UNREACHABLE: "It did not answer, or too slowly.",
    Reason.FORBIDDEN_ADDRESS: "Its address leads into a private network.",
    Reason.REDIRECTED: "It answered with a redirect, which is not followed.",
    Reason.TOO_LARGE: "Its answer is too large.",
    Reason.PLAIN_HTTP: "Its address is not https://.",
    Reason.BUSY: "Too many wait for other systems just now. Please try again.",
}


class NotTaken(PortalError):
    """A destination did not take what was sent. `shown` is what it said, for those who ask."""

    status = 502

    def __init__(self, why: str, shown: str = "") -> None:
        super().__init__(why)
        self.shown = printable(shown)


def require_taken(answer: requests.Response) -> str:
    """What an answer says, in a line. Raises `NotTaken` unless it says yes."""
    said = printable(f"{answer.status_code} {answer.reason}".strip())
    if not 200 <= answer.status_code < 300:
        raise NotTaken(f"It answered: {said}", _beginning(answer))
    return said


def printable(text: str) -> str:
    """What of a text from outside is fit to be shown."""
    return "".join(c if c.isprintable() else " " for c in text[:SHOWN]).strip()


def _beginning(answer: requests.Response) -> str:
    return answer.content[: 4 * SHOWN].decode(errors="replace")
