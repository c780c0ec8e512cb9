"""What becomes of a document: the one place where rules, holds and wishes are weighed.

A pure function, so that what a page explains, what a preview shows and what the worker does can't
differ. The order, strongest first:

1. A legal hold keeps a document and all its versions, whatever else is said.
2. Keeping beats deleting. Every rule that reaches a version keeps it for its time from when it was
   uploaded, and of several the longest counts: no folder further down weakens a duty from above.
3. Of what wants it deleted the earliest counts: the end of its time in the trash, an erasure that
   was granted, and the rule of the nearest folder that says so. A rule about a type deletes what
   has been of that type in every version: else a new version would do the work of deleting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

ANY_TYPE = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A content of a document, as far as it matters how long it is kept."""

    id: UUID
    uploaded_at: datetime
    media_type: str
    gone_at: datetime | None = None  # on no page since then


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A document: where it lies (the nearest folder first), whose it is, what wants it deleted.

    `versions` come oldest first, and there is always one. `people` are its owner and everybody who
    uploaded a version. `purge_at` is when its time in the trash ends.
    """

    document_id: UUID
    folders: Sequence[UUID] = ()
    people: frozenset[UUID] = frozenset()
    versions: Sequence[Version]
    purge_at: datetime | None = None
    erase_at: datetime | None = None

    @property
    def newest(self) -> Version:
        """What the document holds now."""
        return self.versions[-1]

    @property
    def types(self) -> frozenset[str]:
        """What types it has been of."""
        return frozenset(version.media_type for version in self.versions)

    @property
    def ids(self) -> frozenset[UUID]:
        """Everything by which a hold or a rule can get hold of it."""
        return self.people | {self.document_id, *self.folders}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How long something is kept, in days. Without a folder it is about all documents.

    `media_type` is a type, a family ("image/") or any. `carried_by` are folders and documents that
    were moved out from under the rule: it goes on keeping them, and does no more.
    """

    id: UUID
    name: str
    folder_id: UUID | None = None
    media_type: str = ANY_TYPE
    keep_days: int | None = None
    delete_days: int | None = None
    prune_days: int | None = None
    carried_by: frozenset[UUID] = frozenset()

    def is_about(self, media_type: str) -> bool:
        """Whether the rule is about documents of this type."""
        if self.media_type.endswith("/"):
            return media_type.startswith(self.media_type)
        return self.media_type in (ANY_TYPE, media_type)

    def reaches(self, facts: Facts) -> bool:
        """Whether a document lies where the rule holds."""
        return self.folder_id is None or self.folder_id in facts.folders

    def keeps(self, facts: Facts) -> bool:
        """Whether it lies there, or was moved away from there."""
        return self.reaches(facts) or bool(self.carried_by & facts.ids)


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold on people, folders and documents, by their ids."""

    id: UUID
    matter: str
    on: frozenset[UUID]

    def covers(self, facts: Facts) -> bool:
        """Whether it keeps this document."""
        return bool(self.on & facts.ids)


class Wish(StrEnum):
    """What wants a document deleted."""

    TRASH = "trash"
    ERASURE = "erasure"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A time from which a document is to be deleted, and why."""

    at: datetime
    wish: Wish
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Until when a rule keeps something."""

    until: datetime
    rule: Rule


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a document, as of `now`, and the chain that leads there.

    `delete_at` is None where nothing wants it deleted, or a hold is in the way; `gone_at` is what
    it would be without any hold. So is `prune_at`, of older versions that go before it does;
    `prune_rule` is the rule that wants that.
    """

    now: datetime
    holds: Sequence[Hold]
    kept: Kept | None
    wanted: Sequence[Wanted]  # earliest first
    gone_at: datetime | None
    prune_rule: Rule | None = None
    prune_at: Mapping[UUID, datetime] = field(default_factory=dict)

    @property
    def keep_until(self) -> datetime | None:
        """Until when a rule keeps it."""
        return self.kept.until if self.kept else None

    @property
    def delete_at(self) -> datetime | None:
        """When it is destroyed."""
        return None if self.holds else self.gone_at

    @property
    def is_gone(self) -> bool:
        """Whether people are to find it gone, be it held or not: else they could tell."""
        return self.gone_at is not None and self.gone_at <= self.now

    @property
    def is_due(self) -> bool:
        """Whether it is to be deleted now."""
        return self.is_gone and not self.holds

    @property
    def prunable(self) -> Sequence[UUID]:
        """The older versions that are to be deleted now, if the document stays."""
        return () if self.is_due or self.holds else self._pruned_by_now

    @property
    def hidden(self) -> Sequence[UUID]:
        """Those that people are to find gone, while a hold keeps them and the document stays."""
        return self._pruned_by_now if self.holds and not self.is_gone else ()

    @property
    def _pruned_by_now(self) -> Sequence[UUID]:
        return [version_id for version_id, at in self.prune_at.items() if at <= self.now]

    @property
    def is_wanted(self) -> bool:
        """Whether something wants it, or a version of it, deleted by now."""
        return any(wanted.at <= self.now for wanted in self.wanted)


def decide_fate(facts: Facts, rules: Sequence[Rule], holds: Sequence[Hold], now: datetime) -> Fate:
    """What becomes of a document under these rules and holds."""
    covering = tuple(hold for hold in holds if hold.covers(facts))
    keeping = [rule for rule in rules if rule.keep_days is not None and rule.keeps(facts)]
    kept = _longest(_kept(version, keeping) for version in facts.versions)
    wanted = sorted(_wanted(facts, rules), key=lambda one: one.at)
    gone_at = None
    if wanted:
        gone_at = max(wanted[0].at, kept.until) if kept else wanted[0].at
    pruning = _nearest(facts, [rule for rule in rules if rule.prune_days is not None])
    prune_at = _pruned(facts, pruning, keeping)
    return Fate(now, covering, kept, wanted, gone_at, pruning, prune_at)


def _kept(version: Version, keeping: Iterable[Rule]) -> Kept | None:
    return _longest(
        Kept(version.uploaded_at + timedelta(days=rule.keep_days or 0), rule)
        for rule in keeping
        if rule.is_about(version.media_type)
    )


def _longest(kept: Iterable[Kept | None]) -> Kept | None:
    return max((one for one in kept if one), key=lambda one: one.until, default=None)


def _wanted(facts: Facts, rules: Iterable[Rule]) -> Iterable[Wanted]:
    if facts.purge_at is not None:
        yield Wanted(facts.purge_at, Wish.TRASH)
    if facts.erase_at is not None:
        yield Wanted(facts.erase_at, Wish.ERASURE)
    rule = _nearest(facts, [rule for rule in rules if rule.delete_days is not None])
    if rule is not None:
        at = facts.newest.uploaded_at + timedelta(days=rule.delete_days or 0)
        yield Wanted(at, Wish.RULE, rule)


def _nearest(facts: Facts, rules: Iterable[Rule]) -> Rule | None:
    """The rule of the nearest folder; there the one that is most precise about the type."""
    reaching = [r for r in rules if r.reaches(facts) and all(map(r.is_about, facts.types))]
    return min(reaching, key=lambda rule: _distance(facts, rule), default=None)


def _distance(facts: Facts, rule: Rule) -> tuple[int, int]:
    steps = len(facts.folders)
    if rule.folder_id is not None:
        steps = list(facts.folders).index(rule.folder_id)
    return steps, -len(rule.media_type)  # a type is longer than its family, and any is ""


def _pruned(facts: Facts, rule: Rule | None, keeping: Sequence[Rule]) -> Mapping[UUID, datetime]:
    """When each older version goes: so long after another took its place, if nothing keeps it; or
    as soon as nothing keeps it any more, if it is gone already.
    """
    found = {}
    for version, next_one in zip(facts.versions, facts.versions[1:], strict=False):
        wanted = [version.gone_at] if version.gone_at else []
        if rule is not None:
            wanted.append(next_one.uploaded_at + timedelta(days=rule.prune_days or 0))
        if not wanted:
            continue
        at = min(wanted)
        kept = _kept(version, keeping)
        found[version.id] = max(at, kept.until) if kept else at
    return found
