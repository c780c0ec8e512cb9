"""Systems that a log is sent to, running."""

from collections.abc import Iterator

import pytest

from tests.harness.collectors import Hook, hook


@pytest.fixture(scope="package")
def running_hook() -> Iterator[Hook]:
    with hook() as found:
        yield found


@pytest.fixture
def webhook(running_hook) -> Hook:
    """A program that has got nothing yet, and takes everything."""
    running_hook.got.clear()
    running_hook.status, running_hook.said = 204, b""
    return running_hook
