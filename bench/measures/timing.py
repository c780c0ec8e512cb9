"""what time tells of an account: the medians of interleaved tries, known against unknown."""

import re
from collections.abc import Callable, Iterator
from itertools import count
from statistics import median
from time import perf_counter

from sqlalchemy import delete
from werkzeug.test import Client

from bench.installations import Installation
from bench.report import Line
from bench.workbench import DATABASES, Workbench
from bench.yardsticks.contents import PEOPLE
from portal.auth.credentials import hash_new_password, set_password
from portal.auth.models import Attempts
from portal.tenancy.session import db
from portal.users.queries import find_user_by_email
from portal.web.fresh import in_fresh_context

AIM = 1.05
TRIES, WARMING_UP = 200, 10
KNOWN, UNKNOWN = PEOPLE[0][0], "n" + PEOPLE[0][0]
WHY = "something is done for one of the two only"


def measure(bench: Workbench) -> Iterator[Line]:
    """A wrong password at the sign-in, and a forgotten one, by the clock that strangers have."""
    for database in DATABASES:
        portal = bench.portal(database)
        with portal.acting(writes=True):
            user = find_user_by_email(KNOWN)
            if user is None:
                raise LookupError(KNOWN)
            set_password(user, hash_new_password(user, "seventeen purple lighthouses"))
            db.session.commit()
        stranger = Stranger(portal)
        doors = {"sign-in": stranger.sign_in, "forgotten password": stranger.forget}
        for name, door in doors.items():
            known, unknown = _medians(door, bench.effort.times(TRIES))
            ratio = max(known, unknown) / min(known, unknown)
            note = f"{known * 1000:.2f} ms known, {unknown * 1000:.2f} ms unknown"
            yield Line(f"{database}, {name}", ratio, AIM, WHY, note)


def _medians(door: Callable[[str], float], tries: int) -> tuple[float, float]:
    """By turns, so that what disturbs one disturbs the other; each goes first as often."""
    taken: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    for number in range(tries + WARMING_UP):
        for email in (KNOWN, UNKNOWN) if number % 2 else (UNKNOWN, KNOWN):
            seconds = door(email)
            if number >= WARMING_UP:
                taken[email].append(seconds)
    return median(taken[KNOWN]), median(taken[UNKNOWN])


class Stranger:
    """Somebody with a browser and no end of addresses, who is never held up by the limits."""

    def __init__(self, portal: Installation) -> None:
        self._portal = portal
        self._base = f"http://{portal.host}"
        self._client = Client(in_fresh_context(portal.app))
        page = self._client.get("/auth/forgot", base_url=self._base).text
        sign_in = self._client.get("/auth/sign-in", base_url=self._base).text
        [self._token] = re.findall(r'csrf_token"[^>]* value="([^"]+)"', page + sign_in)[:1]
        self._numbers = count(1)

    def sign_in(self, email: str) -> float:
        """Try a wrong password; gives the seconds until the answer."""
        return self._post("/auth/sign-in", 401, email=email, password="wrong lighthouses")

    def forget(self, email: str) -> float:
        """Ask for a link; gives the seconds until the answer."""
        return self._post("/auth/forgot", 200, email=email)

    def _post(self, path: str, expected: int, **form: str) -> float:
        with self._portal.acting(writes=True):
            db.session.execute(delete(Attempts))
            db.session.commit()
        number = next(self._numbers)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        before = perf_counter()
        answer = self._client.post(
            path,
            base_url=self._base,
            data={"csrf_token": self._token, **form},
            environ_base={"REMOTE_ADDR": address},
            buffered=True,
        )
        seconds = perf_counter() - before
        if answer.status_code != expected:
            raise RuntimeError(f"{path}: {answer.status}")
        return seconds
