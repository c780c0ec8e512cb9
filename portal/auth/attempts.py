"""Counting tries at a secret, before they are checked.

Every try is counted, for good, before it is checked: a try that fails rolls back whatever it did,
but not that it was made, and parallel tries can't all see the same low count. How long somebody has
to wait is said by `counts.rules`, where the counts are kept by `counts.chosen`.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import timedelta
from ipaddress import ip_address, ip_network

from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal
from portal.auth.counts.chosen import attempt_store
from portal.auth.counts.rules import NO_WAIT, UNTRIED, Counts, Key, one_less
from portal.auth.counts.store import present_rules
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db, release

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


def reserve(target: str, *limits: Limit, crowds: Sequence[Limit] = ()) -> int:
    """Count one try against each of these; gives how many the first has made lately.

    Raises `TooManyAttempts` while any limit has to wait; in a crowd that failed too often the first
    limit has to wait its turn. Commits. Called before anything else was written in this unit of
    work.
    """
    release()
    own, *_ = keyed = [(limit, _key(subject)) for limit, subject in limits]
    keyed_crowds = [(limit, _key(subject)) for limit, subject in crowds]

    def count_try(counts: Counts) -> tuple[Counts, tuple[int, timedelta]]:
        after, wait = present_rules().count_try(counts, keyed, keyed_crowds)
        return after, (round(after[own[1]].tries), wait)

    keys = [key for _, key in (*keyed, *keyed_crowds)]
    tries, wait = attempt_store().update(keys, count_try)
    db.session.commit()
    if wait > NO_WAIT:
        raise TooManyAttempts(target, wait)
    return tries


def forget(*subjects: str, taking_back: Collection[str] = ()) -> None:
    """Start over for these subjects, after a try that succeeded.

    It was no guess, so of what is `taking_back` there is one less.
    """
    forgotten = {_key(subject): UNTRIED for subject in subjects}
    keys = [*forgotten, *map(_key, taking_back)]

    def settle(counts: Counts) -> tuple[Counts, None]:
        return {key: one_less(count) for key, count in counts.items()} | forgotten, None

    attempt_store().update(keys, settle)


def take_turn(subject: str, pause: timedelta) -> bool:
    """Whether it is time again for what is to happen once in a `pause`; of many, to one alone."""
    key = _key(subject)

    def take(counts: Counts) -> tuple[Counts, bool]:
        count, is_free = present_rules().take_turn(counts[key], pause)
        return {key: count}, is_free

    return attempt_store().update([key], take)


def sweep() -> None:
    """Delete counts that have faded to nothing."""
    attempt_store().sweep()


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


def _key(subject: str) -> Key:
    return hashlib.sha256(f"{bound_tenant_id()}\0{subject}".encode()).digest()
