"""Random statements over many tenants answer as they would if the bound tenant were alone.

`make test` tries 2,000, `make fuzz` 100,000; PORTAL_FUZZ says another number.
"""

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.isolation.composer import Composer
from tests.isolation.shapes import OWN, Shape, attempt, fetched
from tests.isolation.subjects import subjects
from tests.isolation.worlds import WORLDS, is_own

TURNS = [*WORLDS, "sqlite-filter", "postgresql-filter"]  # the filter alone comes more often
NUMBER = os.environ.get("PORTAL_FUZZ")

pytestmark = pytest.mark.filterwarnings("ignore:.*cartesian product")


def fuzz(world_of, number):
    """Try each statement in one of the worlds, and where the tenant is alone."""
    outcomes = Counter()

    @settings(
        max_examples=number,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(min_size=60, max_size=120))
    def statements_answer_alike(choices):
        world = world_of(TURNS[choices[-1] % len(TURNS)])
        composed = Composer(choices, world.dialect).statement()
        got = tried(world, composed)
        should = tried(world_of(f"{world.dialect}-alone"), composed)
        outcomes["answered" if got.error is None else "failed alike"] += 1
        assert all(is_own(row) for row in got.changes), world
        assert got.own == should.own, (world, got.error, should.error)

    statements_answer_alike()
    return outcomes


def tried(world, composed):
    """What comes of a statement in a world."""

    def run(session, _subject):
        result = session.execute(composed.statement)
        return fetched(result.unique() if composed.has_collections else result)

    return attempt(world, Shape(run, OWN, OWN, None, composed.writes, None), subjects()[0])


def test_random_statements_answer_as_if_the_tenant_were_alone(world_of):
    outcomes = fuzz(world_of, int(NUMBER or 400))
    assert outcomes["answered"] > 9 * outcomes["failed alike"]


@pytest.mark.fuzz
def test_very_many_random_statements_answer_as_if_the_tenant_were_alone(world_of):
    assert fuzz(world_of, int(NUMBER or 100_000))
