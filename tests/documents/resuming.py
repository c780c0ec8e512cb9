"""Somebody who uploads by tus, a piece at a time."""

from base64 import b64encode
from hashlib import sha1
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from tests.installation import Organisation

CREATE = "/documents/uploads/resumable"
PIECE_TYPE = "application/offset+octet-stream"


def metadata(**given: object) -> str:
    pairs = ((key, b64encode(str(value).encode()).decode()) for key, value in given.items())
    return ",".join(f"{key} {value}" for key, value in pairs)


class Sender:
    """A tus client of a person."""

    def __init__(self, organisation: Organisation, who: str = "member") -> None:
        self.organisation, self.visitor = organisation, organisation.visit(who)
        self.address = ""

    def ask(self, method: str, path: str = "", body: Any = b"", **headers: str) -> TestResponse:
        sent = {"Tus-Resumable": "1.0.0", "X-CSRFToken": self.visitor.csrf_token}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        options: dict[str, Any] = {"data": body}
        if not isinstance(body, bytes):
            length = sent.pop("Content-Length")
            options = {"environ_overrides": {"wsgi.input": body, "CONTENT_LENGTH": length}}
        return self.visitor.open(path or self.address, method, headers=sent, **options)

    def begin(self, size: int, **given: object) -> TestResponse:
        given = {"filename": "resumed.bin"} | given
        answer = self.ask(
            "POST", CREATE, Upload_Length=str(size), Upload_Metadata=metadata(**given)
        )
        self.address = answer.headers.get("Location", "")
        return answer

    def send(self, offset: int, body: Any, **headers: str) -> TestResponse:
        return self.ask(
            "PATCH", body=body, Upload_Offset=str(offset), Content_Type=PIECE_TYPE, **headers
        )

    def offset(self) -> int:
        answer = self.ask("HEAD")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        return int(answer.headers["Upload-Offset"])

    def send_all(self, content: bytes, chunk: int, start: int = 0) -> None:
        """All of a content, of which `start` bytes were sent before these."""
        for at in range(0, len(content), chunk):
            answer = self.send(start + at, content[at : at + chunk])
            assert answer.status_code == 204, answer.text
            assert answer.headers["Upload-Offset"] == str(start + min(at + chunk, len(content)))

    @property
    def row(self) -> dict[str, Any]:
        wanted = UUID(self.address.rpartition("/")[2])
        [found] = [row for row in self.organisation.portal.rows("upload") if row["id"] == wanted]
        return found

    def content(self) -> bytes:
        """What became of it, as the guest or whoever reads it."""
        return self.visitor.get(f"/documents/{self.row['document_id']}/download").data


def checksum(body: bytes) -> str:
    return f"sha1 {b64encode(sha1(body, usedforsecurity=False).digest()).decode()}"
