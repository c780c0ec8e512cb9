"""No number and no id in a query is more than the database, or a page, can take."""

import pytest

from tests.conftest import on_postgresql
from tests.web.access_list import ACCESS
from tests.web.things import browser_of, own_address
from tests.web.watched import ALL, watching_queries

TAKE_GET = sorted(
    endpoint
    for endpoint, entry in ACCESS.items()
    if "GET" in entry.answers and not endpoint.endswith("static")
)
COUNTED = ("page", "after", "before", "assignments", "days")
NUMBERS = ("99999999999999999999", "-99999999999999999999", "9" * 400)
NAMED = (
    "target", "id", "person", "after", "before", "folder", "role", "copy", "at", "since",
    "folder-at", "folder-chosen", "version", "old",
)  # fmt: skip
NAMES = ("xyz", "folder:xyz", "document:", "folder:0", "0001-01-01T00:00:00+00:00")


@on_postgresql
@pytest.mark.parametrize("endpoint", TAKE_GET)
def test_no_query_is_an_error_of_ours(acme, endpoint) -> None:
    """By two who see different things, on the database whose numbers are narrower. A page that asks
    for none of the names answers as it would to any other value.
    """
    let_in = sorted(ACCESS[endpoint].let_in)
    with watching_queries() as read:
        for who in sorted({let_in[0], let_in[-1]}):
            visitor, address = browser_of(acme, who), own_address(acme, endpoint, who)
            for names, values in ((COUNTED, NUMBERS), (NAMED, NAMES)):
                for value in values:
                    read.clear()
                    asked = [(name, value) for name in names]
                    status = visitor.get(address.partition("?")[0], query_string=asked).status_code
                    assert status < 500, (who, names, value)
                    if read.isdisjoint({*names, ALL}):
                        break
