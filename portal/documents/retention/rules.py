"""Retention rules: made, changed and deleted by who decides how long documents are kept.

Days count from when a version was uploaded, which nobody can put off by renaming or moving. Which
rule counts where several reach a document is told in `decision`.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from portal.access.decision import Target, require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.ids import new_id
from portal.core.texts import is_one_line
from portal.documents.places import get_place
from portal.documents.retention.decision import ANY_TYPE, Rule
from portal.documents.retention.locking import lock_retention_as
from portal.documents.retention.models import RetentionRule
from portal.documents.retention.reach import Reach, count_reach
from portal.documents.retention.things import paths_of
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

MAX_RULES = 100  # each is a condition of the statement that finds what is due
MAX_DAYS = 36_500
MAX_NAME = 100
TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/([a-z0-9][a-z0-9.+-]*)?")
ALL_DOCUMENTS = "All documents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a rule says."""

    name: str
    folder_id: UUID | None
    media_type: str
    keep_days: int | None
    delete_days: int | None
    prune_days: int | None


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule, and where it holds."""

    rule: RetentionRule
    place: str


def list_shown_rules(actor: Actor) -> Sequence[ListedRule]:
    """Every rule, by where it holds. Raises `Forbidden`."""
    require(actor, Permission.RETENTION_EDIT)
    rules = db.session.scalars(select(RetentionRule).order_by(RetentionRule.id)).all()
    paths = paths_of([rule.folder_id for rule in rules if rule.folder_id])
    listed = [ListedRule(r, paths[r.folder_id] if r.folder_id else ALL_DOCUMENTS) for r in rules]
    return sorted(listed, key=lambda one: (one.rule.folder_id is not None, one.place.casefold()))


def get_rule(actor: Actor, rule_id: UUID) -> ListedRule:
    """One rule. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.RETENTION_EDIT, Target(_target(rule_id)))
    rule = db.session.get(RetentionRule, (bound_tenant_id(), rule_id))
    if rule is None:
        raise NotFound
    place = paths_of([rule.folder_id])[rule.folder_id] if rule.folder_id else ALL_DOCUMENTS
    db.session.expunge(rule)  # a page tells of it also when somebody has deleted it meanwhile
    return ListedRule(rule, place)


def preview_rule(actor: Actor, choices: Choices) -> Reach:
    """Whom and what a rule would concern. Raises `Forbidden`, `NotFound` or `Invalid`."""
    require(actor, Permission.RETENTION_EDIT)
    return count_reach(_rule(_checked(choices)))


def reach_of(actor: Actor, rule_id: UUID) -> Reach:
    """Whom and what a rule concerns now. Raises `Forbidden` or `NotFound`."""
    return count_reach(_rule(get_rule(actor, rule_id).rule))


def create_rule(actor: Actor, choices: Choices) -> RetentionRule:
    """Have a rule hold from the next run on.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `Invalid`, or `Conflict` where there is one of
    that folder and type.
    """
    actor = lock_retention_as(actor)
    require(actor, Permission.RETENTION_EDIT)
    require_fresh(actor, Act.RETENTION)
    choices = _checked(choices)
    if db.session.execute(select(func.count(RetentionRule.id))).scalar_one() >= MAX_RULES:
        raise Conflict(f"There can be {MAX_RULES} rules, and no more.")
    _require_only_one(choices)
    rule = RetentionRule(id=new_id(), created_by=actor.user_id, **asdict(choices))
    db.session.add(rule)
    record(actor, Action.RULE_CREATED, _target(rule.id), **_detail(rule))
    return rule


def change_rule(actor: Actor, rule_id: UUID, choices: Choices) -> None:
    """Have a rule say something else from the next run on. Raises as `create_rule`."""
    rule = _lock_rule(actor, rule_id)
    choices = _checked(choices)
    _require_only_one(choices, besides=rule_id)
    before = _detail(rule)
    for name, value in asdict(choices).items():
        setattr(rule, name, value)
    rule.changed_at = clock.now()
    record(actor, Action.RULE_CHANGED, _target(rule_id), before=before, **_detail(rule))


def delete_rule(actor: Actor, rule_id: UUID) -> None:
    """Have a rule hold no more; what it kept, it keeps no longer.

    Raises `Forbidden`, `StepUpNeeded` or `NotFound`.
    """
    rule = _lock_rule(actor, rule_id)
    db.session.delete(rule)
    record(actor, Action.RULE_DELETED, _target(rule_id), **_detail(rule))


def _lock_rule(actor: Actor, rule_id: UUID) -> RetentionRule:
    """A rule as it is once nobody else can change it, if `actor` may.

    Raises `Forbidden`, `StepUpNeeded` or `NotFound`.
    """
    actor = lock_retention_as(actor)
    require(actor, Permission.RETENTION_EDIT, Target(_target(rule_id)))
    require_fresh(actor, Act.RETENTION)
    identity = (bound_tenant_id(), rule_id)
    rule = db.session.get(RetentionRule, identity, populate_existing=True)
    if rule is None:
        raise NotFound("Somebody else has deleted this rule meanwhile.")
    return rule


def _checked(choices: Choices) -> Choices:
    """The choices as they are kept."""
    if not choices.name.strip() or not is_one_line(choices.name) or len(choices.name) > MAX_NAME:
        raise Invalid(f"Give it a name of {MAX_NAME} characters at most.")
    if choices.media_type != ANY_TYPE and not TYPE.fullmatch(choices.media_type):
        raise Invalid("A type is like application/pdf, and a whole family like image/.")
    days = [choices.keep_days, choices.delete_days, choices.prune_days]
    if all(number is None for number in days):
        raise Invalid("Say at least one number of days.")
    if any(number is not None and not 1 <= number <= MAX_DAYS for number in days):
        raise Invalid(f"Days are numbers from 1 to {MAX_DAYS}.")
    if choices.delete_days is not None and choices.delete_days < (choices.keep_days or 0):
        raise Invalid("What is to be kept that long can't be deleted sooner.")
    get_place(choices.folder_id)
    return choices


def _require_only_one(choices: Choices, besides: UUID | None = None) -> None:
    same = select(RetentionRule.id).where(
        RetentionRule.folder_id == choices.folder_id
        if choices.folder_id
        else RetentionRule.folder_id.is_(None),
        RetentionRule.media_type == choices.media_type,
    )
    if set(db.session.scalars(same)) - {besides}:
        raise Conflict("There is a rule of this folder and type already. Change that one.")


def _rule(said: Choices | RetentionRule) -> Rule:
    names = (field.name for field in fields(Choices))
    return Rule(id=new_id(), **{name: getattr(said, name) for name in names})


def _detail(rule: RetentionRule) -> dict[str, Any]:
    return {
        "folder": str(rule.folder_id) if rule.folder_id else None,
        "media_type": rule.media_type,
        "keep_days": rule.keep_days,
        "delete_days": rule.delete_days,
        "prune_days": rule.prune_days,
    }


def _target(rule_id: UUID) -> str:
    return f"retention-rule:{rule_id}"
