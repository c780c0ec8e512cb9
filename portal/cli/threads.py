"""What the worker does beside its rounds, each in a thread of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask, current_app

GoRound = Callable[[threading.Event], None]


@contextmanager
def beside(name: str, go_round: GoRound, stop: threading.Event) -> Iterator[None]:
    """Have `go_round` run in the application's context, until told to stop."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    thread = threading.Thread(target=_run, args=(app, go_round, stop), name=name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _run(app: Flask, go_round: GoRound, stop: threading.Event) -> None:
    with app.app_context():
        go_round(stop)
