"""Counts in the tenant's own database: rows, locked until the present transaction ends."""

from collections.abc import Callable, Collection, Mapping

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from portal.auth.counts.rules import UNTRIED, Count, Counts, Key
from portal.auth.counts.store import Said, present_rules
from portal.auth.models import Attempts
from portal.core.ids import new_id
from portal.tenancy.session import db


class DatabaseAttempts:
    """The default: needs nothing that is not there already. Changes are as lasting as a commit."""

    def update(
        self, keys: Collection[Key], rule: Callable[[Counts], tuple[Counts, Said]], /
    ) -> Said:
        rows = _lock(keys)
        after, said = rule({key: Count(row.count, row.free_at) for key, row in rows.items()})
        for key, count in after.items():
            rows[key].count, rows[key].free_at = count.tries, count.free_at
        return said

    def sweep(self) -> None:
        before = present_rules().forgotten_before
        db.session.execute(delete(Attempts).where(Attempts.free_at < before))


def _lock(keys: Collection[Key]) -> Mapping[Key, Attempts]:
    """The rows of these keys, made where there are none."""
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    new = [
        {"id": new_id(), "subject_hash": key, "count": UNTRIED.tries, "free_at": UNTRIED.free_at}
        for key in sorted(keys)  # in one order: two who want the same never wait for each other
    ]
    statement = (
        dialect.insert(Attempts)
        .values(new)
        .on_conflict_do_update(
            index_elements=["tenant_id", "subject_hash"], set_={"count": Attempts.count}
        )
        .returning(Attempts)
        .execution_options(populate_existing=True)
    )
    return {row.subject_hash: row for row in db.session.scalars(statement)}
