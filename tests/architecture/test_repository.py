"""What lies in the repository works on any machine, from any mirror."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]

# Written in pieces, so that this file may lie there as well.
REGISTRIES = [
    "".join(parts)
    for parts in (
        ("py", "pi.org"), ("python", "hosted.org"), ("npm", "js.org"), ("npm", "js.com"),
        ("yarn", "pkg.com"), ("proxy.go", "lang.org"), ("cra", "tes.io"), ("ruby", "gems.org"),
        ("anaconda", ".org"), ("gcr", ".io"), ("quay", ".io"), ("artifact", "ory"), ("nexus", "3"),
    )
]  # fmt: skip
MACHINES = re.compile(
    r"(?<![\w.$}/])/(?:home|root|Users|work|workspace|builds|mnt|media|private|Volumes)/\w"
    r"|\b[A-Z]:\\\\?Users"
)
SECRETS = re.compile(
    "-----BEGIN "
    r"[A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bxox[abp]-\w{10}"
)


@cache
def texts() -> dict[str, str]:
    """What git keeps, or would with the next commit, as far as it is text."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=TOP,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a checkout of git")
    found = {}
    for name in filter(None, listed.stdout.decode().split("\0")):
        content = (TOP / name).read_bytes() if (TOP / name).is_file() else b"\0"
        if b"\0" not in content[:8192]:
            found[name] = content.decode()
    assert len(found) > 200
    return found


@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_file_names_a_registry(registry) -> None:
    """Whoever installs from a mirror must not be led elsewhere."""
    assert [name for name, text in texts().items() if registry in text.lower()] == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINES.search(line)
    ]
    assert found == []


def test_no_file_holds_a_key() -> None:
    assert [name for name, text in texts().items() if SECRETS.search(text)] == []


def test_what_an_installation_makes_is_not_kept() -> None:
    kept = [name for name in texts() if name.startswith("instance/")]
    assert [name for name in kept if not name.endswith(".gitkeep")] == []
    assert [
        n for n in texts() if n.endswith((".db", ".pyc", "keys.json", "secret_key", ".env"))
    ] == []


def test_locks_pin_everything_by_hash() -> None:
    for path in sorted((TOP / "deploy" / "locks").glob("*.txt")):
        text = path.read_text()
        pinned = re.findall(r"^([\w.-]+(?:\[[\w,-]+\])?)==", text, re.MULTILINE)
        assert pinned, path.name
        for block in re.split(r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", text, flags=re.MULTILINE)[1:]:
            assert "--hash=sha256:" in block, block[:60]
        assert not re.search(r"://|^-[ef] ", text, re.MULTILINE), path.name
