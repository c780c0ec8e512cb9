"""The kinds of act for which a tenant may want two people.

A further one is an entry here, and one in `portal/web/approvals/agreed.py`, which knows how it is
done.
"""

from enum import StrEnum

from portal.access.permissions import Permission


class Kind(StrEnum):
    """An act, and the permission with which one asks for it and agrees to it."""

    def __new__(cls, value: str, sentence: str, permission: Permission) -> "Kind":
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        member.permission = permission
        return member

    sentence: str
    permission: Permission

    GRANT_ADMIN = (
        "grant-admin",
        "Make somebody an admin, or give another role with a dangerous right",
        Permission.ROLE_ASSIGN,
    )
    EXPORT_LOG = "export-log", "Export the audit log", Permission.AUDIT_EXPORT
    STREAM_LOG = (
        "stream-log",
        "Send the entries of the audit log to another system",
        Permission.AUDIT_EXPORT,
    )
    PRUNE_LOG = (
        "prune-log",
        "Have the audit log pruned, or have it kept for a shorter time",
        Permission.RETENTION_EDIT,
    )
    RESET_FACTORS = "reset-factors", "Remove somebody's second factors", Permission.MEMBER_RESET
    RELEASE_HOLD = "release-hold", "Release a legal hold", Permission.HOLD_EDIT
    CHANGE_CHOICE = (
        "change-choice",
        "Change which acts two people have to agree to",
        Permission.POLICY_EDIT,
    )
    CLOSE_ORGANISATION = (
        "close-organisation",
        "Close the organisation, and destroy its keys",
        Permission.ORGANISATION_CLOSE,
    )


# Changing the choice is never chosen: it takes two people as soon as anything does. Sending the log
# out goes with taking it out. To close the organisation always takes two.
CHOOSABLE = tuple(
    kind
    for kind in Kind
    if kind not in (Kind.CHANGE_CHOICE, Kind.STREAM_LOG, Kind.CLOSE_ORGANISATION)
)
