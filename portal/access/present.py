"""What somebody holds at present, with who gave each role, when and why."""

from collections.abc import Sequence
from uuid import UUID

from portal.access.decision import Grant
from portal.access.history.world import Given
from portal.access.queries import grants_of_rows, holdings_of


def given_to(user_id: UUID) -> Sequence[tuple[Given, Grant]]:
    """All that somebody was given, by name or through a group, ended or not."""
    rows = holdings_of(user_id)
    return [
        (
            Given(
                row.assignment_id,
                f"group:{row.group_id}" if row.group_id else f"user:{user_id}",
                row.role,
                row.folder_id,
                row.expires_at,
                row.reason,
                row.way,
                row.granted_by,
                row.created_at,
            ),
            grant,
        )
        for row, grant in zip(rows, grants_of_rows(rows), strict=True)
    ]
