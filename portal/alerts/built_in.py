"""The rules that every organisation has from the start, until it says otherwise.

Their ids are fixed: a row with the id of one of them takes its place.
"""

from uuid import UUID, uuid5

from portal.alerts.rules import DAY_MINUTES, About, Kind, Rule, Who
from portal.audit.actions import Action
from portal.audit.severity import Severity

_NAMES = UUID("5b0c4a55-5b5b-4b39-9d3a-6a1d1a6f3c0e")


def _id(key: str) -> UUID:
    return uuid5(_NAMES, key)


FAILED = frozenset({Action.SIGN_IN_FAILED, Action.SIGN_IN_LIMITED})
DOWNLOADED = frozenset(
    {Action.DOCUMENT_DOWNLOADED, Action.FOLDER_DOWNLOADED, Action.SELECTION_DOWNLOADED}
)
POWER_GIVEN = frozenset(
    {
        Action.GROUP_MEMBER_ADDED,
        Action.MEMBER_INVITED,
        Action.ROLE_ASSIGNED,
        Action.ROLE_CHANGED,
        Action.ROLE_END_CHANGED,
        Action.ROLE_RESTORED,
    }
)
SSO_CHANGED = frozenset(
    {
        Action.PROVIDER_CHANGED,
        Action.PROVIDER_CREATED,
        Action.PROVIDER_DELETED,
        Action.PROVIDER_OFFERED,
        Action.PROVIDER_WITHDRAWN,
        Action.SSO_ENFORCED,
        Action.SSO_RELEASED,
    }
)
WATCH_CHANGED = frozenset(
    {
        Action.ALERT_RULE_CHANGED,
        Action.ALERT_RULE_DELETED,
        Action.ALERT_RULE_SWITCHED,
        Action.DESTINATION_CHANGED,
        Action.DESTINATION_DELETED,
        Action.DESTINATION_STOPPED,
        Action.LOG_POLICY_CHANGED,
    }
)
DELETED = frozenset(
    {
        Action.DOCUMENT_DELETED,
        Action.DOCUMENT_PURGE_ASKED,
        Action.FOLDER_DELETED,
        Action.FOLDER_PURGE_ASKED,
    }
)
BY_OPERATOR = frozenset(
    {
        Action.FACTOR_RESET,
        Action.KEYS_MOVED,
        Action.MEMBER_INVITED,
        Action.MEMBER_REACTIVATED,
        Action.PASSWORD_RESET_MADE,
        Action.ROLE_ASSIGNED,
        Action.SSO_RELEASED,
    }
)

_RULES = (
    Rule(
        id=_id("failed-sign-ins-target"),
        name="Many failed sign-ins to one account",
        kind=Kind.COUNT,
        actions=FAILED,
        threshold=10,
        window_minutes=10,
        about=About.TARGET,
    ),
    Rule(
        id=_id("failed-sign-ins-address"),
        name="Many failed sign-ins from one address",
        kind=Kind.COUNT,
        actions=FAILED,
        threshold=20,
        window_minutes=10,
        about=About.ADDRESS,
    ),
    Rule(
        id=_id("mass-download"),
        name="Many downloads by one person",
        kind=Kind.COUNT,
        actions=DOWNLOADED,
        outcome="success",
        threshold=50,
        window_minutes=10,
        about=About.PERSON,
    ),
    Rule(
        id=_id("power-given"),
        name="A powerful role was given",
        actions=POWER_GIVEN,
        outcome="success",
        gives_power=True,
        about=About.TARGET,
    ),
    Rule(id=_id("sso-changed"), name="Single sign-on was changed", actions=SSO_CHANGED),
    Rule(
        id=_id("log-not-verified"),
        name="The audit log is not what was signed",
        actions=frozenset({Action.LOG_NOT_VERIFIED, Action.LOG_EPOCH_BEGUN}),
        weight=Severity.ALERT,
        is_mailed=False,  # a mail of its own tells of it, which no rule can switch off
    ),
    Rule(
        id=_id("walls-broken"),
        name="A wall between organisations, or around the log, did not hold",
        actions=frozenset({Action.WALLS_BROKEN}),
        weight=Severity.ALERT,
    ),
    Rule(
        id=_id("break-glass"),
        name="A break-glass code was used",
        actions=frozenset({Action.BREAK_GLASS_USED}),
        weight=Severity.ALERT,
    ),
    Rule(
        id=_id("operator"),
        name="The operator let somebody in, or moved the keys",
        actions=BY_OPERATOR,
        who=Who.OPERATOR,
    ),
    Rule(
        id=_id("held"),
        name="Somebody under a legal hold deleted something",
        actions=DELETED,
        outcome="success",
        who=Who.HELD,
        about=About.PERSON,
        weight=Severity.ALERT,
    ),
    Rule(
        id=_id("deactivated"),
        name="Somebody deactivated did something",
        who=Who.DEACTIVATED,
        about=About.PERSON,
        weight=Severity.ALERT,
    ),
    Rule(
        id=_id("two-places"),
        name="Signed in from two networks within an hour",
        kind=Kind.TWO_PLACES,
        actions=frozenset({Action.SIGNED_IN}),
        window_minutes=60,
        about=About.PERSON,
    ),
    Rule(
        id=_id("new-network"),
        name="Signed in from a network that is new for the person",
        kind=Kind.NEW_NETWORK,
        actions=frozenset({Action.SIGNED_IN}),
        window_minutes=90 * DAY_MINUTES,
        about=About.PERSON,
    ),
    Rule(
        id=_id("new-browser"),
        name="Signed in from a browser that is new for the person",
        kind=Kind.NEW_BROWSER,
        actions=frozenset({Action.SIGNED_IN}),
        about=About.PERSON,
        weight=Severity.NOTICE,
        is_mailed=False,  # the person gets one, and knows whether it was them
    ),
    Rule(
        id=_id("alerting-changed"),
        name="Alert rules, destinations or the retention of the log were changed",
        actions=WATCH_CHANGED,
    ),
    Rule(
        id=_id("off-hours"),
        name="Downloads outside the working hours",
        kind=Kind.OFF_HOURS,
        actions=DOWNLOADED,
        outcome="success",
        about=About.PERSON,
        weight=Severity.NOTICE,
        is_on=False,  # until somebody has said when the hours are
    ),
    Rule(
        id=_id("new-address"),
        name="Signed in from an address that is new for the person",
        kind=Kind.NEW_ADDRESS,
        actions=frozenset({Action.SIGNED_IN}),
        window_minutes=90 * DAY_MINUTES,
        about=About.PERSON,
        weight=Severity.NOTICE,
        is_on=False,  # phones and homes have another one every day
    ),
)

BUILT_IN = {rule.id: rule for rule in _RULES}

# Nobody changes what alerting is without an alert of it.
FIXED = frozenset({_id("alerting-changed")})
