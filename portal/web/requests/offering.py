"""When a refused page offers to ask for access, and to what.

What the page carries is looked at anew when it is sent (`portal/documents/requests.py`): nothing is
taken from it on trust.
"""

from dataclasses import dataclass

from flask_login import current_user

from portal.access.decision import ORGANISATION, Forbidden
from portal.access.permissions import Permission
from portal.auth.assurance import First
from portal.core.errors import PortalError
from portal.documents.requests import ON_FOLDERS
from portal.web.request import request

THINGS = {"document_id": "document", "folder_id": "folder"}


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody may ask for who was refused it."""

    permission: Permission
    target: str

    @property
    def kind(self) -> str:
        """What kind of thing it is about."""
        return self.target.partition(":")[0]


def offer_to_ask(error: PortalError) -> Offer | None:
    """What to ask for after a refusal; None where asking would be of no use.

    Subclasses of `Forbidden` refuse for another reason than a right that is lacking.
    """
    if type(error) is not Forbidden or not current_user.is_authenticated:
        return None
    if current_user.found.proof.first == First.BREAK_GLASS:
        return None
    return Offer(error.permission, _target(error.permission))


def _target(permission: Permission) -> str:
    """The thing of the address, which the guard at the door does not look for."""
    if permission in ON_FOLDERS:
        values = request.view_args or {}
        for parameter, kind in THINGS.items():
            if parameter in values:
                return f"{kind}:{values[parameter]}"
    return ORGANISATION.name
