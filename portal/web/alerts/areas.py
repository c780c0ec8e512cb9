"""The actions that rules can be about, grouped by subject: in one long list nobody finds any."""

from collections.abc import Mapping, Sequence

from portal.alerts.reading import OWN
from portal.audit.actions import Action

WATCHED = sorted(set(Action) - OWN, key=lambda action: action.sentence)

# By what actions begin with.
_SUBJECTS = {
    "Signing in": "break-glass identity proof provider session sign-in sign-out sso",
    "Passwords and factors": "factor password recovery-code recovery-codes",
    "People": "account invitation member person",
    "Roles, groups and access": "access act choice exclusion group review role",
    "Documents and folders": "contents document download folder selection upload version",
    "Sharing links": "link",
    "Retention and holds": "erasure hold retention retention-rule",
    "Keys": "key keys root-key signing-key",
    "The log and its alerts": "alert alert-rule audit destination log report search working-hours",
    "The organisation": "closing document-policy link-policy log-policy mail policy tenant walls",
}
_OTHER = "Anything else"
_AREA_OF = {name: area for area, names in _SUBJECTS.items() for name in names.split()}


def _by_area() -> Mapping[str, Sequence[Action]]:
    areas: dict[str, list[Action]] = {area: [] for area in (*_SUBJECTS, _OTHER)}
    for action in WATCHED:
        areas[_AREA_OF.get(action.partition(".")[0], _OTHER)].append(action)
    return {area: actions for area, actions in areas.items() if actions}


AREAS = _by_area()
