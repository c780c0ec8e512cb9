"""What the worker does beside its rounds goes on, whatever happens to a round."""

import threading

from portal.cli import threads
from portal.cli.threads import beside
from tests.conftest import on_sqlite


@on_sqlite
def test_what_breaks_a_round_off_does_not_end_the_thread(portal, monkeypatch) -> None:
    monkeypatch.setattr(threads, "AGAIN_SECONDS", 0)
    rounds, stop, is_done = [], threading.Event(), threading.Event()

    def go_round(stop: threading.Event) -> None:
        rounds.append(threading.current_thread().name)
        if len(rounds) < 3:
            raise ConnectionError("the database is away")
        is_done.set()
        stop.wait()

    with portal.app.app_context(), beside("counting", go_round, stop):
        assert is_done.wait(10)
    assert rounds == ["counting"] * 3
