"""Counts in a Valkey (or Redis) that all workers share; where it fails, in the database.

A key names the tenant and a subject's hash, and expires once its count has faded.
"""

import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import cast

import structlog
from valkey import Valkey
from valkey.client import Pipeline
from valkey.exceptions import ValkeyError, WatchError

from portal.auth.counts.rules import UNTRIED, Count, Counts, Key
from portal.auth.counts.store import TIMEOUT_SECONDS, AttemptStore, Said, present_rules
from portal.core import clock
from portal.tenancy.binding import bound_tenant_id

AWAY_FOR = timedelta(seconds=10)  # so long nobody waits for it again
MOST_ROUNDS = 1000  # a round is lost only where somebody else's was won meanwhile

log = structlog.get_logger()


class ValkeyAttempts:
    """Counts are lasting at once, whatever becomes of the present transaction.

    While Valkey is away, tries are counted `otherwise`, from what was counted there: none goes
    uncounted, and nobody is locked out by a server that is down.
    """

    def __init__(self, address: str, otherwise: AttemptStore) -> None:
        self._otherwise = otherwise
        self._away_until = UNTRIED.free_at
        self._client = Valkey.from_url(
            address, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )

    def update(
        self, keys: Collection[Key], rule: Callable[[Counts], tuple[Counts, Said]], /
    ) -> Said:
        if clock.now() >= self._away_until:
            try:
                with self._client.pipeline() as pipe:
                    return _update(pipe, keys, rule)
            except ValkeyError as error:
                self._away_until = clock.now() + AWAY_FOR
                log.warning("tries are counted in the database", error=type(error).__name__)
        return self._otherwise.update(keys, rule)

    def sweep(self) -> None:
        self._otherwise.sweep()  # Valkey forgets by itself


def _update(
    pipe: Pipeline, keys: Collection[Key], rule: Callable[[Counts], tuple[Counts, Said]]
) -> Said:
    """By an optimistic transaction, tried again where another worker was faster."""
    names = {key: f"portal:attempts:{bound_tenant_id()}:{key.hex()}" for key in keys}
    for _ in range(MOST_ROUNDS):
        pipe.watch(*names.values())
        found = cast("list[bytes | None]", pipe.mget(*names.values()))
        after, said = rule({key: _read(value) for key, value in zip(names, found, strict=True)})
        pipe.multi()
        for key, count in after.items():
            _write(pipe, names[key], count)
        try:
            pipe.execute()
        except WatchError:
            continue
        return said
    raise WatchError("too many workers count for the same subject")


def _read(value: bytes | None) -> Count:
    if value is None:
        return UNTRIED
    tries, free_at = json.loads(value)
    return Count(tries, datetime.fromtimestamp(free_at, UTC))


def _write(pipe: Pipeline, name: str, count: Count) -> None:
    kept_for = count.free_at - present_rules().forgotten_before
    if kept_for >= timedelta(milliseconds=1):
        value = json.dumps([count.tries, count.free_at.timestamp()])
        pipe.set(name, value, px=kept_for)
    else:
        pipe.delete(name)
