"""How each kind of act is done once two people agree to it."""

from flask_login import current_user

from portal.access.agreed_grants import grant_agreed, require_to_grant
from portal.access.approvals.choice import choose_agreed, require_to_choose
from portal.access.approvals.kinds import Kind
from portal.access.log_exports.service import make_agreed, require_to_export
from portal.auth.approving import Agreed
from portal.auth.closing.service import require_to_close
from portal.auth.factor_resets import require_to_reset, reset_agreed
from portal.destinations.starting import require_to_stream, start_agreed
from portal.documents.closing import close_agreed
from portal.documents.retention.holding import release_agreed, require_to_release
from portal.log_retention.policy import choose_agreed as choose_log_agreed
from portal.log_retention.policy import require_to_choose as require_to_choose_log

AGREED = {
    Kind.CHANGE_CHOICE: Agreed(require_to_choose, choose_agreed),
    Kind.EXPORT_LOG: Agreed(require_to_export, make_agreed),
    Kind.CLOSE_ORGANISATION: Agreed(require_to_close, close_agreed),
    Kind.GRANT_ADMIN: Agreed(require_to_grant, grant_agreed),
    Kind.PRUNE_LOG: Agreed(require_to_choose_log, choose_log_agreed),
    Kind.RELEASE_HOLD: Agreed(require_to_release, release_agreed),
    Kind.RESET_FACTORS: Agreed(require_to_reset, reset_agreed),
    Kind.STREAM_LOG: Agreed(require_to_stream, start_agreed),
}

# What is still done where the organisation closes: it takes away what is read, and changes nothing.
WHILE_CLOSING = frozenset({Kind.EXPORT_LOG})


def done_now() -> dict[Kind, Agreed]:
    """How those kinds are done that can be done at present."""
    is_closing = current_user.found.closing_ends_at is not None
    return {kind: how for kind, how in AGREED.items() if not is_closing or kind in WHILE_CLOSING}
