import fcntl
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from stat import S_IMODE
from uuid import UUID

import pytest

from portal.core import clock
from portal.core.ids import new_id
from portal.storage.blobs import BlobDamaged, BlobMissing, StoreUnavailable
from portal.storage.local.store import LocalBlobs
from tests.storage.stores import ACME, GLOBEX, get, once_before, put


@pytest.fixture
def store(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs")


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


def test_what_is_not_committed_leaves_nothing_behind(store: LocalBlobs, tmp_path: Path) -> None:
    with store.create(ACME, new_id()) as writer:
        writer.write(b"given up")
    with pytest.raises(TypeError), store.create(ACME, new_id()) as writer:
        writer.write("no bytes")
    assert files_below(tmp_path) == []


def test_a_killed_writer_leaves_nothing_visible_and_is_found(
    store: LocalBlobs, tmp_path: Path
) -> None:
    blob_id = new_id()
    program = (
        "import sys, time; from pathlib import Path; from uuid import UUID;"
        "from portal.storage.local.store import LocalBlobs;"
        "store = LocalBlobs(Path(sys.argv[1]));"
        "block = store.create(UUID(sys.argv[2]), UUID(sys.argv[3])); writer = block.__enter__();"
        "writer.write(bytes(100_000)); print('written', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, tmp_path / "blobs", str(ACME), str(blob_id)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    with pytest.raises(BlobMissing):
        store.open(ACME, blob_id)
    [left] = store.list_blobs(ACME)
    assert (left.blob_id, left.is_committed) == (blob_id, False)
    assert left.size_bytes > 0
    put(store, ACME, blob_id, b"the second attempt")
    assert store.delete_unfinished(ACME, clock.now() - timedelta(hours=1)) == 0
    assert store.delete_unfinished(ACME, clock.now() + timedelta(seconds=1)) == 1
    assert get(store, ACME, blob_id) == b"the second attempt"


def test_a_blob_whose_file_was_swept_can_not_be_committed(store: LocalBlobs) -> None:
    blob_id = new_id()
    with store.create(ACME, blob_id) as writer:
        store.delete_unfinished(ACME, clock.now() + timedelta(seconds=1))
        with pytest.raises(BlobMissing):
            writer.commit()
    assert list(store.list_blobs(ACME)) == []


def test_who_is_held_up_within_a_part_is_not_overtaken(store: LocalBlobs, monkeypatch) -> None:
    blob_id, refused = new_id(), []

    def overtake() -> None:
        other = store.resume(ACME, blob_id, "")
        for attempt in (lambda: other.write_part(0, b"theirs"), lambda: other.commit(1)):
            with pytest.raises(StoreUnavailable):
                attempt()
            refused.append(attempt)

    once_before(monkeypatch, os, "pwrite", overtake)
    store.resume(ACME, blob_id, "").write_part(0, b"late")
    assert len(refused) == 2
    store.resume(ACME, blob_id, "").write_part(0, b"theirs")
    store.resume(ACME, blob_id, "").commit(1)
    assert get(store, ACME, blob_id) == b"theirs"


def test_who_was_overtaken_before_a_part_writes_nothing(store: LocalBlobs, monkeypatch) -> None:
    blob_id = new_id()

    def overtake() -> None:
        store.resume(ACME, blob_id, "").write_part(0, b"theirs")
        store.resume(ACME, blob_id, "").commit(1)

    once_before(monkeypatch, fcntl, "flock", overtake)
    with pytest.raises(BlobMissing):
        store.resume(ACME, blob_id, "").write_part(0, b"later!")
    assert get(store, ACME, blob_id) == b"theirs"
    assert [blob.is_committed for blob in store.list_blobs(ACME)] == [True]


def test_only_the_owner_may_use_files_and_folders(store: LocalBlobs, tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        put(store, ACME, new_id())
        with store.create(ACME, new_id()):
            modes = {p: S_IMODE(p.stat().st_mode) for p in (tmp_path / "blobs").rglob("*")}
    finally:
        os.umask(mask)
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_no_symbolic_link_is_followed(store: LocalBlobs, tmp_path: Path) -> None:
    blob_id = new_id()
    put(store, GLOBEX, blob_id)
    root = tmp_path / "blobs"
    (root / str(ACME)).symlink_to(root / str(GLOBEX))
    for attempt in (store.open, store.delete):
        with pytest.raises(BlobMissing):
            attempt(ACME, blob_id)
    with pytest.raises(BlobMissing):
        store.delete_tenant(ACME)
    linked_id = UUID(int=blob_id.int ^ (1 << 64))
    [path] = files_below(root / str(GLOBEX))
    path.with_name(str(linked_id)).symlink_to(path)
    with pytest.raises(BlobDamaged):
        store.open(GLOBEX, linked_id)


def test_files_that_are_not_ours_are_not_listed(store: LocalBlobs, tmp_path: Path) -> None:
    blob_id = new_id()
    put(store, ACME, blob_id)
    (tmp_path / "blobs" / str(ACME) / ".DS_Store").write_bytes(b"")
    assert [blob.blob_id for blob in store.list_blobs(ACME)] == [blob_id]


def test_content_and_name_are_durable_when_commit_returns(
    store: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is synced before it gets its name, the folder after, and so each new folder."""
    done = []
    fsync, link = os.fsync, os.link

    def noted_fsync(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def noted_link(source: Path, target: Path) -> None:
        done.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "link", noted_link)
    blob_id = UUID(int=new_id().int & ~0xFF | 0xAB)
    with store.create(ACME, blob_id) as writer:
        writer.write(b"content")
        done.clear()
        writer.commit()
    assert done[0].startswith(str(blob_id))
    assert done[1:] == [str(ACME), "a", "link", "b"]
