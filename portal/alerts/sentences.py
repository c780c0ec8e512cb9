"""A rule in a sentence."""

from portal.alerts.rules import DAY_MINUTES, About, Kind, Rule, Who
from portal.audit.actions import SENTENCES

MOST_NAMED = 3
_SUBJECTS = {
    Who.ANYBODY: "",
    Who.OPERATOR: "by the operator",
    Who.HELD: "by somebody under a legal hold",
    Who.DEACTIVATED: "by somebody who was deactivated before",
}
_ABOUT = {
    About.PERSON: "by the same person",
    About.ADDRESS: "from the same address",
    About.TARGET: "about the same target",
    About.ALL: "by anybody",
}
_WORTH = {
    Kind.MATCH: "",
    Kind.NEW_ADDRESS: "from an address that the person was not seen at for {window}",
    Kind.NEW_BROWSER: "from a browser that is new for the person",
    Kind.NEW_NETWORK: "from a network or country that the person was not seen in for {window}",
    Kind.NEW_ACTION: "by a person who did not do this for {window}",
    Kind.OFF_HOURS: "outside the working hours",
    Kind.TWO_PLACES: "by one person from two networks or countries within {window}",
}


def say(rule: Rule) -> str:
    """What a rule looks for."""
    parts = [_actions(rule), *_conditions(rule)]
    if rule.kind == Kind.COUNT:
        times = f"{rule.threshold} times or more within {_window(rule.window_minutes)}"
        parts += [times, _ABOUT[rule.about]]
    else:
        parts.append(_WORTH[rule.kind].format(window=_window(rule.window_minutes)))
    return ", ".join(part for part in parts if part) + "."


def _actions(rule: Rule) -> str:
    if not rule.actions:
        return "Anything"
    named = sorted(SENTENCES.get(action, action) for action in rule.actions)
    more = len(named) - MOST_NAMED
    listed = " or ".join(f"“{name}”" for name in named[:MOST_NAMED])
    return f"{listed} or {more} more" if more > 0 else listed


def _conditions(rule: Rule) -> list[str]:
    return [
        f"of severity {rule.severity} or above" if rule.severity else "",
        f"with the outcome {rule.outcome}" if rule.outcome else "",
        f"about {rule.target}" if rule.target else "",
        "where it gives a powerful role" if rule.gives_power else "",
        _SUBJECTS[rule.who],
    ]


def _window(minutes: int) -> str:
    for size, name in ((DAY_MINUTES, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0 and minutes >= size:
            count = minutes // size
            return f"{count} {name}s" if count > 1 else f"a {name}" if size != 60 else f"an {name}"
    return "no time"
