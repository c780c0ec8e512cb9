"""Every permission there is, and the built-in roles made of them: the whole policy in one table."""

from dataclasses import dataclass
from enum import StrEnum

DANGEROUS = True


class Permission(StrEnum):
    """A right to do one kind of thing to one kind of resource.

    A dangerous one gives power over what others hold, be it only to take it away, or shows what
    everybody does.
    """

    def __new__(cls, value: str, sentence: str, is_dangerous: bool = False) -> "Permission":
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        member.is_dangerous = is_dangerous
        return member

    sentence: str
    is_dangerous: bool

    __hash__ = str.__hash__  # Enum's own is Python code, and every decision takes several hashes

    ACCESS_READ = "access:read", "See who can read, change or share a folder, and why"
    AUDIT_EXPORT = "audit:export", "Export the audit log", DANGEROUS
    AUDIT_READ = (
        "audit:read",
        "Read the audit log, with the names of the people and groups in it",
        DANGEROUS,
    )
    DOCUMENT_DELETE = (
        "document:delete",
        "Move documents to the trash, restore them, or delete them for good",
    )
    DOCUMENT_EDIT = "document:edit", "Rename documents, move them, and upload new versions"
    DOCUMENT_READ = "document:read", "See and download documents"
    DOCUMENT_UPLOAD = "document:upload", "Upload documents"
    ERASURE_ASK = "erasure:ask", "Ask that a person’s documents or account be erased"
    ERASURE_DECIDE = (
        "erasure:decide",
        "Decide whether a person’s documents and account are erased",
        DANGEROUS,
    )
    FOLDER_CREATE = "folder:create", "Create folders"
    FOLDER_DELETE = (
        "folder:delete",
        "Move folders to the trash, restore them, or delete them for good",
    )
    FOLDER_EDIT = "folder:edit", "Rename folders and move them"
    FOLDER_SHARE = "folder:share", "Let others into a folder, giving no more than one holds there"
    GROUP_EDIT = "group:edit", "Make groups, and decide who is in them", DANGEROUS
    HOLD_EDIT = "hold:edit", "Place and release legal holds, and see what is held", DANGEROUS
    KEY_READ = "key:read", "See the encryption keys, how old they are, and what needs them"
    KEY_ROTATE = "key:rotate", "Make new keys, and agree to a closing that the operator asks for"
    LINK_CREATE = "link:create", "Share documents and folders with people outside, by links"
    LINK_READ = "link:read", "See what everybody shares by links, and who opened it"
    LINK_REVOKE = "link:revoke", "Revoke anybody’s sharing links"
    MEMBER_DEACTIVATE = "member:deactivate", "Deactivate and reactivate members"
    MEMBER_INVITE = "member:invite", "Invite people, and correct their names"
    MEMBER_READ = "member:read", "See the members and the roles they hold"
    MEMBER_RESET = "member:reset", "Remove a member’s lost second factors", DANGEROUS
    ORGANISATION_CLOSE = (
        "organisation:close",
        "Ask, with a second person, to close the organisation and destroy all it keeps",
        DANGEROUS,
    )
    POLICY_EDIT = "policy:edit", "Decide how members sign in, and with which factors", DANGEROUS
    POLICY_READ = "policy:read", "See the policy of signing in, and who falls short of it"
    RETENTION_EDIT = "retention:edit", "Decide how long documents are kept", DANGEROUS
    REVIEW_RUN = "review:run", "Start access reviews, and close them", DANGEROUS
    ROLE_ASSIGN = "role:assign", "Assign roles to members and groups, and remove them", DANGEROUS
    ROLE_EDIT = "role:edit", "Make roles, and decide what they allow", DANGEROUS
    SESSION_END = "session:end", "End a member’s sessions"
    SSO_EDIT = "sso:edit", "Set up single sign-on", DANGEROUS

    @property
    def resource(self) -> str:
        """The kind of thing it is about."""
        return self.partition(":")[0]


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
        P.LINK_CREATE,
    }
)
MANAGEMENT = frozenset(
    {
        P.GROUP_EDIT,
        P.KEY_READ,
        P.KEY_ROTATE,
        P.LINK_READ,
        P.LINK_REVOKE,
        P.MEMBER_DEACTIVATE,
        P.MEMBER_INVITE,
        P.MEMBER_READ,
        P.MEMBER_RESET,
        P.ORGANISATION_CLOSE,
        P.POLICY_EDIT,
        P.POLICY_READ,
        P.ROLE_ASSIGN,
        P.ROLE_EDIT,
        P.SESSION_END,
        P.SSO_EDIT,
    }
)

# Power over what others hold; and the sight of what those do who have it, with the say over what
# of it is kept. Nobody holds both.
POWER = frozenset(permission for permission in MANAGEMENT if permission.is_dangerous)
OVERSIGHT = frozenset(
    {P.AUDIT_EXPORT, P.AUDIT_READ, P.ERASURE_DECIDE, P.HOLD_EDIT, P.RETENTION_EDIT}
)

# What concerns the whole organisation, so that no folder is a place to hold it on.
ORGANISATION_WIDE = MANAGEMENT | OVERSIGHT | {P.ERASURE_ASK, P.REVIEW_RUN}


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions. `is_scoped`: only ever held on a folder.

    A tenant's own roles have keys that nobody chooses; one that is retired gives nothing.
    """

    key: str
    name: str
    sentence: str
    permissions: frozenset[Permission]
    is_scoped: bool = False
    is_builtin: bool = True
    is_retired: bool = False

    @property
    def is_powerful(self) -> bool:
        """Whether it is as dangerous as Admin: power over what others hold, or how they sign in."""
        return any(permission.is_dangerous for permission in self.permissions & MANAGEMENT)


ADMIN = Role(
    "admin",
    "Admin",
    "Runs the organisation: members, roles and settings. This does not include reading documents.",
    MANAGEMENT | {P.ACCESS_READ, P.ERASURE_ASK},
)
MEMBER = Role(
    "member",
    "Member",
    "Works with documents: reads, uploads, moves, deletes and shares them.",
    DOCUMENTS | {P.ACCESS_READ},
)
FOLDER_OWNER = Role(
    "folder-owner",
    "Folder owner",
    "Works with everything in one folder, and lets others into it.",
    DOCUMENTS | {P.ACCESS_READ, P.FOLDER_SHARE},
    is_scoped=True,
)
GUEST = Role(
    "guest",
    "Guest",
    "Reads what is in one folder, and nothing else.",
    frozenset({P.DOCUMENT_READ}),
    is_scoped=True,
)
COMPLIANCE_OFFICER = Role(
    "compliance-officer",
    "Compliance officer",
    "Reads the audit log, runs access reviews and decides what is kept. Can’t be an admin as well.",
    OVERSIGHT
    | {
        P.ACCESS_READ,
        P.ERASURE_ASK,
        P.KEY_READ,
        P.KEY_ROTATE,
        P.LINK_READ,
        P.LINK_REVOKE,
        P.MEMBER_READ,
        P.POLICY_READ,
        P.REVIEW_RUN,
    },
)
AUDITOR = Role(
    "auditor",
    "Auditor",
    "Reads documents, members and the audit log, and changes nothing. Can’t be an admin as well.",
    frozenset(
        {
            P.ACCESS_READ,
            P.AUDIT_READ,
            P.DOCUMENT_READ,
            P.KEY_READ,
            P.LINK_READ,
            P.MEMBER_READ,
            P.POLICY_READ,
        }
    ),
)

BUILT_IN = {
    role.key: role for role in (ADMIN, MEMBER, FOLDER_OWNER, GUEST, COMPLIANCE_OFFICER, AUDITOR)
}

# Held by one person they would let somebody watch over their own acts.
EXCLUSIVE = frozenset(
    {frozenset({ADMIN.key, COMPLIANCE_OFFICER.key}), frozenset({ADMIN.key, AUDITOR.key})}
)

# What an operator may do from the command line, who has no page and sees no tenant's data.
OPERATOR_PERMISSIONS = frozenset({P.MEMBER_INVITE, P.MEMBER_RESET, P.ROLE_ASSIGN, P.SSO_EDIT})

# All that a session holds which was opened with a break-glass code, whoever's it is.
BREAK_GLASS_PERMISSIONS = frozenset({P.SSO_EDIT})
