"""Canonical JSON: by another implementation, for all that is ever signed or hashed."""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.canonical import canonical

_texts = st.text(st.characters(exclude_categories=["Cs"]))
_keys = st.text(st.characters(max_codepoint=127))
_numbers = st.integers(-(2**63), 2**64 - 1)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner) | st.dictionaries(_keys, inner),
)
_times = st.datetimes(timezones=st.just(UTC))


class _Kind(StrEnum):
    OWN = "own"


@given(st.dictionaries(_keys, _values))
def test_it_is_what_pythons_own_encoder_writes(value: dict[str, object]) -> None:
    theirs = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical(value) == theirs.encode()


@given(st.uuids(), _times)
def test_an_id_and_a_time_are_the_texts_that_entries_have_had_of_them(
    row_id: UUID, at: datetime
) -> None:
    texts = {"at": at.isoformat(), "id": str(row_id)}
    assert canonical({"id": row_id, "at": at}) == canonical(texts)


def test_a_member_of_an_enumeration_is_its_text_as_a_key_as_well() -> None:
    assert canonical({_Kind.OWN: _Kind.OWN}) == b'{"own":"own"}'


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, b"bytes", timedelta(1), "\ud800", {1}])
def test_what_json_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical({"value": value})
