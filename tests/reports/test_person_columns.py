"""No table that can name a person is forgotten when that person asks what is held about them."""

from sqlalchemy import Uuid

from portal.core.db import Base
from portal.reports.person.sections import SECTIONS
from tests.reports.untold import UNTOLD

PEOPLE = "user_account"
GLOBAL = frozenset({"tenant", "tenant_host", "known_checkpoint"})


def names_a_person(column) -> bool:
    """Whether it is an id that need not be that of another kind of thing."""
    if column.name in ("id", "tenant_id") or not isinstance(column.type, Uuid):
        return False
    tables = {
        key.column.table.name for key in column.foreign_keys if key.column.name != "tenant_id"
    }
    return not tables or PEOPLE in tables


def test_every_column_that_can_name_a_person_is_told_or_left_out_with_a_reason() -> None:
    told = {section.column for section in SECTIONS}
    for table in Base.metadata.tables.values():
        if table.name in GLOBAL:
            continue
        columns = {
            f"{table.name}.{column.name}" for column in filter(names_a_person, table.columns)
        }
        decided = {name for name in told | UNTOLD.keys() if name.startswith(f"{table.name}.")}
        assert columns <= decided, columns - decided
        assert decided, f"nobody has said what is told of {table.name}"
