"""Shapes of statements, and the judge of what they may answer behind which wall.

A shape is a function of a session and a `Subject`. It is tried on every model in every world, and
what it gives, and what it leaves in the database, must be what it gives and leaves where the bound
tenant is alone; or it must be refused, where that is what the shape says.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import Row
from sqlalchemy.exc import NoInspectionAvailable, SQLAlchemyError

from portal.tenancy.errors import IsolationError
from tests.isolation.rows import stands_alone
from tests.isolation.subjects import NotApplicable, Subject, subjects
from tests.isolation.worlds import State, World, is_own

OWN = "answers as if the tenant were alone"
REFUSED = "is refused by the portal"
FAILS = "fails in the database, or is refused"

EITHER = "answers as if the tenant were alone, or fails"
UNTRIED = "is tried elsewhere"
WALLED = {"sqlite": EITHER, "postgresql": FAILS}  # in a file of one's own anything goes

# What guards a statement is the same for every model: each shape is tried on some, and each model
# by some shapes of each kind. All with all takes a quarter of an hour: EVERY_MODEL=1 does it.
SOME_MODELS = 12
TRIES_EVERY_MODEL = bool(os.environ.get("EVERY_MODEL"))

Outcome = str | dict[str, str]
Run = Callable[[Any, Subject], Any]


@dataclass(frozen=True)
class Shape:
    """One way to ask or to write, with what must come of it behind each wall."""

    run: Run
    filter: Outcome
    wall: Outcome
    only: str | None
    writes: bool
    models: int | None
    place: int = 0  # among the shapes of its kind

    def __str__(self) -> str:
        return self.run.__name__.strip("_")

    def subjects(self) -> list[Subject]:
        """The models it is tried on: all, or a few from all over, others for each shape in turn.

        Those that refer to others come late in the order, so a few in a row could be none of them.
        One of the few stands alone: what a foreign key refuses says nothing about the walls.
        """
        step = -(-len(subjects()) // self.models) if self.models else 1
        few = subjects()[self.place % step :: step]
        if any(stands_alone(subject.table) for subject in few):
            return few
        return [*few[:-1], next(s for s in subjects() if stands_alone(s.table))]

    def expected(self, world: str) -> str:
        """What must come of it in the world of that name."""
        dialect, walls = world.split("-")
        if self.only not in (None, dialect):
            return UNTRIED
        outcome = self.wall if walls == "wall" else self.filter
        return outcome if isinstance(outcome, str) else outcome[dialect]


class Shapes:
    """A list of shapes that fills itself by decorators."""

    def __init__(self, *, writes: bool = False, models: int | None = SOME_MODELS) -> None:
        self.all: list[Shape] = []
        self._writes = writes
        self._models = None if TRIES_EVERY_MODEL else models

    def __iter__(self) -> Iterator[Shape]:
        return iter(self.all)

    def __call__(
        self,
        run: Run | None = None,
        *,
        filter: Outcome = OWN,  # noqa: A002  # the name of the wall
        wall: Outcome = OWN,
        only: str | None = None,
    ) -> Any:
        """Add a shape: bare, or with what the filter and the wall alone must make of it."""
        if run is None:
            return lambda run: self(run, filter=filter, wall=wall, only=only)
        self.all.append(Shape(run, filter, wall, only, self._writes, self._models, len(self.all)))
        return run


@dataclass(frozen=True)
class Attempt:
    """What came of a shape: an answer or an error, and the rows that would come and go."""

    answer: Any = None
    error: Exception | None = None
    changes: State = frozenset()

    @property
    def own(self) -> Any:
        """What may be compared with the same attempt where the tenant is alone."""
        kind = type(self.error).__name__ if self.error else None
        return self.answer, kind, frozenset(filter(is_own, self.changes))


class Judge:
    """Tries shapes in worlds, and remembers what they did where the tenant is alone."""

    def __init__(self) -> None:
        self._alone: dict[tuple[str, Run, str], Any] = {}

    def faults(self, shape: Shape, world: World, alone: World) -> list[str]:
        """What is wrong, and with which model."""
        faults = []
        answers = 0
        for subject in shape.subjects():
            try:
                got = attempt(world, shape, subject)
            except NotApplicable:
                continue
            answers += got.error is None
            fault = self._fault(shape, subject, got, world, alone)
            if fault:
                faults.append(f"{subject.table.name} {fault}")
        if shape.expected(world.name) == OWN and not answers:
            faults.append(f"no model was answered: {got.error!r}")
        return faults

    def _fault(
        self, shape: Shape, subject: Subject, got: Attempt, world: World, alone: World
    ) -> str | None:
        expected = shape.expected(world.name)
        if not all(is_own(row) for row in got.changes):
            return f"changed a row of another tenant: {got.changes}"
        if expected == REFUSED and not isinstance(got.error, IsolationError):
            return f"was not refused: {got.error or got.answer!r}"
        if expected == FAILS and got.error is None:
            return f"did not fail: {got.answer!r}"
        if expected == OWN or (expected == EITHER and got.error is None):
            should = self._attempt_alone(shape, subject, alone)
            if got.own != should:
                return f"gave {got.own}\ninstead of {should}\n{got.error}"
        return None

    def _attempt_alone(self, shape: Shape, subject: Subject, alone: World) -> Any:
        at = (alone.name, shape.run, subject.table.name)
        if at not in self._alone:
            self._alone[at] = attempt(alone, shape, subject).own
        return self._alone[at]


def attempt(world: World, shape: Shape, subject: Subject) -> Attempt:
    """Try a shape on a model, and undo what it did."""
    with world.acting() as session:
        try:
            answer = comparable(shape.run(session, subject))
            session.flush()
        except (IsolationError, SQLAlchemyError) as error:
            return Attempt(error=error)
        return Attempt(answer, changes=world.changes(session) if shape.writes else frozenset())


def fetched(result: Any) -> Any:
    """The rows of a result, or how many were changed if it has none."""
    return result.all() if getattr(result, "returns_rows", True) else result.rowcount


def comparable(answer: Any) -> Any:
    """An answer as something that can be compared: rows in any order, objects by their columns."""
    if isinstance(answer, Row | tuple):
        return tuple(comparable(part) for part in answer)
    if isinstance(answer, list | set | frozenset):
        return sorted((comparable(part) for part in answer), key=repr)
    if isinstance(answer, dict):
        return {key: comparable(value) for key, value in answer.items()}
    try:
        state = inspect(answer)
    except NoInspectionAvailable:
        return answer
    columns = {key: value for key, value in state.dict.items() if key in state.mapper.columns}
    return type(answer).__name__, columns
