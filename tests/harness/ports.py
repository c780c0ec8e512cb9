"""Ports for the servers that tests start."""

import os
import socket
import subprocess
import time

START_SECONDS = 30

# Which of the processes this is that share the tests, and how many there are.
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on at this moment.

    The server that is to listen there starts only now. So that no other process of this run is
    given the port meanwhile, each has its own share of them.
    """
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port // 2 % WORKERS == WORKER:  # halved, as Linux gives odd ones only
            return port


def wait_until_open(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a server that was started takes connections; it must not end before."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("a server did not start") from None
            time.sleep(0.02)
        else:
            return
