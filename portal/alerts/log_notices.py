"""Telling officers that the audit log is not what it was."""

from portal.access.people import list_people_with
from portal.access.permissions import Permission
from portal.auth.notices import Notice, tell


def tell_of_broken_log(what: str) -> None:
    """Put one mail for everybody who reads the log into the outbox."""
    for user_id in sorted(list_people_with(Permission.AUDIT_READ)):
        tell(user_id, Notice.LOG_BROKEN, what=what)
