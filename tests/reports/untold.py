"""Columns that can name a person and are not told by themselves, with the reason for each.

All are `table.column`. Of a table without any such column, the table stands here with "*".
"""

_IN_THE_LOG = "That they did it stands among their acts in the audit log, which are told."
_NAMES_A_THING = "It names a thing and no person."
_HOLD = "Who is told of a legal hold could act on it; officers tell what the law has them tell."
_LOOKED_INTO = "Alerts are what officers look into; the acts that raised them are told."
_SECRET = "It serves to prove who somebody is, and is told to nobody."
_WITH_ANOTHER = "It is told with the entries of the log, or with the lines of the review."
_ON_ITS_WAY = "It waits for the worker, and is gone once that has done it."
_OUTSIDER = "It is of somebody outside, whom nothing ties to an account."
_ORGANISATION = "It is about the organisation, and about no person."
_BOOKKEEPING = "The portal’s own bookkeeping: sizes, positions and hashes, and no person."

UNTOLD: dict[str, str] = {
    column: reason
    for reason, columns in {
        _IN_THE_LOG: (
            "access_policy.changed_by",
            "access_request.decided_by",
            "access_review.ended_by",
            "access_reviewer.user_id",
            "alert.acknowledged_by",
            "alert_rule.changed_by",
            "break_glass_code.created_by",
            "custom_role.created_by",
            "custom_role.widened_by",
            "document.trashed_by",
            "document_policy.changed_by",
            "erasure_request.asked_by",
            "erasure_request.decided_by",
            "erasure_request.withdrawn_by",
            "exclusive_role_pair.created_by",
            "folder.trashed_by",
            "group_membership.added_by",
            "identity_provider.deciders",
            "invitation.invited_by",
            "key_policy.changed_by",
            "legal_hold.placed_by",
            "legal_hold.released_by",
            "link_policy.changed_by",
            "log_destination.created_by",
            "log_policy.changed_by",
            "member_group.created_by",
            "member_group.fed_by",
            "organisation_closing.agreed_by",
            "organisation_closing.asked_by",
            "organisation_closing.withdrawn_by",
            "pending_act.decided_by",
            "retention_rule.created_by",
            "review_line.decided_by",
            "review_line.granted_by",
            "review_line.reviewer_id",
            "role_assignment.granted_by",
            "sharing_link.revoked_by",
            "sign_in_policy.changed_by",
        ),
        _NAMES_A_THING: (
            "access_request.assignment_id",
            "alert.last_entry_id",
            "alert.raised_by",
            "alert.rule_id",
            "alert_entry.entry_id",
            "alert_progress.judged_rule_id",
            "audit_entry.request_id",
            "document_copy.document_id",
            "integrity_finding.document_id",
            "log_destination.anchor_job_id",
            "log_export.last_entry_id",
            "review_line.folder_id",
            "review_line.group_id",
            "review_line.subject_id",
            "upload.document_id",
            "upload.folder_id",
            "upload.lease",
            "upload.version_id",
        ),
        _LOOKED_INTO: ("alert.subject",),
        _HOLD: ("retention_anchor.thing_id",),
        _WITH_ANOTHER: (
            "audit_aside.*",
            "review_result_part.*",
        ),
        _ON_ITS_WAY: ("job.*",),
        _SECRET: (
            "ceremony.*",
            "seen_logout_token.*",
            "sso_session.*",
        ),
        _OUTSIDER: (
            "link_code.*",
            "link_use.document_id",
            "link_use.who_sealed",
            "link_visit.*",
        ),
        _ORGANISATION: (
            "identity_provider.*",
            "working_hours.*",
            "signing_key.*",
            "tenant_key.*",
        ),
        _BOOKKEEPING: (
            "attempt_count.*",
            "audit_checkpoint.signing_key_id",
            "audit_leaf.*",
            "audit_node.*",
            "audit_pruning.*",
            "blob_home.*",
            "log_check.*",
            "storage_hold.owner_id",
            "storage_use.*",
            "upload_tail.*",
            "verification_round.reached_id",
        ),
    }.items()
    for column in columns
}
