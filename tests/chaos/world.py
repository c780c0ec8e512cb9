"""An installation that is killed again and again, and somebody who remembers what it promised."""

import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from portal.documents.cipher import DamagedDocument
from portal.documents.downloads import open_content
from portal.documents.models import Document, DocumentVersion
from portal.documents.sweep import list_known, sweep_orphans
from portal.keys import hierarchy
from portal.storage.chosen import blobs
from tests.chaos.forking import Forker
from tests.conftest import Clock
from tests.harness.files import content_of
from tests.harness.ports import free_port
from tests.installation import Installation, Organisation
from tests.serving import Server, wait_until_ready

HOURS_AGO = 3 * 3600
FIRST_WINDOW_SECONDS, FIRST_COMMAND_SECONDS = 0.3, 1.5
MARK = b"Kanarienvogel Jq2xw singt"  # in all contents, and to be found nowhere
MARKED_EVERY = 50_000


@dataclass
class Answer:
    """What a client got, if it got anything: None where the connection broke."""

    status: int | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Resuming:
    """An upload that goes on after a kill, and how much of it the portal said it has."""

    address: str
    content: bytes
    offset: int = 0


@dataclass
class World:
    """One organisation under a server that is up between the acts."""

    portal: Installation
    organisation: Organisation
    forker: Forker
    environment: dict[str, str]
    random: Random
    clock: Clock
    folder: Path  # of the processes' log and temporary files
    pid: int = 0
    port: int = 0
    sent: set[str] = field(default_factory=set)  # the contents that were sent whole, hashed
    promised: dict[str, list[str]] = field(default_factory=dict)  # by document, in their order
    resuming: Resuming | None = None
    windows: dict[str, float] = field(default_factory=dict)  # seconds, by what goes on
    kills: Counter[tuple[str, bool]] = field(default_factory=Counter)
    is_answered: bool = False
    digests: dict[UUID, str] = field(default_factory=dict)  # of versions that were read whole

    # --- what acts use

    def serve(self, **limits: int) -> None:
        """Have the server up."""
        if self.pid:
            return
        self.port = free_port()
        command = ("serve", "--port", str(self.port))
        self.pid = self.forker.start(self.environment, *command, **limits)
        wait_until_ready(Server(_Alive(), self.port))

    @contextmanager
    def killed_meanwhile(self, what: str) -> Iterator[None]:
        """Kill the server at some moment of the block, or right after it: half the time each."""
        killer = threading.Timer(self._moment(what), self.kill)
        killer.start()
        self.is_answered = False
        try:
            yield
        finally:
            killer.join()
            self._learn(what, was_done=self.is_answered)

    def kill(self) -> None:
        """End the server as a power cut would."""
        self.forker.kill(self.pid)
        self.pid = 0

    def command(self, *arguments: str, days_later: int = 0) -> None:
        """Run a command, and kill it at some moment."""
        what = " ".join(arguments[:2])
        self.windows.setdefault(what, FIRST_COMMAND_SECONDS)
        pid = self.forker.start(self.environment, *arguments, days_later=days_later)
        time.sleep(self._moment(what))
        self._learn(what, was_done=not self.forker.kill(pid))

    def finish(self, *arguments: str) -> None:
        """Run a command to its end."""
        self.forker.wait(self.forker.start(self.environment, *arguments))

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send a request as the member's browser would; a large body comes in pieces."""
        visitor = self.organisation.visit("member")
        sent = {
            "Host": f"{self.organisation.host}:8000",
            "Cookie": f"session={self.organisation['member'].token}; form={visitor.cookie('form')}",
            "X-CSRFToken": visitor.csrf_token,
            "Content-Length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(connection), suppress(OSError, HTTPException):
            connection.putrequest(method, path, skip_host=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders()
            for start in range(0, len(body), 2**18):
                connection.send(body[start : start + 2**18])
            response = connection.getresponse()
            answer = Answer(response.status, response.read(), dict(response.getheaders()))
            self.is_answered = True
            return answer
        return Answer()

    def _moment(self, what: str) -> float:
        return self.random.uniform(0, self.windows.setdefault(what, FIRST_WINDOW_SECONDS))

    def _learn(self, what: str, *, was_done: bool) -> None:
        """How long a thing takes depends on the machine: aim so that half of all are done."""
        self.windows[what] *= 0.8 if was_done else 1.25
        self.kills[what, was_done] += 1

    def content(self, *sizes: int) -> bytes:
        """A new content of one of these sizes, about."""
        size = self.random.choice(sizes) + self.random.randrange(100)
        marked = (MARK + self.random.randbytes(MARKED_EVERY) for _ in range(size // MARKED_EVERY))
        content = b"".join((*marked, MARK, self.random.randbytes(size % MARKED_EVERY)))
        self.sent.add(hashlib.sha256(content).hexdigest())
        return content

    def promise(self, document_id: str, content: bytes) -> None:
        """Note that the portal said it has a content."""
        self.promised.setdefault(document_id, []).append(hashlib.sha256(content).hexdigest())

    def document_of(self, address: str) -> str:
        """What became of an upload that is finished."""
        uploads = self.portal.rows("upload")
        return next(str(u["document_id"]) for u in uploads if address.endswith(str(u["id"])))

    def any_document(self) -> str:
        """One that the portal promised."""
        return self.random.choice(sorted(self.promised))

    def make_old(self) -> None:
        """Have whatever lies about in files be older than an upload ever is."""
        for path in self.files():
            os.utime(path, (time.time() - HOURS_AGO,) * 2)

    def begin_move_long_ago(self) -> None:
        """Have a move that is going on be old enough to be cleared."""
        self.portal.execute("UPDATE blob_home SET moved_at = '2001-01-01'", self.organisation)

    def leave_seeds_unused_for_long(self) -> None:
        """Have what nothing was found to need be old enough to be destroyed."""
        long_ago = "UPDATE tenant_key SET unused_since = '2001-01-01' WHERE unused_since NOT NULL"
        self.portal.execute(long_ago, self.organisation)

    # --- what must hold

    def check(self, *, everything: bool = False) -> None:
        """Nothing promised is lost, nothing is half there, and the log agrees with the store."""
        hierarchy.purge()  # each time by the seeds that there still are
        if everything:
            self.digests.clear()
        with self.organisation.bound() as session:
            documents = {row.id: row for row in session.query(Document)}
            versions = list(session.query(DocumentVersion).order_by(DocumentVersion.number))
        digests = {v.id: self._read(documents[v.document_id], v) for v in versions}
        assert set(digests.values()) <= self.sent, "half a version can be seen"
        for document_id, promised in self.promised.items():
            kept = [digests[v.id] for v in versions if str(v.document_id) == document_id]
            assert [digest for digest in kept if digest in promised] == promised, (
                "a version is lost"
            )
        for document in documents.values():
            numbers = [v.number for v in versions if v.document_id == document.id]
            assert numbers == list(range(1, document.version_number + 1)), "a half version"
        self._check_log(documents, versions)

    def sweep(self) -> None:
        """Have whatever lies about be old, and sweep: only what versions refer to is left."""
        self.make_old()
        with self.organisation.bound(writes=True) as session:
            self.clock.advance(hours=26)
            sweep_orphans()
            self.clock.advance(hours=-26)
            versions, known = {row.id for row in session.query(DocumentVersion)}, list_known()
            left = list(blobs().list_blobs(self.organisation.id))
        assert {blob.blob_id for blob in left} <= known, "an orphan"
        assert versions <= {blob.blob_id for blob in left if blob.is_committed}, "a blob is lost"

    def search(self) -> None:
        """No content lies about in clear: in files, temporary ones too, rows, logs or objects."""
        for folder in (self.portal.settings.instance, self.folder):
            for path in folder.rglob("*"):
                assert not path.is_file() or MARK not in content_of(path), path
        assert MARK.decode() not in str(self.portal.dump())
        with self.organisation.bound():
            kept = [b for b in blobs().list_blobs(self.organisation.id) if b.is_committed]
            for blob in kept:  # nobody can open what an upload that broke off has sent to S3
                with blobs().open(self.organisation.id, blob.blob_id) as opened:
                    assert MARK not in opened.read()

    def _read(self, document: Document, version: DocumentVersion) -> str:
        """The hash of a content. Of one that was read before only the beginning is."""
        digest = hashlib.sha256()
        with self.organisation.bound():
            try:
                with open_content(document, version) as opened:
                    for block in opened.read(0, version.size_bytes):
                        if version.id in self.digests:
                            break
                        digest.update(block)
            except DamagedDocument as error:
                raise AssertionError("a version can be seen and not be read") from error
        return self.digests.setdefault(version.id, digest.hexdigest())

    def _check_log(self, documents: dict[UUID, Document], versions: list[DocumentVersion]) -> None:
        uploaded, folders, trashed = [], {}, {}
        for entry in self._log():
            action, document_id = entry["action"], entry["target"].rpartition(":")[2]
            if action in ("document.uploaded", "version.uploaded"):
                uploaded.append(entry["told"]["sealed_sha256"])
            if action in ("document.purged", "version.purged"):
                for sealed_sha256 in entry["told"]["versions"].values():
                    uploaded.remove(sealed_sha256)
            if action in ("document.uploaded", "document.moved"):
                folders[document_id] = entry["told"]["folder"]
            if action in ("document.deleted", "document.restored"):
                trashed[document_id] = action == "document.deleted"
        assert sorted(uploaded) == sorted(v.sealed_sha256.hex() for v in versions)
        for document in documents.values():
            assert str(document.folder_id or None) == str(folders[str(document.id)])
            assert (document.trashed_at is not None) == trashed.get(str(document.id), False)

    def _log(self) -> list[dict[str, Any]]:
        rows = self.portal.rows("audit_entry")
        own = [row for row in rows if row["tenant_id"] == self.organisation.id]
        return sorted(own, key=lambda row: row["id"])

    def files(self) -> Iterator[Path]:
        folder = self.portal.settings.instance / "blobs" / str(self.organisation.id)
        return (path for path in folder.rglob("*") if path.is_file())


class _Alive:
    """A process that `wait_until_ready` need not ask after."""

    def poll(self) -> None:
        return None
