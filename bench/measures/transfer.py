"""100 MiB through HTTP, encrypted, against plain Flask on the same server; by the server's CPU."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from bench.client import Client
from bench.clocks import memory_of
from bench.installations import Installation
from bench.report import Line, control
from bench.rounds import Costs, ratio, side_by_side
from bench.servers import Server, portal_server, yardstick_server
from bench.visiting import signed_in
from bench.workbench import Workbench
from bench.yardsticks.plain import CONTENT, KEY
from portal.documents.cipher import Encryptor

SIZE = 100 << 20
AIMS = {"put": (1.35, 1.30), "get": (3.00, 1.50)}  # by the CPU, by the clock
RANGE, RANGE_AIM, MEMORY_AIM = 64 << 10, 5.0, 8.0  # bytes, ms, MiB
ID = r'"id":\s*"([^"]+)"'


class Peer(NamedTuple):
    """How to reach one of the two servers; each call gives (CPU, wall) seconds."""

    put: Callable[[], tuple[float, float]]
    get: Callable[[], tuple[float, float]]
    ranges: Callable[[int], list[float]]


def measure(bench: Workbench) -> Iterator[Line]:
    """PUT and GET. The plain GET is sendfile; the plain PUT writes as it reads, unflushed.

    Beside the PUT stands what it costs against the same on a server that takes bodies by as small
    pieces as the portal's, which gunicorn does not by itself. Beside the GET stands what it would
    cost to open the same content for anybody, unrecorded.
    """
    portal = bench.portal("SQLite")
    content = memoryview(secrets.token_bytes(SIZE))
    files, others = bench.folder / "files", bench.folder / "others"
    with ExitStack() as stack:
        ours = stack.enter_context(portal_server(portal.environment))
        plain = stack.enter_context(_plain_server(files))
        by_pieces = stack.enter_context(_plain_server(others, BENCH_PIECES="yes"))
        peers = {
            "portal": _portal(portal, ours, content),
            "plain": (yardstick := _plain(plain, files, content)),
            "again": yardstick,
            "by pieces": _plain(by_pieces, others, content),
        }
        for act, why in (("put", PUT_WHY), ("get", GET_WHY)):
            cpu_aim, wall_aim = AIMS[act]
            cpu, wall = _both(
                {name: getattr(peer, act) for name, peer in peers.items()}, bench.effort.rounds
            )
            yield Line(f"{act.upper()}, CPU", ratio(cpu, "portal", "plain"), cpu_aim, why)
            yield Line(f"{act.upper()}, wall", ratio(wall, "portal", "plain"), wall_aim, why)
            yield control(ratio(cpu, "again", "plain"), ratio(wall, "again", "plain"))
            if act == "put":
                costs = {"CPU": cpu, "wall": wall}
                for name, cost in costs.items():
                    value = ratio(cost, "portal", "by pieces")
                    yield Line(f"PUT against plain by small pieces, {name}", value)
        yield from _deciphering(bench, plain, yardstick, files)
        yield from _small_ones(bench, peers["portal"], ours, yardstick)


def _plain_server(folder: Path, **more: str) -> AbstractContextManager[Server]:
    folder.mkdir()
    return yardstick_server("plain", {"BENCH_FOLDER": str(folder), **more})


def _deciphering(bench: Workbench, server: Server, plain: "Peer", folder: Path) -> Iterator[Line]:
    """The least that any encrypted GET costs on this server."""
    with (folder / "sealed").open("wb", buffering=0) as file:
        sealing = Encryptor(file, KEY, CONTENT)
        sealing.write(secrets.token_bytes(SIZE))
        sealing.finish()
    client = Client(server.port)
    acts = {"sealed": lambda: _timed(server, lambda: client.fetch(f"/sealed/sealed/{SIZE}"))}
    cpu, wall = _both(acts | {"plain": plain.get}, bench.effort.rounds)
    yield Line("GET with the cipher alone, CPU", ratio(cpu, "sealed", "plain"))
    yield Line("GET with the cipher alone, wall", ratio(wall, "sealed", "plain"))


def _small_ones(bench: Workbench, peer: "Peer", server: Server, plain: "Peer") -> Iterator[Line]:
    """What a range takes, and what memory a transfer, of which no two run at once here."""
    times = bench.effort.times(1000)
    p95, median = _of_ranges(peer, times)
    note = "median {:.2f}; plain {:.2f}, median {:.2f}".format(median, *_of_ranges(plain, times))
    why = "each is one entry in the log, made durable first"
    yield Line("64 KiB out of the middle, p95 in ms", p95, RANGE_AIM, why, note)
    for name, act in (("PUT", peer.put), ("GET", peer.get)):
        most = memory_of(act, *server.trees) / (1 << 20)
        yield Line(f"{name}, memory beyond that at rest, in MiB", most, MEMORY_AIM, "")


def _of_ranges(peer: "Peer", times: int) -> tuple[float, float]:
    """Their 95th percentile and their median, in milliseconds."""
    taken = peer.ranges(times)
    return 1000 * taken[int(len(taken) * 0.95)], 1000 * taken[len(taken) // 2]


PUT_WHY = "AES-GCM and SHA-256 over every byte, and an fsync that the plain PUT does without"
GET_WHY = "AES-GCM over every byte, where sendfile touches none"


def _both(acts: dict[str, Callable[[], tuple[float, float]]], rounds: int) -> tuple[Costs, Costs]:
    """CPU and wall of the same transfers."""
    walls: dict[str, list[float]] = {name: [] for name in acts}

    def run(name: str) -> Callable[[], float]:
        def once() -> float:
            cpu, wall = acts[name]()
            walls[name].append(wall)
            return cpu

        return once

    costs = side_by_side({name: run(name) for name in acts}, rounds)
    return costs, {name: taken[1:] for name, taken in walls.items()}


def _portal(portal: Installation, server: Server, content: memoryview) -> Peer:
    client = signed_in(portal, server.port)
    page = client.get("/documents").body.decode()
    token = _found(r'name="csrf_token" value="([^"]+)"', page)

    def put() -> str:
        headers = {"X-CSRFToken": token, "X-File-Name": "big.bin"}
        return client.put("/documents/uploads", content, headers).body.decode()

    path = f"/documents/{_found(ID, put())}/download"
    return _peer(server, client, put, path, portal.settings.instance / "blobs")


def _plain(server: Server, folder: Path, content: memoryview) -> Peer:
    client = Client(server.port)

    def put() -> str:
        return client.put("/file", content).body.decode()

    path = f"/file/{_found(ID, put())}"
    return _peer(server, client, put, path, folder)


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise LookupError(f"{pattern} is not in the answer")
    return found[1]


def _peer(
    server: Server, client: Client, put: Callable[[], object], path: str, folder: Path
) -> Peer:
    kept = set(_big_files(folder))

    def put_and_drop() -> tuple[float, float]:
        spent = _timed(server, put)
        for made in set(_big_files(folder)) - kept:
            made.unlink()
        return spent

    return Peer(
        put_and_drop,
        lambda: _timed(server, lambda: client.fetch(path)),
        partial(client.latencies_of_ranges, path, SIZE, RANGE),
    )


def _timed(server: Server, act: Callable[[], object]) -> tuple[float, float]:
    before = perf_counter()
    cpu = server.cost_of(act)
    return cpu, perf_counter() - before


def _big_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size >= SIZE]
