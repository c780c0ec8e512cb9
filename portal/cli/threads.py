"""What the worker does beside its rounds, each in a thread of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from flask import Flask, current_app

AGAIN_SECONDS = 1.0

log = structlog.get_logger()

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
    """What breaks it off, such as a database that is away, ends no more than a round."""
    with app.app_context():
        while not stop.is_set():
            try:
                go_round(stop)
            except Exception as error:  # noqa: BLE001  # logged; it goes on from the beginning
                name = threading.current_thread().name
                log.warning("round broken off", thread=name, error=type(error).__name__)
                stop.wait(AGAIN_SECONDS)
