"""Taking the files of one form that was sent by a link, each by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from werkzeug.exceptions import BadRequest

from portal.core.errors import PortalError
from portal.core.texts import as_one_line
from portal.documents.links.receiving import NOT_NOW, FileRefused, receive_file
from portal.documents.links.visits import Visit
from portal.web.documents.outcomes import Outcome
from portal.web.lifecycle import keep, refuse
from portal.web.streamed_form import File, StreamedForm

MOST_REFUSED = 20  # each is an entry; behind so many of one form nothing is looked at


@dataclass(slots=True)
class Received:
    """What became of each file of a form, and whether the form was left before its end."""

    outcomes: list[Outcome] = field(default_factory=list)
    is_cut: bool = False

    @property
    def refused(self) -> Sequence[Outcome]:
        """Those that were not taken."""
        return [one for one in self.outcomes if one.refusal]

    @property
    def is_over(self) -> bool:
        """Whether nothing more is taken by this link."""
        return any(one.status == HTTPStatus.GONE for one in self.outcomes)

    @property
    def status(self) -> int:
        """That of the first refusal, where nothing has arrived."""
        has_arrived = len(self.refused) < len(self.outcomes)
        return HTTPStatus.OK if has_arrived else self.outcomes[0].status


def receive_all(visit: Visit, form: StreamedForm) -> Received:
    """Take each, up to where the link ends, too many were refused, the portal fails or the form
    breaks off. Raises what `receive_file` raises that is no file's, and `BadRequest`.
    """
    received = Received()
    try:
        for file in form.files():
            if file.name:
                received.outcomes.append(_receive(visit, form, file))
            if received.is_over or len(received.refused) == MOST_REFUSED:
                received.is_cut = True
                break
    except BadRequest:
        if not received.outcomes:
            raise
        received.is_cut = True
    except PortalError as error:
        if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        refuse(error)
        name = as_one_line(file.name)
        received.outcomes.append(Outcome(name, refusal=NOT_NOW, status=error.status))
        received.is_cut = True
    return received


def _receive(visit: Visit, form: StreamedForm, file: File) -> Outcome:
    try:
        receive_file(visit, form.fields.get("sender", ""), file.name, file)
        keep()
    except FileRefused as error:
        refuse(error)
        return Outcome(as_one_line(file.name), refusal=str(error), status=error.status)
    return Outcome(file.name)
