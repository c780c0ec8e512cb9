"""Explanations, against the decision, and against words of their own."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from portal.access.decision import Grant, Member, Target, decide
from portal.access.explanation import explain
from portal.access.permissions import Permission

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FOLDERS = [UUID(int=n) for n in range(1, 6)]

permissions = st.sampled_from(list(Permission))
ends = st.sampled_from([None, NOW - timedelta(days=1), NOW, NOW + timedelta(seconds=1)])
grants = st.lists(
    st.builds(
        Grant,
        st.frozensets(permissions, max_size=4),
        st.none() | st.sampled_from(FOLDERS),
        st.sampled_from(["one", "two"]),
        st.uuids(),
        st.none() | st.uuids(),
        ends,
    ),
    max_size=5,
)
places = st.lists(st.sampled_from(FOLDERS), unique=True, max_size=4).map(tuple)


def member(held: list[Grant]) -> Member:
    return Member(
        session_id=uuid4(),
        user_id=uuid4(),
        name="Somebody",
        email="s@acme.example",
        proved_at=NOW,
        grants=tuple(g for g in held if g.expires_at is None or g.expires_at > NOW),
    )


@given(grants, permissions, places)
def test_it_says_yes_where_the_decision_does(held, permission, place) -> None:
    explanation = explain(held, permission, place, NOW)
    assert explanation.is_allowed is decide(member(held), permission, Target("thing", place))


@given(grants, permissions, places)
def test_each_link_is_enough_alone_and_nothing_else_helps(held, permission, place) -> None:
    explanation = explain(held, permission, place, NOW)
    target = Target("thing", place)
    for grant in explanation.through:
        assert decide(member([grant]), permission, target)
    others = [grant for grant in held if grant not in explanation.through]
    assert not decide(member(others), permission, target)


@given(grants, permissions, places)
def test_what_comes_near_would_do_elsewhere_or_earlier(held, permission, place) -> None:
    explanation = explain(held, permission, place, NOW)
    for grant in explanation.elsewhere:
        assert grant.folder_id not in place
        assert permission in grant.permissions
    for grant in explanation.ended:
        earlier = explain([grant], permission, place, NOW - timedelta(days=2))
        assert earlier.is_allowed
