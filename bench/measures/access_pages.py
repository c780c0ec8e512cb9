"""Pages about access in a large organisation, against the same in a small one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine import Engine

from bench.crowds import LARGE, SMALL, Crowd, fill
from bench.installations import Installation, on_sqlite
from bench.report import Line
from bench.rounds import Costs, ratio, side_by_side
from bench.workbench import Workbench
from portal.access.decision import Member
from portal.access.people import find_actor
from portal.access.reviews.models import Unanswered
from portal.access.reviews.scope import Scope
from portal.access.reviews.service import Choices
from portal.audit.actor import Actor, ActorKind
from portal.auth.assurance import First, Second
from portal.auth.sessions import open_session
from portal.cli.context import writing
from portal.core import clock
from portal.core.ids import new_id
from portal.documents.reviews import start_review
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.queries import list_tenants
from portal.tenancy.session import db
from portal.users.queries import get_user

MILLISECONDS = 1e3
RATIO_AIM = 10.0  # the small one's pages have ten rows or fewer, the large one's fifty

PAGES = {
    "the list of members": "/members",
    "members by a part of their name": "/members?q=person+9",
    "a member": "/members/{person}",
    "the list of groups": "/groups",
    "a group": "/groups/{group}",
    "a role": "/roles/member",
    "the Access tab of a folder": "/folders/{folder}/access",
    "why can they": "/explain?email={email}&permission=document:read&target=folder:{folder}",
    "a level of the tree of folders": "/explain?folder-at={folder}:1",
    "the form of a new review": "/reviews/new",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One organisation, and a browser in which somebody is signed in who sees all of it."""

    tenant: TenantRecord
    crowd: Crowd
    client: FlaskClient

    def get(self, page: str) -> None:
        """Open a page."""
        path = PAGES[page].format(**self.crowd.named)
        answer = self.client.get(path, base_url=f"http://{self.tenant.slug}.localhost")
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status}")


def measure(bench: Workbench) -> Iterator[Line]:
    """CPU a page and its statements; then what it takes to start a review of everybody."""
    portal = on_sqlite(bench.folder / "access")
    portal.use()
    with portal.app.app_context():
        small, large = list_tenants()[:2]
    sides = {"small": _side(portal, small, SMALL), "large": _side(portal, large, LARGE)}
    for page in PAGES:
        yield _line(bench, page, sides)
    yield from _reviews(portal, sides)


def _line(bench: Workbench, page: str, sides: dict[str, Side]) -> Line:
    times = bench.effort.times(20)
    costs: Costs = side_by_side(
        {name: partial(_each, side, page, times) for name, side in sides.items()},
        bench.effort.rounds,
    )
    counts = {name: _statements(side, page) for name, side in sides.items()}
    taken = sorted(costs["large"])[len(costs["large"]) // 2]
    note = f"{taken:.1f} ms, statements {counts['small']} and {counts['large']}"
    return Line(page, ratio(costs, "large", "small"), RATIO_AIM, "", note)


def _member(user_id: UUID) -> Member:
    found = find_actor(user_id)
    if found is None:
        raise LookupError(user_id)
    return found


def _reviews(portal: Installation, sides: dict[str, Side]) -> Iterator[Line]:
    for name, side in sides.items():
        with portal.app.app_context(), acting_for(side.tenant, writes=True), _counted() as sent:
            start = time.process_time()
            start_review(
                replace(_member(side.crowd.officer), proved_at=clock.now()),
                Choices(
                    name="All",
                    scope=Scope(),
                    reviewers=frozenset({side.crowd.officer, side.crowd.person}),
                    due_at=clock.now() + timedelta(days=14),
                    on_unanswered=Unanswered.ESCALATE,
                    every_days=None,
                ),
            )
            db.session.flush()
            taken = time.process_time() - start
            db.session.rollback()
        note = f"{len(sent)} statements"
        yield Line(f"a review of everybody, {name}: seconds", taken, None, "", note)


def _side(portal: Installation, tenant: TenantRecord, size: tuple[int, int, int]) -> Side:
    with portal.app.app_context(), writing(tenant):
        crowd = fill(*size)
    with portal.app.app_context(), writing(tenant):
        token = _sign_in(crowd.officer)
    client = portal.app.test_client()
    client.set_cookie("session", token, domain=f"{tenant.slug}.localhost")
    return Side(tenant, crowd, client)


def _sign_in(user_id: UUID) -> str:
    visitor = Actor(kind=ActorKind.ANONYMOUS, address="127.0.0.1", request_id=new_id())
    return open_session(visitor, get_user(user_id), First.PASSWORD, "bench", Second.TOTP)


def _each(side: Side, page: str, times: int) -> float:
    """CPU milliseconds for one page."""
    before = time.process_time()
    for _ in range(times):
        side.get(page)
    return (time.process_time() - before) / times * MILLISECONDS


def _statements(side: Side, page: str) -> int:
    with _counted() as sent:
        side.get(page)
    return len(sent)


@contextmanager
def _counted() -> Iterator[list[str]]:
    sent: list[str] = []

    def listen(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        sent.append(sql)

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
