"""The documentation is run: its commands, its paths, its links."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.ports import free_port
from tests.serving import Server, wait_until_ready

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```(?P<kind>[\w ]+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]+)\)")


def blocks(page, kind):
    return [match["text"] for match in BLOCK.finditer(page.read_text()) if match["kind"] == kind]


@pytest.fixture
def shell(tmp_path):
    """Environment in which `portal` is the checkout's and the instance is a new folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return {"cwd": tmp_path, "env": kept | {"PATH": path, "PORTAL_PASSWORD_MEMORY_KIB": "8"}}


def test_the_operators_commands_work_one_after_the_other(shell):
    script = "set -eux\n" + "\n".join(blocks(ROOT / "docs/operators.md", "sh"))

    done = subprocess.run(
        ["bash", "-c", script], **shell, check=False, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "initech.localhost" in done.stdout
    assert done.stdout.count("/auth/invitations/") == 3


def test_what_the_operator_leaves_running_runs(shell):
    port = free_port()
    script = blocks(ROOT / "docs/operators.md", "sh serve")[0].replace("8000", str(port))
    serve, worker = script.strip().splitlines()
    subprocess.run(["portal", "db", "upgrade"], **shell, check=True, capture_output=True)
    running = [
        subprocess.Popen(
            command.split(),
            **shell,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for command in (serve, worker)
    ]
    said = []
    try:
        wait_until_ready(Server(running[0], port))
        assert [process.poll() for process in running] == [None, None]
    finally:
        for process in running:
            process.terminate()
            said += process.communicate(timeout=30)
    assert [process.returncode for process in running] == [0, 0], said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_that_are_named_exist(page):
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = "\n".join(match["text"] for match in BLOCK.finditer(page.read_text()))
    code += "\n".join(re.findall(r"`([^`\n]+)`", page.read_text()))

    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    broken = [
        link["path"]
        for link in LINK.finditer(page.read_text())
        if not (page.parent / link["path"]).exists()
    ]

    assert broken == []


def test_the_paths_a_newcomer_is_sent_to_exist():
    paths = re.findall(r"`([\w.-]+/[\w./-]*)`", (ROOT / "docs/where.md").read_text())

    assert len(paths) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []
