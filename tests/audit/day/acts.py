"""An act of the day, and what the audit log has to tell of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from tests.browsing import Visitor


@dataclass(frozen=True)
class Told:
    """What one entry tells."""

    action: str
    target: str
    actor_id: UUID | None
    outcome: str = "success"
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Act:
    """One request, the entries it has to leave, and the answer once it was sent.

    `data` may be a function, of what is good for one try.
    """

    browser: Visitor
    method: str
    path: str
    told: Callable[["Act"], list[Told]]
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 302
    then: Callable[[], None] = lambda: None  # what the worker does about it
    answer: TestResponse | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def do(self) -> TestResponse:
        """Send it."""
        self.answer = self.browser.open(
            self.path,
            self.method,
            data=self.data() if callable(self.data) else self.data,
            headers={"X-CSRFToken": self.browser.csrf_token, **self.headers},
        )
        self.then()
        return self.answer

    @property
    def made(self) -> UUID:
        """The id of what was made."""
        address = self.answer.json["address"] if self.answer.is_json else self.answer.location
        return UUID(address.rpartition("/")[2])


def always(told: Any) -> Callable[[Act], list[Told]]:
    return told if callable(told) else lambda _: told
