"""Somebody who waits for a lock that another transaction holds, on PostgreSQL."""

import time
from collections.abc import Callable

import psycopg
import pytest

from tests.installation import Installation


def locks_waited_for(portal: Installation) -> int:
    with psycopg.connect(portal.settings.owner_database_url.replace("+psycopg", "")) as connection:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return connection.execute(waiting).fetchone()[0]


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(500):
        if is_so():
            return
        time.sleep(0.02)
    pytest.fail("it never came to that")
