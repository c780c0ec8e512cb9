"""Folders and documents."""

import re
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from uuid import UUID

from tests.audit.day.acts import Act, Told
from tests.audit.day.marks import (
    CONTENT,
    FILE,
    FOLDER,
    NOTE,
    OTHER_FILE,
    OTHER_FOLDER,
    OTHER_NOTE,
)
from tests.audit.day.scene import Scene


class Contents(Scene):
    """Folders and documents."""

    def _folders(self) -> Iterator[Act]:
        post, who = self._poster(self.member), self.acme["member"].id
        top = post("/folders", {"name": FOLDER}, lambda a: [
            Told("folder.created", f"folder:{a.made}", who, detail={"folder": None})
        ])  # fmt: skip
        yield top
        inner = post("/folders", {"name": "Inner", "parent": top.made}, lambda a: [
            Told("folder.created", f"folder:{a.made}", who, detail={"folder": str(top.made)})
        ])  # fmt: skip
        yield inner
        path, target = f"/folders/{inner.made}", f"folder:{inner.made}"
        yield post(f"{path}/rename", {"name": OTHER_FOLDER}, [Told("folder.renamed", target, who)])
        moved = {"came_from": str(top.made), "folder": None}
        yield post(
            f"{path}/move", {"folder": ""}, [Told("folder.moved", target, who, detail=moved)]
        )
        yield post(f"{path}/delete", {}, [Told("folder.deleted", target, who)])
        yield post(f"{path}/restore", {}, [Told("folder.restored", target, who)])

    def _documents(self) -> Iterator[Act]:
        post, who = self._poster(self.member), self.acme["member"].id
        shared = str(self.acme.folders["shared"])
        headers = {"X-File-Name": FILE.replace(" ", "%20"), "X-Folder": shared}
        sent = Act(self.member, "PUT", "/documents/uploads", lambda a: [
            Told("document.uploaded", f"document:{a.made}", who, detail={
                "folder": shared,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(a.made),
            })
        ], CONTENT, headers, status=201)  # fmt: skip
        yield sent
        path, target = f"/documents/{sent.made}", f"document:{sent.made}"
        yield Act(self.member, "PUT", f"{path}/versions", lambda _: [
            Told("version.uploaded", target, who, detail={
                "number": 2,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(sent.made),
            })
        ], CONTENT, {"X-Note": NOTE.replace(" ", "%20")}, status=201)  # fmt: skip
        yield self._get(self.member, f"{path}/download", [
            Told("document.downloaded", target, who, detail={"range": None, "version": 2})
        ])  # fmt: skip
        yield Act(self.member, "GET", f"{path}/download", lambda _: [
            Told("document.downloaded", target, who, detail={"range": "bytes=0-4", "version": 2})
        ], headers={"Range": "bytes=0-4"}, status=206)  # fmt: skip
        plan = f"document:{self.acme.documents['plan']}"
        yield Act(self.member, "GET", f"/documents/folders/{shared}/archive", lambda _: [
            Told("folder.downloaded", f"folder:{shared}", who, detail={
                "documents": 2, "size_bytes": self._size_of(plan) + len(CONTENT),
            }),
            Told("document.downloaded", plan, who, detail={"range": None, "version": 1}),
            Told("document.downloaded", target, who, detail={"range": None, "version": 2}),
        ], status=200)  # fmt: skip
        yield self._get(self.member, f"{path}/preview", [
            Told("document.previewed", target, who, detail={"version": 2, "page": 1})
        ])  # fmt: skip
        yield from self._versions(sent.made)
        renamed = [Told("document.renamed", target, who)]
        yield post(f"{path}/rename", {"name": OTHER_FILE}, renamed)
        moved = {"came_from": shared, "folder": None}
        yield post(f"{path}/move", {"folder": ""}, [
            Told("document.moved", target, who, detail=moved)
        ])  # fmt: skip
        yield post(f"{path}/delete", {}, [Told("document.deleted", target, who)])
        yield post(f"{path}/restore", {}, [Told("document.restored", target, who)])
        chosen = {"things": [target], "folder": "", "is_meant": "1"}
        moved = {"came_from": None, "folder": None}
        yield post("/documents/many/move", chosen, [
            Told("document.moved", target, who, detail=moved)
        ])  # fmt: skip
        by = next(e for e in reversed(self.acme.log()) if e["action"] == "document.moved")
        yield post("/documents/many/undo-move", {"move": str(by["request_id"])}, [
            Told("document.moved", target, who, detail=moved)
        ])  # fmt: skip
        yield post("/documents/many/copy", chosen, lambda _: [
            Told("document.copied", f"document:{self._newest_document()}", who, detail={
                "source": target,
                "version": 4,
                "folder": None,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(self._newest_document()),
            })
        ])  # fmt: skip
        yield Act(self.member, "POST", "/documents/many/download", lambda _: [
            Told("selection.downloaded", "documents", who, detail={
                "documents": 1, "size_bytes": len(CONTENT),
            }),
            Told("document.downloaded", target, who, detail={"range": None, "version": 4}),
        ], chosen, status=200)  # fmt: skip
        starred, unstarred = (
            Told(f"document.{what}", target, who) for what in ("starred", "unstarred")
        )
        yield post(f"{path}/star", {}, [starred])
        yield post(f"{path}/unstar", {}, [unstarred])
        yield post("/documents/many/star", chosen, [starred])
        yield post("/documents/many/delete", chosen, [Told("document.deleted", target, who)])
        yield post("/documents/many/restore", chosen, [Told("document.restored", target, who)])

    def _versions(self, document: UUID) -> Iterator[Act]:
        post, who = self._poster(self.member), self.acme["member"].id
        path, target = f"/documents/{document}", f"document:{document}"
        first, second = (self._version(document, number) for number in (1, 2))
        yield self._get(self.member, f"{path}/compare?version={second}", [
            Told("document.compared", target, who, detail={"old_version": 1, "new_version": 2})
        ])  # fmt: skip
        yield post(f"{path}/versions/{first}/note", {"note": OTHER_NOTE}, [
            Told("version.noted", target, who, detail={"number": 1})
        ])  # fmt: skip
        yield post(f"{path}/versions/{first}/restore", {}, lambda _: [
            Told("version.restored", target, who, detail={
                "came_from": 1,
                "number": 3,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(document),
            })
        ])  # fmt: skip
        yield post(f"{path}/copy", {"folder": ""}, lambda a: [
            Told("document.copied", f"document:{a.made}", who, detail={
                "source": target,
                "version": 3,
                "folder": None,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(a.made),
            })
        ])  # fmt: skip
        token = self.member.csrf_token

        def form() -> dict[str, Any]:
            return {"csrf_token": token, "note": NOTE, "file": (BytesIO(CONTENT), FILE)}

        yield Act(self.member, "POST", f"{path}/versions/form", lambda _: [
            Told("version.uploaded", target, who, detail={
                "number": 4,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(document),
            })
        ], form)  # fmt: skip

    def _upload_by_form(self) -> Act:
        token, who = self.member.csrf_token, self.acme["member"].id

        def told(act: Act) -> list[Told]:
            [made] = re.findall(r'href="/documents/([0-9a-f-]{36})"', act.answer.text)
            return [Told("document.uploaded", f"document:{made}", who, detail={
                "folder": None,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(UUID(made)),
            })]  # fmt: skip

        def form() -> dict[str, Any]:
            return {"csrf_token": token, "files": (BytesIO(CONTENT), FILE)}

        return Act(self.member, "POST", "/documents/uploads/form", told, form, status=200)

    def _resumed_uploads(self) -> Iterator[Act]:
        yield self._upload_by_form()
        who, tus = self.acme["member"].id, {"Tus-Resumable": "1.0.0"}
        named = "filename " + b64encode(FILE.encode()).decode()

        def target(begun: Act) -> str:
            [row] = [row for row in self.rows("upload") if row["id"] == begun.made]
            return f"document:{row['document_id']}"

        def begin() -> Act:
            headers = {**tus, "Upload-Length": str(len(CONTENT)), "Upload-Metadata": named}
            return Act(self.member, "POST", "/documents/uploads/resumable", lambda a: [
                Told("upload.begun", target(a), who, detail={"size_bytes": len(CONTENT)})
            ], headers=headers, status=201)  # fmt: skip

        first, second = begin(), begin()
        yield first
        ended, path = target(first), f"/documents/uploads/{first.made}"
        yield Act(self.member, "DELETE", path, lambda _: [
            Told("upload.ended", ended, who)
        ], headers=tus, status=204)  # fmt: skip
        yield second
        document, path = target(second), f"/documents/uploads/{second.made}"
        sent = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        yield Act(self.member, "PATCH", path, lambda _: [
            Told("document.uploaded", document, who, detail={
                "folder": None,
                "size_bytes": len(CONTENT),
                "sealed_sha256": self._sealed_sha256(UUID(document.partition(":")[2])),
            })
        ], CONTENT, sent, status=204)  # fmt: skip
