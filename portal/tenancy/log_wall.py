"""What the database lets go of the audit log: its oldest entries, all of an age, and no others.

Nobody deletes an entry. Whoever adds a mark to `audit_pruning` has the database delete what lies
before it, after it has looked for itself: that the mark is larger than those before it, that it is
at the end of a tile, and that no entry before it is younger than the floor. On PostgreSQL that is a
trigger with the rights of the owner, who alone can lower the floor; the portal's role can delete
nothing. On SQLite it is triggers, as for all that is append-only there.

What access follows from is never deleted, so that who could open something on a day of the past is
answered for every day; nor is what tells of pruning and of who wanted it, of a key that took over
from another, or of a report that somebody still holds.
"""

from collections.abc import Iterator, Sequence

# Actions of the log by their names: this is beneath the vocabulary. Who adds one needs a migration
# that makes the wall anew.
KEPT = (
    "document.deleted",
    "document.moved",
    "document.restored",
    "document.uploaded",
    "folder.created",
    "folder.deleted",
    "folder.moved",
    "folder.restored",
    "group.created",
    "group.deleted",
    "group.member-added",
    "group.member-removed",
    "invitation.accepted",
    "log-policy.changed",
    "log.epoch-begun",
    "log.pruned",
    "member.deactivated",
    "member.invited",
    "member.provisioned",
    "member.reactivated",
    "report.made",
    "role.assigned",
    "role.changed",
    "role.created",
    "role.end-changed",
    "role.removed",
    "role.restored",
    "role.retired",
    "signing-key.made",
)
TABLE = "audit_pruning"
CARRY_OUT = "audit_pruning_carry_out"
TILE = 256  # entries, as c2sp.org/tlog-tiles has it

_NO = "the audit log is append-only"
_EARLIER = f"SELECT coalesce(max(number), 0) FROM {TABLE} WHERE tenant_id = NEW.tenant_id"
_IS_NO_MARK = f"""NEW.number % {TILE} <> 0 OR NEW.number <= ({_EARLIER}) OR NOT EXISTS (
    SELECT 1 FROM audit_leaf WHERE tenant_id = NEW.tenant_id AND number = NEW.number - 1)"""
_HAS_YOUNGER = f"""EXISTS (
    SELECT 1 FROM audit_leaf l JOIN audit_entry e ON e.tenant_id = l.tenant_id AND e.id = l.id
    WHERE l.tenant_id = NEW.tenant_id AND l.number >= ({_EARLIER}) AND l.number < NEW.number
    AND e.at > {{0}})"""
_GOING = f"""SELECT l.id FROM audit_leaf l JOIN audit_entry e
    ON e.tenant_id = l.tenant_id AND e.id = l.id
    WHERE l.tenant_id = NEW.tenant_id AND l.number < NEW.number
    AND l.number >= ({_EARLIER} AND number < NEW.number) AND e.action NOT IN ({{0}})"""
_DELETE = "".join(
    f"DELETE FROM {table} WHERE tenant_id = NEW.tenant_id AND id IN ({_GOING});\n"
    for table in ("audit_aside", "audit_entry")
)
_REFUSE = f"BEGIN SELECT RAISE(ABORT, '{_NO}'); END"

_LIMIT = "clock_timestamp() - make_interval(days => audit_floor_days())"


def raise_wall(dialect: str) -> Iterator[str]:
    """The statements by which marks are looked at and carried out, for migrations."""
    if dialect == "postgresql":
        yield from renew_wall(dialect)
        yield (
            f"CREATE TRIGGER {CARRY_OUT} BEFORE INSERT ON {TABLE}"
            f" FOR EACH ROW EXECUTE FUNCTION {CARRY_OUT}()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        yield f"CREATE TRIGGER {TABLE}_no_{act.lower()} BEFORE {act} ON {TABLE} {_REFUSE}"
    yield f"CREATE TRIGGER {TABLE}_mark BEFORE INSERT ON {TABLE} WHEN {_IS_NO_MARK} {_REFUSE}"
    yield from renew_wall(dialect)


def renew_wall(dialect: str, kept: Sequence[str] = KEPT) -> Iterator[str]:
    """The statements after which the wall keeps these actions, for when there are others."""
    if dialect == "postgresql":
        yield (
            f"CREATE OR REPLACE FUNCTION {CARRY_OUT}() RETURNS trigger LANGUAGE plpgsql"
            f" SECURITY DEFINER SET search_path = public, pg_temp AS $${_source(kept)}$$"
        )
        return
    yield f"DROP TRIGGER IF EXISTS {CARRY_OUT}"
    yield (
        f"CREATE TRIGGER {CARRY_OUT} AFTER INSERT ON {TABLE}"
        f" BEGIN {_DELETE.format(_listed(kept))}END"
    )
    yield "DROP TRIGGER audit_entry_no_delete"
    yield (
        "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry"
        f" WHEN OLD.action IN ({_listed(kept)}) OR NOT EXISTS ("
        f" SELECT 1 FROM audit_leaf l JOIN {TABLE} p"
        " ON p.tenant_id = l.tenant_id AND p.number > l.number"
        f" WHERE l.tenant_id = OLD.tenant_id AND l.id = OLD.id) {_REFUSE}"
    )


def take_down(dialect: str) -> Iterator[str]:
    """The statements for the way back, before the table is dropped: then nothing is deleted."""
    if dialect == "postgresql":
        yield f"DROP TRIGGER {CARRY_OUT} ON {TABLE}"
        yield f"DROP FUNCTION {CARRY_OUT}"
        yield "DROP FUNCTION audit_floor_days"
        return
    yield "DROP TRIGGER audit_entry_no_delete"
    yield f"CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry {_REFUSE}"


def set_floor(dialect: str, days: int) -> Iterator[str]:
    """The statements by which the owner says how old an entry is at least that goes."""
    if dialect == "postgresql":
        yield (
            "CREATE OR REPLACE FUNCTION audit_floor_days() RETURNS integer"
            f" LANGUAGE sql IMMUTABLE AS 'SELECT {days:d}'"
        )
        return
    limit = f"strftime('%Y-%m-%d %H:%M:%f', 'now', '{-days:d} days')"
    yield f"DROP TRIGGER IF EXISTS {TABLE}_floor"
    yield (
        f"CREATE TRIGGER {TABLE}_floor BEFORE INSERT ON {TABLE}"
        f" WHEN {_HAS_YOUNGER.format(limit)} {_REFUSE}"
    )


def is_wall(function: str, source: str) -> bool:
    """Whether a function with its owner's rights is the one that carries marks out."""
    return function == CARRY_OUT and source == _source(KEPT)


def _source(kept: Sequence[str]) -> str:
    return f"""
BEGIN
IF {_IS_NO_MARK} OR {_HAS_YOUNGER.format(_LIMIT)}
THEN RAISE insufficient_privilege USING MESSAGE = '{_NO}'; END IF;
{_DELETE.format(_listed(kept))}RETURN NEW;
END
"""


def _listed(actions: Sequence[str]) -> str:
    return ", ".join(f"'{action}'" for action in actions)
