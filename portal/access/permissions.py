"""Every permission there is, and the built-in roles made of them: the whole policy in one table."""

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """A right to do one kind of thing to one kind of resource."""

    def __new__(cls, value: str, sentence: str) -> "Permission":
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    sentence: str

    AUDIT_READ = "audit:read", "Read the audit log, with the names of what it tells of"
    DOCUMENT_DELETE = "document:delete", "Move documents to the trash and take them out again"
    DOCUMENT_EDIT = "document:edit", "Rename documents and move them to other folders"
    DOCUMENT_READ = "document:read", "See and download documents"
    DOCUMENT_UPLOAD = "document:upload", "Upload documents"
    FOLDER_CREATE = "folder:create", "Create folders"
    FOLDER_DELETE = "folder:delete", "Move folders to the trash and take them out again"
    FOLDER_EDIT = "folder:edit", "Rename folders and move them"
    MEMBER_DEACTIVATE = "member:deactivate", "Deactivate and reactivate members"
    MEMBER_INVITE = "member:invite", "Invite people"
    MEMBER_READ = "member:read", "See the members and the roles they hold"
    MEMBER_RESET = "member:reset", "Remove a member's lost authenticator"
    POLICY_EDIT = "policy:edit", "Decide how members sign in, and with which factors"
    POLICY_READ = "policy:read", "See how members sign in, and who falls short of it"
    ROLE_ASSIGN = "role:assign", "Assign roles to members and remove them"
    SESSION_END = "session:end", "End a member's sessions"
    SSO_EDIT = "sso:edit", "Set up single sign-on"


P = Permission
DOCUMENTS = frozenset(
    {
        P.DOCUMENT_READ,
        P.DOCUMENT_UPLOAD,
        P.DOCUMENT_EDIT,
        P.DOCUMENT_DELETE,
        P.FOLDER_CREATE,
        P.FOLDER_EDIT,
        P.FOLDER_DELETE,
    }
)
MANAGEMENT = frozenset(
    {
        P.MEMBER_DEACTIVATE,
        P.MEMBER_INVITE,
        P.MEMBER_READ,
        P.MEMBER_RESET,
        P.POLICY_EDIT,
        P.POLICY_READ,
        P.ROLE_ASSIGN,
        P.SESSION_END,
        P.SSO_EDIT,
    }
)


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions. `is_scoped`: only ever held on a folder."""

    key: str
    name: str
    sentence: str
    permissions: frozenset[Permission]
    is_scoped: bool = False


ADMIN = Role(
    "admin",
    "Admin",
    "Runs the organisation: members, roles and settings. Does not thereby read documents.",
    MANAGEMENT,
)
MEMBER = Role(
    "member", "Member", "Works with documents: reads, uploads, moves and deletes them.", DOCUMENTS
)
GUEST = Role(
    "guest",
    "Guest",
    "Reads what lies in one folder, and nothing else.",
    frozenset({P.DOCUMENT_READ}),
    is_scoped=True,
)
COMPLIANCE_OFFICER = Role(
    "compliance-officer",
    "Compliance officer",
    "Reads the audit log. Can't be an admin at the same time.",
    frozenset({P.AUDIT_READ, P.MEMBER_READ, P.POLICY_READ}),
)
AUDITOR = Role(
    "auditor",
    "Auditor",
    "Reads documents, members and the audit log, and changes nothing. Can't be an admin.",
    frozenset({P.AUDIT_READ, P.DOCUMENT_READ, P.MEMBER_READ, P.POLICY_READ}),
)

ROLES = {role.key: role for role in (ADMIN, MEMBER, GUEST, COMPLIANCE_OFFICER, AUDITOR)}

# Held by one person they would let somebody watch over their own acts.
EXCLUSIVE = frozenset(
    {frozenset({ADMIN.key, COMPLIANCE_OFFICER.key}), frozenset({ADMIN.key, AUDITOR.key})}
)

# What an operator may do from the command line, who has no page and sees no tenant's data.
OPERATOR_PERMISSIONS = frozenset({P.MEMBER_INVITE, P.MEMBER_RESET, P.ROLE_ASSIGN, P.SSO_EDIT})

# All that a session holds which was opened with a break-glass code, whoever's it is.
BREAK_GLASS_PERMISSIONS = frozenset({P.SSO_EDIT})
