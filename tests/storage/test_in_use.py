"""S3 under the portal: documents that lie there, and an organisation that moves while it works."""

import errno
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from portal.audit.actor import SYSTEM
from portal.documents.integrity import rounds
from portal.documents.integrity.checking import Pace
from portal.documents.integrity.findings import DamageFound
from portal.documents.sweep import sweep_orphans
from portal.storage.blobs import StoreUnavailable
from portal.storage.chosen import blobs
from portal.storage.models import BlobHome
from tests.cli.operators import Operator
from tests.conftest import Clock, on_sqlite
from tests.docs.test_docs import ROOT, blocks
from tests.documents.resuming import Sender
from tests.harness.aws import REGION, ROLE
from tests.installation import Installation, Organisation
from tests.storage.stores import MEBIBYTE, down, refusing

CONTENT = bytes(range(256)) * 4 * 1024 * 9  # 9 MiB: two parts of a file, and of an upload to S3


@pytest.fixture
def bucket(aws) -> str:
    return aws.create_bucket()


@pytest.fixture
def given(aws, bucket) -> dict[str, str]:
    """The settings of an installation that knows both stores."""
    return {
        "blobs": f"local s3://{bucket}/portal",
        "s3_endpoint": aws.endpoint,
        "s3_region": REGION,
        "s3_role_arn": ROLE,
    }


@pytest.fixture
def both(portal, portal_with, given) -> Iterator[Installation]:
    """It puts back the files that a move takes away."""
    files = {
        path: path.read_bytes()
        for path in (portal.settings.instance / "blobs").rglob("*-*")
        if path.is_file()
    }
    yield portal_with(**given)
    for path, content in files.items():
        path.write_bytes(content)


@pytest.fixture
def operate(both, given) -> Operator:
    names = {f"PORTAL_{name.upper()}": value for name, value in given.items()}
    keys = {"AWS_ACCESS_KEY_ID": "AKIATESTS", "AWS_SECRET_ACCESS_KEY": "of-the-tests"}
    return Operator(both.settings, **names, **keys)


@pytest.fixture
def moved(both, acme, bucket, operate) -> Organisation:
    """Acme, on its way to S3, everything copied."""
    operate.do("blobs", "move", "acme", "--to", f"s3://{bucket}/portal")
    return replace(acme, portal=both)


def objects(aws, bucket) -> list[str]:
    found = aws.client().list_objects_v2(Bucket=bucket).get("Contents", ())
    return [thing["Key"] for thing in found]


def test_documents_in_s3_are_uploaded_and_read_by_range(moved, aws, bucket, both) -> None:
    member = moved.visit("member")
    before, denied = len(objects(aws, bucket)), list(aws.denied)
    made = member.upload("Large.bin", CONTENT).json["id"]
    assert len(objects(aws, bucket)) == before + 1
    assert all(key.startswith(f"portal/{moved.id}/") for key in objects(aws, bucket))
    path = f"/documents/{made}/download"
    assert member.get(path).data == CONTENT
    for start, stop in ((0, 10), (8 * MEBIBYTE - 3, 8 * MEBIBYTE + 70_000), (9_000_000, 9_437_184)):
        found = member.get(path, headers={"Range": f"bytes={start}-{stop - 1}"})
        assert (found.status_code, found.data) == (206, CONTENT[start:stop])
    for key in objects(aws, bucket):
        body = aws.client().get_object(Bucket=bucket, Key=key)["Body"].read()
        assert CONTENT[:64] not in body
    assert aws.denied == denied


def test_a_store_that_is_down_is_a_503_and_nothing_is_half_there(moved, aws, both) -> None:
    member = moved.visit("member")
    made = member.upload("Kept.bin", CONTENT[:MEBIBYTE]).json["id"]
    rows = both.rows("document_version")
    with down(aws):
        old = member.get(f"/documents/{moved.documents['note']}/download")
        assert old.status_code == 200, "the store that it is leaving still has it"
        assert member.upload("Lost.bin", CONTENT).status_code == 503
        answer = member.get(f"/documents/{made}/download")
        assert answer.status_code == 503
        assert "does not answer" in answer.text
        assert member.get("/documents").status_code == 200
    assert both.rows("document_version") == rows
    assert member.get(f"/documents/{made}/download").status_code == 200


@on_sqlite
def test_a_content_in_a_store_that_is_not_known_is_not_taken_for_missing(portal, acme) -> None:
    """What lies in the one store that is known is read, wherever the rest is said to lie."""
    member = acme.visit("member")
    here, elsewhere = (member.upload(name, CONTENT[:MEBIBYTE]).json["id"] for name in ("a", "b"))
    with acme.bound(writes=True) as session:
        session.add(BlobHome(id=acme.id, store="s3://of-another-process"))
    path_of(portal, elsewhere).unlink()
    assert member.get(f"/documents/{here}/download").data == CONTENT[:MEBIBYTE]
    assert member.get(f"/documents/{elsewhere}/download").status_code == 503
    assert "document.damaged" not in [told["action"] for told in acme.log()]


@pytest.fixture
def in_s3(moved, operate, clock) -> Organisation:
    """Acme, with its contents in S3 and nowhere else."""
    clear_a_day_later(operate, clock)
    return moved


@on_sqlite
def test_an_object_that_s3_refuses_keeps_no_other_content_from_being_read(
    in_s3, aws, bucket, both, operate
) -> None:
    refused, other = (path_of(both, str(in_s3.documents[name])).name for name in ("plan", "note"))
    aws.client().delete_object(Bucket=bucket, Key=f"portal/{in_s3.id}/{other}")
    with refusing(aws, refused):
        done = operate("document", "verify", "acme")
    assert (done.status, "2 contents read, 1 faults, 1 not to be read" in done.out) == (1, True)
    [found] = both.rows("integrity_finding")
    assert (str(found["id"]), found["fault"]) == (other, "missing")


@on_sqlite
def test_what_is_deleted_while_it_is_read_is_no_fault(in_s3, aws, bucket, both) -> None:
    member = in_s3.visit("member")
    made = member.upload("Large.bin", CONTENT).json["id"]
    answer = member.client.get(f"/documents/{made}/download", base_url=member.base)
    blocks = iter(answer.response)
    assert next(blocks)
    version = path_of(both, made).name
    both.execute(f"DELETE FROM document_version WHERE id = '{UUID(version).hex}'", in_s3)
    aws.client().delete_object(Bucket=bucket, Key=f"portal/{in_s3.id}/{version}")
    with pytest.raises(DamageFound):
        list(blocks)
    answer.close()
    assert both.rows("integrity_finding") == []
    assert "document.damaged" not in [action for action, _ in in_s3.told()]


@on_sqlite
def test_a_store_that_is_down_says_nothing_of_what_lies_there(in_s3, aws, both, operate) -> None:
    with down(aws):
        done = operate("document", "verify", "acme")
    assert (done.status, "does not answer" in done.err) == (1, True)
    assert both.rows("integrity_finding") == []
    assert [row["versions"] for row in both.rows("verification_round")] == [0]


@on_sqlite
def test_a_bucket_that_is_gone_says_nothing_of_what_lay_there(in_s3, aws, bucket, both) -> None:
    """S3 answers by 404, as for an object that is missing."""
    for key in objects(aws, bucket):
        aws.client().delete_object(Bucket=bucket, Key=key)
    aws.client().delete_bucket(Bucket=bucket)
    with in_s3.bound(writes=True) as session:
        round_id = rounds.begin()
        session.commit()
        with pytest.raises(StoreUnavailable):
            rounds.verify_next(SYSTEM, round_id, Pace(100_000))
    assert both.rows("integrity_finding") == []


@on_sqlite
def test_nobody_notices_a_move(moved, aws, bucket, both, operate, clock) -> None:
    """Read from the old store, written to the new one; moved on, and read again."""
    member = moved.visit("member")
    made = member.upload("New.txt", b"uploaded while it moves").json["id"]
    assert not path_of(both, made).exists()
    for name in moved.documents:
        answer = member.get(f"/documents/{moved.documents[name]}/download")
        assert answer.status_code == 200
    assert "may still use local until" in operate.refused("blobs", "clear", "acme")
    with moved.bound():
        held = blobs().find_note(moved.id)
    assert "3 deleted" in clear_a_day_later(operate, clock)
    assert not list(local_files(both, moved))
    with moved.bound():
        assert blobs().find_note(moved.id) == held is not None
    for document_id in (made, *moved.documents.values()):
        assert member.get(f"/documents/{document_id}/download").status_code == 200
    assert told(moved) == ["contents.moving", "contents.moved"]
    assert f"s3://{bucket}/portal\n" in operate.do("blobs", "list").out


@on_sqlite
def test_what_began_before_the_move_is_carried_over_at_its_end(
    both, acme, bucket, operate, clock
) -> None:
    """An upload that had looked up the old store, and ended after everything was copied."""
    acme = replace(acme, portal=both)
    sent = threading.Event(), threading.Event()

    class Slow:
        def __init__(self) -> None:
            self.pieces = iter((b"the first half, ", b"the second half"))

        def read(self, _size: int = -1) -> bytes:
            piece = next(self.pieces, b"")
            if piece.startswith(b"the second"):
                sent[0].set()
                sent[1].wait(20)
            return piece

    answers: list[Any] = []

    def upload() -> None:
        body = Slow()
        answers.append(
            acme.visit("member").put(
                "/documents/uploads", body, Content_Length="31", X_File_Name="Slow.txt", X_Folder=""
            )
        )

    uploading = threading.Thread(target=upload)
    uploading.start()
    sent[0].wait(20)
    operate.do("blobs", "move", "acme", "--to", f"s3://{bucket}/portal")
    sent[1].set()
    uploading.join()
    [answer] = answers
    member = acme.visit("member")
    path = f"/documents/{answer.json['id']}/download"
    assert member.get(path).data == b"the first half, the second half"
    clear_a_day_later(operate, clock)
    assert member.get(path).data == b"the first half, the second half"
    assert not list(local_files(both, acme))


@on_sqlite
def test_a_move_turns_back(moved, aws, bucket, both, operate, clock) -> None:
    member = moved.visit("member")
    made = member.upload("New.txt", b"uploaded to the bucket").json["id"]
    operate.do("blobs", "move", "acme", "--to", "local")
    assert path_of(both, made).exists()
    operate.do("blobs", "move", "acme", "--to", "local")
    clear_a_day_later(operate, clock)
    assert objects(aws, bucket) == []
    assert member.get(f"/documents/{made}/download").data == b"uploaded to the bucket"


@on_sqlite
def test_a_copy_that_differs_ends_the_move_and_nothing_is_deleted(
    moved, aws, bucket, both, operate, clock
) -> None:
    files = set(local_files(both, moved))
    [key, *_] = objects(aws, bucket)
    size = aws.client().head_object(Bucket=bucket, Key=key)["ContentLength"]
    aws.client().put_object(Bucket=bucket, Key=key, Body=b"x" * size)
    assert "differs" in clear_a_day_later(operate, clock)
    assert path_of_key(both, moved, key) in set(local_files(both, moved)) <= files


@on_sqlite
def test_deleting_meanwhile_deletes_from_both_and_orphans_are_swept_in_both(
    moved, aws, bucket, both, clock
) -> None:
    with moved.bound(writes=True):
        for store in (blobs().old, blobs().new):
            with store.create(moved.id, UUID(int=7)) as writer:
                writer.write(b"an orphan")
                writer.commit()
    clock.advance(hours=2)
    with moved.bound(writes=True):
        assert sweep_orphans() == 1, "one id"
    assert not any(key.endswith(str(UUID(int=7))) for key in objects(aws, bucket))
    assert not any(path.name == str(UUID(int=7)) for path in local_files(both, moved))


@on_sqlite
def test_a_move_does_not_end_over_an_upload_of_which_the_old_store_knows_nothing(
    both, acme, bucket, operate, clock
) -> None:
    """Less than a part of it has come, which lies in pieces of its own."""
    sender = Sender(replace(acme, portal=both))
    sender.begin(len(CONTENT))
    assert sender.send(0, CONTENT[:MEBIBYTE]).status_code == 204
    operate.do("blobs", "move", "acme", "--to", f"s3://{bucket}/portal")
    clock.advance(hours=20)
    both.renew_sessions()
    address = sender.address
    sender = Sender(replace(acme, portal=both))
    sender.address = address
    assert sender.send(MEBIBYTE, CONTENT[MEBIBYTE : 2 * MEBIBYTE]).status_code == 204
    assert "began before the move is still under way" in clear_a_day_later(operate, clock)
    assert sender.send(2 * MEBIBYTE, CONTENT[2 * MEBIBYTE :]).status_code == 204
    assert "the move is over" in clear_a_day_later(operate, clock)
    [made] = [row for row in both.rows("upload") if str(row["id"]) in address]
    path = f"/documents/{made['document_id']}/download"
    assert replace(acme, portal=both).visit("member").get(path).data == CONTENT


def test_a_move_does_not_end_while_the_old_store_is_not_all_there(
    both, acme, bucket, operate, clock
) -> None:
    """Its disk is not mounted, say. What is there then is an empty folder, or none."""
    member = replace(acme, portal=both).visit("member")
    folder = both.settings.instance / "blobs" / str(acme.id)
    elsewhere = folder.rename(folder.with_name("elsewhere"))
    operate.do("blobs", "move", "acme", "--to", f"s3://{bucket}/portal")
    said = clear_a_day_later(operate, clock)
    elsewhere.rename(folder)
    assert "new store lacks 3 contents" in said
    assert "3 deleted" in clear_a_day_later(operate, clock)
    for document_id in acme.documents.values():
        assert member.get(f"/documents/{document_id}/download").status_code == 200


@on_sqlite
def test_a_move_does_not_end_while_a_folder_of_the_old_store_can_not_be_read(
    moved, aws, bucket, both, operate, clock, monkeypatch
) -> None:
    """What lies in it was not copied."""
    [key, *_] = objects(aws, bucket)
    aws.client().delete_object(Bucket=bucket, Key=key)
    path = path_of_key(both, moved, key)
    scan = os.scandir

    def scandir(folder: Any) -> Any:
        if str(folder) == str(path.parent):
            raise OSError(errno.EIO, "Input/output error")
        return scan(folder)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        assert "does not answer" in clear_a_day_later(operate, clock)
    assert path.exists()
    clear_a_day_later(operate, clock)
    assert key in objects(aws, bucket)
    assert told(moved)[-1] == "contents.moved"


@on_sqlite
def test_wrong_moves_are_told(both, acme, operate, bucket) -> None:
    assert "names no store" in operate("blobs", "move", "acme", "--to", "s3://other").err
    assert "already" in operate("blobs", "move", "acme", "--to", "local").err
    assert "not on the move" in operate("blobs", "clear", "acme").err


@on_sqlite
def test_the_documented_commands_work(both, bucket, operate) -> None:
    [script] = blocks(ROOT / "docs/operators.md", "sh s3")
    commands = script.replace("initech", "acme").replace("bucket/prefix", f"{bucket}/portal")
    *done, last = commands.strip().splitlines()
    for command in done:
        operate.do(*command.split()[1:])
    assert last == "portal blobs clear acme"


@on_sqlite
def test_a_new_organisation_lies_in_the_first_store(both, bucket, operate) -> None:
    """And one whose store was taken out of the settings is a clear error, not an empty one."""
    first = {"PORTAL_BLOBS": f"s3://{bucket}/portal local"}
    operate.do("tenant", "create", "initech", "Initech", **first)
    assert f"s3://{bucket}/portal" in operate.do("blobs", "list").lines[-1]


def clear_a_day_later(operate: Operator, clock: Clock) -> str:
    """And be back today, when everybody is still signed in."""
    clock.advance(days=1, minutes=1)
    done = operate("blobs", "clear", "acme")
    clock.advance(days=-1, minutes=-1)
    return done.out + done.err


def told(organisation: Organisation) -> list[str]:
    return [action for action, _ in organisation.told() if action.startswith("contents.")]


def local_files(portal: Installation, organisation: Organisation) -> Iterator[Path]:
    folder = portal.settings.instance / "blobs" / str(organisation.id)
    return (path for path in folder.rglob("*") if path.is_file())


def path_of(portal: Installation, document_id: str) -> Path:
    rows = portal.rows("document_version")
    return portal.blob_path(next(row for row in rows if str(row["document_id"]) == document_id))


def path_of_key(portal: Installation, organisation: Organisation, key: str) -> Path:
    name = key.rpartition("/")[2]
    folder = portal.settings.instance / "blobs" / str(organisation.id)
    return folder / name[-2] / name[-1] / name
