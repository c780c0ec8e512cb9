"""One of the yardsticks in a process of its own: `python -m bench.yardsticks NAME fill|PORT`.

Given a port, it is served by gunicorn with the portal's settings. BENCH_DATABASE_URL says where
its rows are, BENCH_FOLDER where its files; the portal's own variables hold as for `portal serve`.
By BENCH_PIECES gunicorn takes what arrives as the portal has it do, else as it does by itself.
"""

import os
import sys
from importlib import import_module

from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from portal.cli.context import Factories
from portal.cli.serving import server_of, take_by_pieces


def main(name: str, task: str) -> None:
    """Make the yardstick's rows and print the cookie to use, or serve it until stopped."""
    _take_down_gates()
    yardstick = import_module(f"bench.yardsticks.{name}")
    if task == "fill":
        print(yardstick.fill())
    else:
        if os.environ.get("BENCH_PIECES"):
            take_by_pieces()
        app = yardstick.create_app
        server_of(Factories(app, app, app), "127.0.0.1", int(task)).run()


def _take_down_gates() -> None:
    """They came along with the portal's server, on every engine and session of the process."""
    for dispatch in (Engine.dispatch, Session.dispatch):
        for name in dispatch._event_names:
            getattr(dispatch, name).clear()


main(*sys.argv[1:])
