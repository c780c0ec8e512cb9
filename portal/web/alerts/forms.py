"""Forms of alerts."""

from dataclasses import asdict
from datetime import time
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from portal.alerts.hours import DAYS, Hours, list_zones
from portal.alerts.rules import DAY_MINUTES, About, Kind, Rule, Who
from portal.alerts.service import MAX_COMMENT, MAX_NAME, MAX_TARGET, MAX_THRESHOLD
from portal.audit.actions import Outcome
from portal.audit.severity import Severity
from portal.web.alerts.areas import WATCHED
from portal.web.choices import choices
from portal.web.numbers import NumberField

ANY = ""
UNITS = {"minutes": 1, "hours": 60, "days": DAY_MINUTES}
EVERY_DAY = [str(day) for day in range(len(DAYS))]


class AlertRuleForm(FlaskForm):
    """What a rule says. `preview` is pressed to try it on the last 30 days."""

    name = StringField("Name", [InputRequired("Give it a name."), Length(max=MAX_NAME)])
    kind = RadioField("Alert of", choices=choices(Kind), default=Kind.MATCH)
    actions = SelectMultipleField("Actions", choices=choices(WATCHED))
    severity = SelectField("Severity of the action", choices=choices([ANY, *Severity]), default=ANY)
    outcome = SelectField("Outcome", choices=choices([ANY, *Outcome]), default=ANY)
    target = StringField("Target", [Length(max=MAX_TARGET)])
    who = SelectField("Done by", choices=choices(Who), default=Who.ANYBODY)
    gives_power = BooleanField("Only where it gives a powerful role")
    threshold = NumberField("How many", [Optional(), NumberRange(1, MAX_THRESHOLD)], default=10)
    window = NumberField("Within how long", [Optional(), NumberRange(1)], default=10)
    unit = SelectField("Unit", choices=choices(UNITS), default="minutes")
    about = SelectField("Brought together", choices=choices(About), default=About.PERSON)
    weight = SelectField(
        "Severity of the alert", choices=choices(Severity.NOTICE.and_above()),
        default=Severity.WARNING,
    )  # fmt: skip
    is_mailed = BooleanField("Tell those who read the log by mail", default=True)
    preview = SubmitField()

    @classmethod
    def of(cls, rule: Rule | None) -> "AlertRuleForm":
        """The form of a rule, or of a new one."""
        if rule is None:
            return cls()
        unit = next(u for u, size in reversed(UNITS.items()) if rule.window_minutes % size == 0)
        window = rule.window_minutes // UNITS[unit] or None
        return cls(data=asdict(rule) | {"window": window, "unit": unit if window else "minutes"})

    def chosen(self, rule_id: UUID) -> Rule:
        """What was filled in."""
        return Rule(
            id=rule_id,
            name=str(self.name.data).strip(),
            kind=Kind(self.kind.data),
            actions=frozenset(self.actions.data or ()),
            severity=self.severity.data or "",
            outcome=self.outcome.data or "",
            target=(self.target.data or "").strip().lower(),
            who=Who(self.who.data),
            gives_power=self.gives_power.data,
            threshold=self.threshold.data or 1,
            window_minutes=(self.window.data or 0) * UNITS[self.unit.data],
            about=About(self.about.data),
            weight=Severity(self.weight.data),
            is_mailed=self.is_mailed.data,
        )


class HoursForm(FlaskForm):
    """When people work."""

    zone = SelectField("Time zone", choices=choices(list_zones()))
    days = SelectMultipleField(
        "Days", [InputRequired("Choose a day at least.")], choices=choices(EVERY_DAY)
    )
    begin = TimeField("From", [InputRequired("Say from when.")])
    end = TimeField("Until", [InputRequired("Say until when.")])

    @classmethod
    def of(cls, hours: Hours) -> "HoursForm":
        """The form of the hours that hold now."""
        return cls(zone=hours.zone, days=[str(d) for d in hours.days],
                   begin=hours.begin, end=hours.end)  # fmt: skip

    def chosen(self) -> Hours:
        """What was filled in."""
        days = frozenset(map(int, self.days.data or ()))
        begin, end = self.begin.data or time(0), self.end.data or time(0)
        return Hours(zone=self.zone.data, days=days, begin=begin, end=end)


class CommentForm(FlaskForm):
    """What came of an alert."""

    comment = TextAreaField(
        "What came of it", [InputRequired("Say what came of it."), Length(max=MAX_COMMENT)]
    )
