"""What a session owes: every proof against every policy, for everybody, at every time that differs.

The table below is small enough to be tried whole; hypothesis looks between its grid points.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.auth.assurance import (
    FRESH_MINUTES,
    Act,
    Audience,
    Factor,
    First,
    Policy,
    Proof,
    Second,
    Standing,
    Step,
    grace_of,
    is_fresh,
    next_step,
)
from portal.auth.policy.service import asks_more

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ROLES = ("admin", "member")

# How much is left to do; a session that owes more is less far in.
IN = Step.NOTHING


def subsets(values: tuple) -> list[frozenset]:
    sizes = range(len(values) + 1)
    return [frozenset(c) for c in chain.from_iterable(combinations(values, n) for n in sizes)]


PROOFS = [Proof(first, second, NOW) for first, second in product(First, (None, *Second))]
HELD = subsets(tuple(Factor))
HELD_ROLES = subsets(ROLES)
KINDS = [kinds for kinds in subsets(tuple(Factor)) if kinds]
AUDIENCES = [
    (Audience.EVERYBODY, frozenset()),
    (Audience.NOBODY, frozenset()),
    *((Audience.ROLES, roles) for roles in HELD_ROLES),
]
GRACES = (0, 5)
SINCE = (None, NOW - 10 * DAY, NOW - DAY)
JOINED = (NOW - 10 * DAY, NOW - DAY)
LIMITS = {"idle_minutes": 60, "absolute_hours": 12, "password_min_length": 8}


def policies() -> Iterator[Policy]:
    for (audience, roles), kinds, grace, since in product(AUDIENCES, KINDS, GRACES, SINCE):
        yield Policy(
            mfa_for=audience,
            mfa_roles=roles,
            factors=kinds,
            grace_days=grace,
            since=since,
            **LIMITS,
        )


def people() -> Iterator[Standing]:
    for roles, held, joined in product(HELD_ROLES, HELD, JOINED):
        yield Standing(roles=roles, factors=held, member_since=joined)


def everything() -> Iterator[tuple[Proof, Policy, Standing]]:
    return product(PROOFS, list(policies()), list(people()))


def in_grace(policy: Policy, person: Standing) -> bool:
    """As the policy says it in words: so many days since both have been so."""
    began = max(filter(None, (policy.since, person.member_since)))
    return began + policy.grace_days * DAY > NOW


def test_a_policy_wants_a_factor_of_those_whom_it_names() -> None:
    for (audience, chosen), held in product(AUDIENCES, HELD_ROLES):
        policy = Policy(mfa_for=audience, mfa_roles=chosen, **LIMITS)
        is_named = audience == Audience.EVERYBODY or any(role in chosen for role in held)
        assert policy.wants_factor_of(held) == is_named, (audience, chosen, held)


def test_nobody_is_in_without_the_factor_that_is_wanted() -> None:
    for proof, policy, person in everything():
        if next_step(proof, policy, person, NOW) != IN or proof.first == First.BREAK_GLASS:
            continue
        if not policy.wants_factor_of(person.roles):
            continue
        gave_one_that_counts = (
            proof.second in (Second.RECOVERY_CODE, Second.SSO)
            or (proof.first == First.PASSKEY and Factor.PASSKEY in policy.factors)
            or (proof.second == Second.PASSKEY and Factor.PASSKEY in policy.factors)
            or (proof.second == Second.TOTP and Factor.TOTP in policy.factors)
        )
        may_be_without = in_grace(policy, person) and not person.factors & policy.factors
        assert gave_one_that_counts or may_be_without, (proof, policy, person)


def test_whoever_has_no_factor_is_in_for_as_long_as_the_grace_lasts() -> None:
    proof = Proof(First.PASSWORD, None, NOW)
    for policy, person in product(list(policies()), list(people())):
        if not person.factors and policy.wants_factor_of(person.roles):
            expected = IN if in_grace(policy, person) else Step.ENROL
            assert next_step(proof, policy, person, NOW) == expected, (policy, person)


def test_whoever_has_a_factor_is_asked_for_it_wanted_or_not() -> None:
    for proof, policy, person in everything():
        alone = proof.second is None and proof.first in (First.PASSWORD, First.SSO)
        if alone and person.factors:
            assert next_step(proof, policy, person, NOW) == Step.GIVE_FACTOR


def test_nobody_is_led_to_set_up_a_factor_who_has_one_to_give_first() -> None:
    """Or whoever knows a password would set up a factor of their own beside the owner's."""
    for proof, policy, person in everything():
        if next_step(proof, policy, person, NOW) == Step.ENROL:
            assert not person.factors & policy.factors
            assert not person.factors or proof.is_multi_factor


def test_whoever_owes_something_can_give_it() -> None:
    """No policy shuts anybody out: what is asked for is there, or can be set up."""
    for proof, policy, person in everything():
        step = next_step(proof, policy, person, NOW)
        if step == Step.GIVE_FACTOR:
            assert person.factors
        given = {Factor.TOTP: Second.TOTP, Factor.PASSKEY: Second.PASSKEY}
        for kind in policy.factors:
            better = replace(proof, second=given[kind])
            able = replace(person, factors=person.factors | {kind})
            assert next_step(better, policy, able, NOW) == IN


def test_a_passkey_that_opened_the_session_is_two_factors() -> None:
    for policy, person in product(list(policies()), list(people())):
        step = next_step(Proof(First.PASSKEY, None, NOW), policy, person, NOW)
        if Factor.PASSKEY in policy.factors:
            assert step == IN


def test_a_recovery_code_stands_for_any_kind() -> None:
    for policy, person in product(list(policies()), list(people())):
        proof = Proof(First.PASSWORD, Second.RECOVERY_CODE, NOW)
        assert next_step(proof, policy, person, NOW) == IN


def test_behind_broken_glass_nothing_else_is_asked() -> None:
    """What may be done there is another matter: see `BREAK_GLASS_PERMISSIONS`."""
    for policy, person in product(list(policies()), list(people())):
        proof = Proof(First.BREAK_GLASS, None, NOW)
        assert next_step(proof, policy, person, NOW) == IN
        assert grace_of(proof, policy, person, NOW) is None


def tighter_than(policy: Policy) -> Iterator[Policy]:
    """One turn of each screw, as the admin's page offers them."""
    yield replace(policy, mfa_for=Audience.EVERYBODY)
    yield replace(policy, factors=frozenset({Factor.PASSKEY} & policy.factors or policy.factors))
    yield replace(policy, grace_days=0)
    yield replace(policy, password_max_age_days=30)
    if policy.mfa_for == Audience.NOBODY:
        yield replace(policy, mfa_for=Audience.ROLES, mfa_roles=frozenset({"admin"}))
    if policy.mfa_for == Audience.ROLES:
        yield replace(policy, mfa_roles=policy.mfa_roles | {"member"})


def test_a_tighter_policy_lets_nobody_in_whom_a_looser_one_refused() -> None:
    for policy in policies():
        for tighter in tighter_than(policy):
            for proof, person in product(PROOFS, list(people())):
                if next_step(proof, tighter, person, NOW) == IN:
                    assert next_step(proof, policy, person, NOW) == IN, (proof, policy, tighter)


def test_the_grace_is_told_to_those_who_have_it_and_to_nobody_else() -> None:
    for proof, policy, person in everything():
        ends_at = grace_of(proof, policy, person, NOW)
        if proof.first == First.BREAK_GLASS:
            continue
        lacks = policy.wants_factor_of(person.roles) and not policy.counts(proof)
        is_in = next_step(proof, policy, person, NOW) == IN
        assert (ends_at is not None) == (lacks and is_in)
        if ends_at is not None:
            assert ends_at > NOW
            assert next_step(proof, policy, person, ends_at) == Step.ENROL


YEAR = timedelta(days=365)
moments = st.timedeltas(-YEAR, YEAR).map(lambda apart: NOW + apart)
any_policy = st.builds(
    Policy,
    mfa_for=st.sampled_from(Audience),
    mfa_roles=st.frozensets(st.sampled_from(ROLES)),
    factors=st.frozensets(st.sampled_from(Factor), min_size=1),
    grace_days=st.integers(0, 90),
    since=st.none() | moments,
    idle_minutes=st.just(60),
    absolute_hours=st.just(12),
    password_min_length=st.just(8),
    password_max_age_days=st.none() | st.integers(30, 730),
)
anybody = st.builds(
    Standing,
    roles=st.frozensets(st.sampled_from(ROLES)),
    factors=st.frozensets(st.sampled_from(Factor)),
    member_since=moments,
    password_changed_at=st.none() | moments,
)
any_proof = st.builds(
    Proof,
    first=st.sampled_from(First),
    second=st.none() | st.sampled_from(Second),
    at=moments,
)


@given(any_proof, any_policy, any_policy, anybody, moments)
def test_a_policy_that_asks_more_of_nobody_refuses_nobody(proof, one, other, person, now) -> None:
    """`asks_more` starts the grace anew. Where it says no, nobody needs one."""
    other = replace(other, grace_days=one.grace_days, since=one.since, password_max_age_days=None)
    if asks_more(other, one) or next_step(proof, one, person, now) != IN:
        return
    assert next_step(proof, other, person, now) in (IN, Step.GIVE_FACTOR)


@given(any_proof, any_policy, anybody, moments, moments)
def test_time_alone_lets_nobody_in(proof, policy, person, one, other) -> None:
    earlier, later = sorted((one, other))
    if next_step(proof, policy, person, later) == IN:
        assert next_step(proof, policy, person, earlier) == IN


@given(any_proof, any_policy, anybody, moments, st.sets(st.sampled_from(Second)))
def test_one_more_proof_never_takes_anything_away(proof, policy, person, now, more) -> None:
    if proof.second is None and next_step(proof, policy, person, now) == IN:
        for second in more - {Second.TOTP, Second.PASSKEY}:
            assert next_step(replace(proof, second=second), policy, person, now) in (
                IN,
                Step.RENEW_PASSWORD,
            )


@given(any_policy, anybody, moments)
def test_an_old_password_is_renewed_after_everything_else(policy, person, now) -> None:
    proof = Proof(First.PASSWORD, Second.RECOVERY_CODE, now)
    days, changed = policy.password_max_age_days, person.password_changed_at
    is_old = days is not None and changed is not None and changed + days * DAY <= now
    assert next_step(proof, policy, person, now) == (Step.RENEW_PASSWORD if is_old else IN)
    for first in (First.SSO, First.PASSKEY, First.BREAK_GLASS):
        step = next_step(Proof(first, Second.RECOVERY_CODE, now), policy, person, now)
        assert step != Step.RENEW_PASSWORD, "whoever used no password has none to renew"


@pytest.mark.parametrize("first", First)
def test_only_a_password_that_was_used_grows_too_old(first) -> None:
    policy = Policy(password_max_age_days=30, **LIMITS)
    proof = Proof(first, Second.RECOVERY_CODE, NOW)
    for age, is_old in ((30 * DAY, True), (30 * DAY - timedelta(seconds=1), False)):
        person = Standing(member_since=NOW - 90 * DAY, password_changed_at=NOW - age)
        step = Step.RENEW_PASSWORD if is_old and first == First.PASSWORD else IN
        assert next_step(proof, policy, person, NOW) == step


@pytest.mark.parametrize("first", First)
def test_where_single_sign_on_is_the_only_way_no_other_one_stands(first) -> None:
    policy = Policy(is_sso_only=True, **LIMITS)
    assert policy.allows(first) == (first in (First.SSO, First.BREAK_GLASS))
    assert replace(policy, is_sso_only=False).allows(first)


@pytest.mark.parametrize("act", Act)
def test_every_kind_of_act_says_how_fresh_a_proof_it_wants(act) -> None:
    minutes = timedelta(minutes=FRESH_MINUTES[act])
    assert timedelta() < minutes <= timedelta(minutes=30)
    assert is_fresh(NOW - minutes + timedelta(seconds=1), act, NOW)
    assert not is_fresh(NOW - minutes, act, NOW)
