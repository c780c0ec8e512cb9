"""The vocabulary of the audit log: every action it can tell of, with a sentence for its readers."""

from enum import StrEnum

from portal.audit.severity import Severity

_NOTICE, _WARNING, _ALERT = Severity.NOTICE, Severity.WARNING, Severity.ALERT


class Action(StrEnum):
    """What happened: subject and past participle. What weighs more than everyday work says so."""

    def __new__(
        cls, value: str, sentence: str, severity: Severity = Severity.INFORMATIONAL
    ) -> "Action":
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        member.severity = severity
        return member

    sentence: str
    severity: Severity

    ACCESS_ASKED = "access.asked", "Somebody asked for access"
    ACCESS_DECLINED = "access.declined", "A request for access was declined"
    ACCESS_EXPIRED = "access.expired", "A request for access expired unanswered"
    ACCESS_EXPLAINED = "access.explained", "Somebody looked up who may do what, and why"
    ACCESS_GRANTED = "access.granted", "A request for access was approved", _NOTICE
    ACCESS_REFUSED = "access.refused", "A page or an action was refused", _WARNING
    ACCESS_WITHDRAWN = "access.withdrawn", "A request for access was withdrawn"
    ACCOUNT_ERASED = "account.erased", "A person’s account was erased", _NOTICE
    ACT_APPROVED = "act.approved", "A second person approved an action", _NOTICE
    ACT_ASKED = "act.asked", "A second person was asked to approve an action"
    ACT_DECLINED = "act.declined", "A second person declined an action"
    ACT_EXPIRED = "act.expired", "An action that waited for a second person expired"
    ACT_VOIDED = (
        "act.voided",
        "An action that waited lapsed, as whoever asked had lost the right to it",
        _WARNING,
    )
    ACT_WITHDRAWN = "act.withdrawn", "An action that waited for a second person was withdrawn"
    ALERT_ACKNOWLEDGED = "alert.acknowledged", "An alert was acknowledged", _NOTICE
    ALERT_RAISED = "alert.raised", "An alert rule raised an alert", _WARNING
    ALERT_RULE_CHANGED = "alert-rule.changed", "An alert rule was changed", _NOTICE
    ALERT_RULE_CREATED = "alert-rule.created", "An alert rule was created", _NOTICE
    ALERT_RULE_DELETED = "alert-rule.deleted", "An alert rule was deleted", _NOTICE
    ALERT_RULE_SWITCHED = (
        "alert-rule.switched",
        "An alert rule was switched on or off",
        _NOTICE,
    )
    AUDIT_EXPORTED = "audit.exported", "Part of the audit log was downloaded", _NOTICE
    AUDIT_EXPORT_MADE = (
        "audit.export-made",
        "Part of the audit log was prepared for download",
        _NOTICE,
    )
    AUDIT_READ = "audit.read", "The audit log was read"
    BREAK_GLASS_USED = "break-glass.used", "A break-glass code was used", _ALERT
    CHOICE_CHANGED = (
        "choice.changed",
        "The list of actions that need two people was changed",
        _NOTICE,
    )
    CLOSING_ASKED = "closing.asked", "The operator asked to close the organisation", _WARNING
    CLOSING_BEGUN = (
        "closing.begun",
        "The organisation began to close, after somebody agreed",
        _WARNING,
    )
    CLOSING_WITHDRAWN = (
        "closing.withdrawn",
        "The closing of the organisation was called off",
        _NOTICE,
    )
    CONTENTS_MOVED = "contents.moved", "All contents were moved to another store", _NOTICE
    CONTENTS_MOVING = "contents.moving", "Moving the contents to another store began", _NOTICE
    CONTENTS_VERIFIED = (
        "contents.verified",
        "All contents were read back and compared with what was stored",
    )
    DESTINATION_CHANGED = (
        "destination.changed",
        "A destination of the audit log was changed",
        _WARNING,
    )
    DESTINATION_CREATED = (
        "destination.created",
        "A destination of the audit log was created",
        _NOTICE,
    )
    DESTINATION_DELETED = (
        "destination.deleted",
        "A destination of the audit log was deleted",
        _WARNING,
    )
    DESTINATION_FAILED = (
        "destination.failed",
        "A destination did not accept what it was sent of the audit log",
        _WARNING,
    )
    DESTINATION_RESTARTED = (
        "destination.restarted",
        "The stream of entries to a destination was set to go on from another number",
        _WARNING,
    )
    DESTINATION_STARTED = (
        "destination.started",
        "Sending the audit log to a destination was started",
        _NOTICE,
    )
    DESTINATION_STOPPED = (
        "destination.stopped",
        "Sending the audit log to a destination was stopped",
        _WARNING,
    )
    DESTINATION_TESTED = "destination.tested", "A test was sent to a destination of the audit log"
    DOCUMENT_DAMAGED = "document.damaged", "The content of a document is damaged or missing", _ALERT
    DOCUMENT_COMPARED = "document.compared", "Two versions of a document were compared"
    DOCUMENT_COPIED = "document.copied", "A copy of a document was made"
    DOCUMENT_DELETED = "document.deleted", "A document was moved to the trash"
    DOCUMENT_DOWNLOADED = "document.downloaded", "A document was downloaded"
    DOCUMENT_MOVED = "document.moved", "A document was moved to another folder"
    DOCUMENT_POLICY_CHANGED = (
        "document-policy.changed",
        "The rules for file types or storage space were changed",
        _NOTICE,
    )
    DOCUMENT_PREVIEWED = "document.previewed", "A document was viewed"
    DOCUMENT_PURGED = "document.purged", "A document was destroyed", _NOTICE
    DOCUMENT_PURGE_ASKED = (
        "document.purge-asked",
        "A document in the trash was deleted for good, before its time",
        _NOTICE,
    )
    DOCUMENT_RENAMED = "document.renamed", "A document was renamed"
    DOCUMENT_RESTORED = "document.restored", "A document was restored from the trash"
    DOCUMENT_STARRED = "document.starred", "Somebody starred a document"
    DOCUMENT_UNSTARRED = "document.unstarred", "Somebody removed their star from a document"
    DOCUMENT_UPLOADED = "document.uploaded", "A document was uploaded"
    ERASURE_ASKED = "erasure.asked", "Somebody asked that a person’s data be erased", _NOTICE
    ERASURE_GRANTED = "erasure.granted", "A request for erasure was granted", _NOTICE
    ERASURE_REFUSED = "erasure.refused", "A request for erasure was refused", _NOTICE
    ERASURE_WITHDRAWN = "erasure.withdrawn", "A granted request for erasure was withdrawn", _NOTICE
    EXCLUSION_ADDED = (
        "exclusion.added",
        "Two roles may no longer be held together",
        _NOTICE,
    )
    EXCLUSION_REMOVED = "exclusion.removed", "Two roles may be held together again", _NOTICE
    DOWNLOAD_STOPPED = (
        "download.stopped",
        "A download was stopped because the right to it had ended",
        _WARNING,
    )
    FACTOR_ENROLLED = "factor.enrolled", "A second factor was set up", _NOTICE
    FACTOR_REMOVED = "factor.removed", "A second factor was removed by its owner", _NOTICE
    FACTOR_RENAMED = "factor.renamed", "A second factor was renamed"
    FACTOR_RESET = "factor.reset", "A person’s second factors were removed", _WARNING
    FOLDER_CREATED = "folder.created", "A folder was created"
    FOLDER_DELETED = "folder.deleted", "A folder was moved to the trash"
    FOLDER_DOWNLOADED = "folder.downloaded", "A folder was downloaded with everything in it"
    FOLDER_MOVED = "folder.moved", "A folder was moved"
    FOLDER_PURGED = "folder.purged", "An empty folder was removed for good", _NOTICE
    FOLDER_PURGE_ASKED = (
        "folder.purge-asked",
        "A folder in the trash was deleted for good, before its time",
        _NOTICE,
    )
    FOLDER_RENAMED = "folder.renamed", "A folder was renamed"
    FOLDER_RESTORED = "folder.restored", "A folder was restored from the trash"
    GROUP_CHANGED = (
        "group.changed",
        "A group was renamed, or the way it is filled was changed",
        _NOTICE,
    )
    GROUP_CREATED = "group.created", "A group was created", _NOTICE
    GROUP_DELETED = "group.deleted", "A group was deleted", _NOTICE
    GROUP_MEMBER_ADDED = "group.member-added", "Somebody was added to a group", _NOTICE
    GROUP_MEMBER_REFUSED = (
        "group.member-refused",
        "An identity provider put somebody in a group, which was refused",
        _WARNING,
    )
    GROUP_MEMBER_REMOVED = "group.member-removed", "Somebody was removed from a group", _NOTICE
    HOLD_PLACED = "hold.placed", "A legal hold was placed", _NOTICE
    HOLD_RELEASED = "hold.released", "A legal hold was released", _NOTICE
    IDENTITY_LINKED = (
        "identity.linked",
        "An account was linked to one at an identity provider",
        _NOTICE,
    )
    IDENTITY_UNLINKED = (
        "identity.unlinked",
        "An account was unlinked from one at an identity provider",
        _NOTICE,
    )
    INVITATION_ACCEPTED = "invitation.accepted", "An invitation was accepted", _NOTICE
    INVITATION_REFUSED = "invitation.refused", "An invitation link was refused", _WARNING
    KEY_POLICY_CHANGED = (
        "key.policy-changed",
        "How often the encryption key rotates was changed",
        _NOTICE,
    )
    KEY_REWRAPPED = (
        "key.rewrapped",
        "Data keys, names and secrets were encrypted anew under the newest key",
    )
    KEY_ROTATED = "key.rotated", "A new encryption key was made", _NOTICE
    KEY_VERSION_DESTROYED = (
        "key.version-destroyed",
        "An earlier encryption key was destroyed because nothing needed it any more",
        _NOTICE,
    )
    KEYS_MOVED = "keys.moved", "The organisation’s keys were moved to another provider", _NOTICE
    LINK_CHANGED = "link.changed", "The end date of a sharing link was changed", _NOTICE
    LINK_CODE_ASKED = "link.code-asked", "Somebody asked for a code for a sharing link"
    LINK_MADE = "link.made", "A sharing link was made", _NOTICE
    LINK_OPENED = "link.opened", "A sharing link was opened"
    LINK_POLICY_CHANGED = "link-policy.changed", "The policy of sharing links was changed", _NOTICE
    LINK_REFUSED = (
        "link.refused",
        "Somebody who held a sharing link was refused something",
        _WARNING,
    )
    LINK_REVOKED = "link.revoked", "A sharing link was revoked", _NOTICE
    LINK_VISITED = "link.visited", "Somebody followed a sharing link, and was asked to prove more"
    LOG_EPOCH_BEGUN = (
        "log.epoch-begun",
        "The audit log goes on under another name, as it does not match what was signed",
        _ALERT,
    )
    LOG_NOT_VERIFIED = (
        "log.not-verified",
        "The audit log was read back and does not match what was signed",
        _ALERT,
    )
    LOG_POLICY_CHANGED = (
        "log-policy.changed",
        "How long the audit log is kept was changed",
        _WARNING,
    )
    LOG_PRUNED = "log.pruned", "The oldest entries of the audit log were pruned", _WARNING
    LOG_VERIFIED = "log.verified", "The audit log was read back and matches what was signed"
    MAIL_DROPPED = "mail.dropped", "Notices waited too long and were not sent", _WARNING
    MAIL_FAILED = "mail.failed", "A mail could not be delivered", _WARNING
    MAIL_SENT = "mail.sent", "A mail was handed to the mail server"
    MEMBER_DEACTIVATED = "member.deactivated", "A member was deactivated", _NOTICE
    MEMBER_INVITED = "member.invited", "A member was invited", _NOTICE
    MEMBER_PROVISIONED = (
        "member.provisioned",
        "Somebody became a member through an identity provider",
        _NOTICE,
    )
    MEMBERS_IMPORTED = "member.imported", "Many people were invited at once", _NOTICE
    MEMBER_REACTIVATED = "member.reactivated", "A member was reactivated", _NOTICE
    MEMBER_RENAMED = "member.renamed", "A member’s name was changed", _NOTICE
    PASSWORD_ACCEPTED = (
        "sign-in.password-accepted",
        "The right password was entered",
    )
    PASSWORD_CHANGED = "password.changed", "A password was changed", _NOTICE
    PASSWORD_REFUSED = "password.refused", "A change of password was refused", _WARNING
    PASSWORD_RESET = "password.reset", "A forgotten password was replaced", _NOTICE
    PASSWORD_RESET_ASKED = (
        "password.reset-asked",
        "Somebody asked for a link to reset a forgotten password",
    )
    PASSWORD_RESET_MADE = (
        "password.reset-made",
        "A link to reset a forgotten password was made",
        _NOTICE,
    )
    PASSWORD_RESET_REFUSED = (
        "password.reset-refused",
        "A link to reset a forgotten password was refused",
        _WARNING,
    )
    PASSWORDS_REVIEWED = (
        "password.reviewed",
        "Somebody looked up how old the members’ passwords are",
    )
    PERSON_EXPORTED = (
        "person.exported",
        "Everything that is held about a person was downloaded",
        _NOTICE,
    )
    POLICY_CHANGED = "policy.changed", "The sign-in policy was changed", _NOTICE
    PROOF_RENEWED = "proof.renewed", "Somebody confirmed again who they are"
    PROVIDER_CHANGED = "provider.changed", "An identity provider’s settings were changed", _NOTICE
    PROVIDER_CREATED = "provider.created", "An identity provider was added", _NOTICE
    PROVIDER_DELETED = "provider.deleted", "An identity provider was deleted", _NOTICE
    PROVIDER_OFFERED = (
        "provider.offered",
        "An identity provider was offered for signing in",
        _NOTICE,
    )
    PROVIDER_TESTED = "provider.tested", "A test sign-in through an identity provider worked"
    PROVIDER_WITHDRAWN = "provider.withdrawn", "An identity provider is no longer offered", _NOTICE
    RECOVERY_CODE_USED = "recovery-code.used", "A recovery code was used", _NOTICE
    RECOVERY_CODES_MADE = (
        "recovery-codes.made",
        "New recovery codes were made, and earlier ones stopped working",
        _NOTICE,
    )
    REPORT_MADE = (
        "report.made",
        "A report on the organisation was made, and its digest signed",
        _NOTICE,
    )
    RETENTION_PLAN_READ = (
        "retention.plan-read",
        "The list of what is due to be destroyed was downloaded",
    )
    RETENTION_RUN = (
        "retention.run",
        "A retention run destroyed documents or versions",
        _NOTICE,
    )
    REVIEW_CANCELLED = "review.cancelled", "An access review was called off", _NOTICE
    REVIEW_CLOSED = (
        "review.closed",
        "An access review was closed, and its decisions were carried out",
    )
    REVIEW_ESCALATED = (
        "review.escalated",
        "Unanswered lines of an access review went to the officers",
        _NOTICE,
    )
    REVIEW_LINE_DECIDED = "review.line-decided", "A line of an access review was decided"
    REVIEW_LINE_HANDED_OVER = (
        "review.line-handed-over",
        "A line of an access review went to another reviewer",
    )
    REVIEW_NOT_STARTED = "review.not-started", "A recurring access review could not start", _WARNING
    REVIEW_REPORT_READ = "review.report-read", "The report of an access review was downloaded"
    REVIEW_STARTED = "review.started", "An access review was started"
    REVIEW_STOPPED = "review.stopped", "An access review will no longer be repeated", _NOTICE
    ROLE_ASSIGNED = "role.assigned", "A role was assigned", _NOTICE
    ROLE_CHANGED = (
        "role.changed",
        "A role was renamed, or what it allows was changed",
        _NOTICE,
    )
    ROLE_CREATED = "role.created", "A role was created", _NOTICE
    ROLE_END_CHANGED = "role.end-changed", "The end date of a role was changed", _NOTICE
    ROLE_REFUSED = (
        "role.refused",
        "An identity provider gave somebody a role, which was refused",
        _WARNING,
    )
    ROLE_REMOVED = "role.removed", "A role was removed", _NOTICE
    ROLE_RESTORED = "role.restored", "A retired role was brought back", _NOTICE
    ROLE_RETIRED = "role.retired", "A role was retired", _NOTICE
    ROOT_KEY_DESTROYED = (
        "root-key.destroyed",
        "The root key was destroyed at its former provider",
        _NOTICE,
    )
    RULE_CHANGED = "retention-rule.changed", "A retention rule was changed", _NOTICE
    RULE_CREATED = "retention-rule.created", "A retention rule was created", _NOTICE
    RULE_DELETED = "retention-rule.deleted", "A retention rule was deleted", _NOTICE
    SEARCH_CHANGED = (
        "search.changed",
        "A saved search of the log was renamed, or its sharing was changed",
    )
    SEARCH_DELETED = "search.deleted", "A saved search of the log was deleted"
    SEARCH_SAVED = "search.saved", "A search of the log was saved"
    SELECTION_DOWNLOADED = (
        "selection.downloaded",
        "Documents selected in a list were downloaded",
    )
    SESSION_ENDED = "session.ended", "A session was ended"
    SIGN_IN_FAILED = "sign-in.failed", "A sign-in failed", _WARNING
    SIGN_IN_LIMITED = "sign-in.limited", "A sign-in was refused for too many attempts", _WARNING
    SIGN_IN_SUSPECTED = (
        "sign-in.suspected",
        "Somebody was warned of wrong codes after the first step of their sign-in",
        _ALERT,
    )
    SIGNED_IN = "sign-in.succeeded", "Somebody signed in"
    SIGNED_OUT = "sign-out.succeeded", "Somebody signed out"
    SIGNING_KEY_MADE = (
        "signing-key.made",
        "A new signing key of the organisation was made",
        _NOTICE,
    )
    SSO_ACCEPTED = "sign-in.sso-accepted", "An identity provider vouched for somebody"
    SSO_ENFORCED = "sso.enforced", "Single sign-on was made the only way to sign in", _NOTICE
    SSO_LOGOUT_REFUSED = (
        "sso.logout-refused",
        "An identity provider’s logout token was refused",
        _WARNING,
    )
    SSO_RELEASED = "sso.released", "Other ways to sign in were allowed again", _WARNING
    SSO_SIGNED_OUT = "sso.signed-out", "An identity provider signed somebody out"
    TENANT_CREATED = "tenant.created", "The organisation was created", _NOTICE
    TENANT_DESTROYED = (
        "tenant.destroyed",
        "The destruction of the organisation’s keys began",
        _ALERT,
    )
    TENANT_RESUMED = "tenant.resumed", "The organisation was resumed", _NOTICE
    TENANT_SUSPENDED = "tenant.suspended", "The organisation was suspended", _WARNING
    UPLOAD_ABANDONED = "upload.abandoned", "An upload broke off, and nothing was kept"
    UPLOAD_BEGUN = "upload.begun", "A resumable upload was started"
    UPLOAD_ENDED = "upload.ended", "A resumable upload was given up"
    UPLOAD_INFECTED = (
        "upload.infected",
        "An upload was refused because the scanner found malware",
        _WARNING,
    )
    UPLOAD_REFUSED = "upload.refused", "An upload was refused for its type or its size", _NOTICE
    VERSION_NOTED = "version.noted", "The note on a version of a document was changed"
    VERSION_RESTORED = "version.restored", "An older version of a document was made the newest"
    VERSION_UPLOADED = "version.uploaded", "A new version of a document was uploaded"
    VERSION_PURGED = "version.purged", "Older versions of a document were destroyed", _NOTICE
    WALLS_BROKEN = (
        "walls.broken",
        "The database allowed something that it must refuse",
        _ALERT,
    )
    WALLS_HELD = "walls.held", "The database refused everything that it must refuse"
    WORKING_HOURS_CHANGED = "working-hours.changed", "The working hours were changed", _NOTICE


# For entries, which may tell of what this version knows no more.
SENTENCES = {action.value: action.sentence for action in Action}
SEVERITIES = {action.value: action.severity for action in Action}

# What is acknowledged only once its entry has a number in the log (`tlog.numbering`).
GRAVE = frozenset(
    {
        Action.ALERT_RULE_CHANGED,
        Action.ALERT_RULE_CREATED,
        Action.ALERT_RULE_DELETED,
        Action.ALERT_RULE_SWITCHED,
        Action.AUDIT_EXPORT_MADE,
        Action.AUDIT_EXPORTED,
        Action.CHOICE_CHANGED,
        Action.CLOSING_BEGUN,
        Action.DESTINATION_CHANGED,
        Action.DESTINATION_CREATED,
        Action.DESTINATION_DELETED,
        Action.DESTINATION_RESTARTED,
        Action.DESTINATION_STARTED,
        Action.DESTINATION_STOPPED,
        Action.DOCUMENT_POLICY_CHANGED,
        Action.EXCLUSION_ADDED,
        Action.EXCLUSION_REMOVED,
        Action.GROUP_MEMBER_ADDED,
        Action.GROUP_MEMBER_REMOVED,
        Action.HOLD_PLACED,
        Action.HOLD_RELEASED,
        Action.KEY_POLICY_CHANGED,
        Action.KEY_ROTATED,
        Action.KEY_VERSION_DESTROYED,
        Action.KEYS_MOVED,
        Action.LINK_POLICY_CHANGED,
        Action.LOG_POLICY_CHANGED,
        Action.PERSON_EXPORTED,
        Action.POLICY_CHANGED,
        Action.REPORT_MADE,
        Action.ROLE_ASSIGNED,
        Action.ROLE_CHANGED,
        Action.ROLE_CREATED,
        Action.ROLE_END_CHANGED,
        Action.ROLE_REMOVED,
        Action.ROLE_RESTORED,
        Action.ROLE_RETIRED,
        Action.ROOT_KEY_DESTROYED,
        Action.RULE_CHANGED,
        Action.RULE_CREATED,
        Action.RULE_DELETED,
        Action.SIGNING_KEY_MADE,
        Action.SSO_ENFORCED,
        Action.SSO_RELEASED,
        Action.TENANT_DESTROYED,
        Action.WORKING_HOURS_CHANGED,
    }
)


class Outcome(StrEnum):
    """How it went."""

    SUCCESS = "success"
    FAILURE = "failure"
    REFUSED = "refused"
