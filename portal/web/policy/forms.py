"""The form of the policy, filled in once to be shown what it would do, and once more to be kept."""

from dataclasses import replace
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from portal.access.approvals.kinds import CHOOSABLE
from portal.access.roles import list_roles
from portal.auth.assurance import Audience, Factor, Policy
from portal.auth.policy.service import Shown
from portal.documents.links.policy import MOST_DAYS, Mode, Rules
from portal.documents.links.policy import Shown as LinkRules
from portal.documents.policy import DocumentRules, ShownRules
from portal.documents.types import Family
from portal.web.choices import choices
from portal.web.numbers import NumberField

CONDITIONS = ("is_lock_required", "is_view_only")
A_NUMBER = InputRequired("Enter a number.")


class PolicyForm(FlaskForm):
    """Every choice of a tenant. `version` is of the policy that the admin was shown."""

    mfa_for = RadioField(
        "Who must have one",
        [InputRequired("Choose who must have a second factor.")],
        choices=choices(Audience),
    )
    mfa_roles = SelectMultipleField("Roles")
    factors = SelectMultipleField("Second factors that count", choices=choices(Factor))
    grace_days = NumberField("Grace period, in days", [A_NUMBER, NumberRange(0)])
    idle_minutes = NumberField("Idle time, in minutes", [A_NUMBER, NumberRange(1)])
    absolute_hours = NumberField("Longest session, in hours", [A_NUMBER, NumberRange(1)])
    password_min_length = NumberField("Shortest password allowed", [A_NUMBER, NumberRange(1)])
    password_max_age_days = NumberField(
        "Days until a password expires", [Optional(), NumberRange(1)]
    )
    version = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.roles = list_roles()
        live = (key for key, role in self.roles.items() if not role.is_retired)
        self.mfa_roles.choices = choices(live)

    @classmethod
    def showing(cls, shown: Shown) -> "PolicyForm":
        """The form as the policy in force fills it in."""
        return cls(formdata=None, obj=shown.policy, version=shown.version)

    @classmethod
    def asked(cls, arguments: Any) -> "PolicyForm":
        """The form as the address of a preview fills it in; it changes nothing."""
        return cls(formdata=arguments, meta={"csrf": False})

    def policy(self, present: Policy) -> Policy:
        """The policy that was asked for: `present` with what this form decides."""
        audience = Audience(self.mfa_for.data)
        roles = self.mfa_roles.data if audience == Audience.ROLES else ()
        return replace(
            present,
            mfa_for=audience,
            mfa_roles=frozenset(roles or ()),
            factors=frozenset(map(Factor, self.factors.data or ())),
            grace_days=self.grace_days.data or 0,
            idle_minutes=self.idle_minutes.data or 0,
            absolute_hours=self.absolute_hours.data or 0,
            password_min_length=self.password_min_length.data or 0,
            password_max_age_days=self.password_max_age_days.data,
        )


class LinksForm(FlaskForm):
    """What is allowed of sharing links. `version` is of the rules that the admin was shown;
    `ending` is how many links they were told would end.
    """

    mode = RadioField("Links", [InputRequired("Choose one.")], choices=choices(Mode))
    max_days = NumberField("Longest time, in days", [A_NUMBER, NumberRange(1, MOST_DAYS)])
    conditions = SelectMultipleField("Conditions", choices=choices(CONDITIONS))
    version = HiddenField()
    ending = NumberField("Links that end", [Optional()], widget=HiddenInput())

    @classmethod
    def showing(cls, shown: LinkRules) -> "LinksForm":
        """The form as the rules in force fill it in."""
        held = [name for name in CONDITIONS if getattr(shown.rules, name)]
        rules = shown.rules
        return cls(formdata=None, mode=rules.mode, max_days=rules.max_days, conditions=held)

    def rules(self) -> Rules:
        """The rules that were asked for."""
        chosen = self.conditions.data or ()
        return Rules(
            Mode(self.mode.data),
            self.max_days.data or 0,
            **{name: name in chosen for name in CONDITIONS},
        )


class ChoiceForm(FlaskForm):
    """The acts that two people have to agree to."""

    kinds = SelectMultipleField("Acts", choices=choices(CHOOSABLE))
    reason = StringField("Reason", [Length(max=500)])


class DocumentPolicyForm(FlaskForm):
    """What an organisation takes in. `version` is of the rules that the admin was shown."""

    families = SelectMultipleField("Types that are allowed", choices=choices(Family))
    tenant_quota_mib = NumberField("For everybody together, in MiB", [Optional(), NumberRange(1)])
    person_quota_mib = NumberField("For each person, in MiB", [Optional(), NumberRange(1)])
    trash_days = NumberField("Days in the trash", [Optional(), NumberRange(1)])
    version = HiddenField()

    @classmethod
    def showing(cls, shown: ShownRules) -> "DocumentPolicyForm":
        """The form as the rules in force fill it in."""
        return cls(formdata=None, obj=shown.rules, version=shown.version)

    def rules(self, present: DocumentRules) -> DocumentRules:
        """The rules that were asked for: `present` with what this form decides."""
        return replace(
            present,
            families=frozenset(map(Family, self.families.data or ())),
            tenant_quota_mib=self.tenant_quota_mib.data,
            person_quota_mib=self.person_quota_mib.data,
            trash_days=self.trash_days.data or present.trash_days,
        )
