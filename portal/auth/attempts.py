"""Counting tries at a secret, before they are checked.

Every try is counted in a transaction of its own: a try that fails rolls back whatever it did, but
not that it was made, and parallel tries can't all see the same low count.

Whoever has used up their tries waits, then waits twice as long, up to a limit; what was counted
fades with time. A try that comes too early is refused and counts for nothing, so nobody makes
somebody else's wait longer by hammering.

Strangers who try one account from many places are counted together as well, as a crowd. A crowd
that has failed too often is not shut out, or the account's owner would be with it: each place has
to wait its turn before it may try once, and again after that. So an attack gets slow, and the owner
gets in from anywhere within one wait; from a browser that is known, at once (`web.devices`).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal
from portal.auth.models import Attempts
from portal.core import clock
from portal.core.ids import new_id
from portal.core.settings import active
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db, release

FIRST_WAIT = timedelta(minutes=1)
DOUBLES_WITH = 10  # the wait doubles with each further tenth of a limit
HALF_LIFE_IN_WAITS = 4
KEPT_FOR = timedelta(days=1)
NO_WAIT = timedelta()
CLOCKS_DIFFER_BY = timedelta(seconds=1)  # of the machines that workers run on
NEVER = datetime.fromtimestamp(0, UTC)

Limit = tuple[int, str]  # how many tries at once, and the subject that they are counted for


class TooManyAttempts(RecordedRefusal):
    """A secret was tried too often lately."""

    status = 429
    action = Action.SIGN_IN_LIMITED

    def __init__(self, target: str, wait: timedelta) -> None:
        minutes = -(-wait // timedelta(minutes=1))
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(target, f"Too many attempts. Please wait {minutes} {unit} and try again.")
        self.wait_seconds = -(-wait // timedelta(seconds=1))


def reserve(target: str, *limits: Limit, crowds: Sequence[Limit] = ()) -> None:
    """Count one try against each of these. Raises `TooManyAttempts` while any limit has to wait.

    In a crowd that failed too often the first limit has to wait its turn. Commits. Called before
    anything else was written in this unit of work.
    """
    release()
    everything = (*limits, *crowds)
    counters = _lock(subject for _, subject in everything)
    now = clock.now()  # not before: whoever was let in first has counted first
    own = counters[limits[0][1]]
    crowd_wait = max((_wait(_left(counters[s], now), n) for n, s in crowds), default=NO_WAIT)
    if crowd_wait and now >= own.free_at + _longest_wait():  # it has no turn, or let it pass
        own.free_at = now + crowd_wait
    wait = max(counters[subject].free_at for _, subject in limits) - now
    if is_free := wait < CLOCKS_DIFFER_BY:
        for limit, subject in everything:
            _count(counters[subject], limit, now)
        own.free_at = max(own.free_at, now + crowd_wait)
    db.session.commit()
    if not is_free:
        raise TooManyAttempts(target, wait)


def subject_of(actor: Actor, kind: str) -> str:
    """What a person's tries at a secret of their own are counted for.

    A browser that they have signed in from before counts for itself: strangers can't use up its
    tries.
    """
    device_id = actor.device_ids.get(actor.user_id) if actor.user_id else None
    return ":".join(filter(None, (kind, str(actor.user_id), device_id)))


def network_of(address: str | None) -> str:
    """What counts as one address: an IPv6 host has a whole /64 to choose from."""
    if not address:
        return ""
    parsed = ip_address(address)
    return address if parsed.version == 4 else str(ip_network((parsed, 64), strict=False))


def forget(*subjects: str) -> None:
    """Start over for these subjects, after a try that succeeded."""
    db.session.execute(
        delete(Attempts).where(Attempts.subject_hash.in_([_hash(s) for s in subjects]))
    )


def take_back(*subjects: str) -> None:
    """Count one try less for each of these: it was right, so it was no guess."""
    for subject_hash in sorted(map(_hash, subjects)):  # in the order in which `_lock` takes them
        change(
            update(Attempts)
            .where(Attempts.subject_hash == subject_hash, Attempts.count >= 1)
            .values(count=Attempts.count - 1)
            .execution_options(synchronize_session=False)
        )


def sweep() -> None:
    """Delete counts that have faded to nothing."""
    db.session.execute(delete(Attempts).where(Attempts.free_at < clock.now() - KEPT_FOR))


def _lock(subjects: Iterable[str]) -> Mapping[str, Attempts]:
    """The counters of these subjects, nobody else's until the next commit."""
    by_hash = {_hash(subject): subject for subject in subjects}
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    new = [
        {"id": new_id(), "subject_hash": subject_hash, "count": 0, "free_at": NEVER}
        for subject_hash in sorted(by_hash)  # in one order: two who want the same never wait
    ]  # for each other
    statement = (
        dialect.insert(Attempts)
        .values(new)
        .on_conflict_do_update(
            index_elements=["tenant_id", "subject_hash"], set_={"count": Attempts.count}
        )
        .returning(Attempts)
        .execution_options(populate_existing=True)
    )
    return {by_hash[row.subject_hash]: row for row in db.session.scalars(statement)}


def _count(counter: Attempts, limit: int, now: datetime) -> None:
    counter.count = min(_left(counter, now) + 1, limit * 2)
    counter.free_at = now + _wait(counter.count, limit)


def _left(counter: Attempts, now: datetime) -> float:
    """What has not faded yet. It begins to fade once the next try is free."""
    half_lives = max(now - counter.free_at, NO_WAIT) / (_longest_wait() * HALF_LIFE_IN_WAITS)
    return float(counter.count * 0.5**half_lives)


def _wait(count: float, limit: int) -> timedelta:
    """How long the next try has to wait after so many."""
    excess = round(count) - limit
    if excess < 0:
        return NO_WAIT
    return min(FIRST_WAIT * 2 ** (excess * DOUBLES_WITH / limit), _longest_wait())


def _longest_wait() -> timedelta:
    return timedelta(minutes=active().attempts_window_minutes)


def _hash(subject: str) -> bytes:
    return hashlib.sha256(f"{bound_tenant_id()}\0{subject}".encode()).digest()
