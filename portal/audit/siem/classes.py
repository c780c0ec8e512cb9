"""Which event of the Open Cybersecurity Schema Framework (OCSF) an action is.

The class follows from the action's subject, the activity within it from its verb; an action that is
told apart from its kind stands there whole. Account Change (3001) and User Access Management (3005)
are deprecated, so that changes of people and of their roles are Entity Management.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

T = TypeVar("T")

OTHER = 99  # in every class: the activity's name says what it is


@dataclass(frozen=True, slots=True)
class EventClass:
    """A class of events: the actions that belong to it, and its activities by number."""

    uid: int
    subjects: str
    activities: Mapping[int, str]

    @property
    def category_uid(self) -> int:
        """The category that the class is in."""
        return self.uid // 1000


AUTHENTICATION = EventClass(
    3002,
    "sign-in sign-out session break-glass recovery-code sso.signed-out sso.logout-refused",
    {
        1: "sign-in.failed sign-in.limited sign-in.succeeded",
        2: "session sign-out sso",
        6: "break-glass password-accepted recovery-code sso-accepted",  # a step on the way in
    },
)
AUTHORIZE_SESSION = EventClass(3003, "proof", {1: "renewed"})
ENTITY_MANAGEMENT = EventClass(
    3004,
    "account alert-rule choice destination document-policy exclusion factor hold identity"
    " invitation key keys link-policy member password policy provider recovery-codes"
    " retention-rule role root-key signing-key sso tenant working-hours",
    {
        1: "added created imported invited made placed provisioned",
        2: "reviewed destination.tested",
        3: "changed end-changed moved policy-changed refused renamed reset reset-refused restarted"
        " rewrapped role.assigned role.removed rotated",
        4: "deleted destroyed erased released removed version-destroyed",
        6: "enrolled linked",
        7: "factor.removed factor.reset unlinked",
        8: "enforced offered destination.started",
        9: "sso.released destination.stopped withdrawn",
        10: "accepted invitation.refused reactivated restored",
        11: "deactivated retired",
        12: "suspended",
        13: "resumed",
    },
)
GROUP_MANAGEMENT = EventClass(
    3006,
    "group",
    {3: "member-added member-refused", 4: "member-removed", 5: "deleted", 6: "created"},
)
API_ACTIVITY = EventClass(
    6003,
    "access act alert audit closing contents erasure log mail retention review",
    {
        1: "asked epoch-begun export-made raised started",
        2: "explained exported not-verified plan-read read report-read verified",
        3: "acknowledged approved begun cancelled closed declined erasure.refused escalated"
        " expired granted line-decided line-handed-over moved moving stopped voided withdrawn",
        4: "run",
    },
)
FILE_HOSTING = EventClass(
    6006,
    "document download folder link selection upload version",
    {
        1: "abandoned infected upload.refused uploaded",
        2: "download downloaded",
        3: "noted",
        4: "deleted purge-asked purged",
        5: "renamed",
        6: "copied",
        7: "moved",
        8: "restored",
        9: "previewed",
        12: "made",
        13: "revoked",
        14: "compared link.refused opened",
    },
)
CLASSES = (
    AUTHENTICATION,
    AUTHORIZE_SESSION,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    API_ACTIVITY,
    FILE_HOSTING,
)
_BY_SUBJECT = {word: each for each in CLASSES for word in each.subjects.split()}


@cache
def class_of(action: str) -> EventClass:
    """The class of an action; of what has no other, that of any use of a program."""
    return _look_up(_BY_SUBJECT, action, API_ACTIVITY)


@cache
def activity_of(action: str) -> int:
    """The number of the activity within the action's class."""
    activities = class_of(action).activities.items()
    by_word = {word: number for number, words in activities for word in words.split()}
    return _look_up(by_word, action, OTHER)


def _look_up(words: Mapping[str, T], action: str, default: T) -> T:
    subject, _, verb = action.partition(".")
    return next((words[word] for word in (action, verb, subject) if word in words), default)
