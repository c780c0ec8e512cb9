"""What commands load, in a process of its own: all that is theirs to know, and no page."""

import json
import subprocess
import sys

import portal.app  # noqa: F401  # so that this process knows all
from portal.core.db import Base
from portal.keys import cells
from tests.conftest import settings_for
from tests.serving import TOP, environment

TELL = """
import json, sys
from portal.bare import create_bare_app
from portal.core.db import Base
from portal.keys import cells

create_bare_app()
print(json.dumps({
    "tables": sorted(Base.metadata.tables),
    "cells": cells.list_cells(),
    "wrapped keys": sorted(key.table for key in cells.list_wrapped_keys()),
    "pages": [name for name in sys.modules if name.startswith("portal.web")],
}))
"""


def test_without_its_pages_the_portal_knows_every_table_and_every_sealed_cell(tmp_path) -> None:
    chosen = settings_for(tmp_path)
    told = subprocess.run(
        [sys.executable, "-c", TELL], env=environment(chosen), cwd=TOP, capture_output=True,
        text=True, check=True,
    )  # fmt: skip

    assert json.loads(told.stdout) == {
        "tables": sorted(Base.metadata.tables),
        "cells": [list(cell) for cell in cells.list_cells()],
        "wrapped keys": sorted(key.table for key in cells.list_wrapped_keys()),
        "pages": [],
    }
