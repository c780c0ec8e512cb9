"""Wrapping data keys anew, as after a rotation; without the database."""

from collections.abc import Iterator
from functools import partial

from bench.clocks import spent
from bench.report import Line
from bench.rounds import side_by_side
from bench.workbench import Workbench
from portal.core.ids import new_id
from portal.keys import hierarchy
from portal.keys.data_keys import Mode, WrappedDataKey, new_data_key, rewrap_data_key

KEYS = 10_000
AIM = 50.0  # µs: 20,000 documents a second on one core


def measure(bench: Workbench) -> Iterator[Line]:
    """The CPU that one data key takes."""
    with bench.portal("SQLite").acting():
        keys = [_new_key() for _ in range(bench.effort.times(KEYS))]
        costs = side_by_side(
            {"rewrap": partial(spent, partial(_rewrap, keys))}, bench.effort.rounds
        )
    fastest = min(costs["rewrap"]) / len(keys)
    yield Line("a data key, in µs of one core", fastest * 1e6, AIM, "other work on this machine")


def _new_key() -> WrappedDataKey:
    document_id, version_id = new_id(), new_id()
    made = new_data_key(document_id, version_id)
    return WrappedDataKey(document_id, version_id, Mode.SERVER, made.wrapped, made.key_version)


def _rewrap(keys: list[WrappedDataKey]) -> None:
    kek = hierarchy.current_key()
    for key in keys:
        rewrap_data_key(kek, key)
