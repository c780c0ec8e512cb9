"""What an organisation takes in: which types, and how much; and how long its trash keeps things.
Chosen by its admins, within what the installation allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.settings import active
from portal.documents.models import DocumentPolicy
from portal.documents.types import Family
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.tenancy.turns import take_turn

MIB, GIB = 2**20, 2**30
MAX_TRASH_DAYS = 3650
MAX_QUOTA_MIB = 2**30  # a pebibyte; a number above is a slip


@dataclass(frozen=True, slots=True)
class DocumentRules:
    """The choices that hold. A quota of None is none."""

    families: frozenset[Family] = frozenset(Family)
    tenant_quota_mib: int | None = None
    person_quota_mib: int | None = None
    trash_days: int = 30

    @property
    def tenant_limit_bytes(self) -> int | None:
        """What everybody's documents may take together: the lower of quota and installation's."""
        limits = [GIB * active().max_tenant_gib, MIB * (self.tenant_quota_mib or 0)]
        return min((limit for limit in limits if limit), default=None)

    @property
    def person_limit_bytes(self) -> int | None:
        """What one person's uploads may take."""
        return MIB * self.person_quota_mib if self.person_quota_mib else None


@dataclass(frozen=True, slots=True)
class ShownRules:
    """The rules in force; `version` tells whether they are still the same later."""

    rules: DocumentRules
    version: str


def get_rules() -> DocumentRules:
    """The rules that hold now."""
    return _rules(_find_choices())


def show_rules(actor: Actor) -> ShownRules:
    """The rules for those who may see them. Raises `Forbidden`."""
    require(actor, Permission.POLICY_READ)
    chosen = _find_choices()
    return ShownRules(_rules(chosen), _version_of(chosen))


def change_rules(actor: Actor, wanted: DocumentRules, *, version: str) -> None:
    """Have other rules hold for what is uploaded from now on; what is there stays.

    Raises `Forbidden`, `StepUpNeeded`, `Invalid`, or `Conflict` where the rules are no more those
    of that `version`.
    """
    require(actor, Permission.POLICY_EDIT)
    require_fresh(actor, Act.POLICY)
    _check(wanted)
    take_turn("document-policy")
    chosen = _find_choices(is_fresh=True)
    if _version_of(chosen) != version:
        raise Conflict("Somebody else has changed this meanwhile. Look at it as it is now.")
    before, after = as_plain(_rules(chosen)), as_plain(wanted)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        raise Conflict("These are the rules already.")
    if chosen is None:
        chosen = DocumentPolicy(id=bound_tenant_id())
        db.session.add(chosen)
    for name, value in after.items():
        setattr(chosen, name, value)
    chosen.changed_at, chosen.changed_by = clock.now(), actor.user_id
    record(
        actor,
        Action.DOCUMENT_POLICY_CHANGED,
        "policy",
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )


def as_plain(rules: DocumentRules) -> Mapping[str, Any]:
    """The choices as they are stored and recorded."""
    return {
        "families": sorted(map(str, rules.families)),
        "tenant_quota_mib": rules.tenant_quota_mib,
        "person_quota_mib": rules.person_quota_mib,
        "trash_days": rules.trash_days,
    }


def _check(wanted: DocumentRules) -> None:
    if not wanted.families:
        raise Invalid("Choose at least one kind of document that is taken.")
    if not 1 <= wanted.trash_days <= MAX_TRASH_DAYS:
        raise Invalid(f"Things stay in the trash for 1 to {MAX_TRASH_DAYS} days.")
    for quota_mib in (wanted.tenant_quota_mib, wanted.person_quota_mib):
        if quota_mib is not None and not 1 <= quota_mib <= MAX_QUOTA_MIB:
            raise Invalid("Room is given in mebibytes, 1 at least. Leave it empty for no limit.")
    most_mib = active().max_tenant_gib * GIB // MIB
    if most_mib and (wanted.tenant_quota_mib or 0) > most_mib:
        raise Invalid(f"This installation gives an organisation {most_mib} MiB at most.")


def _find_choices(*, is_fresh: bool = False) -> DocumentPolicy | None:
    tenant_id = bound_tenant_id()
    return db.session.get(DocumentPolicy, (tenant_id, tenant_id), populate_existing=is_fresh)


def _rules(chosen: DocumentPolicy | None) -> DocumentRules:
    if chosen is None:
        return DocumentRules()
    return DocumentRules(
        frozenset(map(Family, chosen.families)),
        chosen.tenant_quota_mib,
        chosen.person_quota_mib,
        chosen.trash_days,
    )


def _version_of(chosen: DocumentPolicy | None) -> str:
    return chosen.changed_at.isoformat() if chosen else ""
