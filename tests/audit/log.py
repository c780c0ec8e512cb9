"""The log made unwritable, in the database itself; and the rest of the database to compare."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.installation import APP_ROLE, LOG, Installation, Organisation

BEFORE = "BEFORE INSERT ON audit_entry"

# How the INSERT of an entry fails: as a rule of the table, or as an error of the database.
WAYS = {
    ("sqlite", "rule"): (
        f"CREATE TRIGGER full_up {BEFORE} BEGIN SELECT RAISE(ABORT, 'full'); END",
        "DROP TRIGGER full_up",
    ),
    ("sqlite", "error"): (
        f"CREATE TRIGGER full_up {BEFORE} BEGIN SELECT abs(-9223372036854775808); END",
        "DROP TRIGGER full_up",
    ),
    ("postgresql", "rule"): (
        "ALTER TABLE audit_entry ADD CONSTRAINT full_up CHECK (false) NOT VALID",
        "ALTER TABLE audit_entry DROP CONSTRAINT full_up",
    ),
    ("postgresql", "error"): (
        f"REVOKE INSERT ON audit_entry FROM {APP_ROLE}",
        f"GRANT INSERT ON audit_entry TO {APP_ROLE}",
    ),
}


@contextmanager
def unwritable(organisation: Organisation, way: str) -> Iterator[None]:
    """No entry can be added to the organisation's log for the block."""
    portal = organisation.portal
    spoil, mend = WAYS[portal.name, way]
    portal.execute(spoil, organisation)
    try:
        yield
    finally:
        portal.execute(mend, organisation)


def state_of(portal: Installation) -> dict[str, list[str]]:
    """All rows but the log's, the counts of tries, what passkeys are asked, and when a session was
    last seen: these are written in transactions of their own.
    """
    return portal.dump(but={*LOG, "attempt_count", "ceremony"}, but_columns={"last_seen_at"})
