"""The databases that migrations are tried on."""

import pytest

from tests.installation import OWNER


@pytest.fixture
def empty(database, tmp_path, request):
    """The owner's address of a database with nothing in it."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'control.db'}"
        return
    server = request.getfixturevalue("postgresql")
    yield server.create_database("migrated", owner=OWNER)
    server.drop_database("migrated")
