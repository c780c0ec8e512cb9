"""The statements that the portal sends to its databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from sqlalchemy import event
from sqlalchemy.engine import Engine


@contextmanager
def statements() -> Iterator[list[str]]:
    """What any engine sends meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextmanager
def sending(words: str) -> Iterator[Event]:
    """Is set once any connection is about to send a statement with these words."""
    begun = Event()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if words in statement:
            begun.set()

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield begun
    finally:
        event.remove(Engine, "before_cursor_execute", note)
