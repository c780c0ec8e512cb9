"""What commands load, in a process of its own: all that is theirs to know, and no page."""

import json
import subprocess
import sys

import portal.app  # noqa: F401  # so that this process knows all
from portal.core.db import Base
from portal.keys import cells
from tests.serving import TOP

TELL = """
import json, sys
import portal.command
from portal.core.db import Base
from portal.keys import cells

print(json.dumps({
    "tables": sorted(Base.metadata.tables),
    "cells": cells.list_cells(),
    "wrapped keys": sorted(key.table for key in cells.list_wrapped_keys()),
    "pages": [name for name in sys.modules if name.startswith("portal.web")],
}))
"""


def test_a_command_knows_every_table_and_every_sealed_cell_from_the_start() -> None:
    told = subprocess.run(
        [sys.executable, "-c", TELL], cwd=TOP, capture_output=True,
        text=True, check=True,
    )  # fmt: skip

    assert json.loads(told.stdout) == {
        "tables": sorted(Base.metadata.tables),
        "cells": [list(cell) for cell in cells.list_cells()],
        "wrapped keys": sorted(key.table for key in cells.list_wrapped_keys()),
        "pages": [],
    }
