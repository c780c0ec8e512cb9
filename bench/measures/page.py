"""the list of 50 documents with everything on, against pages with the same rows and far less."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from bench.client import Client
from bench.installations import Installation
from bench.report import Line, control
from bench.rounds import ratio, side_by_side
from bench.servers import Server, fill_yardstick, portal_server, yardstick_server
from bench.visiting import signed_in
from bench.workbench import DATABASES, Workbench
from bench.yardsticks.contents import TENANTS
from portal.documents.models import Folder
from portal.tenancy.session import db

YARDSTICKS = {
    "textbook": ("the textbook page (Flask-Login, ORM, url_for a row)", 0.60),
    "bare": ("the bare page (the driver, rows by f-string)", 3.00),
    "django_page": ("Django with django-tenants", 0.40),
}
STATEMENTS_AIM, TAIL_AIM = 4, 4.0
PATH = "/documents"


def measure(bench: Workbench) -> Iterator[Line]:
    """CPU on both databases; then statements a page, and the slowest of a thousand."""
    for database in DATABASES:
        with ExitStack() as stack:
            pages = _pages(bench, database, stack)
            pages["again"] = pages["textbook"]
            times = bench.effort.times(80)
            variants = {name: partial(cost, *page, times) for name, page in pages.items()}
            costs = side_by_side(variants, bench.effort.rounds)
            for name, (title, aim) in YARDSTICKS.items():
                if name in pages:
                    value = ratio(costs, "portal", name)
                    yield Line(f"{database}, against {title}", value, aim, WHY)
            yield control(ratio(costs, "again", "textbook"))
            if database == "SQLite":
                tails = _tails(pages, bench.effort.times(8))
    statements = _statements(bench.portal("SQLite"))
    note = "with 50, 1 and 0 rows: " + ", ".join(map(str, statements))
    yield Line("statements a page", max(statements), STATEMENTS_AIM, "", note)
    note = f"the textbook page: {tails['textbook']:.2f}"
    yield Line("p99.9 / p50 of the wall, one client", tails["portal"], TAIL_AIM, TAIL_WHY, note)


WHY = (
    "each row has four acts and 2 kB, the yardsticks' none and 0.3; "
    "what security costs is told by: layers"
)
TAIL_WHY = "the machine does other work as well"

Page = tuple[Server, Client]


def _pages(bench: Workbench, database: str, stack: ExitStack) -> dict[str, Page]:
    """The servers, all running, each with its request."""
    portal, postgres = bench.portal(database), bench.server_of(database)
    server = stack.enter_context(portal_server(portal.environment, postgres))
    pages: dict[str, Page] = {"portal": (server, signed_in(portal, server.port))}
    url = bench.new_database(database, "textbook")
    cookie = fill_yardstick("textbook", url)
    bench.analyze(url)
    for name in ("textbook", "bare"):
        pages[name] = _yardstick(name, url, cookie, postgres, stack)
    if postgres:
        url = bench.new_database(database, "django")
        cookie = fill_yardstick("django_page", url)
        bench.analyze(url)
        pages["django_page"] = _yardstick("django_page", url, cookie, postgres, stack)
    return pages


def _yardstick(name: str, url: str, cookie: str, postgres: Any, stack: ExitStack) -> Page:
    server = yardstick_server(name, {"BENCH_DATABASE_URL": url}, postgres)
    running = stack.enter_context(server)
    return running, Client(running.port, f"{TENANTS[0][0]}.localhost", {"Cookie": cookie})


def cost(server: Server, client: Client, times: int) -> float:
    """The server's CPU for so many requests, one after the other."""
    return server.cost_of(lambda: client.get_often(PATH, times))


def _tails(pages: dict[str, Page], batches: int) -> dict[str, float]:
    """The median of batches of 1,000: how many times the median the slowest but one took."""
    found: dict[str, list[float]] = {"portal": [], "textbook": []}
    for _ in range(batches):
        for name, tails in found.items():
            taken = pages[name][1].latencies(PATH, 1000)
            tails.append(taken[-2] / taken[500])
    return {name: median(tails) for name, tails in found.items()}


def _statements(portal: Installation) -> list[int]:
    """How many statements the page takes with 50 documents on it, with one and with none."""
    counts = []
    with portal.acting():
        empty, single = db.session.scalars(select(Folder.id).order_by(Folder.id).limit(2))
    for path in (PATH, f"{PATH}/folders/{single}", f"{PATH}/folders/{empty}"):
        sent: list[str] = []

        def listen(_connection: Any, _cursor: Any, sql: str, *_: Any, sent: Any = sent) -> None:
            sent.append(sql)

        client = portal.app.test_client()
        client.set_cookie("session", portal.token, domain=portal.host)
        client.get(path, base_url=f"http://{portal.host}")
        event.listen(Engine, "before_cursor_execute", listen)
        answer = client.get(path, base_url=f"http://{portal.host}")
        event.remove(Engine, "before_cursor_execute", listen)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        counts.append(len(sent))
    return counts
