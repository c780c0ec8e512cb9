"""Two tenants' people at once on the few threads of one real server: nobody sees a trace of the
other tenant, however a request goes.
"""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from uuid import uuid4

import pytest

from tests.installation import Organisation
from tests.serving import Server, serving

THREADS = CLIENTS = 4
REQUESTS = 60  # of each client


@dataclass
class Side:
    """A tenant with marks of its own in everything that a page can show."""

    organisation: Organisation
    mark: str
    pages: list[tuple[str, str, int]] = field(default_factory=list)  # who, path, status

    def prepare(self, other: Organisation) -> None:
        own, member = self.organisation, self.organisation.visit("member")
        folder = member.post("/folders", {"name": f"Folder {self.mark}"}).location
        inside = folder.rpartition("/")[2]
        sent = member.upload(f"{self.mark}.txt", self.content, inside)
        large = member.upload(f"large {self.mark}.bin", self.content * 40_000, inside)
        admin = own.visit("admin")
        form = {"role": "guest", "folder": inside, "reason": f"Reason {self.mark}"}
        assert admin.post(f"/members/{own['member'].id}/roles", form).status_code == 302
        form = {"name": f"Person {self.mark}", "email": f"{self.mark.lower()}@x.example",
                "role": "member", "folder": "", "reason": ""}  # fmt: skip
        assert admin.post("/members/new", form).status_code == 200
        foreign = other.documents["note"]
        self.pages = [
            ("member", "/documents", 200),
            ("member", folder, 200),
            ("member", sent.json["address"], 200),
            ("member", f"{sent.json['address']}/download", 200),
            ("member", f"{large.json['address']}/download", 200),
            ("member", f"{folder.replace('/documents', '')}/move", 200),
            ("member", "/members", 403),
            ("member", f"/documents/{foreign}", 404),
            ("member", f"/documents/{foreign}/download", 404),
            ("member", f"/documents/{uuid4()}", 404),
            ("admin", "/members", 200),
            ("admin", f"/members/{own['member'].id}", 200),
            ("admin", f"/members/{other['member'].id}", 404),
            ("admin", "/audit", 403),
            ("officer", "/audit", 200),
            ("officer", f"/members/{own['member'].id}", 200),
            ("", "/documents", 302),
            ("", "/auth/sign-in", 200),
            ("another's", "/documents", 302),
        ]

    @property
    def content(self) -> bytes:
        return f"Content {self.mark}.\n".encode()

    def cookie_of(self, who: str, other: Organisation) -> str:
        if who == "another's":
            return f"session={other['member'].token}"
        return f"session={self.organisation[who].token}" if who else ""


@pytest.fixture
def sides(acme, globex, present) -> tuple[Side, Side]:
    sides = Side(acme, "Xaqmek"), Side(globex, "Zoblyg")
    sides[0].prepare(globex)
    sides[1].prepare(acme)
    return sides


@pytest.fixture
def server(portal, sides) -> Iterator[Server]:
    with serving(portal.settings, PORTAL_THREADS=str(THREADS)) as server:
        yield server


def is_marked(side: Side, content: bytes) -> bool:
    traces = (side.mark, side.organisation.record.name, side.organisation.host)
    return any(trace.encode() in content for trace in traces)


def answer_to(connection: HTTPConnection, path: str, headers: dict[str, str]) -> HTTPResponse:
    """Ask on a connection that is kept open; or on a new one, where the server has given it up
    because nothing was asked for a while (RFC 9112, 9.3.1).
    """
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse()
    except ConnectionError:
        connection.close()
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def ask_at_random(
    server: Server, sides: tuple[Side, Side], seed: int
) -> list[tuple[str, str, int, bool]]:
    """One client on connections that it keeps open: a request here, a request there."""
    chance, seen = random.Random(seed), []  # noqa: S311  # to be had again by its seed
    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(HTTPConnection("127.0.0.1", server.port, timeout=20)))
            for _ in sides
        ]
        for _ in range(REQUESTS):
            at = chance.randrange(2)
            own, other, connection = sides[at], sides[1 - at], connections[at]
            who, path, expected = chance.choice(own.pages)
            cookie = own.cookie_of(who, other.organisation)
            headers = {"Host": f"{own.organisation.host}:8000", "Cookie": cookie}
            answer = answer_to(connection, path, headers)
            if path.endswith("/download") and expected == 200 and chance.random() < 0.3:
                connection.close()  # gone in the middle
                continue
            content = answer.read()
            whole = str(answer.getheaders()).encode() + content
            assert answer.status == expected, (who, path, answer.status)
            assert not is_marked(other, whole), (
                f"{path} as {who} of {own.mark} tells of {other.mark}"
            )
            seen.append((own.mark, path, answer.status, is_marked(own, whole)))
    return seen


def test_on_shared_threads_no_answer_holds_a_trace_of_the_other_tenant(server, sides) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(ask_at_random, server, sides, seed) for seed in range(CLIENTS)]
        seen = [one for client in clients for one in client.result()]
    [worker] = children_of(server.process.pid)
    assert threads_of(worker) <= THREADS + 2, "fewer than connections, so each serves both tenants"
    assert len(seen) > 200
    for side in sides:
        own = [one for one in seen if one[0] == side.mark]
        assert len(own) > 70
        assert {status for _, _, status, _ in own} == {200, 302, 403, 404}
        assert all(marked for _, _, status, marked in own if status == 200), "the marks are there"
    _, output = server.stop()
    for side in sides:
        assert not is_marked(side, output.encode()), output
        assert all(person.token not in output for person in side.organisation.people.values()
                   if person.token)  # fmt: skip
    assert "Traceback" not in output


def children_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in children.split()]


def threads_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "Threads:" in line)
