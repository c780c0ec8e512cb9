import json
import os
import subprocess
import sys
from pathlib import Path
from stat import S_IMODE
from threading import Thread
from uuid import UUID

import pytest

from portal.core.errors import Misconfigured
from portal.core.ids import new_id
from portal.keys.local import LocalKeys
from portal.keys.providers import KeyDamaged, KeyUnavailable

SEED = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secret" / "keys.json"


def test_a_seed_comes_back_for_its_tenant_and_version_only(path: Path) -> None:
    keys, acme, globex = LocalKeys(path), new_id(), new_id()
    keys.create(acme)
    keys.create(globex)
    wrapped = keys.wrap(acme, 1, SEED)
    assert keys.unwrap(acme, 1, wrapped) == SEED
    assert SEED not in wrapped
    for tenant_id, version, given in (
        (acme, 2, wrapped),
        (globex, 1, wrapped),
        (acme, 1, b""),
        (acme, 1, wrapped[:-1]),
        (acme, 1, wrapped + b"\0"),
        (acme, 1, bytes([wrapped[0] ^ 1]) + wrapped[1:]),
    ):
        with pytest.raises(KeyDamaged):
            keys.unwrap(tenant_id, version, given)


def test_a_tenant_without_a_key_is_refused(path: Path) -> None:
    keys = LocalKeys(path)
    with pytest.raises(KeyUnavailable):
        keys.wrap(new_id(), 1, SEED)
    with pytest.raises(KeyUnavailable):
        keys.unwrap(new_id(), 1, bytes(104))


def test_the_file_is_its_owners_only_from_the_first_moment(path: Path) -> None:
    mask = os.umask(0)
    try:
        LocalKeys(path).create(new_id())
    finally:
        os.umask(mask)
    assert {S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()} == {0o600}
    assert S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601])
def test_a_file_that_others_may_use_is_refused_with_its_mend(path: Path, mode: int) -> None:
    keys, acme = LocalKeys(path), new_id()
    keys.create(acme)
    keys.health()
    path.chmod(mode)
    with pytest.raises(Misconfigured, match=f"chmod 600 {path}"):
        LocalKeys(path)
    for use in (lambda: keys.wrap(acme, 1, SEED), keys.health, lambda: keys.create(new_id())):
        with pytest.raises(Misconfigured, match="chmod"):
            use()
    path.chmod(0o600)
    keys.health()


@pytest.mark.parametrize("is_there", [True, False])
def test_root_does_not_use_the_file_of_another_user(path, monkeypatch, is_there) -> None:
    """It would put one in its place that the portal can't read any more."""
    path.parent.mkdir()
    if is_there:
        LocalKeys(path).create(new_id())
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    owner = os.getuid() or 65_534
    os.chown(path if is_there else path.parent, owner, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Misconfigured, match=f"Run this as that user: sudo -u '#{owner}'"):
        LocalKeys(path).create(new_id())
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0\0",
        b"[]",
        b"{}",
        b'{"format": "portal-keys/v2", "tenants": {}}',
        b'{"format": "portal-keys/v1", "tenants": []}',
        b'{"format": "portal-keys/v1", "tenants": {"acme": "AAAA"}}',
        b'{"format": "portal-keys/v1", "tenants": {"%s": "AAAA"}}' % str(UUID(int=1)).encode(),
    ],
)
def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    LocalKeys(path)
    path.write_bytes(content)
    with pytest.raises(Misconfigured, match="backup"):
        LocalKeys(path)
    assert path.read_bytes() == content


def test_a_file_that_vanished_is_not_made_anew(path: Path) -> None:
    keys, acme = LocalKeys(path), new_id()
    keys.create(acme)
    path.unlink()
    for use in (lambda: keys.wrap(acme, 1, SEED), keys.health, lambda: keys.create(new_id())):
        with pytest.raises(KeyUnavailable):
            use()
    assert not path.exists()


def test_making_a_key_again_keeps_the_one_that_is_there(path: Path) -> None:
    keys, acme = LocalKeys(path), new_id()
    keys.create(acme)
    wrapped = keys.wrap(acme, 1, SEED)
    keys.create(acme)
    assert keys.unwrap(acme, 1, wrapped) == SEED


def test_a_tenant_that_another_process_made_is_known_at_once(path: Path) -> None:
    server, command, acme = LocalKeys(path), LocalKeys(path), new_id()
    command.create(acme)
    assert server.unwrap(acme, 1, command.wrap(acme, 1, SEED)) == SEED


def test_a_destroyed_key_is_gone_everywhere_and_from_the_file(path: Path) -> None:
    keys, other, acme, globex = LocalKeys(path), LocalKeys(path), new_id(), new_id()
    keys.create(acme)
    keys.create(globex)
    wrapped, kept = keys.wrap(acme, 1, SEED), keys.wrap(globex, 1, SEED)
    secret = json.loads(path.read_bytes())["tenants"][str(acme)]
    with path.open("rb") as old:
        for _ in range(2):  # the second time there is nothing to do
            keys.destroy(acme)
        assert set(old.read()) == {0}  # what a copy of the disk would find
    for process in (keys, other):
        with pytest.raises(KeyUnavailable):
            process.unwrap(acme, 1, wrapped)
        assert process.unwrap(globex, 1, kept) == SEED
    assert not any(secret.encode() in p.read_bytes() for p in path.parent.iterdir())
    keys.create(acme)
    with pytest.raises(KeyDamaged):
        keys.unwrap(acme, 1, wrapped)


def test_no_earlier_file_keeps_a_secret(path: Path) -> None:
    """Any organisation that comes or goes has a new file made of the one that held it."""
    keys, acme = LocalKeys(path), new_id()
    keys.create(acme)
    with path.open("rb") as before:
        keys.create(new_id())
        assert set(before.read()) == {0}
    assert sorted(p.name for p in path.parent.iterdir()) == ["keys.json", "keys.json.lock"]


@pytest.mark.parametrize("by", ["the next start", "the same command again"])
def test_what_a_crash_left_is_overwritten(path: Path, monkeypatch, by) -> None:
    keys, acme, globex = LocalKeys(path), new_id(), new_id()
    keys.create(acme)
    keys.create(globex)
    wrapped = keys.wrap(globex, 1, SEED)
    real = Path.rename

    def rename_and_crash(source: Path, target: Path) -> None:
        real(source, target)
        raise SystemExit

    with path.open("rb") as before:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", rename_and_crash)
            with pytest.raises(SystemExit):
                keys.destroy(acme)
        assert set(before.read()) != {0}
        if by == "the next start":
            LocalKeys(path)
        else:
            keys.destroy(acme)
        before.seek(0)
        assert set(before.read()) == {0}
    assert sorted(p.name for p in path.parent.iterdir()) == ["keys.json", "keys.json.lock"]
    assert LocalKeys(path).unwrap(globex, 1, wrapped) == SEED


def test_processes_and_threads_that_add_tenants_at_once_lose_none(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from uuid import UUID;"
        "from portal.keys.local import LocalKeys;"
        "keys = LocalKeys(Path(sys.argv[1])); print(flush=True); sys.stdin.readline();"
        "[keys.create(UUID(name)) for name in sys.argv[2:]]"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    batches = [[new_id() for _ in range(15)] for _ in range(4)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, path, *map(str, batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        for batch in batches[:2]
    ]
    for process in processes:  # started and waiting for the word
        assert process.stdout.readline()
    keys = LocalKeys(path)
    threads = [Thread(target=lambda b=batch: [keys.create(t) for t in b]) for batch in batches[2:]]
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.close()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        with process:
            assert process.wait(30) == 0
    known = json.loads(path.read_bytes())["tenants"]
    assert set(known) == {str(tenant_id) for batch in batches for tenant_id in batch}
    assert len(set(known.values())) == 60


def test_a_crash_before_the_new_file_is_in_place_harms_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, acme, globex = LocalKeys(path), new_id(), new_id()
    keys.create(acme)
    wrapped = keys.wrap(acme, 1, SEED)

    def crash(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", crash)
        for act in (keys.create, keys.destroy):
            with pytest.raises(SystemExit):
                act(globex if act == keys.create else acme)
            assert Path(f"{path}.new").exists()
            assert LocalKeys(path).unwrap(acme, 1, wrapped) == SEED
    keys.create(globex)
    assert not Path(f"{path}.new").exists()
    assert LocalKeys(path).unwrap(acme, 1, wrapped) == SEED
    assert LocalKeys(path).unwrap(globex, 1, keys.wrap(globex, 1, SEED)) == SEED


def test_a_new_key_is_durable_when_create_returns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, done = LocalKeys(path), []
    fsync, rename = os.fsync, Path.rename

    def noted_fsync(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def noted_rename(source: Path, target: Path) -> None:
        done.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    keys.create(new_id())
    assert done == ["keys.json.new", "rename", "secret", "keys.json.old"]


def test_a_reader_that_meets_the_overwritten_file_reads_its_successor(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, acme = LocalKeys(path), new_id()
    keys.create(acme)
    whole, blank = path.read_bytes(), bytes(path.stat().st_size)
    contents = iter([((1,), blank), ((2,), whole)])
    monkeypatch.setattr(keys, "_content", lambda: next(contents))
    assert keys.unwrap(acme, 1, LocalKeys(path).wrap(acme, 1, SEED)) == SEED
