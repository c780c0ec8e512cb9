"""An installation that is killed again and again, and somebody who remembers what it promised."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from portal.documents.cipher import DamagedDocument
from portal.documents.downloads import open_content
from portal.documents.models import Document, DocumentVersion
from portal.documents.sweep import sweep_orphans
from portal.storage.chosen import blobs
from tests.chaos.forking import Forker
from tests.harness.ports import free_port
from tests.installation import Installation, Organisation
from tests.serving import Server, wait_until_ready

HOURS_AGO = 3 * 3600


@dataclass
class Answer:
    """What a client got, if it got anything: None where the connection broke."""

    status: int | None = None
    body: bytes = b""


@dataclass
class World:
    """One organisation under a server that is up between the acts."""

    portal: Installation
    organisation: Organisation
    forker: Forker
    environment: dict[str, str]
    random: Random
    pid: int = 0
    port: int = 0
    sent: set[str] = field(default_factory=set)  # the contents that were sent whole, hashed
    promised: dict[str, list[str]] = field(default_factory=dict)  # by document, in their order
    digests: dict[UUID, str] = field(default_factory=dict)  # of versions that were read whole

    # --- what acts use

    def serve(self) -> None:
        """Have the server up."""
        if self.pid:
            return
        self.port = free_port()
        self.pid = self.forker.start(self.environment, "serve", "--port", str(self.port))
        wait_until_ready(Server(_Alive(), self.port))

    @contextmanager
    def killed_meanwhile(self, seconds: float) -> Iterator[None]:
        """Kill the server at some time within so many seconds of the block, or right after it."""
        killer = threading.Timer(self.random.uniform(0, seconds), self.kill)
        killer.start()
        try:
            yield
        finally:
            killer.join()

    def kill(self) -> None:
        """End the server as a power cut would."""
        self.forker.kill(self.pid)
        self.pid = 0

    def command(self, *arguments: str, seconds: float) -> None:
        """Run a command, and kill it at some time within so many seconds."""
        pid = self.forker.start(self.environment, *arguments)
        time.sleep(self.random.uniform(0, seconds))
        self.forker.kill(pid)

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
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders()
            for start in range(0, len(body), 2**18):
                connection.send(body[start : start + 2**18])
            response = connection.getresponse()
            return Answer(response.status, response.read())
        except (OSError, HTTPException):
            return Answer()
        finally:
            connection.close()

    def content(self, *sizes: int) -> bytes:
        """A new content of one of these sizes, about."""
        content = self.random.randbytes(self.random.choice(sizes) + self.random.randrange(100))
        self.sent.add(hashlib.sha256(content).hexdigest())
        return content

    def promise(self, document_id: str, content: bytes) -> None:
        """Note that the portal said it has a content."""
        self.promised.setdefault(document_id, []).append(hashlib.sha256(content).hexdigest())

    def any_document(self) -> str:
        """One that the portal promised."""
        return self.random.choice(sorted(self.promised))

    def make_old(self) -> None:
        """Have whatever lies about in files be older than an upload ever is."""
        for path in self._files():
            os.utime(path, (time.time() - HOURS_AGO,) * 2)

    def begin_move_long_ago(self) -> None:
        """Have a move that is going on be old enough to be cleared."""
        self.portal.execute("UPDATE blob_home SET moved_at = '2001-01-01'", self.organisation)

    # --- what must hold

    def check(self, *, everything: bool = False) -> None:
        """Nothing promised is lost, nothing is half there, and the log agrees with the store."""
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
            sweep_orphans()
            known = {row.id for row in session.query(DocumentVersion)}
            left = list(blobs().list_blobs(self.organisation.id))
        assert {blob.blob_id for blob in left} == known, "an orphan, or a version without its blob"
        assert all(blob.is_committed for blob in left)

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
                uploaded.append(entry["detail"]["sealed_sha256"])
            if action in ("document.purged", "version.purged"):
                for sealed_sha256 in entry["detail"]["versions"].values():
                    uploaded.remove(sealed_sha256)
            if action in ("document.uploaded", "document.moved"):
                folders[document_id] = entry["detail"]["folder"]
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

    def _files(self) -> Iterator[Path]:
        folder = self.portal.settings.instance / "blobs" / str(self.organisation.id)
        return (path for path in folder.rglob("*") if path.is_file())


class _Alive:
    """A process that `wait_until_ready` need not ask after."""

    def poll(self) -> None:
        return None
