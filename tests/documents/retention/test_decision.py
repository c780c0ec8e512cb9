"""What wins when rules, holds and wishes conflict: against an answer that is worked out slowly."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.documents.retention.decision import Facts, Hold, Rule, Version, decide_fate

START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = ["text/plain", "text/csv", "image/png", "application/pdf"]
PEOPLE, FOLDERS, DOCUMENTS, REST = (
    [UUID(int=100 * kind + number) for number in range(4)] for kind in range(1, 5)
)
ANYTHING = [*PEOPLE, *FOLDERS, *DOCUMENTS]

days = st.integers(min_value=0, max_value=40)
maybe_days = st.none() | days
moments = days.map(lambda number: START + timedelta(days=number))
gone = st.none() | st.none() | moments
carried = st.frozensets(st.sampled_from(ANYTHING), max_size=2)


@st.composite
def facts(draw) -> Facts:
    times = sorted(draw(st.lists(moments, min_size=1, max_size=4)))
    return Facts(
        document_id=draw(st.sampled_from(DOCUMENTS)),
        folders=draw(st.permutations(FOLDERS))[: draw(st.integers(0, 4))],
        people=draw(st.frozensets(st.sampled_from(PEOPLE), min_size=1, max_size=2)),
        versions=[
            Version(UUID(int=number), at, draw(st.sampled_from(TYPES)), draw(gone))
            for number, at in enumerate(times)
        ],
        purge_at=draw(st.none() | moments),
        erase_at=draw(st.none() | moments),
    )


# One rule for a folder and type, as the table has it: which of two equals wins is nobody's concern.
rules = st.lists(
    st.builds(
        Rule,
        id=st.uuids(),
        name=st.just("a rule"),
        folder_id=st.none() | st.sampled_from(FOLDERS),
        media_type=st.sampled_from(["", "text/", "image/", *TYPES]),
        keep_days=maybe_days,
        delete_days=maybe_days,
        prune_days=maybe_days,
        carried_by=carried,
    ),
    max_size=6,
    unique_by=lambda rule: (rule.folder_id, rule.media_type),
)
holds = st.lists(st.builds(Hold, st.uuids(), st.just("a matter"), carried), max_size=2)
now = moments


def about(rule: Rule, media_type: str) -> bool:
    return rule.media_type in ("", family_of(media_type), media_type)


def family_of(media_type: str) -> str:
    return media_type[: media_type.index("/") + 1]


def slowly_kept(facts: Facts, version: Version, rules, day: datetime) -> bool:
    """Whether a rule keeps a version on a day."""
    for rule in rules:
        lies_there = rule.folder_id is None or rule.folder_id in facts.folders
        things = {facts.document_id, *facts.folders, *facts.people}
        reaches = lies_there or things & rule.carried_by
        if rule.keep_days is None or not reaches or not about(rule, version.media_type):
            continue
        if day < version.uploaded_at + timedelta(rule.keep_days):
            return True
    return False


def slowly_held(facts: Facts, holds) -> bool:
    return any(
        thing in hold.on
        for hold in holds
        for thing in (facts.document_id, *facts.folders, *facts.people)
    )


def slowly_nearest(facts: Facts, rules, name: str) -> Rule | None:
    """Step by step from the document upwards, and at each step from the precise to the vague."""
    newest = facts.versions[-1].media_type
    types = {version.media_type for version in facts.versions}
    precise = [newest] if len(types) == 1 else []
    family = [family_of(newest)] if len({*map(family_of, types)}) == 1 else []
    for place in (*facts.folders, None):
        for media_type in (*precise, *family, ""):
            for rule in rules:
                is_there = (rule.folder_id, rule.media_type) == (place, media_type)
                if is_there and getattr(rule, name) is not None:
                    return rule
    return None


def slowly_deleted(facts: Facts, rules, holds, day: datetime) -> bool:
    """Whether a document is to be gone on a day."""
    rule = slowly_nearest(facts, rules, "delete_days")
    wanted = (
        (facts.purge_at is not None and facts.purge_at <= day)
        or (facts.erase_at is not None and facts.erase_at <= day)
        or (rule and facts.versions[-1].uploaded_at + timedelta(rule.delete_days) <= day)
    )
    kept = any(slowly_kept(facts, version, rules, day) for version in facts.versions)
    return bool(wanted) and not kept and not slowly_held(facts, holds)


def slowly_pruned(facts: Facts, rules, holds, day: datetime) -> set[UUID]:
    """The versions that are to be gone on a day of a document that stays."""
    rule = slowly_nearest(facts, rules, "prune_days")
    if slowly_held(facts, holds) or slowly_deleted(facts, rules, holds, day):
        return set()
    gone = set()
    for number in range(len(facts.versions) - 1):
        version, next_one = facts.versions[number], facts.versions[number + 1]
        is_old = bool(rule and next_one.uploaded_at + timedelta(rule.prune_days) <= day)
        is_gone = version.gone_at is not None and version.gone_at <= day
        if (is_old or is_gone) and not slowly_kept(facts, version, rules, day):
            gone.add(version.id)
    return gone


@settings(max_examples=150)
@given(facts(), rules, holds, now)
def test_the_decision_is_what_looking_at_every_rule_by_itself_gives(facts, rules, holds, now):
    fate = decide_fate(facts, rules, holds, now)
    assert fate.is_due == slowly_deleted(facts, rules, holds, now)
    assert set(fate.prunable) == slowly_pruned(facts, rules, holds, now)


@given(facts(), rules, holds, st.lists(now, max_size=8))
def test_the_day_it_names_is_the_first_on_which_it_goes(facts, rules, holds, moments):
    at = decide_fate(facts, rules, holds, START).delete_at
    for moment in moments:
        assert slowly_deleted(facts, rules, holds, moment) == (at is not None and at <= moment)


@given(facts(), rules, holds, now)
def test_people_find_gone_what_would_be_without_a_hold(facts, rules, holds, now):
    held, free = decide_fate(facts, rules, holds, now), decide_fate(facts, rules, (), now)
    assert held.is_gone == free.is_gone
    assert set(held.prune_at.items()) == set(free.prune_at.items())
    if held.holds and not held.is_gone:
        assert set(held.hidden) == set(free.prunable)
    if not held.holds:
        assert not held.hidden


@given(facts(), rules, now)
def test_a_hold_beats_everything(facts, rules, now):
    for thing in facts.ids:
        hold = Hold(UUID(int=1), "a matter", frozenset({thing}))
        fate = decide_fate(facts, rules, [hold], now)
        assert not fate.is_due
        assert fate.delete_at is None
        assert not fate.prunable
        assert fate.holds == (hold,)


@given(facts(), rules, holds, now)
def test_no_further_rule_that_keeps_makes_anything_go_sooner(facts, rules, holds, now):
    rule = Rule(id=UUID(int=2), name="another", keep_days=20)
    before = decide_fate(facts, rules, holds, now)
    after = decide_fate(facts, [*rules, rule], holds, now)
    assert after.is_due <= before.is_due
    assert set(after.prune_at) == set(before.prune_at)
    assert all(after.prune_at[v] >= at for v, at in before.prune_at.items())


@given(facts(), rules, now)
def test_what_is_kept_is_neither_purged_nor_erased_nor_deleted_by_a_rule(facts, rules, now):
    fate = decide_fate(facts, rules, (), now)
    if fate.kept and fate.kept.until > now:
        assert not fate.is_due


@given(facts(), rules, holds, now)
def test_the_newest_version_is_never_pruned(facts, rules, holds, now):
    fate = decide_fate(facts, rules, holds, now)
    assert facts.versions[-1].id not in fate.prune_at


@given(facts(), holds, now)
def test_without_a_wish_nothing_goes(facts, holds, now):
    still = Facts(document_id=facts.document_id, folders=facts.folders, versions=facts.versions)
    fate = decide_fate(still, [Rule(id=UUID(int=3), name="keeps", keep_days=1)], holds, now)
    assert fate.delete_at is None
    assert not fate.is_due
