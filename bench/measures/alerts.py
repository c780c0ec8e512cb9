"""how long after an act an alert of it is there: by mail, at a webhook, and on the page."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from random import Random
from statistics import median
from time import monotonic

from flask.testing import FlaskClient

from bench.installations import Installation
from bench.report import Line
from bench.servers import portal_worker
from bench.visiting import form_token
from bench.workbench import DATABASES, Workbench
from bench.yardsticks.contents import PEOPLE
from portal.access.models import RoleAssignment
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM, Actor, ActorKind
from portal.audit.service import record
from portal.audit.tlog.numbering import commit
from portal.auth.assurance import First, Second
from portal.auth.sessions import open_session
from portal.cli.watching_log import watch_logs
from portal.core.ids import new_id
from portal.tenancy.session import db
from portal.users.queries import find_user_by_email
from tests.harness.collectors import hook
from tests.harness.smtp import mail_sink

EVENTS, AIM_SECONDS, PATIENCE_SECONDS = 20, 5.0, 60.0
WHY = "numbering, judging and sending each come round on their own"
ALERT = re.compile(r'href="(/alerts/[0-9a-f-]{36})"')

Ways = Mapping[str, Callable[[], object]]


def measure(bench: Workbench) -> Iterator[Line]:
    """By the wall, through a worker in a process of its own, at any moment of its rounds."""
    for database in DATABASES:
        portal = bench.portal(database)
        with mail_sink() as sink, hook() as webhook, _officer(portal) as officer:
            officer.send_alerts_to(webhook.address)
            more = {"PORTAL_SMTP_URL": f"smtp://{sink.host}:{sink.port}"}
            more |= {"PORTAL_VERIFY_EVERY_DAYS": "0"}  # these documents have no contents
            with portal_worker({**portal.environment, **more}):
                ways: Ways = {
                    "by mail": partial(len, sink.mails),
                    "at a webhook": partial(len, webhook.got),
                    "on the page": officer.list_alerts,
                }
                _wait(portal, officer, ways)  # until the worker is there
                waits = [_wait(portal, officer, ways) for _ in range(bench.effort.times(EVENTS))]
        for way in ways:
            seconds = [each[way] for each in waits]
            name, middle = f"{database}, seconds until it is {way}, at most", median(seconds)
            yield Line(name, max(seconds), AIM_SECONDS, WHY, f"median {middle:.2f}")


class _Officer:
    """A compliance officer's browser."""

    def __init__(self, client: FlaskClient, base: str) -> None:
        self._client, self._base = client, base

    def list_alerts(self) -> list[str]:
        """The open ones' pages."""
        return ALERT.findall(self._client.get("/alerts", base_url=self._base).text)

    def acknowledge(self) -> None:
        """All that are open, so that the next act raises another."""
        for alert in self.list_alerts():
            self._post(alert, f"{alert}/acknowledge", comment="seen")

    def send_alerts_to(self, address: str) -> None:
        """A webhook, which is started."""
        form = "/audit/destinations/new/webhook"
        given = {"name": "Hook", "address": address, "rhythm": "never", "wants_alerts": "y"}
        made = self._post(form, form, **given)
        [page] = set(re.findall(r"/audit/destinations/[0-9a-f-]{36}", made))
        self._post(page, f"{page}/start")

    def _post(self, page: str, to: str, /, **form: str) -> str:
        data = form | {"csrf_token": form_token(self._client, self._base, page)}
        answer = self._client.post(to, base_url=self._base, data=data)
        if answer.status_code >= 400:
            raise RuntimeError(f"{to}: {answer.status}")
        return answer.text


@contextmanager
def _officer(portal: Installation) -> Iterator[_Officer]:
    with portal.acting(writes=True):
        user = find_user_by_email(PEOPLE[1][0])
        if user is None:
            raise LookupError(PEOPLE[1][0])
        db.session.add(RoleAssignment(user_id=user.id, role="compliance-officer"))
        visitor = Actor(kind=ActorKind.ANONYMOUS, address="127.0.0.1", request_id=new_id())
        token = open_session(visitor, user, First.PASSWORD, "bench", Second.TOTP)
        db.session.commit()
    with portal.app.app_context():
        watch_logs()  # what was there before anybody watched raises none
    with portal.app.test_client() as client:
        client.set_cookie("session", token, domain=portal.host)
        yield _Officer(client, f"http://{portal.host}")


def _wait(portal: Installation, officer: _Officer, ways: Ways) -> dict[str, float]:
    """How long one act's alert takes by each way, in seconds."""
    officer.acknowledge()
    time.sleep(Random().uniform(0, 2))  # noqa: S311  # no secret
    before = {way: look() for way, look in ways.items()}
    with portal.acting(writes=True):
        record(SYSTEM, Action.BREAK_GLASS_USED, f"user:{new_id()}")
        commit()
    began, waits = monotonic(), dict[str, float]()
    while len(waits) < len(ways):
        for way, look in ways.items():
            if way not in waits and look() != before[way]:
                waits[way] = monotonic() - began
        if monotonic() - began > PATIENCE_SECONDS:
            raise TimeoutError(f"an alert came by no way but: {', '.join(waits)}")
        time.sleep(0.02)
    return waits
