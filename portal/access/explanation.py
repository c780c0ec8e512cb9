"""Why somebody may do something, or may not: the chain behind a decision, as a pure function."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal.access.decision import Grant
from portal.access.permissions import Permission


@dataclass(frozen=True, slots=True)
class Explanation:
    """What lets somebody do something; where nothing does, what comes near to it.

    `elsewhere` holds for other folders, `ended` would hold if its time were not over.
    """

    permission: Permission
    through: Sequence[Grant]
    elsewhere: Sequence[Grant] = ()
    ended: Sequence[Grant] = ()

    @property
    def is_allowed(self) -> bool:
        """What `decide` answers for the same grants."""
        return bool(self.through)


def explain(
    grants: Iterable[Grant], permission: Permission, folders: Sequence[UUID], at: datetime
) -> Explanation:
    """Sort what somebody was given by what it does for `permission` in a place at a moment.

    `grants` may hold what has ended; `folders` is the place and all above it, as in `Target`.
    """
    through: list[Grant] = []
    elsewhere: list[Grant] = []
    ended: list[Grant] = []
    for grant in grants:
        if permission not in grant.permissions:
            continue
        if not is_about(grant, folders):
            elsewhere.append(grant)
        elif is_over(grant, at):
            ended.append(grant)
        else:
            through.append(grant)
    return Explanation(permission, through, elsewhere, ended)


def is_about(grant: Grant, folders: Collection[UUID]) -> bool:
    """Whether a grant holds in a place."""
    return grant.folder_id is None or grant.folder_id in folders


def is_over(grant: Grant, at: datetime) -> bool:
    """Whether the time of a grant had ended."""
    return grant.expires_at is not None and grant.expires_at <= at
